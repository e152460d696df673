# Whole frames of the same 34, of labels alone: the painter of the paper's three ways.
_base_ = './camvid_34.py'
model = dict(context=None)
train_dataloader = dict(dataset=dict(holes=None))
