_base_ = './pspnet_efficientnet-lite0-fpn_recon_1xb4-2400_camvid-160x208.py'
real = _base_.real
generated = _base_.generated
# A generator paints every photo in the same light: half of the generated photos take
# the colours of a real one.
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
until_crop, colour = _base_.train_pipeline[:4], _base_.train_pipeline[4:]
generated.pipeline = [*until_crop, style_transfer, *colour]
train_dataloader = dict(
    dataset=dict(_delete_=True, type='ConcatDataset', datasets=[real, generated])
)
