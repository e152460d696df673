# dataset settings of photos and 8-bit label maps in folders of your own
# ganaug prepare --images ... --masks ... writes a config that inherits this one
# and sets its classes, folders, sizes and split.
dataset_type = 'BaseSegDataset'
classes = ['background', 'object']
palette = [[0, 0, 0], [255, 255, 255]]
metainfo = dict(classes=classes, palette=palette)
num_classes = 2
# Label value of pixels of no class. Models need it, too: in each decode head, and as
# seg_pad_val of the data preprocessor.
ignore_index = 255
scale = (192, 144)
crop_size = (144, 192)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=scale, ratio_range=(0.75, 1.5), keep_ratio=True),
    dict(
        type='RandomCrop',
        crop_size=crop_size,
        cat_max_ratio=0.75,
        ignore_index=ignore_index,
    ),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=scale, keep_ratio=True),
    # Not resized: the metric is taken at the full size of the label maps.
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        metainfo=metainfo,
        data_prefix=dict(
            img_path='data/own/images', seg_map_path='data/own/annotations'
        ),
        img_suffix='.png',
        seg_map_suffix='.png',
        ann_file='data/own/splits/train.txt',
        ignore_index=ignore_index,
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        metainfo=metainfo,
        data_prefix=dict(
            img_path='data/own/images', seg_map_path='data/own/annotations'
        ),
        img_suffix='.png',
        seg_map_suffix='.png',
        ann_file='data/own/splits/val.txt',
        ignore_index=ignore_index,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(
    type='mmseg_ganaug.ClassIoUMetric', iou_metrics=['mIoU'], ignore_index=ignore_index
)
test_evaluator = val_evaluator
