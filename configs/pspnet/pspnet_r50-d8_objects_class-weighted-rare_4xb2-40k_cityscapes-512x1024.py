# The recommended recipe (docs/recombination.md): class weights, and whole objects of
# rare classes, pasted where they fit. No generator is needed.
_base_ = './pspnet_r50-d8_4xb2-40k_cityscapes-512x1024.py'
real = _base_.train_dataloader.dataset
generated = dict(
    type='mmseg_ganaug.GANRecomposeDataset',
    source=real,
    recomposer=dict(type='AddMulti', classes='rare', target='sqrt', objects=dict()),
    generator=None,
    ratio=4.0,
    cache_dir='data/ganaug/cityscapes-512x1024',
    instance_path=('_labelTrainIds.png', '_instanceIds.png'),
)
train_dataloader = dict(
    dataset=dict(_delete_=True, type='ConcatDataset', datasets=[real, generated]),
    sampler=dict(
        _delete_=True, type='mmseg_ganaug.InfiniteRatioSampler', generated_fraction=0.5
    ),
)
model = dict(
    decode_head=dict(
        loss_decode=dict(
            _delete_=True,
            type='mmseg_ganaug.ClassWeightedCrossEntropyLoss',
            class_weight='rare',
            loss_weight=1.0,
            cache_dir='data/ganaug/cityscapes-512x1024',
        )
    ),
    auxiliary_head=dict(
        loss_decode=dict(
            _delete_=True,
            type='mmseg_ganaug.ClassWeightedCrossEntropyLoss',
            class_weight='rare',
            loss_weight=0.4,
            cache_dir='data/ganaug/cityscapes-512x1024',
        )
    ),
)
