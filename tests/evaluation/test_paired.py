"""Differences to the baseline, seed by seed."""

import math

import pytest
from scipy import stats

from mmseg_ganaug.evaluation import RunResult
from mmseg_ganaug.evaluation.paired import difference_table, paired_difference


def run(method, seed, miou, pole):
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
        run('plain', 0, 30.0, 10.0),
        run('plain', 1, 32.0, 12.0),
        run('recon', 0, 31.0, 15.0),
        run('recon', 1, 33.0, 17.0),
        run('recon', 2, 90.0, 90.0),
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
        difference_table([run(method, 0, 30.0, 1.0) for method in methods])


def test_two_results_of_one_seed_are_refused():
    results = [run('plain', 0, 30.0, 10.0), run('recon', 0, 31.0, 15.0)]
    with pytest.raises(ValueError, match="two results of 'recon' with seed 0"):
        difference_table([*results, run('recon', 0, 99.0, 99.0)])
