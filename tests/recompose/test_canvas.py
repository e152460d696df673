import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_ganaug.recompose.canvas import RecomposedMap, fill_holes


def distances(covered, row, column):
    return np.hypot(*(np.argwhere(covered) - (row, column)).T)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), share=st.floats(0.02, 0.98))
def test_holes_get_the_class_of_a_nearest_pixel(seed, share):
    rng = np.random.default_rng(seed)
    before = rng.integers(0, 4, (9, 14)).astype(np.uint8)
    before[rng.random(before.shape) < share] = 255
    before[4, 4] = 1
    after = before.copy()
    fill_holes(after, 255)
    covered = before != 255
    assert np.array_equal(after[covered], before[covered])
    for row, column in np.argwhere(~covered):
        away = distances(covered, row, column)
        # The chamfer distance is not quite the Euclidean one.
        near = before[covered][away <= 1.03 * away.min()]
        assert after[row, column] in near


def test_on_a_large_map_the_class_comes_from_about_the_nearest_pixel():
    rng = np.random.default_rng(0)
    before = np.full((1100, 1300), 255, np.uint8)
    for value in range(30):
        top, left = rng.integers(1100), rng.integers(1300)
        before[top : top + 80, left : left + 80] = value
    after = before.copy()
    fill_holes(after, 255)
    covered = before != 255
    assert np.array_equal(after[covered], before[covered])
    for row, column in rng.permutation(np.argwhere(~covered))[:200]:
        away = distances(covered, row, column)
        near = before[covered][away <= 1.03 * away.min() + 12]
        assert after[row, column] in near


def test_a_pixel_missed_by_the_search_grid_still_fills_the_map():
    label_map = np.full((1024, 1024), 255, np.uint8)
    label_map[501, 503] = 7
    fill_holes(label_map, 255)
    assert (label_map == 7).all()


def test_a_map_without_holes_stays_and_one_of_holes_is_an_error():
    label_map = np.arange(20, dtype=np.uint8).reshape(4, 5)
    filled = label_map.copy()
    fill_holes(filled, 255)
    assert np.array_equal(filled, label_map)
    with pytest.raises(ValueError, match='no layer covers a pixel'):
        fill_holes(np.full((4, 4), 11, np.uint8), 11)


def test_an_object_laid_over_its_own_class_is_a_change():
    base = np.zeros((4, 4), np.uint8)
    laid = np.zeros((4, 4), bool)
    laid[1:3, 1:3] = True
    made = RecomposedMap(base.copy(), None, base, (1,), laid=laid)
    assert np.array_equal(made.changed, laid)
    assert not RecomposedMap(base.copy(), None, base, (1,)).changed.any()
