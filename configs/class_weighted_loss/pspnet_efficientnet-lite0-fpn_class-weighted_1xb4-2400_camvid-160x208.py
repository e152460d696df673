_base_ = '../pspnet/pspnet_efficientnet-lite0-fpn_1xb4-2400_camvid-160x208.py'
# Median frequency balancing (Eigen and Fergus, ICCV 2015), of dev_train.
model = dict(
    decode_head=dict(
        loss_decode=dict(
            _delete_=True,
            type='mmseg_ganaug.ClassWeightedCrossEntropyLoss',
            class_weight=[
                0.34,
                0.19,
                5.52,
                0.18,
                1.0,
                0.66,
                5.36,
                2.04,
                0.91,
                6.56,
                9.87,
            ],
        )
    )
)
