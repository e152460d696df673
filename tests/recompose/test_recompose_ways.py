import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_ganaug.recompose import (
    AddMulti,
    AddSingle,
    LabelStatistics,
    LabelValueError,
    MemoryLabelSource,
    Recipe,
    Recon,
    ReplayOptions,
    replay,
)

IGNORE = 255


def random_source(
    seed, count=6, classes=5, size=(12, 16), instances=True, ignore=IGNORE
):
    """Blocky random maps: rectangles of classes over a background, some ignore."""
    rng = np.random.default_rng(seed)
    label_maps, instance_maps = [], []
    for _ in range(count):
        label_map = np.full(size, rng.integers(2), np.uint8)
        ids = np.zeros(size, np.int32)
        for number in range(6):
            top, left = rng.integers(size[0]), rng.integers(size[1])
            box = np.s_[top : top + rng.integers(2, 6), left : left + 5]
            label_map[box] = rng.choice([*range(classes), ignore])
            ids[box] = 7 * number + 1 if label_map[top, left] in (3, 4) else 0
        label_maps.append(label_map)
        instance_maps.append(ids)
    return MemoryLabelSource(
        label_maps,
        classes,
        ignore,
        instance_maps=instance_maps if instances else None,
    )


RECOMPOSERS = [
    AddSingle(min_area=0, max_objects=1),
    AddSingle(min_area=0, flip_prob=0.5, shift_range=(0.3, 0.3)),
    AddMulti(num_classes=(2, 3), min_area=0, scale_range=(0.5, 2)),
    Recon(num_donors=3, min_area=0, min_background=0),
    Recon(num_donors=4, min_area=0, min_background=0, things=[3], fill='ignore'),
    Recon(
        num_donors=3, min_area=0, min_background=0, flip_prob=0.5, shift_range=(0.5, 0)
    ),
]
SEEDS = st.integers(0, 10**6)


def outcomes(recomposer, seed, samples=4, **kwargs):
    source = random_source(seed, **kwargs)
    statistics = LabelStatistics.collect(source)
    plan = recomposer.plan(statistics, samples, seed)
    assert len(plan) == samples
    return source, [(recipe, recomposer.recompose(recipe, source)) for recipe in plan]


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


@pytest.mark.parametrize('recomposer', RECOMPOSERS[3::2])
@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_recon_leaves_no_hole(recomposer, seed):
    _, results = outcomes(recomposer, seed)
    for _, result in results:
        assert (result.label_map != IGNORE).all()
        assert result.changed.all()


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_recon_with_ignore_keeps_uncovered_pixels_ignored(seed):
    source, results = outcomes(RECOMPOSERS[4], seed)
    for recipe, result in results:
        expected = np.full(result.label_map.shape, IGNORE)
        for class_id, donor in zip(recipe.classes, recipe.donors):
            expected[source.label_map(donor) == class_id] = class_id
        assert np.array_equal(result.label_map, expected)


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_recon_uses_no_map_whole(seed):
    _, results = outcomes(Recon(num_donors=3, min_area=0, min_background=0), seed)
    for recipe, _ in results:
        assert recipe.base is None
        assert len(set(recipe.donors)) > 1


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


def test_recon_takes_the_background_from_one_map_and_nothing_else_of_it():
    source = random_source(4, count=20)
    statistics = LabelStatistics.collect(source)
    recomposer = Recon(num_donors=4, things=[4], background_share=0.5, min_background=0)
    background = recomposer.background_classes(statistics)
    assert 4 not in background
    for recipe in recomposer.plan(statistics, 40, 0):
        layers = dict(zip(recipe.classes, recipe.donors))
        (background_donor,) = {layers[c] for c in layers if c in background}
        others = {layers[c] for c in layers if c not in background}
        assert background_donor not in others
        assert 1 <= len(others) <= 3
        assert recipe.classes[-1] == 4 or 4 not in recipe.classes


def test_recon_orders_its_layers_as_told():
    statistics = LabelStatistics.collect(random_source(4, count=20))
    recomposer = Recon(order=[3, 1], min_area=0, min_background=0)
    rest = [c for c in np.argsort(-statistics.pixels.sum(axis=0)) if c not in (3, 1)]
    assert recomposer.layer_order(statistics) == [3, 1, *rest]
    for recipe in recomposer.plan(statistics, 20, 0):
        order = [c for c in (3, 1, *rest) if c in recipe.classes]
        assert list(recipe.classes) == order


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


def test_a_recipe_of_another_way_is_refused():
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
