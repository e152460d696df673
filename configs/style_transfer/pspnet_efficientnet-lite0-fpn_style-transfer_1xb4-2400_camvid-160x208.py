_base_ = '../pspnet/pspnet_efficientnet-lite0-fpn_1xb4-2400_camvid-160x208.py'
real = _base_.train_dataloader.dataset
# Half of the photos take the look of another training photo.
style_transfer = dict(
    type='mmseg_ganaug.StyleTransfer',
    source=dict(
        type=real.type,
        data_root=real.data_root,
        data_prefix=real.data_prefix,
        ann_file=real.ann_file,
    ),
    prob=0.5,
)
load, augment = _base_.train_pipeline[:2], _base_.train_pipeline[2:]
train_dataloader = dict(dataset=dict(pipeline=[*load, style_transfer, *augment]))
