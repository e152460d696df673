_base_ = [
    '../_base_/models/pspnet_r18w32-d8.py',
    '../_base_/datasets/toy_streets_128x256.py',
    '../_base_/default_runtime.py',
    '../_base_/schedules/schedule_300_adamw.py',
]
model = dict(
    data_preprocessor=dict(size=(128, 256)),
    decode_head=dict(num_classes=11),
    auxiliary_head=dict(num_classes=11),
)
