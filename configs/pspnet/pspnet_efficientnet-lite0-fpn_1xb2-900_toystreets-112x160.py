# Crops of ToyStreets at its full size, so that thin objects stay as large as they are.
# Small batches and a high learning rate: steps are what rare classes need. `ganaug
# bench` trains this network in place of a larger one, too (--proxy).
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
train_dataloader = dict(batch_size=2, dataset=dict(pipeline=train_pipeline))
max_iters = 900
optim_wrapper = dict(optimizer=dict(lr=3e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, begin=0, end=40, by_epoch=False),
    dict(
        type='PolyLR', eta_min=1e-5, power=0.9, begin=40, end=max_iters, by_epoch=False
    ),
]
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
