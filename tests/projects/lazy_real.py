"""A project's config in pure Python."""

from mmcv.transforms import LoadImageFromFile, RandomFlip
from mmengine.dataset import InfiniteSampler
from mmengine.optim import OptimWrapper
from mmengine.runner import IterBasedTrainLoop
from mmseg.datasets import BaseSegDataset
from mmseg.datasets.transforms import LoadAnnotations, PackSegInputs
from mmseg.models import EncoderDecoder, FCNHead, SegDataPreProcessor
from own_code import OnePixelBackbone
from torch.optim import SGD

default_scope = 'mmseg'
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    sampler=dict(type=InfiniteSampler, shuffle=True),
    dataset=dict(
        type=BaseSegDataset,
        data_root='data',
        data_prefix=dict(img_path='img', seg_map_path='ann'),
        img_suffix='.png',
        metainfo=dict(
            classes=('ground', 'defect', 'water'),
            palette=[[0, 0, 0], [9, 9, 9], [18, 18, 18]],
        ),
        pipeline=[
            dict(type=LoadImageFromFile),
            dict(type=LoadAnnotations),
            dict(type=RandomFlip, prob=0.5),
            dict(type=PackSegInputs),
        ],
    ),
)
model = dict(
    type=EncoderDecoder,
    data_preprocessor=dict(
        type=SegDataPreProcessor, mean=[0.0] * 3, std=[255.0] * 3, size=(64, 96)
    ),
    backbone=dict(type=OnePixelBackbone),
    decode_head=dict(
        type=FCNHead,
        in_channels=4,
        channels=4,
        num_convs=1,
        num_classes=3,
        norm_cfg=dict(type='BN'),
        align_corners=False,
    ),
)
train_cfg = dict(type=IterBasedTrainLoop, max_iters=2)
optim_wrapper = dict(type=OptimWrapper, optimizer=dict(type=SGD, lr=0.01))
