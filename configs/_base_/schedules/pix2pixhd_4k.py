# Minutes on two CPU cores: the generator takes larger steps than the paper's 2e-4.
# Constant learning rate for three quarters, then linear to zero. The configs average
# the weights of the last thousand iterations or so (EMAHook): with one sample in a
# batch, those of a single iteration are far from what they swing around.
max_iters = 4000
optim_wrapper = dict(
    constructor='MultiOptimWrapperConstructor',
    generators=dict(
        type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-3, betas=(0.5, 0.999))
    ),
    discriminators=dict(
        type='OptimWrapper',
        optimizer=dict(type='Adam', lr=2e-4, betas=(0.5, 0.999)),
        # The discriminator that segments has more to learn than the other one.
        paramwise_cfg=dict(custom_keys=dict(photo_segmentation=dict(lr_mult=5.0))),
    ),
)
param_scheduler = dict(
    type='LinearLR',
    by_epoch=False,
    start_factor=1.0,
    end_factor=0.0,
    begin=3000,
    end=max_iters,
)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters)
