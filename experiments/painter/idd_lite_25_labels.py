# Whole photos of the same 25, of labels alone: the painter of the paper's three ways.
_base_ = './idd_lite_25.py'
model = dict(context=None)
train_dataloader = dict(dataset=dict(holes=None))
