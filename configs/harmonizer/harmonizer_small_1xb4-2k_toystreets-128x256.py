_base_ = [
    '../_base_/models/harmonizer_small.py',
    '../_base_/schedules/harmonizer_2k.py',
    '../_base_/default_runtime.py',
]
model = dict(num_classes=11)
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='mmseg_ganaug.ToyStreetsDataset',
        data_root='data/toy_streets',
        data_prefix=dict(
            img_path='images/train',
            seg_map_path='annotations/train',
            inst_map_path='instances/train',
        ),
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations'),
            dict(type='mmseg_ganaug.LoadInstanceMap'),
            dict(type='RandomFlip', prob=0.5),
            # car, pole, traffic sign, person, rider
            dict(
                type='mmseg_ganaug.DamageObjects',
                crop_size=(128, 160),
                things=[5, 7, 8, 9, 10],
            ),
        ],
    ),
)
