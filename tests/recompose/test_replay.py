import numpy as np
import pytest
from hypothesis import given, settings
from random_maps import RECOMPOSERS, SEEDS, outcomes

from mmseg_ganaug.recompose import (
    AddSingle,
    LabelStatistics,
    LabelValueError,
    MemoryLabelSource,
    Recipe,
    Recon,
    ReplayOptions,
    replay,
)


@pytest.mark.parametrize('recomposer', RECOMPOSERS)
@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_replaying_a_recipe_from_its_json_gives_the_same_bytes(recomposer, seed):
    source, results = outcomes(recomposer, seed)
    for recipe, result in results:
        again = replay(Recipe.from_json(recipe.to_json()), source)
        assert again.label_map.tobytes() == result.label_map.tobytes()
        assert again.instance_map.tobytes() == result.instance_map.tobytes()
        assert again.pasted == result.pasted


@pytest.mark.parametrize('recomposer', RECOMPOSERS)
@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_instances_are_numbered_without_gaps(recomposer, seed):
    _, results = outcomes(recomposer, seed)
    for _, result in results:
        ids = np.unique(result.instance_map)
        ids = ids[ids > 0]
        assert ids.tolist() == list(range(1, len(ids) + 1))
        assert result.instance_map.dtype == np.int32


def test_instances_travel_with_their_layers():
    base = np.zeros((4, 6), np.uint8)
    base[0, :2] = 1
    donor = np.zeros((4, 6), np.uint8)
    donor[2:, :2] = 1
    donor[2:, 4:] = 1
    base_ids = np.where(base == 1, 9, 0)
    donor_ids = np.where(donor == 1, 9, 0)
    donor_ids[2:, 4:] = 30
    source = MemoryLabelSource(
        [base, donor], 2, instance_maps=[base_ids, donor_ids.astype(np.int64)]
    )
    result = replay(Recipe('AddSingle', 0, (1,), (1,), 0), source)
    expected = np.zeros((4, 6), int)
    expected[0, :2], expected[2:, :2], expected[2:, 4:] = 1, 2, 3
    assert np.array_equal(result.instance_map, expected)


def test_a_rare_class_of_the_base_is_not_hidden_beyond_the_limit():
    base = np.zeros((10, 10), np.uint8)
    base[4:6] = 1
    donor = np.zeros((10, 10), np.uint8)
    donor[3:8] = 2
    source = MemoryLabelSource([base, donor], 3)

    def pasted(max_hidden):
        options = ReplayOptions(max_hidden=max_hidden, guarded=(1,))
        recipe = Recipe('AddSingle', 0, (1,), (2,), 0, options=options)
        return replay(recipe, source).label_map

    assert (pasted(0.9) == 1).sum() == 20
    assert (pasted(1.0) == 1).sum() == 0


def test_ignore_of_the_donor_is_never_pasted_and_that_of_the_base_stays():
    base = np.zeros((6, 6), np.uint8)
    base[0] = 255
    donor = np.full((6, 6), 255, np.uint8)
    donor[2] = 1
    source = MemoryLabelSource([base, donor], 2)
    result = replay(Recipe('AddSingle', 0, (1,), (1,), 0), source)
    expected = base.copy()
    expected[2] = 1
    assert np.array_equal(result.label_map, expected)


def test_a_fallback_donor_takes_the_place_of_a_rejected_one():
    base = np.zeros((10, 10), np.uint8)
    small, large = base.copy(), base.copy()
    small[0, 0] = 1
    large[5:] = 1
    source = MemoryLabelSource([base, small, large], 2)
    options = ReplayOptions(min_area=0.1)
    recipe = Recipe(
        'AddSingle', 0, (1,), (1,), 0, fallback_donors=((2,),), options=options
    )
    result = replay(recipe, source)
    assert result.pasted == (2,)
    assert result.rejected == 1
    assert np.array_equal(result.label_map, large)


def test_a_layer_in_an_unusual_place_is_rejected():
    maps = [np.zeros((32, 32), np.uint8) for _ in range(12)]
    for label_map in maps:
        label_map[24:30, 10:20] = 1
    odd = np.zeros((32, 32), np.uint8)
    odd[1:4, 10:20] = 1
    source = MemoryLabelSource([*maps, odd], 2)
    statistics = LabelStatistics.collect(source)
    plan = AddSingle([1], min_plausibility=0.2).plan(statistics, 1, 0)
    usual = Recipe('AddSingle', 0, (1,), (1,), 0, options=plan.options)
    unusual = Recipe('AddSingle', 0, (12,), (1,), 0, options=plan.options)
    assert replay(unusual, source).pasted == (None,)
    assert replay(usual, source).rejected in (0, 1)


def test_recon_leaves_out_a_layer_in_an_unusual_place_and_counts_it():
    maps = [np.zeros((32, 32), np.uint8) for _ in range(12)]
    for label_map in maps:
        label_map[24:30, 10:20] = 1
    maps[0][1:4, 10:20] = 1
    maps[0][24:30] = 0
    source = MemoryLabelSource(maps, 2)
    statistics = LabelStatistics.collect(source)
    options = Recon(min_plausibility=0.2).plan(statistics, 1, 0).options
    results = [
        replay(Recipe('Recon', None, (1, donor), (0, 1), 0, options=options), source)
        for donor in (0, 2)
    ]
    assert [result.rejected for result in results] == [1, 0]
    assert [result.pasted for result in results] == [(1, None), (1, 2)]
    assert (results[0].label_map == 0).all()


@pytest.mark.parametrize('with_ids', [True, False])
def test_only_as_many_objects_as_asked_for_are_pasted(with_ids):
    base = np.zeros((20, 20), np.uint8)
    donor, ids = base.copy(), np.zeros((20, 20), np.int32)
    for number, top in enumerate((0, 5, 10, 15)):
        donor[top : top + 3, 2 * number : 2 * number + 4] = 1
        ids[top : top + 3, 2 * number : 2 * number + 4] = number + 5
    source = MemoryLabelSource(
        [base, donor], 2, instance_maps=[base.astype(int), ids] if with_ids else None
    )
    seen = set()
    for seed in range(20):
        options = ReplayOptions(max_objects=2)
        recipe = Recipe('AddSingle', 0, (1,), (1,), seed, options=options)
        result = replay(recipe, source)
        pasted = result.label_map == 1
        assert pasted.sum() == 2 * 12
        objects = np.unique(ids[pasted])
        assert len(objects) == 2
        assert np.array_equal(pasted, np.isin(ids, objects))
        if with_ids:
            assert np.array_equal(result.instance_map > 0, pasted)
            assert result.instance_map.max() == 2
        seen.add(tuple(objects))
    assert len(seen) > 3


def test_maps_of_another_size_are_an_error_that_names_both():
    maps = [np.zeros((4, 4), np.uint8), np.ones((8, 8), np.uint8)]
    source = MemoryLabelSource(maps, 2, names=['a.png', 'b.png'])
    recipe = Recipe('AddSingle', 0, (1,), (1,), 0)
    with pytest.raises(LabelValueError, match=r'a\.png is \[4, 4\].*b\.png.*resize'):
        replay(recipe, source)
    resized = Recipe(
        'AddSingle', 0, (1,), (1,), 0, options=ReplayOptions(resize_donors=True)
    )
    assert (replay(resized, source).label_map == 1).all()


def test_a_thing_does_not_grow_into_a_hole():
    road = np.zeros((12, 12), np.uint8)
    road[:, 4:] = 255
    pole = np.full((12, 12), 255, np.uint8)
    pole[2:10, 6] = 1
    source = MemoryLabelSource([road, pole], 2)
    options = ReplayOptions(background=(0,))
    recipe = Recipe('Recon', None, (0, 1), (0, 1), 0, options=options)
    assert np.array_equal(replay(recipe, source).label_map == 1, pole == 1)


def test_a_background_class_ordered_in_front_stays_in_front():
    maps = [np.zeros((6, 6), np.uint8) for _ in range(2)]
    maps[0][:3], maps[1][1:5] = 1, 2
    source = MemoryLabelSource(maps, 3)
    options = ReplayOptions(background=(0, 1))
    recipe = Recipe('Recon', None, (0, 1, 0), (0, 2, 1), 0, options=options)
    result = replay(recipe, source)
    assert result.label_map[:, 0].tolist() == [1, 1, 1, 2, 2, 0]
