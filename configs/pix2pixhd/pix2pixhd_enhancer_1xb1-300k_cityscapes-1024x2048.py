_base_ = [
    '../_base_/models/pix2pixhd_enhancer.py',
    '../_base_/schedules/pix2pixhd_300k.py',
    '../_base_/default_runtime_synthesis.py',
]
scale = (2048, 1024)
coarse = 'pix2pixhd_global_1xb1-600k_cityscapes-512x1024'
model = dict(
    label_encoder=dict(num_classes=19, ignore_index=255, edges=True, class_edges=True),
    # Coarse to fine: the global generator comes trained, and keeps its weights for the
    # first 10 of 100 epochs.
    generator=dict(global_checkpoint=f'work_dirs/{coarse}/iter_600000.pth'),
    coarse_frozen_iters=29750,
)
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
