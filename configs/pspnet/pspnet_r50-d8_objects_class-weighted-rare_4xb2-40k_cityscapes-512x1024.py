# Class weights, and whole objects of rare classes, pasted where they fit.
_base_ = [
    './pspnet_r50-d8_4xb2-40k_cityscapes-512x1024.py',
    '../_base_/generated/objects.py',
]
real = _base_.train_dataloader.dataset
cache_dir = 'data/ganaug/cityscapes-512x1024'
generated = dict(
    _base_.object_pairs,
    source=real,
    cache_dir=cache_dir,
    instance_path=('_labelTrainIds.png', '_instanceIds.png'),
)
train_dataloader = dict(
    dataset=dict(_delete_=True, type='ConcatDataset', datasets=[real, generated]),
    sampler=dict(_base_.object_sampler, _delete_=True),
)
loss = dict(_base_.rare_class_loss, _delete_=True, cache_dir=cache_dir)
model = dict(
    decode_head=dict(loss_decode=loss),
    auxiliary_head=dict(loss_decode=dict(loss, loss_weight=0.4)),
)
