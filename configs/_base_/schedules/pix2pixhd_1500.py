# Minutes on two CPU cores: the generator takes larger steps than the paper's 2e-4.
# Constant learning rate for one half, linear to zero in the other.
max_iters = 1500
optim_wrapper = dict(
    constructor='MultiOptimWrapperConstructor',
    generators=dict(
        type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-3, betas=(0.5, 0.999))
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
    begin=max_iters // 2,
    end=max_iters,
)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters)
