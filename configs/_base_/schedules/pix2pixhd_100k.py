# Constant learning rate for one half, linear to zero in the other.
optim_wrapper = dict(
    constructor='MultiOptimWrapperConstructor',
    generators=dict(
        type='OptimWrapper', optimizer=dict(type='Adam', lr=2e-4, betas=(0.5, 0.999))
    ),
    discriminators=dict(
        type='OptimWrapper', optimizer=dict(type='Adam', lr=2e-4, betas=(0.5, 0.999))
    ),
)
param_scheduler = dict(
    type='LinearLR',
    by_epoch=False,
    start_factor=1.0,
    end_factor=0.0,
    begin=50000,
    end=100000,
)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=100000)
