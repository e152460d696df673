_base_ = [
    '../pspnet/pspnet_efficientnet-lite0-fpn_1xb4-2400_camvid-160x208.py',
    '../_base_/class_weights/camvid.json',
]
model = dict(
    decode_head=dict(
        loss_decode=dict(
            _delete_=True,
            type='mmseg_ganaug.ClassWeightedCrossEntropyLoss',
            class_weight=_base_.class_weight_sqrt,
        )
    )
)
