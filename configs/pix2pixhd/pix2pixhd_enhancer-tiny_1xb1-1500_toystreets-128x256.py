_base_ = [
    '../_base_/models/pix2pixhd_enhancer-tiny.py',
    '../_base_/schedules/pix2pixhd_1500.py',
    '../_base_/default_runtime_synthesis.py',
]
scale = (256, 128)
model = dict(
    label_encoder=dict(num_classes=11, ignore_index=255, edges=True, class_edges=True)
)
train_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='LabelToImageDataset',
        source=dict(
            type='mmseg_ganaug.ToyStreetsDataset',
            data_root='data/toy_streets',
            data_prefix=dict(
                img_path='images/train',
                seg_map_path='annotations/train',
                inst_map_path='instances/train',
            ),
        ),
        scale=scale,
        with_instances=True,
        pipeline=[
            dict(
                type='mmseg_ganaug.RandomClassCrop',
                crop_size=(96, 128),
                ignore_index=255,
                prob=0.75,
            ),
            dict(type='RandomFlip', prob=0.5),
        ],
    ),
)
default_hooks = dict(checkpoint=dict(interval=500))
custom_hooks = [
    dict(type='LabelToImageVisualizationHook', interval=500),
    dict(type='EMAHook', ema_type='MomentumAnnealingEMA', momentum=0.002, gamma=10),
]
