_base_ = './pix2pixhd_600k.py'
param_scheduler = dict(begin=150000, end=300000)
train_cfg = dict(max_iters=300000)
