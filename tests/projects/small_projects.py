"""Minimal projects: eight photos of 64 x 96, label files, and a config of MMSeg."""

import copy

import cv2
import numpy as np
import pytest
from own_code import CLASSES, COLOURS, IDS

NUM_PHOTOS, SIZE = 8, (64, 96)
IMAGE = dict(type='LoadImageFromFile')
LABELS = dict(type='LoadAnnotations')
FLIP = dict(type='RandomFlip', prob=0.5)
PACK = dict(type='PackSegInputs')


def true_maps():
    """Ground above water, and a defect (class 1) in half of the maps."""
    rng = np.random.default_rng(0)
    maps = []
    for index in range(NUM_PHOTOS):
        labels = np.zeros(SIZE, np.uint8)
        labels[48:] = 2
        if index % 2:
            top, left = rng.integers(0, 30), rng.integers(0, 80)
            labels[top : top + 12, left : left + 14] = 1
        maps.append(labels)
    return maps


def write(folder, kind, arrays, suffix):
    place = folder / kind
    place.mkdir(parents=True)
    for index, array in enumerate(arrays):
        path = str(place / f'{index}{suffix}')
        if suffix == '.npy':
            np.save(path, array)
        elif suffix == '.tif':
            pytest.importorskip('tifffile').imwrite(path, array)
        else:
            assert cv2.imwrite(path, array)


def binary(labels):
    return (labels == 1).astype(np.uint8) * 255


def as_ids(labels):
    return IDS[labels]


def as_colours(labels):
    return COLOURS[labels]


def make(
    folder,
    loading=(IMAGE, LABELS),
    behind=(FLIP, PACK),
    encode=lambda labels: labels,
    bands=3,
    dtype=np.uint8,
    suffixes=('.png', '.png'),
    classes=CLASSES,
    **options,
):
    """Writes the files of a project; returns the config of its data set."""
    rng = np.random.default_rng(1)
    most = 256 if dtype == np.uint8 else 40000
    shape = SIZE if bands == 0 else (*SIZE, bands)
    photos = rng.integers(0, most, (NUM_PHOTOS, *shape)).astype(dtype)
    write(folder, 'img', photos, suffixes[0])
    write(folder, 'ann', map(encode, true_maps()), suffixes[1])
    return dict(
        dict(
            type='BaseSegDataset',
            data_root=str(folder),
            data_prefix=dict(img_path='img', seg_map_path='ann'),
            img_suffix=suffixes[0],
            seg_map_suffix=suffixes[1],
            metainfo=dict(
                classes=classes, palette=[[9 * i] * 3 for i in range(len(classes))]
            ),
            pipeline=[*loading, *behind],
        ),
        **options,
    )


def generated_of(source, folder, generator=None, **options):
    """Config of generated pairs; real pixels unless a generator is named."""
    return dict(
        type='mmseg_ganaug.GANRecomposeDataset',
        source=copy.deepcopy(source),
        recomposer=dict(type='AddSingle', classes=['defect']),
        generator=generator,
        num_samples=4,
        cache_dir=str(folder / 'cache'),
        **options,
    )


def joined(*datasets, **options):
    return dict(type='ConcatDataset', datasets=list(datasets), **options)


def training(dataset, bands=3, num_classes=3, scope='mmseg'):
    """Config of a training of two iterations on a data set."""
    return dict(
        default_scope=scope,
        custom_imports=dict(imports=['mmseg_ganaug', 'own_code', 'painters']),
        train_dataloader=dict(
            batch_size=2,
            num_workers=0,
            sampler=dict(type='InfiniteSampler', shuffle=True),
            dataset=dataset,
        ),
        model=dict(
            type='EncoderDecoder',
            data_preprocessor=dict(
                type='SegDataPreProcessor',
                mean=[0.0] * bands,
                std=[255.0] * bands,
                size=SIZE,
            ),
            backbone=dict(type='OnePixelBackbone', in_channels=bands),
            decode_head=dict(
                type='FCNHead',
                in_channels=4,
                channels=4,
                num_convs=1,
                num_classes=num_classes,
                norm_cfg=dict(type='BN'),
                align_corners=False,
            ),
        ),
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=2),
        optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01)),
        default_hooks=dict(logger=dict(type='LoggerHook', interval=1)),
    )
