_base_ = './pspnet_r50-d8_4xb2-40k_cityscapes-512x1024.py'
real = _base_.train_dataloader.dataset
generated = dict(
    type='mmseg_ganaug.GANRecomposeDataset',
    source=real,
    recomposer=dict(type='AddSingle'),
    generator=dict(
        config='configs/pix2pixhd/pix2pixhd_global_1xb1-600k_cityscapes-512x1024.py',
        checkpoint='work_dirs/pix2pixhd_global_1xb1-600k_cityscapes-512x1024',
    ),
    ratio=1.0,
    cache_dir='data/ganaug/cityscapes-512x1024',
    instance_path=('_labelTrainIds.png', '_instanceIds.png'),
)
train_dataloader = dict(
    dataset=dict(_delete_=True, type='ConcatDataset', datasets=[real, generated])
)
