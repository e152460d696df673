import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streets import streets

from mmseg_ganaug.recompose import AddMulti, LabelStatistics, Recon
from mmseg_ganaug.recompose.layers import Layer
from mmseg_ganaug.recompose.object_layers import covered, expected_pixels, move_boxes
from mmseg_ganaug.recompose.placement import Placement, place


@settings(max_examples=60, deadline=None)
@given(
    flip=st.booleans(),
    down=st.integers(-10, 10),
    right=st.integers(-20, 20),
    scale=st.sampled_from([0.5, 1.0, 2.0]),
)
def test_boxes_move_as_layers_do(flip, down, right, scale):
    shape = (80, 120)
    layer = Layer(1, np.ones((10, 20), bool), top=35, left=50)
    placed = place(layer, Placement(flip, down, right, scale), shape)
    box = np.array([[35 / 80, 50 / 120, 45 / 80, 70 / 120]])
    moves = np.array([[flip, down / 80, right / 120, scale]])
    top, left, bottom, right_edge = move_boxes(box, moves)[0] * [80, 120, 80, 120]
    rows, columns = placed.box
    assert (rows.start, rows.stop) == pytest.approx((top, bottom), abs=1)
    assert (columns.start, columns.stop) == pytest.approx((left, right_edge), abs=1)


def test_layers_that_move_together_keep_their_places_to_each_other():
    one = Layer(1, np.ones((4, 4), bool), top=20, left=20)
    other = Layer(2, np.ones((4, 4), bool), top=24, left=24)
    box = (slice(20, 28), slice(20, 28))
    for scale in (0.5, 2.0):
        for flip in (False, True):
            placement = Placement(flip, 3, -2, scale)
            a, b = (place(part, placement, (64, 64), box) for part in (one, other))
            assert b.top == a.top + round(4 * scale)
            assert b.left == a.left + round(4 * scale) * (-1 if flip else 1)
            # They stand where they stood.
            assert b.box[0].stop == 28 + 3


def test_covered_shares_sum_to_what_has_a_class():
    thumbnails = np.zeros((1, 96, 128), np.uint8)
    thumbnails[:, 48:] = 2
    shares = covered(thumbnails, 2, np.array([0]), np.array([[0.25, 0.0, 0.75, 1.0]]))
    assert shares.tolist() == [[0.5, 0.0]]  # class 2 of two classes is none


@pytest.mark.parametrize('recomposer', [AddMulti, Recon])
def test_expected_pixels_are_near_those_that_are_made(recomposer):
    source = streets(40)
    statistics = LabelStatistics.collect(source, with_scene=True)
    made = recomposer(objects={}, min_area=0, target='sqrt')
    plan = made.plan(statistics, 40, 1)
    counted = [
        np.bincount(made.recompose(recipe, source).label_map.ravel(), minlength=256)[:8]
        for recipe in plan
    ]
    expected = expected_pixels(statistics, plan.recipes).sum(axis=0)
    assert expected == pytest.approx(np.sum(counted, axis=0), rel=0.25)
    # What a group adds it takes from others: no map becomes larger.
    labelled = [statistics.labelled[recipe.maps[0]] for recipe in plan]
    sums = expected_pixels(statistics, plan.recipes).sum(axis=1)
    assert sums == pytest.approx(labelled, rel=0.01)


def test_objects_of_other_maps_are_named():
    statistics = LabelStatistics.collect(streets(20), with_scene=True)
    others = LabelStatistics.collect(streets(20, seed=5), with_scene=True)
    plan = AddMulti(objects={}, min_area=0).plan(statistics, 5, 0)
    with pytest.raises(ValueError, match='has no object'):
        expected_pixels(others, plan.recipes)
