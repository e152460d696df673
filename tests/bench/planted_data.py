"""Small data sets in which it is known what is wrong, made by code."""

import cv2
import numpy as np
from mmengine.config import Config

NAMES = ('ground', 'wall', 'bird', 'cup')
GROUND, WALL, BIRD, CUP = range(4)
SIZE = 96, 128
COLOURS = np.array([[90, 90, 90], [40, 120, 200], [200, 40, 40], [30, 200, 60]])
IGNORED = 255
#: Of a network that decides in cells of 8 pixels.
MODEL = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(type='SegDataPreProcessor', size_divisor=8),
    backbone=dict(
        type='ResNetV1c',
        depth=18,
        base_channels=8,
        stem_channels=8,
        strides=(1, 2, 1, 1),
        dilations=(1, 1, 2, 4),
        norm_eval=False,
    ),
    decode_head=dict(
        type='FCNHead',
        in_channels=64,
        channels=8,
        num_convs=1,
        concat_input=False,
        num_classes=len(NAMES),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)


def scene(rng):
    """A wall over a ground, a large bird and a large cup: nothing is rare."""
    labels = np.full(SIZE, GROUND, np.uint8)
    labels[: rng.integers(40, 56)] = WALL
    for class_id, left in ((BIRD, rng.integers(2, 14)), (CUP, rng.integers(66, 78))):
        top = rng.integers(4, 48)
        labels[top : top + 44, left : left + 44] = class_id
    return labels


def paint(rng, labels):
    noise = rng.integers(0, 30, (*SIZE, 3))
    return (COLOURS[np.where(labels == IGNORED, 0, labels)] + noise).astype(np.uint8)


def without(labels, class_id):
    labels[labels == class_id] = GROUND


def write(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


def make_data(folder, edit=None, relabel=None, counts=(24, 24), crop=(72, 96)):
    """Writes train and val, and returns the config of a training on them.

    Args:
        folder: Where.
        edit: Called with (labels, split, index, rng) before the photo is painted.
        relabel: The same, after it was painted.
        counts: Photos of train and of val.
        crop: Height and width of the crops.
    """
    rng = np.random.default_rng(0)
    for split, count in zip(('train', 'val'), counts):
        for index in range(count):
            labels = scene(rng)
            if edit is not None:
                edit(labels, split, index, rng)
            photo = paint(rng, labels)
            if relabel is not None:
                relabel(labels, split, index, rng)
            write(folder / split / 'img' / f'{index:03d}.png', photo)
            write(folder / split / 'ann' / f'{index:03d}.png', labels)
    load = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]
    pack = dict(type='PackSegInputs')
    augment = [
        dict(type='RandomCrop', crop_size=crop),
        dict(type='RandomFlip', prob=0.5),
    ]
    return Config(
        dict(
            model=MODEL,
            train_dataloader=dict(
                batch_size=2, dataset=dataset(folder, 'train', [*load, *augment, pack])
            ),
            val_dataloader=dict(
                batch_size=1, dataset=dataset(folder, 'val', [*load, pack])
            ),
        )
    )


def dataset(folder, split, pipeline):
    return dict(
        type='BaseSegDataset',
        data_root=str(folder / split),
        data_prefix=dict(img_path='img', seg_map_path='ann'),
        img_suffix='.png',
        metainfo=dict(classes=NAMES, palette=COLOURS.tolist()),
        pipeline=pipeline,
    )
