# Crops of CamVid at two thirds of its size, for two CPU cores: at 480 to 640 pixels
# of width they show thin things large, and validation is at 320 x 240.
_base_ = './camvid_240x320.py'
crop_size = (160, 208)
train_pipeline = _base_.train_pipeline
train_pipeline[3].update(crop_size=crop_size)  # RandomCrop
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
