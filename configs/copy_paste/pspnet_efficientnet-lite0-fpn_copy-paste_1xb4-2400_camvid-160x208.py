_base_ = [
    '../pspnet/pspnet_efficientnet-lite0-fpn_1xb4-2400_camvid-160x208.py',
    '../_base_/generated/camvid_240x320.py',
]
real = _base_.train_dataloader.dataset
# Half of the samples are recombinations of real photos: no generator takes part.
recompose = dict(
    type='mmseg_ganaug.RecomposeLabels',
    source=dict(
        type=real.type,
        data_root=real.data_root,
        data_prefix=real.data_prefix,
        ann_file=real.ann_file,
    ),
    recomposer=dict(type='AddMulti', target='sqrt', classes=_base_.rare_classes),
    cache_dir='data/ganaug/camvid',
    prob=0.5,
    paste_pixels=True,
)
load, augment = _base_.train_pipeline[:2], _base_.train_pipeline[2:]
train_dataloader = dict(dataset=dict(pipeline=[*load, recompose, *augment]))
