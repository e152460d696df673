_base_ = './pix2pixhd_global.py'
# pix2pixHD with one local enhancer: twice the resolution of the global generator.
model = dict(
    generator=dict(
        type='Pix2PixHDLocalEnhancer',
        base_channels=32,
        num_enhancers=1,
        num_local_blocks=3,
    ),
    discriminator=dict(num_scales=3),
)
