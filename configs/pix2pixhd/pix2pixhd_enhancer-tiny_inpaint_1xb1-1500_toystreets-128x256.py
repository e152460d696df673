_base_ = './pix2pixhd_enhancer-tiny_pixel-norm_1xb1-1500_toystreets-128x256.py'
# Paints holes in photos: what no photo shows, or what changes.
model = dict(generator=dict(upsample='resize'), context=dict())
train_dataloader = dict(dataset=dict(holes=dict()))
