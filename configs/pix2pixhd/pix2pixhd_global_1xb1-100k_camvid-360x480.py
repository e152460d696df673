_base_ = [
    '../_base_/models/pix2pixhd_global.py',
    '../_base_/schedules/pix2pixhd_100k.py',
    '../_base_/default_runtime_synthesis.py',
]
scale = (480, 360)
model = dict(label_encoder=dict(num_classes=11, ignore_index=11))
train_dataloader = dict(
    batch_size=1,
    num_workers=4,
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
    ),
)
default_hooks = dict(checkpoint=dict(interval=10000))
custom_hooks = [dict(type='LabelToImageVisualizationHook', interval=2000)]
