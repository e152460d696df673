# On every fourth frame of dev_train.
_base_ = './pix2pixhd_enhancer-tiny_1xb1-4k_camvid-240x320.py'
train_dataloader = dict(dataset=dict(source=dict(indices=list(range(0, 266, 4)))))
