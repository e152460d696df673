import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_ganaug.recompose import Placement, ReplayOptions
from mmseg_ganaug.recompose.layers import crop_layer
from mmseg_ganaug.recompose.placement import (
    PlacementRanges,
    PositionPrior,
    place,
    resize_nearest,
)

SHAPE = (9, 12)


def random_layer(seed):
    rng = np.random.default_rng(seed)
    mask = np.zeros(SHAPE, bool)
    top, left = rng.integers(SHAPE[0]), rng.integers(SHAPE[1])
    mask[top : top + 5, left : left + 5] = True
    mask &= rng.random(SHAPE) < 0.8
    mask[top, left] = True
    layer = crop_layer(mask, 3)
    ids = np.arange(1, mask.size + 1).reshape(SHAPE)
    layer.ids = ids[layer.box].astype(np.int32)
    return mask, ids, layer


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    flip=st.booleans(),
    down=st.integers(-12, 12),
    right=st.integers(-15, 15),
)
def test_flip_and_shift_move_every_pixel_and_clip_the_rest(seed, flip, down, right):
    mask, ids, layer = random_layer(seed)
    rows, columns = np.nonzero(mask)
    values = ids[rows, columns]
    columns = SHAPE[1] - 1 - columns if flip else columns
    rows, columns = rows + down, columns + right
    inside = (rows >= 0) & (rows < SHAPE[0]) & (columns >= 0) & (columns < SHAPE[1])
    expected = np.zeros(SHAPE, int)
    expected[rows[inside], columns[inside]] = values[inside]

    placed = place(layer, Placement(flip, down, right), SHAPE)
    if not inside.any():
        assert placed is None
        return
    found = np.zeros(SHAPE, int)
    found[placed.box] = placed.ids * placed.mask
    assert np.array_equal(found, expected)
    assert placed.area == inside.sum()


@pytest.mark.parametrize('scale', [0.5, 2, 3])
def test_a_scaled_layer_keeps_its_bottom_centre(scale):
    mask = np.zeros((60, 60), bool)
    mask[24:32, 26:34] = True
    placed = place(crop_layer(mask, 0), Placement(scale=scale), mask.shape)
    side = int(8 * scale)
    assert placed.mask.shape == (side, side)
    assert placed.top + side == 32
    assert placed.left + side / 2 == 30
    assert placed.area == side**2


def test_a_huge_scale_stays_within_memory():
    mask = np.zeros((60, 60), bool)
    mask[10:50, 10:50] = True
    placed = place(crop_layer(mask, 0), Placement(scale=100.0), mask.shape)
    assert placed.mask.shape == (50, 60)


def test_nearest_resize_takes_the_pixel_at_the_centre():
    row = np.arange(6)[None]
    assert resize_nearest(row, (1, 3)).tolist() == [[1, 3, 5]]
    assert resize_nearest(row[:, :2], (1, 4)).tolist() == [[0, 0, 1, 1]]


def test_the_place_of_a_class_is_plausible_where_it_usually_lies():
    positions = np.zeros((2, 8, 8), int)
    positions[0, :4] = 100
    positions[1, 4:] = 100
    prior = PositionPrior.of(positions)

    def passes(rows, smallest):
        mask = np.zeros((80, 80), bool)
        mask[rows, 20:40] = True
        options = ReplayOptions(min_plausibility=smallest, prior=prior)
        return options.allows_place(crop_layer(mask, 1), mask.shape)

    assert passes(slice(60, 80), 1.0)
    assert not passes(slice(0, 20), 0.001)
    assert passes(slice(30, 50), 0.1)
    assert not passes(slice(30, 50), 0.9)
    assert passes(slice(0, 20), 0.0)


def test_a_prior_that_is_none_is_refused():
    for wrong in ({}, [], [[1, 2]], [[[1], [2, 3]]], [[[0.5]]], [[[-1]]], [[[256]]]):
        with pytest.raises(ValueError, match='position prior is not valid'):
            PositionPrior(wrong)
    prior = PositionPrior.of(np.ones((2, 4, 4)))
    with pytest.raises(ValueError, match='no class 5'):
        prior.plausibility(crop_layer(np.ones((4, 4), bool), 5), (4, 4))


def test_drawn_placements_stay_in_their_ranges():
    ranges = PlacementRanges(0.5, (0.1, 0.2), (0.5, 2))
    rng = np.random.default_rng(0)
    drawn = ranges.draw(rng, [0] * 200, np.array([100, 200]))
    assert {p.flip for p in drawn} == {False, True}
    assert max(abs(p.down) for p in drawn) in range(8, 11)
    assert max(abs(p.right) for p in drawn) in range(35, 41)
    assert 0.5 <= min(p.scale for p in drawn) < 0.6
    assert 1.9 < max(p.scale for p in drawn) <= 2
    assert ranges.draw(rng, [1, 0], np.array([9, 9]), still=[1])[0] == Placement()
    assert PlacementRanges(0, (0, 0), (1, 1)).draw(rng, [1], np.array([9, 9])) == ()


@pytest.mark.parametrize(
    'ranges', [(2, (0, 0), (1, 1)), (0, (0, 2), (1, 1)), (0, (0, 0), (2, 1))]
)
def test_ranges_that_are_none_are_refused(ranges):
    with pytest.raises(ValueError, match=r'flip_prob|shift_range|scale_range'):
        PlacementRanges(*ranges)
