# Both ways of balance: more pixels of rare classes, and more weight for each.
_base_ = (
    '../class_weighted_loss/'
    'pspnet_efficientnet-lite0-fpn_class-weighted-sqrt_1xb4-2400_camvid-160x208.py'
)
real = _base_.train_dataloader.dataset
generated = dict(
    type='mmseg_ganaug.GANRecomposeDataset',
    source=real,
    recomposer=dict(
        type='AddMulti',
        target='sqrt',
        # Under two per cent of the pixels each. The planner would add pavement, too,
        # over the road of other streets: a generator paints both in one grey.
        classes=['pole', 'signsymbol', 'fence', 'pedestrian', 'bicyclist'],
    ),
    generator=dict(
        config='configs/pix2pixhd/pix2pixhd_enhancer-tiny_1xb1-4k_camvid-240x320.py',
        checkpoint='work_dirs/pix2pixhd_enhancer-tiny_1xb1-4k_camvid-240x320',
    ),
    composite='changed',
    ratio=4.0,
    cache_dir='data/ganaug/camvid-240x320',
)
train_dataloader = dict(
    sampler=dict(
        _delete_=True,
        type='mmseg_ganaug.InfiniteRatioSampler',
        generated_fraction=0.5,
    ),
    dataset=dict(_delete_=True, type='ConcatDataset', datasets=[real, generated]),
)
