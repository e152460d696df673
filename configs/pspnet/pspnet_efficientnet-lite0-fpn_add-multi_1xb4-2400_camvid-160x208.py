_base_ = [
    './pspnet_efficientnet-lite0-fpn_1xb4-2400_camvid-160x208.py',
    '../_base_/generated/camvid_240x320.py',
]
real = _base_.train_dataloader.dataset
generated = dict(
    _base_.any_generated,
    source=real,
    recomposer=dict(type='AddMulti', target='sqrt', classes=_base_.rare_classes),
)
train_dataloader = dict(
    sampler=dict(
        _delete_=True,
        type='mmseg_ganaug.InfiniteRatioSampler',
        generated_fraction=0.5,
    ),
    dataset=dict(_delete_=True, type='ConcatDataset', datasets=[real, generated]),
)
