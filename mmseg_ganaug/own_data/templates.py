"""Texts of the configs that the quickstart writes for a data set of two folders."""

HEAD = (
    '# Written by tools/quickstart.py, and anew when that runs again: inherit from it '
    'rather\n# than edit it. Paths are seen from the folder in which the tools are '
    'started.\n'
)
DATASET = """\
# {pairs} photos and masks, in training at {width} x {height} pixels (width x height).
{head}# {split}
dataset_type = 'BaseSegDataset'
classes = {classes}
palette = {palette}
metainfo = dict(classes=classes, palette=palette)
num_classes = {num_classes}
# Label value of pixels of no class. Models need it, too: in each decode head, and as
# seg_pad_val of the data preprocessor.
ignore_index = {ignore_index}
scale = ({width}, {height})
crop_size = ({height}, {width})
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=scale, ratio_range=(0.75, 1.5), keep_ratio=True),
    dict(
        type='RandomCrop',
        crop_size=crop_size,
        cat_max_ratio=0.75,
        ignore_index=ignore_index,
    ),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=scale, keep_ratio=True),
    # Not resized: the metric is taken at the full size of the label maps.
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset={train},
)
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset={val},
)
test_dataloader = val_dataloader
val_evaluator = dict(
    type='mmseg_ganaug.ClassIoUMetric', iou_metrics=['mIoU'], ignore_index=ignore_index
)
test_evaluator = val_evaluator
"""
SPLIT = """\
dict(
        type=dataset_type,
        metainfo=metainfo,
        data_prefix=dict(
            img_path={images!r},
            seg_map_path={labels!r},
        ),
        img_suffix={img_suffix!r},
        seg_map_suffix={seg_map_suffix!r},
        ann_file={ann_file!r},
        ignore_index=ignore_index,
        pipeline={pipeline},
    )"""
GENERATOR = """\
# pix2pixHD that learns to paint photos of your label maps.
{head}_base_ = [
    {model!r},
    {schedule!r},
    {runtime!r},
    './dataset.py',
]
model = dict(
    label_encoder=dict(num_classes=_base_.num_classes, ignore_index=_base_.ignore_index)
)
train_dataloader = dict(
    _delete_=True,
    batch_size=1,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='LabelToImageDataset',
        source=_base_.train_dataloader.dataset,
        scale=_base_.scale,
        # Photos get smaller here: thin objects would fall between the samples.
        interpolation='area',
        pipeline=[
            dict(
                type='mmseg_ganaug.RandomClassCrop',
                crop_size={crop_size},
                ignore_index=_base_.ignore_index,
                prob=0.75,
            ),
            dict(type='RandomFlip', prob=0.5),
        ],
    ),
)
# A generator is judged by its pictures.
val_dataloader = None
val_evaluator = None
test_dataloader = None
test_evaluator = None
default_hooks = dict(checkpoint=dict(interval=1000))
custom_hooks = [
    dict(type='LabelToImageVisualizationHook', interval=1000),
    dict(type='EMAHook', ema_type='MomentumAnnealingEMA', momentum=0.001, gamma=10),
]
work_dir = {work_dir!r}
randomness = dict(seed={seed})
{length}"""
PLAIN = """\
# PSPNet on your photos alone.
{head}_base_ = [
    {model!r},
    {schedule!r},
    {runtime!r},
    './dataset.py',
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size, seg_pad_val=_base_.ignore_index),
    decode_head=dict(num_classes=_base_.num_classes, ignore_index=_base_.ignore_index),
    auxiliary_head=dict(
        num_classes=_base_.num_classes, ignore_index=_base_.ignore_index
    ),
)
work_dir = {work_dir!r}
randomness = dict(seed={seed})
{length}"""
MIXED = """\
# PSPNet on your photos and as many generated pairs.
{head}_base_ = './pspnet_plain.py'
real = _base_.train_dataloader.dataset
generated = dict(
    type='mmseg_ganaug.GANRecomposeDataset',
    source=real,
{note}    recomposer=dict(type={way!r}),
    generator=dict(
        config={generator!r},
        checkpoint={checkpoint!r},
    ),
    ratio=1.0,
    cache_dir={cache_dir!r},
    seed={seed},
)
train_dataloader = dict(
    dataset=dict(_delete_=True, type='ConcatDataset', datasets=[real, generated])
)
work_dir = {work_dir!r}
"""
THINGS = (
    "    # Where classes are countable objects, name them: dict(type='Recon', "
    "things=['car']).\n"
)
