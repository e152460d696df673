_base_ = [
    '../_base_/models/pspnet_efficientnet-lite0-fpn.py',
    '../_base_/datasets/camvid_160x208.py',
    '../_base_/default_runtime.py',
    '../_base_/schedules/schedule_2400_adamw.py',
]
model = dict(
    data_preprocessor=dict(size=(160, 208), seg_pad_val=11),
    decode_head=dict(num_classes=11, ignore_index=11),
)
train_dataloader = dict(batch_size=4)
