# For a backbone with ImageNet weights, which moves at half the learning rate.
_base_ = './schedule_300_adamw.py'
max_iters = 1200
optim_wrapper = dict(
    optimizer=dict(lr=2e-3),
    paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.5)}),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, begin=0, end=60, by_epoch=False),
    dict(
        type='PolyLR', eta_min=1e-5, power=0.9, begin=60, end=max_iters, by_epoch=False
    ),
]
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
default_hooks = dict(checkpoint=dict(interval=200, max_keep_ckpts=2))
