_base_ = './pspnet_r18w32-d8_1xb8-300_camvid-144x192.py'
real = _base_.train_dataloader.dataset
generated = dict(
    type='mmseg_ganaug.GANRecomposeDataset',
    source=real,
    recomposer=dict(
        type='Recon', things=['pole', 'signsymbol', 'car', 'pedestrian', 'bicyclist']
    ),
    generator=dict(
        config='configs/pix2pixhd/pix2pixhd_enhancer-tiny_1xb1-4k_camvid-144x192.py',
        checkpoint='work_dirs/pix2pixhd_enhancer-tiny_1xb1-4k_camvid-144x192',
    ),
    ratio=1.0,
    cache_dir='data/ganaug/camvid-144x192',
)
train_dataloader = dict(
    dataset=dict(_delete_=True, type='ConcatDataset', datasets=[real, generated])
)
