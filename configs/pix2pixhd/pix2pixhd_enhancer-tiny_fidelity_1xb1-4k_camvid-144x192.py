# The same training, validated: a frozen segmenter shows how much of the label maps it
# finds again in the photos, class by class, and the best generator is kept. Train the
# segmenter first.
_base_ = './pix2pixhd_enhancer-tiny_1xb1-4k_camvid-144x192.py'
pairs = _base_.train_dataloader.dataset
segmenter = 'pspnet_efficientnet-lite0-fpn_judge_1xb4-1200_camvid-240x320'
val_dataloader = dict(
    batch_size=4,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        pairs,
        source=dict(pairs.source, ann_file='splits/dev_val.txt'),
        # no flips
        pipeline=[],
    ),
)
val_cfg = dict(type='ValLoop')
# With Inception weights at hand, FID goes beside it, in a list:
#     dict(type='GeneratorFIDMetric', inception_path='inception-2015-12-05.pt')
val_evaluator = dict(
    type='GeneratorFidelityMetric',
    segmenter=dict(
        config=f'configs/pspnet/{segmenter}.py',
        checkpoint=f'work_dirs/{segmenter}/iter_1200.pth',
    ),
)
train_cfg = dict(val_interval=1000)
default_hooks = dict(checkpoint=dict(save_best='mIoU', rule='greater'))
