import numpy as np
import pytest
from streets import CAR, PAVEMENT, ROAD, SKY, streets

from mmseg_ganaug.recompose import AddMulti, LabelStatistics, Recipe, Recon
from mmseg_ganaug.recompose.growth import draw_growth, grow
from mmseg_ganaug.recompose.recipe import PlanError
from mmseg_ganaug.recompose.replay import replay


def ground(car=None):
    """Road left of column 64, pavement right of it, sky above row 20."""
    label_map = np.full((96, 128), ROAD, np.uint8)
    label_map[:, 64:] = PAVEMENT
    label_map[:20] = SKY
    if car is not None:
        label_map[car] = CAR
    return label_map


def border(label_map, row):
    """Returns the first column of pavement."""
    return int(np.flatnonzero(label_map[row] == PAVEMENT)[0])


@pytest.mark.parametrize('way, column', [(0.0625, 58), (-0.0625, 70)])
def test_a_border_moves_by_its_way(way, column):
    grown = grow(ground(), [(PAVEMENT, way)], [])
    assert abs(border(grown.label_map, 60) - column) <= 1
    assert set(np.unique(grown.label_map)) == {ROAD, PAVEMENT, SKY}


def test_photo_and_instances_move_with_the_labels():
    label_map = ground()
    photo = np.repeat(label_map[..., None] * 40, 3, axis=2)
    instances = label_map.astype(np.int32) + 70_000
    grown = grow(label_map, [(PAVEMENT, 0.06)], [], instance_map=instances, photo=photo)
    np.testing.assert_array_equal(grown.instance_map, grown.label_map + 70_000)
    differs = grown.photo[..., 0] != grown.label_map * 40
    # Linear between pixels: at the borders alone.
    assert 0 < differs.mean() < 0.03
    assert label_map is not grown.label_map
    np.testing.assert_array_equal(label_map, ground())


def test_far_from_a_border_nothing_moves():
    photo = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
    grown = grow(ground(), [(PAVEMENT, 0.03)], [], photo=photo)
    np.testing.assert_array_equal(grown.photo[40:, :40], photo[40:, :40])
    assert (grown.photo[60, 60:68] != photo[60, 60:68]).any()


def test_things_stay_as_they_are_and_so_do_borders_beside_them():
    label_map = ground(car=np.s_[50:70, 56:64])
    grown = grow(label_map, [(PAVEMENT, 0.06)], [CAR]).label_map
    np.testing.assert_array_equal(grown == CAR, label_map == CAR)
    assert border(grown, 60) == 64
    assert border(grown, 30) < 61
    taken = grow(label_map, [(PAVEMENT, 0.06)], []).label_map
    assert (taken == CAR).sum() < (label_map == CAR).sum()


def test_a_strip_is_not_shrunk_away():
    label_map = np.full((96, 128), ROAD, np.uint8)
    label_map[:, 60:68] = PAVEMENT
    grown = grow(label_map, [(PAVEMENT, -0.5)], []).label_map
    assert 0.3 < (grown == PAVEMENT).sum() / (label_map == PAVEMENT).sum() < 0.8


def test_a_guarded_class_keeps_its_share():
    label_map = ground()
    label_map[:, 58:64] = 7
    growth = [(PAVEMENT, 0.06)]
    free = grow(label_map, growth, []).label_map
    assert (free == 7).sum() < 0.9 * (label_map == 7).sum()
    kept = grow(label_map, growth, [], guarded=[7], max_hidden=0.1).label_map
    np.testing.assert_array_equal(kept, label_map)


def test_the_guard_is_of_other_classes():
    grown = grow(ground(), [(PAVEMENT, -0.06)], [], guarded=[PAVEMENT], max_hidden=0)
    assert border(grown.label_map, 60) > 66


def test_only_what_a_base_shows_is_drawn():
    rng = np.random.default_rng(0)
    drawn = draw_growth(rng, [1, 2], np.array([True, False, True]), (0.02, 0.02))
    assert drawn == ((2, 0.02),)


@pytest.mark.parametrize('label_map', [np.full((8, 8), SKY), np.full((8, 8), PAVEMENT)])
def test_a_map_without_a_border_stays(label_map):
    label_map = label_map.astype(np.uint8)
    assert grow(label_map, [(PAVEMENT, 0.3)], []).label_map is label_map


def planned(**options):
    source = streets(30, photos=True)
    statistics = LabelStatistics.collect(source, with_scene=True)
    recomposer = AddMulti(classes=['rider'], objects=options)
    return source, recomposer.plan(statistics, 12, 0)


def test_a_recipe_says_how_far_and_replays_from_json_alone():
    source, plan = planned(grow=['pavement'], grow_range=(0.03, 0.06))
    for recipe in plan:
        ((class_id, way),) = recipe.growth
        assert class_id == PAVEMENT and 0.03 <= way <= 0.06
        made = replay(recipe, source, with_photo=True)
        again = replay(Recipe.from_json(recipe.to_json()), source, with_photo=True)
        np.testing.assert_array_equal(made.label_map, again.label_map)
        np.testing.assert_array_equal(made.photo, again.photo)
        old = source.label_map(recipe.base)
        # Of the base before anything was laid: more pavement, and no more things.
        assert (made.base == PAVEMENT).sum() > 1.05 * (old == PAVEMENT).sum()
        assert (made.base == CAR).sum() == (old == CAR).sum()
        assert (made.changed <= made.laid).all()


def test_without_it_a_plan_is_what_it_was():
    _, plan = planned()
    _, grown = planned(grow=['pavement'])
    assert not any('growth' in recipe.to_json() for recipe in plan)
    for one, other in zip(plan, grown):
        assert (one.base, one.parts, one.seed) == (other.base, other.parts, other.seed)


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(grow='pavement'), 'grow'),
        (dict(grow_range=(0.1, 0.0)), 'smallest number first'),
        (dict(grow_range=(0, 1)), 'grow_range'),
    ],
)
def test_a_wrong_option_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        AddMulti(objects=options)


@pytest.mark.parametrize(
    'recomposer, grown, message',
    [
        (AddMulti, 'car', 'car is a thing'),
        (AddMulti, 'kerb', 'kerb'),
        (Recon, 'pavement', 'Recon has none'),
    ],
)
def test_what_cannot_grow_is_refused(recomposer, grown, message):
    statistics = LabelStatistics.collect(streets(20), with_scene=True)
    with pytest.raises(ValueError, match=message):
        recomposer(objects=dict(grow=[grown])).plan(statistics, 4, 0)


@pytest.mark.parametrize('growth', [[['x', 0.1]], [[2, 3]], [[2]], 5])
def test_a_wrong_recipe_is_refused(growth):
    text = f'"growth": {growth}'.replace("'", '"')
    line = (
        '{"recomposer": "AddMulti", "base": 0, "donors": [1], "classes": [4], '
        f'"seed": 0, "parts": [[[4, 1, 1]]], {text}}}'
    )
    with pytest.raises(PlanError, match='growth'):
        Recipe.from_json(line)
