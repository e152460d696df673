# pix2pixHD, global generator, at the size of the paper.
model = dict(
    type='Pix2PixHD',
    data_preprocessor=dict(
        type='DataPreprocessor',
        mean=127.5,
        std=127.5,
        non_image_keys=['img_label', 'img_instance'],
        data_keys=None,
    ),
    # num_classes and ignore_index: set by the config of the data set
    label_encoder=dict(ignore_channel=True, edges=False),
    # in_channels of both networks follow from the label encoder
    generator=dict(
        type='Pix2PixHDGlobalGenerator',
        base_channels=64,
        num_downsamples=4,
        num_blocks=9,
    ),
    discriminator=dict(
        type='Pix2PixHDMultiscaleDiscriminator',
        base_channels=64,
        num_layers=3,
        num_scales=2,
    ),
    loss_config=dict(
        gan_type='lsgan',
        feature_loss_weight=10.0,
        vgg_loss_weight=10.0,
        vgg_checkpoint='torchvision://vgg19',
    ),
)
