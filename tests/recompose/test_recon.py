import numpy as np
import pytest
from hypothesis import given, settings
from random_maps import IGNORE, RECOMPOSERS, SEEDS, outcomes, random_source
from streets import BIKE, CAR, POLE, RIDER, SIGN, streets

from mmseg_ganaug.recompose import (
    BalanceReport,
    LabelStatistics,
    MemoryLabelSource,
    Placement,
    Recon,
)

THINGS = [CAR, RIDER, BIKE, POLE, SIGN]


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


def test_recon_orders_its_layers_as_asked():
    statistics = LabelStatistics.collect(random_source(4, count=20))
    recomposer = Recon(order=[3, 1], min_area=0, min_background=0)
    rest = [c for c in np.argsort(-statistics.pixels.sum(axis=0)) if c not in (3, 1)]
    assert recomposer.layer_order(statistics) == [3, 1, *rest]
    for recipe in recomposer.plan(statistics, 20, 0):
        order = [c for c in (3, 1, *rest) if c in recipe.classes]
        assert list(recipe.classes) == order


@pytest.mark.parametrize('target', [None, 'sqrt'])
@pytest.mark.parametrize('fill', ['nearest', 'ignore'])
def test_expected_pixels_are_near_those_that_are_made(fill, target):
    source = streets(40)
    statistics = LabelStatistics.collect(source)
    recomposer = Recon(fill=fill, target=target, things=THINGS, min_area=0)
    plan = recomposer.plan(statistics, 30, 0)
    maps = [recomposer.recompose(recipe, source).label_map for recipe in plan]
    counted = np.array([np.bincount(m.ravel(), minlength=256)[:8] for m in maps])
    report = BalanceReport.of_plan(statistics, plan, counted)
    found, expected = report.after.pixel_frequency, report.planned.pixel_frequency
    assert np.abs(found - expected).max() < 0.01
    rare = report.before.pixel_frequency < 0.02
    more = found > report.before.pixel_frequency
    assert more[rare & (found > 0)].any()


@pytest.mark.parametrize('fill', ['nearest', 'ignore'])
def test_the_background_stays_where_it_is(fill):
    statistics = LabelStatistics.collect(streets(20))
    recomposer = Recon(
        fill=fill, things=THINGS, flip_prob=1.0, shift_range=(0.2, 0.2), min_area=0
    )
    background = recomposer.background_classes(statistics)
    for recipe in recomposer.plan(statistics, 10, 0):
        for class_id, placement in zip(recipe.classes, recipe.placements):
            assert (placement == Placement()) == (class_id in background)


def test_things_of_objects_are_no_background():
    # Fields, wholly of plants or of soil, with what is between them ignored.
    rng = np.random.default_rng(0)
    maps = []
    for index in range(12):
        labels = np.full((64, 64), 1 if index % 2 else 0, np.uint8)
        labels[:2] = 255
        top, left = rng.integers(8, 48, 2)
        labels[top : top + 8, left : left + 8] = 1
        maps.append(labels)
    source = MemoryLabelSource(maps, 2, class_names=['soil', 'plant'])
    statistics = LabelStatistics.collect(source, with_scene=True)
    options = dict(things=['plant'], min_plausibility=0)
    recomposer = Recon(objects=options, min_area=0)
    for recipe in recomposer.plan(statistics, 20, 0):
        assert recipe.options.background == (0,)
        assert 0 in recomposer.recompose(recipe, source).label_map
    with pytest.raises(ValueError, match=r"Recon: things=\('plant',\).*objects=dict"):
        Recon(things=['plant'], objects=options)
