"""Random label maps, and what all recomposers make of them."""

import numpy as np
from hypothesis import strategies as st

from mmseg_ganaug.recompose import (
    AddMulti,
    AddSingle,
    LabelStatistics,
    MemoryLabelSource,
    Recon,
)

IGNORE = 255


def random_source(
    seed, count=6, classes=5, size=(12, 16), instances=True, ignore=IGNORE
):
    """Blocky random maps: rectangles of classes over a background, some ignore."""
    rng = np.random.default_rng(seed)
    label_maps, instance_maps = [], []
    for _ in range(count):
        label_map = np.full(size, rng.integers(2), np.uint8)
        ids = np.zeros(size, np.int32)
        for number in range(6):
            top, left = rng.integers(size[0]), rng.integers(size[1])
            box = np.s_[top : top + rng.integers(2, 6), left : left + 5]
            label_map[box] = rng.choice([*range(classes), ignore])
            ids[box] = 7 * number + 1 if label_map[top, left] in (3, 4) else 0
        label_maps.append(label_map)
        instance_maps.append(ids)
    return MemoryLabelSource(
        label_maps,
        classes,
        ignore,
        instance_maps=instance_maps if instances else None,
    )


RECOMPOSERS = [
    AddSingle(min_area=0, max_objects=1),
    AddSingle(min_area=0, flip_prob=0.5, shift_range=(0.3, 0.3)),
    AddMulti(num_classes=(2, 3), min_area=0, scale_range=(0.5, 2)),
    Recon(num_donors=3, min_area=0, min_background=0),
    Recon(num_donors=4, min_area=0, min_background=0, things=[3], fill='ignore'),
    Recon(
        num_donors=3, min_area=0, min_background=0, flip_prob=0.5, shift_range=(0.5, 0)
    ),
]
SEEDS = st.integers(0, 10**6)


def outcomes(recomposer, seed, samples=4, **kwargs):
    """A random source, and what a recomposer makes of it: (recipe, map) each."""
    source = random_source(seed, **kwargs)
    statistics = LabelStatistics.collect(source)
    plan = recomposer.plan(statistics, samples, seed)
    assert len(plan) == samples
    return source, [(recipe, recomposer.recompose(recipe, source)) for recipe in plan]
