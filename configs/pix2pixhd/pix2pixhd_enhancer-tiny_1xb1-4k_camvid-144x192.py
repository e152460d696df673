_base_ = [
    '../_base_/models/pix2pixhd_enhancer-tiny.py',
    '../_base_/schedules/pix2pixhd_4k.py',
    '../_base_/default_runtime_synthesis.py',
]
scale = (192, 144)
crop_size = (96, 128)
model = dict(label_encoder=dict(num_classes=11, ignore_index=11))
train_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='LabelToImageDataset',
        source=dict(
            type='mmseg_ganaug.CamVidDataset',
            data_root='data/camvid',
            ann_file='splits/dev_train.txt',
            data_prefix=dict(img_path='images/train', seg_map_path='annotations/train'),
        ),
        scale=scale,
        # The photos get 2.5 times smaller: poles would fall between the samples.
        interpolation='area',
        pipeline=[
            dict(
                type='mmseg_ganaug.RandomClassCrop',
                crop_size=crop_size,
                ignore_index=11,
                prob=0.75,
            ),
            dict(type='RandomFlip', prob=0.5),
        ],
    ),
)
default_hooks = dict(checkpoint=dict(interval=1000))
custom_hooks = [
    dict(type='LabelToImageVisualizationHook', interval=1000),
    dict(type='EMAHook', ema_type='MomentumAnnealingEMA', momentum=0.001, gamma=10),
]
