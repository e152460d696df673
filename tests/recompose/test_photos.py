"""Real pixels that are recombined along with the labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmseg_ganaug.recompose import (
    AddMulti,
    AddSingle,
    LabelStatistics,
    LabelValueError,
    MemoryLabelSource,
    Recon,
    match_tone,
)

SIZE = (20, 30)


def make_source(rng, sizes=(SIZE,) * 5, instances=False):
    """Maps of four classes; each photo tells its map (red) and the class (green)."""
    label_maps, photos, instance_maps = [], [], []
    for number, size in enumerate(sizes):
        label_map = rng.integers(0, 2, (1, size[1]), dtype=np.uint8).repeat(size[0], 0)
        for class_id in (2, 3):
            y, x = rng.integers(0, size[0] - 6), rng.integers(0, size[1] - 6)
            label_map[y : y + 6, x : x + 6] = class_id
        label_map[0] = 255
        photo = np.zeros((*size, 3), np.uint8)
        photo[..., 0], photo[..., 1] = number, label_map
        label_maps.append(label_map)
        photos.append(photo)
        instance_maps.append(np.where(label_map == 2, 1, 0).astype(np.int32))
    return MemoryLabelSource(
        label_maps, 4, photos=photos, instance_maps=instance_maps if instances else None
    )


@given(st.integers(0, 2**31), st.sampled_from([AddMulti, Recon]), st.booleans())
def test_every_pixel_is_one_that_shows_its_label(seed, recomposer, instances):
    source = make_source(np.random.default_rng(seed), instances=instances)
    recomposer = recomposer(flip_prob=0.5, shift_range=(0.2, 0.2), min_area=0.0)
    plan = recomposer.plan(LabelStatistics.collect(source), 3, seed)
    for recipe in plan:
        made = recomposer.recompose(recipe, source, with_photo=True)
        alone = recomposer.recompose(recipe, source)
        np.testing.assert_array_equal(made.label_map, alone.label_map)
        assert alone.photo is None and alone.shown is None
        if instances:
            np.testing.assert_array_equal(made.instance_map, alone.instance_map)
        shown = made.shown
        np.testing.assert_array_equal(made.photo[..., 1][shown], made.label_map[shown])
        origins = {*made.pasted, recipe.base, recipe.donors[0]}
        assert set(np.unique(made.photo[..., 0])) <= origins
        if recomposer is AddMulti:
            assert shown.all()
            kept = ~made.changed & (made.label_map == made.base)
            untouched = kept & ~np.isin(made.label_map, recipe.classes)
            assert (made.photo[..., 0][untouched] == recipe.base).all()


def test_filled_holes_are_not_shown():
    left = np.zeros((10, 10), np.uint8)
    left[:, 5:] = 1
    other = np.full((10, 10), 1, np.uint8)
    other[4:6, 4:6] = 2
    photos = [np.repeat(m[..., None], 3, 2) for m in (left, other)]
    source = MemoryLabelSource([left, other, left], 3, photos=[*photos, photos[0]])
    recomposer = Recon(num_donors=2, things=[2], background_share=0.5)
    for recipe in recomposer.plan(LabelStatistics.collect(source), 5, 0):
        made = recomposer.recompose(recipe, source, with_photo=True)
        wrong = made.photo[..., 0] != made.label_map
        np.testing.assert_array_equal(wrong & made.shown, False)
        assert made.shown.any()
        # Where no layer lay, the photo is the first donor's own.
        first = source.photo(recipe.donors[0])
        np.testing.assert_array_equal(made.photo[~made.shown], first[~made.shown])


def test_resized_donors_bring_resized_pixels():
    rng = np.random.default_rng(0)
    source = make_source(rng, sizes=[SIZE, (40, 60), SIZE, (40, 60)])
    recomposer = AddMulti(num_classes=2, min_area=0.0, resize_donors=True)
    for recipe in recomposer.plan(LabelStatistics.collect(source), 10, 0):
        made = recomposer.recompose(recipe, source, with_photo=True)
        assert made.photo.shape == (*made.label_map.shape, 3)
        # Borders are blended when a photo is resized; most pixels are not.
        agree = made.photo[..., 1] == made.label_map
        assert agree.mean() > 0.85


def test_a_photo_of_another_size_is_an_error():
    source = make_source(np.random.default_rng(0))
    source._photos[0] = np.zeros((3, 3, 3), np.uint8)
    recomposer = AddMulti(num_classes=2, min_area=0.0)
    recipe = next(
        r
        for r in recomposer.plan(LabelStatistics.collect(source), 50, 0)
        if 0 in r.maps
    )
    with pytest.raises(LabelValueError, match=r'label map 0.*\[3, 3, 3\]'):
        recomposer.recompose(recipe, source, with_photo=True)


def test_mean_and_spread_are_those_of_the_reference():
    rng = np.random.default_rng(0)
    photo = rng.normal(100, 20, (40, 50, 3)).clip(0, 255).astype(np.uint8)
    reference = rng.normal((60, 90, 120), 10, (40, 50, 3)).astype(np.uint8)
    matched = match_tone(photo, reference).astype(float)
    np.testing.assert_allclose(matched.mean((0, 1)), reference.mean((0, 1)), atol=0.6)
    np.testing.assert_allclose(matched.std((0, 1)), reference.std((0, 1)), atol=0.6)


def test_the_spread_may_be_left_as_it_is():
    rng = np.random.default_rng(0)
    photo = rng.normal(100, 20, (40, 50, 3)).astype(np.uint8)
    reference = np.full((40, 50, 3), 120, np.uint8)
    matched = match_tone(photo, reference, spread=False).astype(float)
    np.testing.assert_allclose(matched.mean((0, 1)), 120, atol=0.6)
    np.testing.assert_allclose(matched.std((0, 1)), photo.std((0, 1)), atol=0.1)


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


def test_by_gain_black_stays_black():
    photo = np.full((10, 10, 3), 40, np.uint8)
    photo[:5] = 0
    reference = np.full((10, 10, 3), 30, np.uint8)
    reference[..., 2] = 200
    matched = match_tone(photo, reference, gain=True)
    assert not matched[:5].any()
    # No channel is multiplied by more than three.
    assert (matched[5:] == [60, 60, 120]).all()
    where = np.zeros((10, 10), bool)
    where[5:] = True
    assert (match_tone(photo, reference, where, gain=True)[5:] == [30, 30, 120]).all()


@pytest.mark.parametrize('tone', [True, 'gain'])
@pytest.mark.parametrize('recomposer', [AddSingle(min_area=0.0), Recon()])
def test_donors_take_the_light_of_the_photo_they_are_laid_into(recomposer, tone):
    rng = np.random.default_rng(0)
    maps = [np.zeros((24, 32), np.uint8) for _ in range(2)]
    for number, label_map in enumerate(maps):
        label_map[4 + number : 12, 5:20] = 1
    day = rng.integers(100, 250, (24, 32, 3)).astype(np.uint8)
    source = MemoryLabelSource(maps, 2, photos=[day, day // 2])
    mixed = 0
    for recipe in recomposer.plan(LabelStatistics.collect(source), 8, 0):
        made = recomposer.recompose(recipe, source, with_photo=True, match_tone=tone)
        raw = recomposer.recompose(recipe, source, with_photo=True)
        first = source.photo(recipe.maps[0])
        np.testing.assert_allclose(made.photo.astype(int), first.astype(int), atol=4)
        mixed += not np.array_equal(raw.photo, made.photo)
    assert mixed
