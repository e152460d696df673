_base_ = [
    '../_base_/models/pspnet_r18w32-d8.py',
    '../_base_/datasets/camvid_144x192.py',
    '../_base_/default_runtime.py',
    '../_base_/schedules/schedule_300_adamw.py',
]
model = dict(
    data_preprocessor=dict(size=(144, 192), seg_pad_val=11),
    decode_head=dict(num_classes=11, ignore_index=11),
    auxiliary_head=dict(num_classes=11, ignore_index=11),
)
