# On the 200 photos that the painters of experiments/painter/idd_lite.py see.
_base_ = './idd_lite.py'
train_dataloader = dict(
    dataset=dict(
        data_root='data',
        data_prefix=dict(
            img_path='idd_lite/images/train', seg_map_path='idd_lite/annotations/train'
        ),
        ann_file='idd_lite_splits/train_200.txt',
    ),
)
