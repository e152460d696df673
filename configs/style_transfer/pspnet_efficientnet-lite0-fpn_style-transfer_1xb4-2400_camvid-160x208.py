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
# Behind the crop, where it costs least.
until_crop, colour = _base_.train_pipeline[:4], _base_.train_pipeline[4:]
train_dataloader = dict(dataset=dict(pipeline=[*until_crop, style_transfer, *colour]))
