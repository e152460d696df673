_base_ = './pix2pixhd_1500.py'
# The weights of the last thousand iterations or so are averaged: with one sample in a
# batch, those of a single iteration are far from what they swing around.
max_iters = 4000
optim_wrapper = dict(
    discriminators=dict(
        # The discriminator that segments has more to learn than the other one.
        paramwise_cfg=dict(custom_keys=dict(photo_segmentation=dict(lr_mult=5.0)))
    )
)
param_scheduler = dict(begin=3000, end=max_iters)
train_cfg = dict(max_iters=max_iters)
