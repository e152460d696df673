# PSPNet on frames of CamVid at 320 x 240, 4 crops of 128 x 176 an iteration, for a CPU
# core. The lists of frames are made by experiments/splits.py.
_base_ = (
    '../../configs/pspnet/pspnet_efficientnet-lite0-fpn_1xb4-2400_camvid-160x208.py'
)
crop_size = (128, 176)
train_pipeline = _base_.train_pipeline
train_pipeline[3].update(crop_size=crop_size)  # RandomCrop
train_dataloader = dict(
    dataset=dict(
        data_root='data',
        data_prefix=dict(
            img_path='camvid/images/train', seg_map_path='camvid/annotations/train'
        ),
        ann_file='camvid_splits/train_34.txt',
        pipeline=train_pipeline,
    )
)
model = dict(data_preprocessor=dict(size=crop_size))
