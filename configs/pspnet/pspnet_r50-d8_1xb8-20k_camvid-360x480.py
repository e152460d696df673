_base_ = [
    'mmseg::_base_/models/pspnet_r50-d8.py',
    '../_base_/datasets/camvid_360x480.py',
    '../_base_/default_runtime.py',
    'mmseg::_base_/schedules/schedule_20k.py',
]
# One GPU: plain batch norm, and weights from ImageNet as in MMSeg's own PSPNet.
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    data_preprocessor=dict(size=(360, 480), seg_pad_val=11),
    backbone=dict(norm_cfg=norm_cfg),
    decode_head=dict(num_classes=11, ignore_index=11, norm_cfg=norm_cfg),
    auxiliary_head=dict(num_classes=11, ignore_index=11, norm_cfg=norm_cfg),
)
