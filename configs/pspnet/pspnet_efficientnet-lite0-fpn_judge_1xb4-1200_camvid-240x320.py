# Evaluates generated photos: it has to find the rare classes where they are, also in
# photos that were painted small. For a comparison of methods, take the one without.
_base_ = [
    '../_base_/models/pspnet_efficientnet-lite0-fpn.py',
    '../_base_/datasets/camvid_240x320.py',
    '../_base_/default_runtime.py',
    '../_base_/schedules/schedule_1200_adamw.py',
    '../_base_/class_weights/camvid.json',
]
model = dict(
    data_preprocessor=dict(size=(240, 320), seg_pad_val=11),
    decode_head=dict(
        num_classes=11,
        ignore_index=11,
        loss_decode=dict(
            _delete_=True,
            type='ClassWeightedCrossEntropyLoss',
            class_weight=_base_.class_weight_sqrt,
        ),
    ),
)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(
        type='RandomResize', scale=(320, 240), ratio_range=(0.75, 2.0), keep_ratio=True
    ),
    dict(type='RandomCrop', crop_size=(240, 320), cat_max_ratio=0.75, ignore_index=11),
    dict(type='RandomFlip', prob=0.5),
    dict(
        type='Albu',
        transforms=[
            dict(
                type='Downscale',
                scale_min=0.4,
                scale_max=0.95,
                # OpenCV's INTER_AREA and INTER_LINEAR
                interpolation=dict(downscale=3, upscale=1),
                p=0.5,
            ),
        ],
        keymap=dict(img='image'),
    ),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=train_pipeline))
