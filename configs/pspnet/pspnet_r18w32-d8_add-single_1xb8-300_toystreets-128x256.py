_base_ = './pspnet_r18w32-d8_1xb8-300_toystreets-128x256.py'
real = _base_.train_dataloader.dataset
generated = dict(
    type='mmseg_ganaug.GANRecomposeDataset',
    source=real,
    recomposer=dict(type='AddSingle'),
    generator=dict(
        config='configs/pix2pixhd/pix2pixhd_enhancer-tiny_1xb1-1500_toystreets-128x256.py',
        checkpoint='work_dirs/pix2pixhd_enhancer-tiny_1xb1-1500_toystreets-128x256',
    ),
    ratio=1.0,
    cache_dir='data/ganaug/toystreets-128x256',
)
train_dataloader = dict(
    dataset=dict(_delete_=True, type='ConcatDataset', datasets=[real, generated])
)
