_base_ = [
    '../_base_/models/pix2pixhd_global.py',
    '../_base_/schedules/pix2pixhd_600k.py',
    '../_base_/default_runtime_synthesis.py',
]
scale = (1024, 512)
model = dict(
    label_encoder=dict(num_classes=19, ignore_index=255, edges=True, class_edges=True)
)
# 200 epochs of 2975 photos, as in the paper
train_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='LabelToImageDataset',
        source=dict(
            type='CityscapesDataset',
            data_root='data/cityscapes',
            data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train'),
        ),
        scale=scale,
        with_instances=True,
        instance_path=('_labelTrainIds.png', '_instanceIds.png'),
    ),
)
default_hooks = dict(checkpoint=dict(interval=20000))
custom_hooks = [dict(type='LabelToImageVisualizationHook', interval=5000)]
