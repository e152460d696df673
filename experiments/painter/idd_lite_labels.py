# The same network without a view of the photo: whole photos, of labels alone.
_base_ = './idd_lite.py'
model = dict(context=None)
train_dataloader = dict(dataset=dict(holes=None))
