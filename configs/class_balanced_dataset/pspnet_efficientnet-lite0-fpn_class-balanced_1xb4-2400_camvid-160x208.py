_base_ = '../pspnet/pspnet_efficientnet-lite0-fpn_1xb4-2400_camvid-160x208.py'
# Photos with a class that less than nine of ten show are repeated: in street scenes
# nearly every photo shows nearly every class, so that a common threshold such as 0.1
# would change nothing.
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ClassBalancedDataset',
        oversample_thr=0.9,
        dataset=dict(
            type='mmseg_ganaug.ClassPresenceDataset',
            dataset=_base_.train_dataloader.dataset,
            cache_dir='data/ganaug/camvid',
        ),
    )
)
