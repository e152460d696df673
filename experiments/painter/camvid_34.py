# The painter of holes that the ladder of CamVid takes: from the same 34 frames.
_base_ = './idd_lite.py'
model = dict(label_encoder=dict(num_classes=11, ignore_index=11))
train_dataloader = dict(
    dataset=dict(
        source=dict(
            _delete_=True,
            type='mmseg_ganaug.CamVidDataset',
            data_root='data',
            data_prefix=dict(
                img_path='camvid/images/train', seg_map_path='camvid/annotations/train'
            ),
            ann_file='camvid_splits/train_34.txt',
        ),
        pipeline=[
            dict(
                type='mmseg_ganaug.RandomClassCrop',
                crop_size=(96, 112),
                ignore_index=11,
                prob=0.5,
            ),
            dict(type='RandomFlip', prob=0.5),
        ],
    )
)
