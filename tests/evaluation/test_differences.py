"""Differences of methods, with intervals of seeds and photos."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from mmseg_ganaug.evaluation import RunResult
from mmseg_ganaug.evaluation.differences import (
    PairedRuns,
    difference_table,
    method_gains,
    paired_difference,
)


def _pole_run(method, seed, miou, pole):
    return RunResult(
        method=method,
        seed=seed,
        mIoU=miou,
        aAcc=80.0,
        per_class_iou={'road': 90.0, 'pole': pole},
        protocol='toy',
    )


def test_interval_is_that_of_a_paired_t_test():
    ours, plain = [34.0, 36.5, 35.2], [33.0, 34.0, 34.9]
    difference = paired_difference(ours, plain)
    test = stats.ttest_rel(ours, plain)
    low, high = test.confidence_interval(0.95)
    assert difference.mean == pytest.approx((low + high) / 2)
    assert difference.margin == pytest.approx((high - low) / 2)
    assert difference.is_sure == (test.pvalue < 0.05)


def test_pairing_removes_what_the_seed_does_to_both():
    plain = [10.0, 30.0, 50.0]
    assert paired_difference([11.0, 31.1, 50.9], plain).is_sure
    assert not paired_difference([11.0, 33.0, 48.9], plain).is_sure


def test_one_seed_has_no_interval_and_is_never_sure():
    difference = paired_difference([40.0], [30.0])
    assert (difference.mean, difference.seeds) == (10.0, 1)
    assert math.isnan(difference.margin)
    assert not difference.is_sure
    assert str(difference) == '+10.00'


def test_absent_classes_are_left_out():
    assert paired_difference([math.nan, 5.0], [1.0, 4.0]).seeds == 1
    assert paired_difference([math.nan], [1.0]).seeds == 0


def test_table_compares_the_seeds_that_both_have():
    results = [
        _pole_run('plain', 0, 30.0, 10.0),
        _pole_run('plain', 1, 32.0, 12.0),
        _pole_run('recon', 0, 31.0, 15.0),
        _pole_run('recon', 1, 33.0, 17.0),
        _pole_run('recon', 2, 90.0, 90.0),
    ]
    table = difference_table(results)
    rows = {row[0]: row[1] for row in table.rows}
    assert list(table.header) == ['points of IoU', 'recon']
    assert rows == {
        'mIoU': '+1.00 ± 0.00 *',
        'road': '+0.00 ± 0.00',
        'pole': '+5.00 ± 0.00 *',
    }


@pytest.mark.parametrize('methods', [['plain'], ['recon', 'add']])
def test_without_baseline_or_others_there_is_no_difference(methods):
    with pytest.raises(ValueError, match='of another method'):
        difference_table([_pole_run(method, 0, 30.0, 1.0) for method in methods])


def test_methods_that_share_no_seed_with_the_baseline_come_last():
    mious = dict(plain=20, little=21, apart=50, much=40, loss=5)
    runs = [
        _pole_run(method, int(method == 'apart'), miou, 10)
        for method, miou in mious.items()
    ]
    order = ['much (1)', 'little (1)', 'loss (1)', 'apart (1)']
    assert list(method_gains(runs)) == order


def test_two_results_of_one_seed_are_refused():
    results = [_pole_run('plain', 0, 30.0, 10.0), _pole_run('recon', 0, 31.0, 15.0)]
    with pytest.raises(ValueError, match="two results of 'recon' with seed 0"):
        difference_table([*results, _pole_run('recon', 0, 99.0, 99.0)])


CLASSES = ('road', 'pole')


def counted(method, seed, counts):
    """A run whose figures are those of its counts."""
    total = counts.sum(axis=0)
    ious = (100 * total[:, 0] / total[:, 1]).tolist()
    figures = dict(zip(CLASSES, ious))
    run = RunResult(method, seed, float(np.mean(ious)), 80.0, figures, 'toy')
    return replace(run, counts=counts)


def photos(seed, num=60):
    """Counts of photos of different difficulty: labels 100 and 20 pixels."""
    label = np.tile([100, 20], (num, 1))
    hard = np.random.default_rng(7).uniform(0.1, 0.9, (num, 2))
    noise = np.random.default_rng(seed).normal(0, 0.01, (num, 2))
    hit = np.clip((hard + noise) * label, 0, label).astype(np.int64)
    return np.stack([hit, label, label], axis=2)


def shifted(counts, pixels):
    """The same photos, with more pixels of the second class found in each."""
    found = counts.copy()
    found[:, 1, 0] = np.minimum(found[:, 1, 0] + pixels, found[:, 1, 1])
    return found


def pair(change, seeds=(0, 1, 2)):
    plain = [counted('plain', seed, photos(seed)) for seed in seeds]
    ours = [counted('recon', r.seed, change(r.counts, r.seed)) for r in plain]
    return PairedRuns(ours, plain)


@pytest.mark.parametrize('figure', ['mIoU', 'road', 'pole', ['pole', 'road']])
def test_the_interval_of_identical_runs_is_zero_wide(figure):
    found = pair(lambda counts, seed: counts).difference(figure)
    assert (found.mean, found.low, found.high) == (0.0, 0.0, 0.0)
    assert found.of_photos
    assert not found.is_sure


def test_a_shift_of_each_photo_is_found_however_different_the_photos_are():
    paired = pair(lambda counts, seed: shifted(counts, 1))
    pole = paired.difference('pole')
    # One of 20 pixels: 5 points, less where the class was whole already.
    assert 4.0 < pole.low <= pole.mean <= pole.high < 5.1
    assert pole.is_sure
    assert pole.high - pole.low < 1.0
    # The photos alone spread ten times as much.
    assert np.std(photos(0)[:, 1, 0] / 20) > 0.2
    assert paired.difference('mIoU').mean == pytest.approx(pole.mean / 2)
    road = paired.difference('road')
    assert (road.low, road.high) == (0.0, 0.0)
    assert paired.difference(['pole']) == pole


def test_what_a_few_photos_decide_has_a_wide_interval():
    def one_photo(counts, seed):
        counts = counts.copy()
        counts[:3, 1, 0] = 20
        return counts

    found = pair(one_photo).difference('pole')
    of_seeds = paired_difference([found.mean] * 3, [0.0] * 3)
    assert of_seeds.is_sure  # Seeds agree: Student's would be sure.
    assert found.mean > 0
    assert found.high - found.low > 0.9 * found.mean
    assert str(found).startswith(f'{found.mean:+.2f} (')


def test_an_interval_is_the_same_each_time_and_none_with_one_seed():
    def change(counts, seed):
        return shifted(counts, seed)

    assert pair(change).difference('mIoU') == pair(change).difference('mIoU')
    alone = pair(change, seeds=[1]).difference('pole')
    assert math.isnan(alone.low)
    assert not alone.is_sure
    assert alone.mean > 0


def test_runs_without_counts_or_on_other_photos_are_named():
    runs = [counted(m, s, photos(s)) for m in ('plain', 'recon') for s in (0, 1)]
    lacking = [*runs[:-1], replace(runs[-1], counts=None)]
    table = difference_table(lacking, rare=['pole'])
    assert [row[0] for row in table.rows] == ['mIoU', '1 rare', 'road', 'pole']
    assert table.rows[0][1] == '+0.00 ± 0.00'
    assert any('recon-seed1.csv' in note for note in table.notes)
    none = difference_table([replace(run, counts=None) for run in runs])
    assert any('METHOD-seedK.csv' in note for note in none.notes)

    other = photos(1)
    other[3, 0, 1:] += 5
    table = difference_table([*runs[:-1], counted('recon', 1, other)])
    assert 'Evaluated on other photos: recon.' in table.notes
    assert '±' in table.rows[0][1]

    table = difference_table(runs)
    assert table.rows[0][1] == '+0.00 (+0.00 to +0.00)'
    assert any('bootstrap' in note for note in table.notes)
    assert difference_table(runs, baseline='recon').header[1] == 'plain'
