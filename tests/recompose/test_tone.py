"""The light of photos that are joined."""

import numpy as np
import pytest

from mmseg_ganaug.recompose import (
    AddSingle,
    LabelStatistics,
    MemoryLabelSource,
    Recon,
    match_tone,
)


def test_mean_and_spread_are_those_of_the_reference():
    rng = np.random.default_rng(0)
    photo = rng.normal(100, 20, (40, 50, 3)).clip(0, 255).astype(np.uint8)
    reference = rng.normal((60, 90, 120), 10, (40, 50, 3)).astype(np.uint8)
    matched = match_tone(photo, reference).astype(float)
    np.testing.assert_allclose(matched.mean((0, 1)), reference.mean((0, 1)), atol=0.6)
    np.testing.assert_allclose(matched.std((0, 1)), reference.std((0, 1)), atol=0.6)


def test_only_what_is_compared_decides():
    photo = np.full((10, 10, 3), 100, np.uint8)
    photo[:5] = 200
    reference = np.full((10, 10, 3), 50, np.uint8)
    where = np.zeros((10, 10), bool)
    assert match_tone(photo, reference, where) is photo
    where[5:] = True
    matched = match_tone(photo, reference, where)
    assert (matched[5:] == 50).all()
    assert matched.dtype == np.uint8


@pytest.mark.parametrize('recomposer', [AddSingle(min_area=0.0), Recon()])
def test_donors_take_the_light_of_the_photo_they_are_laid_into(recomposer):
    rng = np.random.default_rng(0)
    maps = [np.zeros((24, 32), np.uint8) for _ in range(2)]
    for number, label_map in enumerate(maps):
        label_map[4 + number : 12, 5:20] = 1
    day = rng.integers(100, 250, (24, 32, 3)).astype(np.uint8)
    source = MemoryLabelSource(maps, 2, photos=[day, day // 4])
    mixed = 0
    for recipe in recomposer.plan(LabelStatistics.collect(source), 8, 0):
        made = recomposer.recompose(recipe, source, with_photo=True, match_tone=True)
        raw = recomposer.recompose(recipe, source, with_photo=True)
        first = source.photo(recipe.maps[0])
        np.testing.assert_allclose(made.photo.astype(int), first.astype(int), atol=4)
        mixed += not np.array_equal(raw.photo, made.photo)
    assert mixed
