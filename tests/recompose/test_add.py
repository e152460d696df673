import numpy as np
import pytest
from hypothesis import given, settings
from random_maps import RECOMPOSERS, SEEDS, outcomes, random_source

from mmseg_ganaug.recompose import (
    AddMulti,
    AddSingle,
    LabelStatistics,
    MemoryLabelSource,
)


@pytest.mark.parametrize('recomposer', RECOMPOSERS[:3])
@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_pixels_outside_the_pasted_layers_are_the_bases(recomposer, seed):
    source, results = outcomes(recomposer, seed)
    for recipe, result in results:
        base = source.label_map(recipe.base)
        assert np.array_equal(result.changed, result.label_map != base)
        assert set(np.unique(result.label_map[result.changed])) <= set(recipe.classes)
        if not recipe.placements:
            layers = [
                source.label_map(donor) == class_id
                for donor, class_id in zip(result.pasted, recipe.classes)
                if donor is not None
            ]
            assert not (result.changed & ~np.any(layers, axis=0)).any()


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_add_single_changes_pixels_to_one_class_only(seed):
    _, results = outcomes(AddSingle(min_area=0), seed)
    for recipe, result in results:
        assert len(recipe.classes) == 1
        assert (result.label_map[result.changed] == recipe.classes[0]).all()


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_add_single_pastes_the_donors_layer_at_its_own_place(seed):
    recomposer = AddSingle(min_area=0, max_hidden=1.0)
    source, results = outcomes(recomposer, seed)
    for recipe, result in results:
        (class_id,) = recipe.classes
        (donor,) = result.pasted
        expected = source.label_map(recipe.base).copy()
        if donor is not None:
            expected[source.label_map(donor) == class_id] = class_id
        assert np.array_equal(result.label_map, expected)


@pytest.mark.parametrize('recomposer', RECOMPOSERS[:3])
@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_a_class_asked_for_never_loses_pixels_of_the_base(recomposer, seed):
    source, results = outcomes(recomposer, seed)
    for recipe, result in results:
        base = source.label_map(recipe.base)
        for class_id in recipe.classes[-1:]:
            assert (result.label_map[base == class_id] == class_id).all()


def test_add_multi_pastes_as_many_classes_as_asked_for_rarest_last():
    statistics = LabelStatistics.collect(random_source(1, count=20))
    counts = set()
    for recipe in AddMulti(num_classes=(2, 4), min_area=0).plan(statistics, 60, 0):
        counts.add(len(recipe.classes))
        totals = statistics.pixels.sum(axis=0)[list(recipe.classes)]
        assert (np.diff(totals) <= 0).all()
    assert counts == {2, 3, 4}


def test_fallback_donors_are_other_maps_that_show_the_class():
    source = random_source(1, count=20)
    plan = AddMulti(max_tries=4).plan(LabelStatistics.collect(source), 60, 0)
    assert any(recipe.fallback_donors for recipe in plan)
    for recipe in plan:
        for donor, class_id, others in zip(
            recipe.donors, recipe.classes, recipe.fallback_donors
        ):
            assert len({recipe.base, donor, *others}) == 2 + len(others) <= 5
            assert all(class_id in source.label_map(other) for other in others)


def test_maps_of_a_size_with_few_classes_are_bases_too():
    rng = np.random.default_rng(0)
    few = [np.where(rng.random((24, 32)) < 0.3, 1, 0) for _ in range(30)]
    many = [rng.integers(0, 4, (24, 40)) for _ in range(3)]
    maps = [np.asarray(m, np.uint8) for m in (*few, *many)]
    statistics = LabelStatistics.collect(MemoryLabelSource(maps, 4))
    for target in (None, 'sqrt'):
        plan = AddMulti(target=target).plan(statistics, 60, 0)
        bases = [recipe.base for recipe in plan]
        assert 0.6 < np.mean(np.array(bases) < 30) < 1


def test_what_is_left_beside_instances_is_no_object_to_keep():
    labels = np.zeros((2, 40, 40), np.uint8)
    labels[0, 5:10, 5:10] = labels[0, 20:29, 20:30] = 1
    ids = np.zeros((2, 40, 40), np.int32)
    ids[0, 5:10, 5:10] = 1  # beside a crowd of 90 pixels
    source = MemoryLabelSource(list(labels), 2, instance_maps=list(ids))
    statistics = LabelStatistics.collect(source)
    for most in (1, 2):
        recomposer = AddSingle(classes=[1], max_objects=most, min_area=0)
        for recipe in recomposer.plan(statistics, 6, 0):
            if recipe.base == 1:
                assert recomposer.recompose(recipe, source).changed.sum() == 25
