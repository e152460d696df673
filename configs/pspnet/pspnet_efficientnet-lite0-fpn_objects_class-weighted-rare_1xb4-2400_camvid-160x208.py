# Class weights, and whole objects of rare classes, pasted where they fit.
_base_ = [
    './pspnet_efficientnet-lite0-fpn_1xb4-2400_camvid-160x208.py',
    '../_base_/generated/objects.py',
]
real = _base_.train_dataloader.dataset
cache_dir = 'data/ganaug/camvid-240x320'
generated = dict(_base_.object_pairs, source=real, cache_dir=cache_dir)
train_dataloader = dict(
    dataset=dict(_delete_=True, type='ConcatDataset', datasets=[real, generated]),
    sampler=dict(_base_.object_sampler, _delete_=True),
)
loss = dict(_base_.rare_class_loss, _delete_=True, cache_dir=cache_dir)
model = dict(decode_head=dict(loss_decode=loss))
