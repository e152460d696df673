"""Damaged objects: drawn from a seed, and nothing else is touched."""

import cv2
import numpy as np
import pytest

from mmseg_ganaug.datasets.damage import (
    damage_objects,
    damaged_look,
    filled,
    without_shadow,
)


@pytest.fixture
def scene():
    """A noisy photo with a bright object over a ground with a shadow below it."""
    rng = np.random.default_rng(0)
    photo = rng.integers(90, 130, (80, 100, 3), np.uint8)
    mask = np.zeros((80, 100), bool)
    mask[20:50, 30:70] = True
    photo[mask] += 80
    photo[50:56, 30:70] //= 2
    return photo, mask


def damage(scene, seed):
    photo, mask = scene
    return damage_objects(photo, [mask], ~mask, np.random.default_rng(seed))


def near(mask, width):
    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * width + 1,) * 2)) > 0


def test_the_same_seed_gives_the_same_bytes_and_another_other_ones(scene):
    one, again, other = damage(scene, 1), damage(scene, 1), damage(scene, 2)
    for name in ('photo', 'base', 'pasted', 'target'):
        assert np.array_equal(getattr(one, name), getattr(again, name))
    assert not np.array_equal(one.photo, other.photo)


@pytest.mark.parametrize('seed', range(12))
def test_only_the_object_and_its_surroundings_are_damaged(scene, seed):
    photo, mask = scene
    made = damage(scene, seed)
    assert np.array_equal(made.target, photo)
    assert made.pasted[mask].all()
    assert not (made.pasted & ~near(mask, 2)).any()
    changed = (made.photo != photo).any(axis=2)
    assert not (changed & ~near(mask, 16)).any()
    # Beyond the pasted pixels the base is what is seen, so its rim can fade into it.
    assert np.array_equal(made.photo[~made.pasted], made.base[~made.pasted])


def test_all_kinds_of_damage_occur(scene):
    photo, mask = scene
    lit, wide, shadowless = [], [], []
    for seed in range(40):
        made = damage(scene, seed)
        lit.append(made.photo[mask].mean() - photo[mask].mean())
        wide.append(np.count_nonzero(made.pasted) > np.count_nonzero(mask))
        shadowless.append(made.photo[53, 50].mean() > 1.3 * photo[53, 50].mean())
    assert max(lit) > 15 and min(lit) < -15
    assert 0 < sum(wide) < 40
    assert 20 < sum(shadowless) < 40


def test_a_shadow_is_taken_away_and_nothing_gets_darker(scene):
    photo, mask = scene
    made = without_shadow(photo, mask, ~mask, ring=12)
    below, ground = made[51:55, 40:60], photo[60:70, 40:60]
    assert abs(below.mean() - ground.mean()) < 15
    assert (made >= photo).all()
    assert np.array_equal(made[mask], photo[mask])


def test_only_the_ground_at_the_foot_gets_brighter(scene):
    photo, mask = scene
    dark = photo.copy()
    dark[14:20, 30:70] //= 2
    made = without_shadow(dark, mask, ~mask, ring=12)
    assert np.array_equal(made[:30], dark[:30])


def test_a_look_keeps_size_and_type(scene):
    for seed in range(20):
        look = damaged_look(scene[0], np.random.default_rng(seed))
        assert look.shape == scene[0].shape and look.dtype == np.uint8


def test_masks_are_filled_from_beside_them(scene):
    photo, mask = scene
    made = filled(photo, mask)
    assert np.array_equal(made[~mask], photo[~mask])
    assert np.array_equal(made[30, 31], photo[30, 29])
    everything = np.ones(mask.shape, bool)
    assert np.array_equal(filled(photo, everything), photo)
