_base_ = [
    '../_base_/models/harmonizer_small.py',
    '../_base_/schedules/harmonizer_2k.py',
    '../_base_/default_runtime.py',
]
model = dict(num_classes=11, ignore_index=11)
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='mmseg_ganaug.CamVidDataset',
        data_root='data/camvid',
        data_prefix=dict(img_path='images/train', seg_map_path='annotations/train'),
        ann_file='splits/dev_train.txt',
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations'),
            dict(type='Resize', scale=(320, 240), keep_ratio=False),
            dict(type='RandomFlip', prob=0.5),
            # pole, signsymbol, car, pedestrian, bicyclist
            dict(
                type='mmseg_ganaug.DamageObjects',
                crop_size=(128, 160),
                things=[2, 6, 8, 9, 10],
                ignore_index=11,
            ),
        ],
    ),
)
