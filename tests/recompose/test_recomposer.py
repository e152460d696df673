import numpy as np
import pytest
from hypothesis import given, settings
from random_maps import IGNORE, RECOMPOSERS, SEEDS, outcomes, random_source

from mmseg_ganaug.recompose import (
    AddMulti,
    AddSingle,
    LabelStatistics,
    MemoryLabelSource,
    Recon,
)


@pytest.mark.parametrize('recomposer', RECOMPOSERS)
@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_every_value_is_a_class_of_an_input_or_ignore(recomposer, seed):
    source, results = outcomes(recomposer, seed)
    for recipe, result in results:
        used = [*recipe.maps, *(d for donors in recipe.fallback_donors for d in donors)]
        inputs = np.unique([source.label_map(index) for index in used])
        assert set(np.unique(result.label_map)) <= {*inputs.tolist(), IGNORE}
        assert result.label_map.dtype == np.uint8


def test_in_tiny_sets_base_and_donors_still_differ():
    maps = [np.array([[0, 1], [0, 0]]), np.array([[0, 2], [0, 0]])]
    source = MemoryLabelSource([m.astype(np.uint8) for m in maps], 3)
    statistics = LabelStatistics.collect(source)
    for recomposer in (
        AddSingle(classes=[1, 2]),
        AddMulti(num_classes=2, classes=[1, 2]),
    ):
        for recipe in recomposer.plan(statistics, 30, 0):
            assert recipe.base not in recipe.donors
            for donor, class_id in zip(recipe.donors, recipe.classes):
                assert class_id in source.label_map(donor)
    for recipe in Recon(min_background=0).plan(statistics, 30, 0):
        assert len(recipe.maps) == 2


@pytest.mark.parametrize(
    'make, message',
    [
        (lambda: AddMulti(num_classes=1), 'num_classes'),
        (lambda: AddMulti(num_classes=(3, 2)), 'num_classes'),
        (lambda: AddSingle(max_hidden=2), 'max_hidden'),
        (lambda: AddSingle(min_area=-1), 'min_area'),
        (lambda: AddSingle(max_tries=0), 'max_tries'),
        (lambda: AddSingle(max_objects=-1), 'max_objects'),
        (lambda: AddSingle(choices=0), 'choices'),
        (lambda: AddSingle(min_plausibility=2), 'min_plausibility'),
        (lambda: Recon(num_donors=1), 'num_donors'),
        (lambda: Recon(fill='black'), 'fill'),
        (lambda: Recon(order='size'), 'order'),
        (lambda: Recon(background_share=2), 'background_share'),
        (lambda: Recon(min_background=-1), 'min_background'),
    ],
)
def test_an_option_outside_its_range_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    'recomposer, message',
    [
        (AddSingle(classes=['tram']), "'tram'"),
        (AddSingle(min_area=1.0), 'no class is left'),
        (AddSingle(weighting=dict(type='explicit', weights={4: 1})), 'no donor'),
        (Recon(min_background=1.0), 'give the background'),
        (Recon(things=[0, 1, 2, 3]), 'among things'),
        (Recon(order=['road']), "'road'"),
    ],
)
def test_a_set_that_cannot_be_recombined_this_way_is_an_error(recomposer, message):
    maps = [np.array([[0, 0, 255, 1, 2, 3, 0]], np.uint8)] * 3
    statistics = LabelStatistics.collect(MemoryLabelSource(maps, 5))
    with pytest.raises(ValueError, match=message):
        recomposer.plan(statistics, 3, 0)


def test_a_recipe_of_another_recomposer_is_refused():
    source = random_source(0)
    plan = AddSingle(min_area=0).plan(LabelStatistics.collect(source), 1, 0)
    with pytest.raises(ValueError, match='AddSingle, not Recon'):
        Recon().recompose(plan[0], source)


@pytest.mark.parametrize('recomposer', [AddSingle, AddMulti, Recon])
def test_one_map_alone_is_an_error(recomposer):
    source = random_source(0, count=1)
    with pytest.raises(ValueError, match='at least two label maps'):
        recomposer().plan(LabelStatistics.collect(source), 3, 0)


@pytest.mark.parametrize('recomposer', [AddSingle, AddMulti])
def test_a_class_asked_for_without_donor_is_named(recomposer):
    maps = [np.array([[0, 1], [0, 2]], np.uint8)] * 3
    source = MemoryLabelSource(maps, 4, class_names=['a', 'b', 'c', 'tram'])
    with pytest.raises(ValueError, match='no donor for tram'):
        recomposer(classes=['b', 'tram']).plan(LabelStatistics.collect(source), 3, 0)


def test_maps_of_different_sizes_never_meet_in_a_plan():
    small = random_source(1, count=5)
    large = random_source(2, count=5, size=(20, 20))
    maps = [s.label_map(i) for i in range(5) for s in (small, large)]
    source = MemoryLabelSource(maps, 5)
    statistics = LabelStatistics.collect(source)
    for recomposer in RECOMPOSERS:
        for recipe in recomposer.plan(statistics, 30, 0):
            assert len({source.label_map(i).shape for i in recipe.maps}) == 1


def test_wholly_ignored_maps_are_neither_base_nor_donor():
    good = random_source(3, count=4, instances=False)
    maps = [good.label_map(i) for i in range(4)] + [np.full((12, 16), 255, np.uint8)]
    source = MemoryLabelSource(maps, 5)
    statistics = LabelStatistics.collect(source)
    assert statistics.empty_maps.tolist() == [4]
    for recomposer in RECOMPOSERS:
        assert all(
            4 not in recipe.maps for recipe in recomposer.plan(statistics, 40, 0)
        )
