import dataclasses
import itertools

import numpy as np
import pytest
from streets import BIKE, CAR, NAMES, PAVEMENT, POLE, RIDER, SIGN, street, streets

from mmseg_ganaug.recompose import (
    AddMulti,
    AddSingle,
    BalanceReport,
    LabelStatistics,
    MemoryLabelSource,
    Recipe,
    RecomposePlan,
    Recon,
    replay,
)
from mmseg_ganaug.recompose.draws import group_maps, usable_layers
from mmseg_ganaug.recompose.object_layers import covered, expected_pixels, move_boxes
from mmseg_ganaug.recompose.object_options import ObjectOptions
from mmseg_ganaug.recompose.object_planner import ObjectPlanner


@pytest.fixture(scope='module')
def source():
    return streets(60)


@pytest.fixture(scope='module')
def statistics(source):
    return LabelStatistics.collect(source, with_scene=True)


def recomposers():
    options = dict(objects={}, min_area=0)
    return [
        AddSingle(**options),
        AddMulti(target='sqrt', **options),
        Recon(target='sqrt', **options),
    ]


@pytest.mark.parametrize('recomposer', recomposers(), ids=lambda r: type(r).__name__)
def test_a_plan_is_the_same_for_its_seed_and_replays_from_its_file(
    recomposer, source, statistics, tmp_path
):
    plan = recomposer.plan(statistics, 20, 3)
    assert len(plan) == 20
    assert plan.fingerprint() == recomposer.plan(statistics, 20, 3).fingerprint()
    assert plan.fingerprint() != recomposer.plan(statistics, 20, 4).fingerprint()
    plan.write(tmp_path / 'plan.jsonl')
    for recipe, read in zip(plan, RecomposePlan.read(tmp_path / 'plan.jsonl')):
        assert recipe == read
        line = Recipe.from_json(recipe.to_json())
        assert np.array_equal(
            recomposer.recompose(recipe, source).label_map,
            replay(line, source).label_map,
        )


@pytest.mark.parametrize('recomposer', recomposers(), ids=lambda r: type(r).__name__)
def test_companions_come_along_and_donors_are_other_maps(recomposer, statistics):
    for recipe in recomposer.plan(statistics, 40, 0):
        base = recipe.maps[0]
        for donor, parts in zip(recipe.donors, recipe.parts):
            classes = {part[0] for part in parts}
            assert (RIDER in classes) == (BIKE in classes)
            assert not parts or donor != base


def test_add_single_adds_one_class(statistics):
    for recipe in AddSingle(objects={}, min_area=0).plan(statistics, 30, 0):
        assert len(set(recipe.classes)) == 1


def test_objects_are_laid_where_they_stood_unless_that_does_not_fit(statistics):
    plan = AddMulti(objects={}, min_area=0).plan(statistics, 60, 0)
    moves = [p for recipe in plan for p in recipe.placements]
    still = [(p.flip, p.down, p.right, p.scale) == (False, 0, 0, 1) for p in moves]
    assert 0.2 < np.mean(still) < 1
    kept = dict(flip_prob=0, shift_range=(0, 0), scale_range=(1, 1))
    plan = AddMulti(objects=kept, min_area=0).plan(statistics, 60, 0)
    for recipe in plan:
        assert {(p.flip, p.down, p.right, p.scale) for p in recipe.placements} == {
            (False, 0, 0, 1)
        }


def test_farther_objects_are_laid_first(source, statistics):
    plan = AddMulti(objects=dict(num_objects=4), min_area=0).plan(statistics, 30, 0)
    for recipe in plan:
        bottoms = []
        for donor, parts, placement in zip(
            recipe.donors, recipe.parts, recipe.placements
        ):
            single = dataclasses.replace(
                recipe,
                donors=(donor,),
                classes=(parts[0][0],),
                parts=(parts,),
                placements=(placement,),
                plausibility=(),
            )
            laid = replay(single, source).laid
            if laid.any():
                bottoms.append(np.flatnonzero(laid.any(axis=1))[-1])
        # A row that rounding or a nearer car moved is no matter.
        assert all(b >= a - 2 for a, b in zip(bottoms, bottoms[1:])) or len(bottoms) < 2


def test_a_nearer_object_of_the_base_stays_in_front():
    near = np.zeros((40, 40), np.uint8)
    near[20:] = 1
    near[20:36, 10:20] = 2  # a near thing of the base
    donor = np.zeros((40, 40), np.uint8)
    donor[20:] = 1
    donor[16:28, 14:26] = 3  # a farther one is laid over it
    source = MemoryLabelSource([near, donor], 4, 255)
    recipe = Recipe(
        recomposer='AddMulti',
        base=0,
        donors=(1,),
        classes=(3,),
        seed=0,
        parts=(((3, 16, 14),),),
    )
    over = replay(recipe, source).label_map
    assert (over[16:28, 14:26] == 3).all()
    options = dataclasses.replace(recipe.options, things=(2, 3))
    behind = replay(dataclasses.replace(recipe, options=options), source)
    assert (behind.label_map[20:36, 10:20] == 2).all()
    assert (behind.label_map[16:28, 20:26] == 3).all()
    assert behind.pasted == (1,)
    # Where less than half would be seen, it is left out.
    near[20:36, 10:20] = 1
    near[10:36, 12:22] = 2  # hides 8 of the 12 columns
    hidden = replay(dataclasses.replace(recipe, options=options), source)
    assert hidden.pasted == (None,) and hidden.rejected == 1
    assert np.array_equal(hidden.label_map, near)


def test_little_is_hidden_of_rare_classes(source, statistics):
    plan = AddMulti(objects=dict(max_hidden=0.1), min_area=0, target='sqrt').plan(
        statistics, 60, 0
    )
    before, after = np.zeros(8), np.zeros(8)
    for recipe in plan:
        base = source.label_map(recipe.base)
        made = replay(recipe, source)
        before += np.bincount(base.ravel(), minlength=256)[:8]
        kept = np.where(made.label_map == base, base, 255)
        after += np.bincount(kept.ravel(), minlength=256)[:8]
    rare = statistics.frequency < 1 / 8
    assert (after[rare] >= 0.9 * before[rare]).all()


def test_a_target_moves_the_shares(source, statistics):
    recomposer = AddMulti(classes='rare', target='sqrt', objects={}, min_area=0)
    plan = recomposer.plan(statistics, 60, 0)
    pixels = np.array(
        [
            np.bincount(replay(r, source).label_map.ravel(), minlength=256)[:8]
            for r in plan
        ]
    )
    report = BalanceReport.of_plan(statistics, plan, pixels, 'sqrt')
    assert report.after.divergence < report.before.divergence
    assert report.planned.divergence == pytest.approx(report.after.divergence, rel=0.3)
    shares = pixels.sum(axis=0) / pixels.sum()
    assert shares[RIDER] > 2 * statistics.frequency[RIDER]


def test_plausible_places_are_planned(statistics):
    strict = AddMulti(objects=dict(min_plausibility=0.5), min_area=0)
    loose = AddMulti(objects=dict(min_plausibility=0), min_area=0)
    values = [
        np.concatenate([r.plausibility for r in made.plan(statistics, 60, 0)])
        for made in (strict, loose)
    ]
    # Where nothing fits, less is asked for: hardly ever here.
    assert (values[0] >= 0.5).mean() > 0.9
    assert values[1].min() < 0.2


def test_where_no_object_can_be_laid_the_error_says_what_to_do(statistics):
    with pytest.raises(ValueError, match='min_area'):
        AddMulti(objects={}, classes=['car'], min_area=0.9).plan(statistics, 4, 0)
    impossible = AddMulti(
        objects=dict(max_hidden=0, flip_prob=0, shift_range=(0, 0), num_objects=1),
        classes=['car'],
        min_area=0,
    )
    assert len(impossible.plan(statistics, 4, 0)) == 4


@pytest.mark.parametrize('recomposer', recomposers(), ids=lambda r: type(r).__name__)
def test_no_sample_may_be_wanted(recomposer, statistics):
    assert len(recomposer.plan(statistics, 0, 0)) == 0


def test_recon_without_a_background_says_what_to_lower(statistics):
    recomposer = Recon(objects={}, min_area=0, min_background=1.0)
    with pytest.raises(ValueError, match=r'can be a base.*Lower min_background'):
        recomposer.plan(statistics, 4, 0)


def test_maps_without_things_are_no_set_to_recombine():
    maps = [np.full((40, 40), index % 2, np.uint8) for index in range(4)]
    for label_map in maps:
        label_map[20:] = 2
    statistics = LabelStatistics.collect(MemoryLabelSource(maps, 3), with_scene=True)
    with pytest.raises(ValueError, match=r'things: no class; name them by things='):
        AddMulti(objects={}).plan(statistics, 4, 0)


@pytest.mark.parametrize(
    'options',
    [
        dict(classes=['pole', 'pavement']),
        dict(weighting=dict(type='explicit', weights=dict(pole=1, pavement=2))),
    ],
)
def test_ground_that_is_listed_cannot_be_moved_as_an_object(statistics, options):
    with pytest.raises(ValueError, match=r'pavement is asked for.*or weights, or list'):
        AddMulti(objects={}, min_area=0, **options).plan(statistics, 4, 0)
    # A rule may find ground, and a target does not read the weights.
    found = dict(options, classes=dict(rare='share', below=0.9))
    rules = [found, dict(options, target='sqrt')] if 'weighting' in options else [found]
    for rule in rules:
        assert len(AddMulti(objects={}, min_area=0, **rule).plan(statistics, 4, 0)) == 4


def test_real_pixels_come_with_the_objects():
    source = streets(30, photos=True)
    statistics = LabelStatistics.collect(source, with_scene=True)
    recomposer = AddMulti(objects={}, min_area=0)
    for recipe in recomposer.plan(statistics, 10, 0):
        made = recomposer.recompose(recipe, source, with_photo=True)
        assert made.changed[made.laid].all()
        donors = {10 + 3 * donor for donor in recipe.donors}
        assert set(np.unique(made.photo[made.laid])) <= donors
        base = source.photo(recipe.base)
        assert np.array_equal(made.photo[~made.laid], base[~made.laid])


def test_donors_of_another_size_are_resized():
    small, large = streets(10), streets(10, seed=1, size=(192, 256))
    source = MemoryLabelSource(
        [m.label_map(i) for i in range(10) for m in (small, large)], 8, 255
    )
    statistics = LabelStatistics.collect(source, with_scene=True)
    recomposer = AddMulti(objects={}, min_area=0, resize_donors=True)
    plan = recomposer.plan(statistics, 30, 0)
    mixed = [r for r in plan if any(d % 2 != r.base % 2 for d in r.donors)]
    assert mixed
    laid = 0
    for recipe in mixed:
        made = recomposer.recompose(recipe, source)
        assert made.label_map.shape == source.label_map(recipe.base).shape
        laid += made.laid.any()
    assert laid > len(mixed) / 2


def test_recon_keeps_the_stuff_of_its_background_and_drops_its_things(
    source, statistics
):
    recomposer = Recon(objects=dict(num_objects=1), min_area=0)
    for recipe in recomposer.plan(statistics, 20, 0):
        made = recomposer.recompose(recipe, source)
        background = source.label_map(recipe.donors[0])
        assert (made.label_map != 255).all()
        shown = set(np.unique(background)) - {CAR, RIDER, BIKE, POLE, SIGN, 255}
        assert shown <= set(np.unique(made.label_map))


@pytest.mark.parametrize('part', [[1, 2], [1, 2, -3], ['car', 1, 2], [1, 2, 3.5], 7])
def test_a_wrong_part_in_a_file_is_refused(statistics, part):
    recipe = AddMulti(objects={}, min_area=0).plan(statistics, 1, 0)[0]
    import json

    values = json.loads(recipe.to_json())
    values['parts'][0] = [part]
    with pytest.raises(ValueError, match='parts'):
        Recipe.from_json(json.dumps(values))


def planned_boxes(statistics, **options):
    """Lays groups on maps; returns maps, boxes of the groups laid, and their areas."""
    options = ObjectOptions(**options)
    scene = options.scene(statistics, 0)
    usable = usable_layers(statistics, 0)
    planner = ObjectPlanner(
        statistics,
        scene,
        group_maps(statistics, usable, False),
        np.ones(8),
        options,
        False,
        np.ones(statistics.num_maps, bool),
        statistics.pixels,
    )
    layers = planner.plan(np.random.default_rng(0), 80, None, 1, True)
    for base, groups, moves in zip(layers.bases, layers.groups, layers.moves):
        laid = groups >= 0
        boxes = move_boxes(scene.boxes[groups[laid]], moves[laid])
        areas = scene.areas[groups[laid]].sum(axis=1) * moves[laid][:, 3] ** 2
        yield base, boxes, areas


def largest_hidden(statistics, max_hidden):
    """The largest share of a rare class of a base that lies under planned groups."""
    rare = statistics.frequency < 1 / 8
    largest = 0.0
    for base, boxes, areas in planned_boxes(
        statistics, num_objects=4, max_hidden=max_hidden, min_plausibility=0
    ):
        maps = np.full(len(boxes), base)
        beneath = covered(statistics.scene.thumbnails, 8, maps, boxes)
        hidden = (beneath * areas[:, None]).sum(axis=0)[rare]
        share = statistics.pixels[base, rare] / statistics.sizes[base].prod()
        largest = max(largest, (hidden / np.maximum(share, 1e-9))[share > 0].max())
    return largest


def test_places_are_planned_where_little_of_a_rare_class_is_hidden(statistics):
    assert largest_hidden(statistics, 1.0) > 0.3
    for max_hidden in (0.05, 0.1):
        assert largest_hidden(statistics, max_hidden) <= max_hidden + 1e-9


def test_groups_of_a_map_hardly_overlap(statistics):
    several = 0
    for _, boxes, _ in planned_boxes(statistics, num_objects=6, max_hidden=1):
        for one, other in itertools.combinations(boxes, 2):
            low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
            common = np.maximum(high - low, 0).prod()
            smaller = min((box[2:] - box[:2]).prod() for box in (one, other))
            assert common <= 0.2 * smaller + 1e-9
            several += 1
    assert several > 200


def test_what_is_moved_down_becomes_larger(statistics):
    objects = dict(
        things=['car'], shift_range=(0.2, 0.3), scale_range=(1, 1), flip_prob=0
    )
    plan = AddSingle(objects=objects, min_area=0).plan(statistics, 80, 0)
    moved = [p for recipe in plan for p in recipe.placements if abs(p.down) > 2]
    assert len(moved) > 10
    assert all((p.scale > 1) == (p.down > 0) for p in moved)


def test_maps_of_a_size_that_shows_nothing_asked_for_are_no_bases():
    rng = np.random.default_rng(0)
    empty = [np.where(m >= CAR, 1, m) for m in (street(rng) for _ in range(40))]
    shown = [street(rng, (96, 120)) for _ in range(4)]
    source = MemoryLabelSource([*empty, *shown], 8)
    statistics = LabelStatistics.collect(source, with_scene=True)
    recomposer = AddMulti(classes=[CAR], objects={}, min_area=0)
    for seed in range(3):
        for recipe in recomposer.plan(statistics, 20, seed):
            assert recipe.base >= 40


@pytest.mark.parametrize('fill', ['nearest', 'ignore'])
def test_under_recon_the_things_of_the_base_are_gone(source, statistics, fill):
    recomposer = Recon(objects={}, fill=fill, min_area=0, target='sqrt')
    plan = recomposer.plan(statistics, 60, 0)
    maps = [recomposer.recompose(recipe, source).label_map for recipe in plan]
    counted = np.array([np.bincount(m.ravel(), minlength=256)[:8] for m in maps])
    expected = expected_pixels(statistics, plan).sum(axis=0)
    share, wanted = counted.sum(axis=0) / counted.sum(), expected / expected.sum()
    assert np.abs(share - wanted).max() < 0.01


@pytest.mark.parametrize(
    ('recomposer', 'name'),
    [
        (dict(min_plausibility=0.3), 'min_plausibility'),
        (dict(flip_prob=1.0), 'flip_prob'),
        (dict(shift_range=[0.1, 0.1]), 'shift_range'),
        (dict(scale_range=(0.5, 2.0)), 'scale_range'),
        (dict(max_hidden=0.1), 'max_hidden'),
        (dict(max_tries=9), 'max_tries'),
    ],
)
def test_options_beside_objects_are_not_taken_for_theirs(recomposer, name):
    with pytest.raises(ValueError, match=rf'{name}=.*objects=dict\({name}=\.\.\.\)'):
        AddMulti(objects={}, **recomposer)
    AddMulti(objects=recomposer)


@pytest.mark.parametrize(
    ('kind', 'options'),
    [
        (AddMulti, dict(num_classes=2)),
        (AddSingle, dict(max_objects=1)),
        (Recon, dict(num_donors=3)),
    ],
)
def test_options_of_layers_do_nothing_beside_objects_and_are_refused(kind, options):
    with pytest.raises(ValueError, match=r'does nothing where objects move: leave it'):
        kind(objects={}, **options)


def test_defaults_may_be_stated_beside_objects():
    AddMulti(objects={}, shift_range=[0.0, 0.0], num_classes=3, flip_prob=0)


def test_too_small_objects_are_named_as_such():
    labels = np.zeros((4, 32, 32), np.uint8)
    labels[:, 10:13, 10:13] = 1
    source = MemoryLabelSource(list(labels), 2, class_names=['ground', 'spot'])
    statistics = LabelStatistics.collect(source, with_scene=True)
    recomposer = AddSingle(objects=dict(things=['spot']), min_area=0)
    with pytest.raises(ValueError, match=r'fewer than 12 pixels.*leave objects out'):
        recomposer.plan(statistics, 4, 0)


def test_a_pair_with_what_is_never_moved_is_refused(statistics):
    options = dict(things=['rider', 'car'], together=[('rider', 'bike')])
    with pytest.raises(ValueError, match=r'together=.*names bike, which is no thing'):
        AddMulti(objects=options, min_area=0).plan(statistics, 2, 0)


def test_ground_that_no_map_shows_cannot_grow():
    shown = streets(20)
    maps = [
        np.where(shown.label_map(i) == PAVEMENT, 1, shown.label_map(i))
        for i in range(20)
    ]
    source = MemoryLabelSource(maps, 8, class_names=NAMES)
    statistics = LabelStatistics.collect(source, with_scene=True)
    recomposer = AddMulti(objects=dict(grow=['road', 'pavement']), min_area=0)
    with pytest.raises(ValueError, match=r'grow names pavement, which no label map'):
        recomposer.plan(statistics, 2, 0)
