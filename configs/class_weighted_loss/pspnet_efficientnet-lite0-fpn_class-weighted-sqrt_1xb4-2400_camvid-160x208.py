_base_ = '../pspnet/pspnet_efficientnet-lite0-fpn_1xb4-2400_camvid-160x208.py'
# The square root of median frequency over frequency, of dev_train.
model = dict(
    decode_head=dict(
        loss_decode=dict(
            _delete_=True,
            type='mmseg_ganaug.ClassWeightedCrossEntropyLoss',
            class_weight=[
                0.58,
                0.43,
                2.35,
                0.42,
                1.0,
                0.81,
                2.31,
                1.43,
                0.95,
                2.56,
                3.14,
            ],
        )
    )
)
