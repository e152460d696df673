_base_ = './pix2pixhd_4k.py'
max_iters = 1500
param_scheduler = dict(begin=1000, end=max_iters)
train_cfg = dict(max_iters=max_iters)
