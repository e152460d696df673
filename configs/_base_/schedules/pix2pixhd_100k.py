_base_ = './pix2pixhd_600k.py'
param_scheduler = dict(begin=50000, end=100000)
train_cfg = dict(max_iters=100000)
