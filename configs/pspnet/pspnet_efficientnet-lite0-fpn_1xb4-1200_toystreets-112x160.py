# Crops of ToyStreets at its full size, so that thin objects stay as large as they are.
# `ganaug bench` trains this network in place of a larger one, too (--proxy).
_base_ = [
    '../_base_/models/pspnet_efficientnet-lite0-fpn.py',
    '../_base_/datasets/toy_streets_128x256.py',
    '../_base_/default_runtime.py',
    '../_base_/schedules/schedule_1200_adamw.py',
]
crop_size = (112, 160)
train_pipeline = _base_.train_pipeline
train_pipeline[3].update(crop_size=crop_size)  # RandomCrop
model = dict(
    data_preprocessor=dict(size=crop_size),
    decode_head=dict(num_classes=11),
)
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=train_pipeline))
