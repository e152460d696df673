# PSPNet on photos of CMP facades, 4 crops of 128 x 128 an iteration, for a CPU core.
# The lists of photos are made by experiments/splits.py.
_base_ = [
    '../../configs/_base_/models/pspnet_efficientnet-lite0-fpn.py',
    '../../configs/_base_/default_runtime.py',
    '../../configs/_base_/schedules/schedule_2400_adamw.py',
]
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(
        type='RandomResize', scale=(256, 256), ratio_range=(0.75, 1.5), keep_ratio=True
    ),
    dict(type='RandomCrop', crop_size=(128, 128), cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
real = dict(
    type='BaseSegDataset',
    data_root='data',
    data_prefix=dict(
        img_path='facades/images/train', seg_map_path='facades/annotations/train'
    ),
    img_suffix='.jpg',
    seg_map_suffix='.png',
    metainfo=dict(
        classes=(
            *('background', 'facade', 'window', 'door', 'cornice', 'sill', 'balcony'),
            *('blind', 'deco', 'molding', 'pillar', 'shop'),
        ),
        palette=[
            *([0, 0, 170], [0, 0, 255], [0, 85, 255], [0, 170, 255], [0, 255, 255]),
            *([85, 255, 170], [170, 255, 85], [255, 255, 0], [255, 170, 0]),
            *([255, 85, 0], [255, 0, 0], [170, 0, 0]),
        ],
    ),
)
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        ann_file='facades_splits/train_25.txt', pipeline=train_pipeline, **real
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(ann_file='facades_splits/choose.txt', pipeline=test_pipeline, **real),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='mmseg_ganaug.ClassIoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
model = dict(data_preprocessor=dict(size=(128, 128)), decode_head=dict(num_classes=12))
