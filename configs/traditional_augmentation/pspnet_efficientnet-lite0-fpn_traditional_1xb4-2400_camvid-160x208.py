_base_ = '../pspnet/pspnet_efficientnet-lite0-fpn_1xb4-2400_camvid-160x208.py'
# On top of what plain training does (scale, crop, flip, photometric distortion):
# rotation, a wider range of scales, blur, noise and contrast.
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomRotate', prob=0.5, degree=10, pad_val=0, seg_pad_val=11),
    dict(
        type='RandomResize', scale=(320, 240), ratio_range=(0.7, 2.5), keep_ratio=True
    ),
    dict(
        type='RandomCrop',
        crop_size=_base_.crop_size,
        cat_max_ratio=0.75,
        ignore_index=11,
    ),
    dict(type='RandomFlip', prob=0.5),
    dict(
        type='Albu',
        transforms=[
            dict(
                type='OneOf',
                transforms=[
                    dict(type='GaussianBlur', blur_limit=(3, 5)),
                    dict(type='GaussNoise', var_limit=(10.0, 50.0)),
                    dict(type='RandomGamma', gamma_limit=(60, 140)),
                    dict(type='CLAHE', clip_limit=3.0),
                ],
                p=0.5,
            ),
        ],
        keymap=dict(img='image'),
    ),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
