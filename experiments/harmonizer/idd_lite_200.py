# On the 200 photos that the painters of experiments/painter/idd_lite.py see.
_base_ = './idd_lite.py'
train_dataloader = dict(
    dataset=dict(ann_file='../idd_lite_splits/train_200.txt'),
)
