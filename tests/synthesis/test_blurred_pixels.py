"""Pasted pixels blurred within each object: a control for what painters add."""

import numpy as np
import pytest

from mmseg_ganaug.recompose import (
    AddMulti,
    AddSingle,
    LabelStatistics,
    MemoryLabelSource,
    RecomposedMap,
    Recon,
)
from mmseg_ganaug.synthesis import (
    BlurredPixels,
    Compositing,
    RealPixels,
    SampleMaker,
)
from mmseg_ganaug.synthesis.harmonized_pixels import paints

WAYS = dict(
    objects=AddMulti(classes=[2], objects=dict(things=[2], num_objects=1)),
    layers=AddSingle(classes=[2]),
    recon=Recon(min_area=0, min_background=0),
)


@pytest.fixture
def source():
    rng = np.random.default_rng(0)
    maps, photos = [], []
    for _ in range(6):
        label_map = np.zeros((48, 60), np.uint8)
        label_map[:16] = 1
        y, x = rng.integers(12, 28), rng.integers(2, 40)
        label_map[y : y + 16, x : x + 12] = 2
        maps.append(label_map)
        photos.append(rng.integers(0, 255, (48, 60, 3), np.uint8))
    return MemoryLabelSource(maps, 3, photos=photos)


def samples(source, generator, way):
    statistics = LabelStatistics.collect(source, with_scene=way.needs_scene)
    plan = way.plan(statistics, 4, 0)
    maker = SampleMaker(
        list(plan), 4, way.recompose, source, generator, Compositing('real')
    )
    maps = maker.recompose(range(4))
    return maps, maker.finish(range(4), maps)


@pytest.mark.parametrize('way', WAYS)
def test_only_pixels_of_donors_change_and_lose_their_detail(source, way):
    maps, plain = samples(source, RealPixels(), WAYS[way])
    _, blurred = samples(source, BlurredPixels(), WAYS[way])
    for made, one, two in zip(maps, plain, blurred):
        assert np.array_equal(one.label_map, two.label_map)
        changed = (one.photo != two.photo).any(axis=2)
        assert np.array_equal(changed | made.from_donors, made.from_donors)
        assert changed.sum() > 0.9 * made.from_donors.sum()
        pasted = made.from_donors & (made.label_map == 2)
        assert two.photo[pasted].std() < 0.3 * one.photo[pasted].std()


def recombined(photo, label_map, laid):
    made = RecomposedMap(label_map, None, np.zeros_like(label_map), (), photo=photo)
    made.laid, made.base_photo = laid, np.zeros_like(photo)
    return made


def test_objects_do_not_fade_into_their_surroundings_or_each_other():
    laid = np.zeros((40, 60), bool)
    laid[10:30, 5:20] = np.tri(20, 15, dtype=bool)
    laid[10:30, 25:55] = True
    labels = laid.astype(np.uint8)
    labels[:, 40:] *= 2
    photo = np.full((40, 60, 3), 170, np.uint8)
    photo[laid] = 250
    photo[10:30, 25:40], photo[10:30, 40:55] = 100, 30
    made = recombined(photo, labels, laid)
    # Each is of one grey: nothing of another's gets into it, at any size.
    for sigma in (0.1, 0.25, 5.0):
        assert np.array_equal(BlurredPixels(sigma).retouch(made), photo)


def test_the_blur_grows_with_the_object_and_keeps_its_mean():
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (8, 8, 3), np.uint8)
    results = []
    for side in (64, 256):
        photo = np.kron(coarse, np.ones((side // 8, side // 8, 1), np.uint8))
        all_of_it = np.ones((side, side), bool)
        made = recombined(photo, np.ones((side, side), np.uint8), all_of_it)
        blurred = BlurredPixels().retouch(made).astype(float)
        np.testing.assert_allclose(
            blurred.mean(axis=(0, 1)), photo.mean(axis=(0, 1)), atol=12
        )
        # Means of the same parts of the object.
        results.append(blurred.reshape(8, side // 8, 8, side // 8, 3).mean((1, 3)))
    np.testing.assert_allclose(*results, atol=6)


def test_the_recombination_and_its_photo_stay_as_they_are(source):
    way = WAYS['layers']
    maps, _ = samples(source, RealPixels(), way)
    before = maps[0].photo.copy()
    BlurredPixels().retouch(maps[0])
    assert np.array_equal(maps[0].photo, before)


def test_it_paints_nothing_and_has_a_store_for_each_blur():
    assert not paints(dict(type='BlurredPixels'), dict(type='Recon'))
    names = {BlurredPixels().fingerprint(), BlurredPixels(0.5).fingerprint()}
    assert len({*names, RealPixels().fingerprint()}) == 3
