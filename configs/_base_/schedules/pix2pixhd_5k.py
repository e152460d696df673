_base_ = './pix2pixhd_1500.py'
max_iters = 5000
param_scheduler = dict(begin=max_iters // 2, end=max_iters)
train_cfg = dict(max_iters=max_iters)
