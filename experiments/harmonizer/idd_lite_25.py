# On the 25 photos that the ladder of IDD-Lite trains on.
_base_ = './idd_lite_200.py'
train_dataloader = dict(dataset=dict(ann_file='idd_lite_splits/train_25.txt'))
work_dir = 'work_dirs/idd_lite_25_harmonizer'
