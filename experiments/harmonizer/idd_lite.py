# Harmonizer on IDD-Lite: persons, animals and riders, and vehicles.
_base_ = [
    '../../configs/_base_/models/harmonizer_small.py',
    '../../configs/_base_/schedules/harmonizer_2k.py',
    '../../configs/_base_/default_runtime.py',
]
model = dict(num_classes=7)
max_iters = 1200
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, begin=0, end=50, by_epoch=False),
    dict(
        type='CosineAnnealingLR',
        eta_min=1e-5,
        begin=50,
        end=max_iters,
        by_epoch=False,
    ),
]
train_cfg = dict(max_iters=max_iters)
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='BaseSegDataset',
        data_root='data/idd_lite',
        data_prefix=dict(img_path='images/train', seg_map_path='annotations/train'),
        ann_file='splits/dev_train.txt',
        img_suffix='.jpg',
        seg_map_suffix='.png',
        metainfo=dict(
            classes=(
                *('drivable', 'non-drivable', 'living', 'vehicle', 'roadside', 'far'),
                'sky',
            )
        ),
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations'),
            dict(type='RandomFlip', prob=0.5),
            dict(
                type='mmseg_ganaug.DamageObjects', crop_size=(128, 144), things=[2, 3]
            ),
        ],
    ),
)
