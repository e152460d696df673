# The demonstration of `ganaug bench`: rare classes are learned in 500 iterations. The
# backbone ends at stride 16, which saves a quarter of the time, and what is not
# pretrained learns faster than what is.
_base_ = './pspnet_efficientnet-lite0-fpn_1xb2-900_toystreets-112x160.py'
model = dict(
    backbone=dict(out_indices=(1, 2, 3)),
    neck=dict(in_channels=[24, 40, 112], num_outs=3),
)
max_iters = 500
optim_wrapper = dict(
    optimizer=dict(lr=1e-3),
    paramwise_cfg=dict(
        custom_keys={'neck': dict(lr_mult=5.0), 'decode_head': dict(lr_mult=10.0)}
    ),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, begin=0, end=40, by_epoch=False),
    dict(
        type='PolyLR', eta_min=1e-5, power=0.9, begin=40, end=max_iters, by_epoch=False
    ),
]
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
