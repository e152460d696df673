# The same for ten times as long, 17 minutes: is it the painter that holds these back?
_base_ = './idd_lite_25_labels.py'
param_scheduler = dict(begin=8000, end=12000)
train_cfg = dict(max_iters=12000)
