_base_ = './pspnet_efficientnet-lite0-fpn_class-weighted_1xb4-2400_camvid-160x208.py'
model = dict(decode_head=dict(loss_decode=dict(class_weight=_base_.class_weight_rare)))
