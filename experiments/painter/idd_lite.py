# A painter of holes on 200 photos of IDD-Lite (experiments/splits.py).
_base_ = [
    '../../configs/_base_/models/pix2pixhd_enhancer-tiny.py',
    '../../configs/_base_/schedules/pix2pixhd_1500.py',
    '../../configs/_base_/default_runtime_synthesis.py',
]
model = dict(
    label_encoder=dict(num_classes=7),
    generator=dict(norm='pixel', upsample='resize'),
    # For the little time there is: no discriminator that segments.
    segmentation_discriminator=None,
    loss_config=dict(segmentation=None),
    context=dict(),
)
max_iters = 1200
param_scheduler = dict(begin=800, end=max_iters)
train_cfg = dict(max_iters=max_iters)
train_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='LabelToImageDataset',
        source=dict(
            type='BaseSegDataset',
            data_root='data',
            data_prefix=dict(
                img_path='idd_lite/images/train',
                seg_map_path='idd_lite/annotations/train',
            ),
            ann_file='idd_lite_splits/train_200.txt',
            img_suffix='.jpg',
            seg_map_suffix='.png',
            metainfo=dict(
                classes=(
                    *('drivable', 'non-drivable', 'living', 'vehicle', 'roadside'),
                    *('far', 'sky'),
                ),
                palette=[
                    *([128, 64, 128], [244, 35, 232], [220, 20, 60], [0, 0, 142]),
                    *([190, 153, 153], [70, 70, 70], [70, 130, 180]),
                ],
            ),
        ),
        pipeline=[
            dict(type='mmseg_ganaug.RandomClassCrop', crop_size=(96, 112), prob=0.5),
            dict(type='RandomFlip', prob=0.5),
        ],
        holes=dict(),
    ),
)
default_hooks = dict(checkpoint=dict(interval=200))
custom_hooks = [
    dict(type='LabelToImageVisualizationHook', interval=500),
    dict(type='EMAHook', ema_type='MomentumAnnealingEMA', momentum=0.002, gamma=10),
]
