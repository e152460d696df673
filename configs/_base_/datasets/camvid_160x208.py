# Crops of CamVid at two thirds of its size, for two CPU cores: at 480 to 640 pixels
# of width they show thin things large, and validation is at 320 x 240.
_base_ = './camvid_240x320.py'
crop_size = (160, 208)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(
        type='RandomResize', scale=(320, 240), ratio_range=(0.75, 2.0), keep_ratio=True
    ),
    dict(
        type='RandomCrop',
        crop_size=crop_size,
        cat_max_ratio=0.75,
        ignore_index=11,
    ),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
