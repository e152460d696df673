_base_ = '../pspnet/pspnet_efficientnet-lite0-fpn_1xb4-2400_camvid-160x208.py'
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmseg_ganaug.RareClassSamplingDataset',
        dataset=_base_.train_dataloader.dataset,
        cache_dir='data/ganaug/camvid',
    )
)
