# Twice the iterations, and averaged weights, which scatter less from seed to seed.
_base_ = './schedule_1200_adamw.py'
max_iters = 2400
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, begin=0, end=60, by_epoch=False),
    dict(
        type='PolyLR', eta_min=1e-5, power=0.9, begin=60, end=max_iters, by_epoch=False
    ),
]
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
default_hooks = dict(checkpoint=dict(interval=400))
custom_hooks = [dict(type='EMAHook', momentum=0.005)]
