"""Intervals by drawing photos and seeds again."""

import math

import numpy as np
import pytest
from scipy import stats

from mmseg_ganaug.evaluation.bootstrap import interval, resampled_ious


def drawn_from(rng, seeds, photo_spread, own_spread=0.0, photos=100):
    """Differences of which the truth is 0: seeds differ by 1, photos as given.

    ``own_spread`` is how far a photo's difference depends on the seed.

    Returns:
        What :func:`interval` takes.
    """
    root = math.sqrt(photos)
    values = rng.normal(0, photo_spread * root, (photos, 1))
    values = values + rng.normal(0, own_spread * root, (photos, seeds))
    values = values + rng.normal(0, 1, seeds)
    share = rng.multinomial(photos, np.full(photos, 1 / photos), 2000) / photos
    return share @ values, values.mean(axis=0)


def student(values):
    seeds = len(values)
    return stats.t.ppf(0.975, seeds - 1) * values.std(ddof=1) / math.sqrt(seeds)


@pytest.mark.parametrize('seeds', [3, 5])
@pytest.mark.parametrize('photo_spread', [0.0, 1.0])
@pytest.mark.parametrize('own_spread', [0.0, 1.0, 4.0])
def test_about_95_of_100_intervals_hold_the_truth(seeds, photo_spread, own_spread):
    rng = np.random.default_rng(seeds)
    ends = [
        interval(*drawn_from(rng, seeds, photo_spread, own_spread)) for _ in range(200)
    ]
    held = np.mean([low <= 0 <= high for low, high in ends])
    assert 0.9 <= held <= 1.0


def test_the_chance_of_photos_is_not_widened_as_if_it_were_that_of_seeds():
    rng = np.random.default_rng(0)
    widths = []
    for _ in range(100):
        drawn, whole = drawn_from(rng, 3, 0.0, own_spread=4.0)
        low, high = interval(drawn, whole)
        widths.append([(high - low) / 2, student(whole)])
    # Seeds and photos together: student's has both already.
    ours, theirs = np.median(widths, axis=0)
    assert theirs * 0.9 < ours < theirs * 1.35


def test_without_photos_the_interval_is_about_that_of_student():
    values = np.random.default_rng(0).normal(2, 1, 6)
    low, high = interval(np.tile(values, (2000, 1)), values)
    margin = student(values)
    assert low == pytest.approx(values.mean() - margin, abs=0.25 * margin)
    assert high == pytest.approx(values.mean() + margin, abs=0.25 * margin)


def test_one_seed_gives_no_interval():
    assert all(map(math.isnan, interval(np.zeros((2000, 1)), np.zeros(1))))


def test_the_same_photos_are_drawn_each_time():
    counts = np.random.default_rng(0).integers(1, 9, (2, 7, 3, 3))
    counts[..., 1] += counts[..., 0]
    ious = resampled_ious(counts)
    assert ious.shape == (2000, 2, 3)
    # The seeds of a draw see the same photos, and so does another method.
    assert np.array_equal(ious, resampled_ious(counts))
    assert np.array_equal(ious[:, :1], resampled_ious(counts[:1]))
    whole = 100 * counts[..., 0].sum(1) / counts[..., 1].sum(1)
    assert ious.mean(axis=0) == pytest.approx(whole, abs=1.5)


def test_a_class_of_one_photo_is_absent_from_some_draws():
    counts = np.zeros((1, 4, 1, 3), int)
    counts[0, 2, 0] = [1, 2, 2]
    ious = resampled_ious(counts)
    # (3/4)^4 of the draws leave that photo out.
    assert np.isnan(ious).mean() == pytest.approx(0.316, abs=0.04)
    assert np.nanmin(ious) == np.nanmax(ious) == 50.0
