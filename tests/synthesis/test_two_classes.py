"""Samples of background and object, and of one class with ignored pixels."""

import numpy as np
import pytest
from painters import GreyPainter

from mmseg_ganaug.recompose import (
    AddMulti,
    AddSingle,
    LabelStatistics,
    MemoryLabelSource,
    Recon,
)
from mmseg_ganaug.synthesis.compositing import build_compositing
from mmseg_ganaug.synthesis.filters import IgnoredClassesFilter, IgnoredShareFilter
from mmseg_ganaug.synthesis.sample_maker import SampleMaker


def source_of(num_classes):
    maps = []
    for number in range(5):
        label_map = np.zeros((30, 40), np.uint8)
        label_map[4 * number : 4 * number + 9, 5 * number : 5 * number + 8] = (
            1 if num_classes == 2 else 255
        )
        maps.append(label_map)
    names = ['background', 'object'][:num_classes]
    photos = [np.full((30, 40, 3), 9, np.uint8)] * 5
    return MemoryLabelSource(maps, num_classes, class_names=names, photos=photos)


@pytest.mark.parametrize(
    'composite',
    [
        'full',
        'changed',
        dict(mode='auto', painted=['background']),
        dict(mode='auto', painted=[]),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ('way', 'num_classes'),
    [(AddSingle, 2), (AddMulti, 2), (Recon, 2), (AddSingle, 1), (AddMulti, 1)],
)
def test_samples_hold_their_classes_in_every_composite(way, num_classes, composite):
    source = source_of(num_classes)
    way = way()
    recipes = list(way.plan(LabelStatistics.collect(source), 8, 0))
    filters = [IgnoredClassesFilter(['background']), IgnoredShareFilter(0.9)]
    for part in filters:
        part.prepare(source, 'no folder')
    for used in ([], filters):
        maker = SampleMaker(
            recipes,
            4,
            way.recompose,
            source,
            GreyPainter(),
            build_compositing(composite, source.class_names),
            used,
        )
        samples = maker.finish(range(4), maker.recompose(range(4)))
        for sample in samples:
            assert set(np.unique(sample.label_map)) <= {*range(num_classes), 255}
            assert sample.photo.shape == (30, 40, 3)
        if num_classes == 2 and not used:
            assert all((sample.label_map == 1).any() for sample in samples)
