"""Two classes, one class with ignored pixels, and other sets of few classes."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mmseg_ganaug.recompose import (
    AddMulti,
    AddSingle,
    BalanceReport,
    LabelStatistics,
    MemoryLabelSource,
    Recon,
)

RECOMPOSERS = {'AddSingle': AddSingle, 'AddMulti': AddMulti, 'Recon': Recon}


def binary_source(with_object=6, count=6, **kwargs):
    """Maps of background, of which some show an object of 5 % at places of its own."""
    maps = []
    for number in range(count):
        label_map = np.zeros((40, 50), np.uint8)
        if number < with_object:
            top, left = 5 * number, 7 * number
            label_map[top : top + 10, left : left + 10] = 1
        maps.append(label_map)
    names = ['background', 'object']
    return MemoryLabelSource(maps, 2, class_names=names, **kwargs)


OPTIONS = {
    'defaults': {},
    'uniform': dict(target='uniform'),
    'sqrt': dict(target='sqrt', even_bases=False),
    'shares': dict(target=[0.8, 0.2]),
    'factors': dict(target=dict(object=3)),
    'one class asked for': dict(classes=['object']),
    'both asked for': dict(classes=['background', 'object']),
    'explicit': dict(weighting=dict(type='explicit', weights=[0, 1])),
    'explicit by name': dict(weighting=dict(type='explicit', weights=dict(object=1))),
    'iou': dict(weighting=dict(type='iou', iou=[0.9, 0.3])),
    'iou not known': dict(weighting=dict(type='iou', iou=dict(object=0.2))),
    'placed': dict(flip_prob=0.5, shift_range=(0.2, 0.2), scale_range=(0.8, 1.2)),
    'plausible': dict(min_plausibility=0.01),
}


@pytest.mark.parametrize('options', OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize('with_object', [6, 2])
@pytest.mark.parametrize('recomposer', ['AddSingle', 'AddMulti'])
def test_of_two_classes_the_object_is_added(recomposer, with_object, options):
    source = binary_source(with_object)
    statistics = LabelStatistics.collect(source)
    recomposer = RECOMPOSERS[recomposer](**options)
    plan = recomposer.plan(statistics, 20, 0)
    assert all(len(recipe.classes) == 1 for recipe in plan)
    made = [recomposer.recompose(recipe, source) for recipe in plan]
    more = sum(int((m.label_map == 1).sum()) - int((m.base == 1).sum()) for m in made)
    assert more > 0
    assert all(set(np.unique(m.label_map)) <= {0, 1} for m in made)
    report = BalanceReport.of_plan(statistics, plan, target='uniform')
    assert report.planned.divergence < report.before.divergence


@pytest.mark.parametrize('options', OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize('with_object', [6, 2])
def test_recon_builds_an_object_on_the_background_of_another_map(with_object, options):
    if 'background' in options.get('classes', ()):
        options = {}
    source = binary_source(with_object)
    recomposer = Recon(**options)
    plan = recomposer.plan(LabelStatistics.collect(source), 20, 0)
    made = [recomposer.recompose(recipe, source) for recipe in plan]
    assert all(set(recipe.classes) == {0, 1} for recipe in plan)
    assert all(len(set(recipe.donors)) == 2 for recipe in plan)
    assert any((m.label_map == 1).any() for m in made)
    assert all((m.label_map == 0).any() for m in made)


def test_of_three_classes_two_are_added_and_seen():
    rng = np.random.default_rng(0)
    maps = []
    for _ in range(6):
        label_map = np.zeros((40, 50), np.uint8)
        for class_id in (1, 2):
            top, left = rng.integers(0, 30), rng.integers(0, 40)
            label_map[top : top + 8, left : left + 8] = class_id
        maps.append(label_map)
    source = MemoryLabelSource(maps, 3)
    recomposer = AddMulti()
    plan = recomposer.plan(LabelStatistics.collect(source), 20, 0)
    assert {recipe.classes for recipe in plan} <= {(1, 2), (2, 1)}
    made = [recomposer.recompose(recipe, source) for recipe in plan]
    assert np.mean([m.changed.any() for m in made]) > 0.9


def ignored_source(ignore_index):
    maps = [np.full((20, 20), ignore_index, np.uint8) for _ in range(3)]
    for number, label_map in enumerate(maps):
        label_map[:, 4 * number : 4 * number + 6] = 1 - min(ignore_index, 1)
    return MemoryLabelSource(maps, 1 + (ignore_index == 0), ignore_index)


@pytest.mark.parametrize('ignore_index', [0, 255])
@pytest.mark.parametrize('recomposer', ['AddSingle', 'AddMulti'])
def test_one_class_is_added_onto_ignored_pixels(recomposer, ignore_index):
    source = ignored_source(ignore_index)
    recomposer = RECOMPOSERS[recomposer]()
    plan = recomposer.plan(LabelStatistics.collect(source), 6, 0)
    for recipe in plan:
        made = recomposer.recompose(recipe, source)
        assert (made.label_map != ignore_index).sum() > 0.3 * 400
        assert (made.base != ignore_index).sum() == 0.3 * 400


def test_recon_names_the_only_class_and_what_works_instead():
    statistics = LabelStatistics.collect(ignored_source(255))
    with pytest.raises(ValueError, match=r'only class 0 has pixels.*use AddSingle'):
        Recon().plan(statistics, 3, 0)


@pytest.mark.parametrize('recomposer', ['AddSingle', 'AddMulti'])
def test_where_a_layer_can_change_nothing_the_only_class_is_named(recomposer):
    source = binary_source(with_object=0)
    with pytest.raises(ValueError, match=r'show background alone.*values of the label'):
        RECOMPOSERS[recomposer]().plan(LabelStatistics.collect(source), 3, 0)


@pytest.mark.parametrize('recomposer', ['AddSingle', 'AddMulti'])
def test_a_class_that_is_ignored_by_its_value_is_named(recomposer):
    maps = [binary_source().label_map(number) * np.uint8(255) for number in range(6)]
    source = MemoryLabelSource(maps, 2, class_names=['background', 'object'])
    statistics = LabelStatistics.collect(source)
    with pytest.raises(ValueError, match=r'only background.* 5 %.*255.*ignore_index'):
        RECOMPOSERS[recomposer]().plan(statistics, 3, 0)
    plan = RECOMPOSERS[recomposer](classes=['background']).plan(statistics, 3, 0)
    made = RECOMPOSERS[recomposer]().recompose(plan[0], source)
    assert (made.label_map == 255).sum() < (made.base == 255).sum()


def test_a_wide_range_of_numbers_adds_as_many_classes_as_there_are():
    source = binary_source()
    plan = AddMulti(num_classes=[2, 9]).plan(LabelStatistics.collect(source), 9, 0)
    assert {recipe.classes for recipe in plan} == {(1,)}


@st.composite
def sources(draw):
    classes = draw(st.integers(1, 5))
    count = draw(st.integers(1, 5))
    ignore = draw(st.sampled_from([255, classes, 0, classes - 1]))
    instances = draw(st.booleans())
    sizes = draw(
        st.lists(
            st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=2
        )
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    values = draw(
        st.lists(st.sampled_from([*range(classes), ignore]), min_size=1, max_size=6)
    )
    shapes = [sizes[number % len(sizes)] for number in range(count)]
    maps = [rng.choice(values, shape).astype(np.uint8) for shape in shapes]
    ids = [rng.integers(0, 4, shape).astype(np.int32) for shape in shapes]
    return MemoryLabelSource(
        maps, classes, ignore, instance_maps=ids if instances else None
    )


@given(
    source=sources(),
    recomposer=st.sampled_from(sorted(RECOMPOSERS)),
    options=st.fixed_dictionaries(
        {},
        optional=dict(
            target=st.sampled_from(['uniform', 'sqrt']),
            resize_donors=st.booleans(),
            min_area=st.sampled_from([0, 0.1, 1]),
            flip_prob=st.just(0.5),
            shift_range=st.just([0.5, 1]),
            scale_range=st.just([0.1, 3]),
            min_plausibility=st.sampled_from([0, 0.2]),
        ),
    ),
    things=st.booleans(),
    fill=st.sampled_from(['nearest', 'ignore']),
)
@example(
    source=binary_source(),
    recomposer='AddMulti',
    options={},
    things=False,
    fill='nearest',
)
@settings(max_examples=300)
def test_any_small_set_gives_its_own_values_or_one_clear_error(
    source, recomposer, options, things, fill
):
    if recomposer == 'Recon':
        options = dict(options, fill=fill, min_background=0.1)
        options.update(dict(things=[]) if things else {})
    made = RECOMPOSERS[recomposer](**options)
    with np.errstate(all='raise'):
        statistics = LabelStatistics.collect(source)
        try:
            plan = made.plan(statistics, 5, 0)
        except ValueError as error:
            assert type(error) is ValueError
            assert recomposer in str(error) or str(error).startswith(
                ('class', 'target')
            )
            return
        BalanceReport.of_plan(statistics, plan)
        allowed = {*range(source.num_classes), source.ignore_index}
        for recipe in plan:
            result = made.recompose(recipe, source)
            assert set(np.unique(result.label_map).tolist()) <= allowed
            assert result.label_map.dtype == np.uint8
