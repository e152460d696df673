# Both ways of balance: more pixels of rare classes, and more weight for each.
_base_ = [
    './pspnet_efficientnet-lite0-fpn_add-multi_1xb4-2400_camvid-160x208.py',
    '../_base_/class_weights/camvid.py',
]
model = dict(
    decode_head=dict(
        loss_decode=dict(
            _delete_=True,
            type='mmseg_ganaug.ClassWeightedCrossEntropyLoss',
            class_weight=_base_.class_weight_rare,
        )
    )
)
