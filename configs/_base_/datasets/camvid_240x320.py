# CamVid at two thirds of its size, for two CPU cores. The metric is taken at the full
# size of the label maps: MMSeg scales the predictions up.
_base_ = './camvid_360x480.py'
crop_size = (240, 320)
train_pipeline = _base_.train_pipeline
train_pipeline[2].update(scale=(320, 240), ratio_range=(0.75, 2.0))  # RandomResize
train_pipeline[3].update(crop_size=crop_size)  # RandomCrop
test_pipeline = _base_.test_pipeline
test_pipeline[1].update(scale=(320, 240))  # Resize
img_ratios = [0.5, 0.67, 0.83]
tta_pipeline = _base_.tta_pipeline
tta_pipeline[1].transforms[0] = [
    dict(type='Resize', scale_factor=ratio, keep_ratio=True) for ratio in img_ratios
]
train_dataloader = dict(num_workers=1, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(num_workers=1, dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
