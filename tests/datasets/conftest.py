"""A small data set on disk."""

import numpy as np
import pytest
from mmseg.registry import DATASETS  # noqa: F401  (the scope that the tests build in)
from painters import ColourPainter
from small_maps import CLASSES, PIPELINE, make_label_map, write_png


@pytest.fixture(autouse=True)
def fresh_painter():
    ColourPainter.batches = 0
    ColourPainter.dies_after = None


@pytest.fixture
def source(tmp_path):
    """Config of a plain BaseSegDataset of eight samples, with classes of its own."""
    rng = np.random.default_rng(0)
    for index in range(8):
        label_map = make_label_map(rng)
        photo = rng.integers(0, 256, (*label_map.shape, 3), dtype=np.uint8)
        write_png(tmp_path / 'img' / f'{index}.png', photo)
        write_png(tmp_path / 'ann' / f'{index}.png', label_map)
    return dict(
        type='BaseSegDataset',
        data_root=str(tmp_path),
        data_prefix=dict(img_path='img', seg_map_path='ann'),
        img_suffix='.png',
        metainfo=dict(
            classes=CLASSES, palette=[[0, 0, 0], [9, 9, 9], [99, 0, 0], [0, 99, 0]]
        ),
        pipeline=PIPELINE,
    )


@pytest.fixture
def generated(source, tmp_path):
    """Config of the generated data set over ``source``."""
    return dict(
        type='mmseg_ganaug.GANRecomposeDataset',
        source=source,
        recomposer=dict(type='AddSingle'),
        generator=dict(type='ColourPainter', num_classes=len(CLASSES)),
        num_samples=10,
        cache_dir=str(tmp_path / 'cache'),
    )
