_base_ = './pix2pixhd_global.py'
# For the CPU. One downsampling only, so that thin objects survive it; no VGG loss,
# whose weights are a download, but a pixel loss in its place.
model = dict(
    generator=dict(base_channels=24, num_downsamples=1, num_blocks=2),
    discriminator=dict(base_channels=16, num_layers=3, num_scales=2),
    loss_config=dict(
        vgg_loss_weight=0.0,
        pixel_loss_weight=20.0,
        class_balance=dict(power=0.5),
    ),
)
