_base_ = './pspnet_r50-d8_1xb8-20k_camvid-360x480.py'
real = _base_.train_dataloader.dataset
generated = dict(
    type='mmseg_ganaug.GANRecomposeDataset',
    source=real,
    recomposer=dict(type='AddMulti'),
    generator=dict(
        config='configs/pix2pixhd/pix2pixhd_global_1xb1-100k_camvid-360x480.py',
        checkpoint='work_dirs/pix2pixhd_global_1xb1-100k_camvid-360x480',
    ),
    ratio=1.0,
    cache_dir='data/ganaug/camvid-360x480',
)
train_dataloader = dict(
    dataset=dict(_delete_=True, type='ConcatDataset', datasets=[real, generated])
)
