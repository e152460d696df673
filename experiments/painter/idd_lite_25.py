# The painter of holes that the ladder of IDD-Lite takes: from the same 25 photos.
_base_ = './idd_lite.py'
train_dataloader = dict(
    dataset=dict(source=dict(ann_file='idd_lite_splits/train_25.txt'))
)
