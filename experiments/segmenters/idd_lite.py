# PSPNet on 50 photos of IDD-Lite, 4 crops of 128 x 176 an iteration, for a CPU core.
# The lists of frames are made by experiments/splits.py.
_base_ = [
    '../../configs/_base_/models/pspnet_efficientnet-lite0-fpn.py',
    '../../configs/_base_/default_runtime.py',
    '../../configs/_base_/schedules/schedule_2400_adamw.py',
]
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(
        type='RandomResize', scale=(320, 227), ratio_range=(0.75, 2.0), keep_ratio=True
    ),
    dict(type='RandomCrop', crop_size=(128, 176), cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
metainfo = dict(
    classes=(
        *('drivable', 'non-drivable', 'living', 'vehicle', 'roadside', 'far', 'sky'),
    ),
    palette=[
        *([128, 64, 128], [244, 35, 232], [220, 20, 60], [0, 0, 142]),
        *([220, 190, 40], [70, 130, 70], [70, 130, 180]),
    ],
)
real = dict(
    type='BaseSegDataset',
    data_root='data',
    data_prefix=dict(
        img_path='idd_lite/images/train', seg_map_path='idd_lite/annotations/train'
    ),
    img_suffix='.jpg',
    seg_map_suffix='.png',
    metainfo=metainfo,
)
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        ann_file='idd_lite_splits/train_50.txt', pipeline=train_pipeline, **real
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(ann_file='idd_lite_splits/choose.txt', pipeline=test_pipeline, **real),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='mmseg_ganaug.ClassIoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
model = dict(data_preprocessor=dict(size=(128, 176)), decode_head=dict(num_classes=7))
max_iters = 4800
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, begin=0, end=60, by_epoch=False),
    dict(
        type='PolyLR', eta_min=1e-5, power=0.9, begin=60, end=max_iters, by_epoch=False
    ),
]
train_cfg = dict(max_iters=max_iters, val_interval=1200)
