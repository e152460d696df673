"""Intervals of many differences at once."""

import math

import numpy as np
import pytest

from mmseg_ganaug.evaluation.joint_intervals import (
    JointRuns,
    joint_margins,
    pairs_of,
)


def counts_of(rng, methods=4, seeds=3, photos=30, classes=3, gain=None, chance=0.1):
    """Draws hits of photos: {method: [seeds, photos, classes, 3]}."""
    area = rng.integers(200, 1000, (photos, classes))
    hardness = rng.normal(0, 0.1, (photos, classes))
    counts = {}
    for number in range(methods):
        share = 0.5 + hardness + (gain or {}).get(number, 0)
        share = share + rng.normal(0, chance, (photos, classes))
        share = share + rng.normal(0, chance / 3, (seeds, 1, classes))
        hits = (area * np.clip(share, 0, 1)).astype(np.int64)
        labels = np.broadcast_to(area, hits.shape)
        counts[f'm{number}'] = np.stack([hits, labels * 5 // 4, labels], axis=-1)
    return counts


FIGURES = {'all': [0, 1, 2], 'last': [2]}


def test_of_many_methods_without_effect_none_is_sure_in_about_95_of_100_cases():
    rng = np.random.default_rng(0)
    wrong = []
    for _ in range(40):
        runs = JointRuns(counts_of(rng, methods=6), FIGURES)
        found = runs.differences(pairs_of(runs.methods[1:], ['m0'], list(FIGURES)))
        wrong.append(any(each.is_sure for each in found.values()))
    assert sum(wrong) <= 4


def test_each_alone_is_narrower_than_all_together():
    runs = JointRuns(counts_of(np.random.default_rng(1)), FIGURES)
    asked = pairs_of(runs.methods[1:], ['m0'], list(FIGURES))
    together, alone = runs.differences(asked), runs.differences_alone(asked)
    of_more = runs.differences(asked, out_of=12)
    for each in asked:
        assert alone[each].margin < together[each].margin < of_more[each].margin
        assert alone[each].mean == together[each].mean == of_more[each].mean


def test_a_large_effect_is_found_and_others_are_not():
    counts = counts_of(np.random.default_rng(2), gain={2: 0.3})
    runs = JointRuns(counts, FIGURES)
    found = runs.differences(pairs_of(runs.methods[1:], ['m0'], ['all']))
    assert [each.is_sure for each in found.values()] == [False, True, False]
    difference = found['m2', 'm0', 'all']
    by_hand = [
        100 * (counts[m][..., 0].sum(1) / counts[m][..., 1].sum(1)).mean()
        for m in ('m2', 'm0')
    ]
    assert difference.mean == pytest.approx(by_hand[0] - by_hand[1])


def test_few_photos_widen_an_interval_and_one_gives_none():
    counts = counts_of(np.random.default_rng(3))
    margins = []
    for photos in (30, 4, 1):
        held = {name: found.copy() for name, found in counts.items()}
        for found in held.values():
            found[:, photos:, 2] = 0
        runs = JointRuns(held, FIGURES)
        margins.append(runs.differences([('m1', 'm0', 'last')])['m1', 'm0', 'last'])
        # The mean is of the classes that can be compared.
        assert not math.isnan(runs.iou('m0', 'all'))
    assert margins[1].margin > 2 * margins[0].margin
    assert math.isnan(margins[2].mean) and math.isnan(margins[2].low)
    assert math.isnan(runs.photo_margin(2)) and runs.photo_margin(0) > 0


def test_what_makes_an_interval_wide_is_found():
    rng = np.random.default_rng(4)
    same_seeds = counts_of(rng, seeds=1)
    asked = ('m1', 'm0', 'all')
    tripled = {name: np.repeat(found, 3, axis=0) for name, found in same_seeds.items()}
    assert JointRuns(tripled, FIGURES).photo_share(asked) == pytest.approx(1)
    same_photos = counts_of(rng, photos=1)
    repeated = {
        name: np.repeat(found, 9, axis=1) for name, found in same_photos.items()
    }
    assert JointRuns(repeated, FIGURES).photo_share(asked) == pytest.approx(0, abs=0.01)


def test_a_method_whose_seeds_spread_more_has_a_wider_interval():
    counts = counts_of(np.random.default_rng(8), chance=0.01)
    area = counts['m3'][0, ..., 2]
    for seed, share in enumerate((-0.2, 0.0, 0.2)):
        counts['m3'][seed, ..., 0] = (0.5 + share) * area
    runs = JointRuns(counts, FIGURES)
    found = runs.differences_alone(pairs_of(runs.methods[1:], ['m0'], ['all']))
    steady, steady_too, unsteady = (each.margin for each in found.values())
    assert steady == pytest.approx(steady_too, rel=0.25)
    assert unsteady > 1.3 * steady


def test_one_seed_has_a_difference_but_no_interval():
    runs = JointRuns(counts_of(np.random.default_rng(5), seeds=1), FIGURES)
    found = runs.differences([('m1', 'm0', 'all')])['m1', 'm0', 'all']
    assert found.mean and math.isnan(found.low) and not found.is_sure
    assert math.isnan(runs.photo_share(('m1', 'm0', 'all')))


def test_other_photos_are_refused():
    counts = counts_of(np.random.default_rng(6), methods=2)
    counts['m1'][:, 3, 1, 2] += 1
    with pytest.raises(ValueError, match=r"'m1'.*different photos"):
        JointRuns(counts, FIGURES)
    counts['m1'] = counts['m1'][:, :-1]
    with pytest.raises(ValueError, match='differ in size'):
        JointRuns(counts, FIGURES)


def test_joint_margins_are_all_kept_as_often_as_asked():
    moved = np.random.default_rng(7).normal(0, [1, 1, 5], (20000, 3))
    margins = joint_margins(moved, 0.9)
    kept = (abs(moved) <= margins).all(axis=1).mean()
    assert kept == pytest.approx(0.9, abs=0.005)
    assert margins[2] == pytest.approx(5 * margins[0], rel=0.1)


def test_chance_moves_no_iou_by_more_than_there_is():
    counts = counts_of(np.random.default_rng(5))
    for found in counts.values():
        found[:, 2:, 2] = 0
        found[:, 0, 2, 0] = 0
    # Student's tails of two photos are wide.
    assert JointRuns(counts, FIGURES).photo_margin(2) == 50


def test_an_interval_alone_does_not_hang_on_how_many_classes_are_asked_for():
    """Of 100 classes in two photos each, no draw of photos holds all."""
    rng = np.random.default_rng(6)
    counts = counts_of(rng, methods=2, photos=200, classes=100, chance=0.2)
    for found in counts.values():
        for class_id in range(100):
            found[:, np.arange(200) // 2 != class_id, class_id] = 0
    runs = JointRuns(counts, {str(n): [n] for n in range(100)})
    few, many = (
        runs.differences_alone([('m1', 'm0', str(n)) for n in range(number)])
        for number in (10, 100)
    )
    margins = [
        np.mean([found['m1', 'm0', str(n)].margin for n in range(10)])
        for found in (few, many)
    ]
    assert margins[1] == pytest.approx(margins[0], rel=0.15)
