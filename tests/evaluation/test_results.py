import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mmseg_ganaug
from mmseg_ganaug.evaluation import (
    RunResult,
    comparison_table,
    mean_and_spread,
    runs_by_method,
    write_results,
)
from mmseg_ganaug.files import write_atomically

CLASSES = ['road', 'traffic sign', 'rider']


def _run(method='plain', seed=0, ious=(90.0, 30.0, math.nan), **changes):
    values = dict(
        method=method,
        seed=seed,
        mIoU=sum(v for v in ious if not math.isnan(v)) / 2,
        aAcc=80.0,
        per_class_iou=dict(zip(CLASSES, ious)),
        protocol='toy',
    )
    return RunResult(**{**values, **changes})


def _texts(table):
    return [[str(cell) for cell in row] for row in table.cells()]


def test_mean_spread_and_difference_agree_with_a_calculation_by_hand():
    runs = [
        _run('Recon', 0, (80.0, 40.0, math.nan)),
        _run('Recon', 1, (84.0, 43.0, math.nan)),
        _run('plain', 0, (90.0, 30.0, math.nan)),
        _run('plain', 1, (90.0, 32.0, math.nan)),
    ]
    table = comparison_table(runs, CLASSES)

    # 'plain' comes first wherever it stands. Sample standard deviation: of (80, 84)
    # sqrt(8) = 2.83, of (40, 43) 2.12, of (30, 32) 1.41; mIoU 60, 63.5 and 60, 61.
    assert list(table.header) == ['IoU in %', 'plain', 'Recon']
    assert _texts(table) == [
        ['mIoU', '60.50 ± 0.71', '61.75 ± 2.47 (+1.25)'],
        ['aAcc', '80.00 ± 0.00', '80.00 ± 0.00 (+0.00)'],
        ['road', '90.00 ± 0.00', '82.00 ± 2.83 (-8.00)'],
        ['traffic sign', '31.00 ± 1.41', '41.50 ± 2.12 (+10.50)'],
        ['rider', '–', '–'],  # noqa: RUF001
    ]
    best = [[cell.best for cell in row[1:]] for row in table.cells()]
    assert best == [[0, 1], [0, 0], [1, 0], [0, 1], [0, 0]]
    assert 'Seeds: 0, 1.' in table.notes
    assert not any('single seed' in note for note in table.notes)


def test_without_plain_the_first_method_is_the_reference():
    runs = [_run('OHEM', 0, (50.0, 30.0, 0.0)), _run('RCS', 0, (49.999, 35.0, 1.0))]
    rows = _texts(comparison_table(runs))
    assert rows[2] == ['road', '50.00', '50.00 (+0.00)']
    assert rows[3] == ['traffic sign', '30.00', '35.00 (+5.00)']


def test_a_class_found_for_some_seeds_only_counts_where_it_was():
    runs = [_run('plain', 0), _run('plain', 1, (90.0, 30.0, 4.0))]
    assert _texts(comparison_table(runs))[4] == ['rider', '4.00']


def test_a_single_seed_is_called_a_demonstration():
    several = [_run('plain', 0), _run('plain', 1), _run('Recon', 0)]
    for runs in ([_run()], several):
        notes = comparison_table(runs).notes
        assert any('not evidence' in note for note in notes)
    assert 'Seeds: plain 0, 1; Recon 0.' in notes


def test_class_shares_are_shown_beside_their_classes():
    table = comparison_table([_run()], CLASSES, class_share=[0.9, 0.09876, 0.0])
    assert table.header[-1] == '% of pixels'
    assert [row[-1] for row in _texts(table)] == ['', '', '90.000', '9.876', '0.000']


@pytest.mark.parametrize(
    ('runs', 'what'),
    [
        ([], 'no results'),
        ([_run(), _run(seed=1, protocol='full')], 'protocols'),
        ([_run(), _run()], "two results of 'plain' with seed 0"),
        ([_run(), _run('Recon', per_class_iou={'road': 1})], "'Recon'.*classes"),
    ],
)
def test_what_does_not_compare_is_refused(runs, what):
    with pytest.raises(ValueError, match=what):
        comparison_table(runs)


def test_both_files_hold_every_run_and_every_class(tmp_path):
    runs = [_run('plain'), _run('Recon')]
    as_json, as_markdown = write_results(runs, tmp_path / 'work')

    written = json.loads(as_json.read_text())['runs']
    assert [RunResult.from_json(run).to_json() for run in written] == written
    assert [run['method'] for run in written] == ['plain', 'Recon']
    markdown = as_markdown.read_text(encoding='utf-8')
    assert all(f'| {name} |' in markdown for name in CLASSES)


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(
    tmp_path, monkeypatch
):
    path = write_atomically(tmp_path / 'a.txt', 'old')

    def fail(*_):
        raise OSError('disk full')

    monkeypatch.setattr(os, 'replace', fail)
    with pytest.raises(OSError, match='disk full'):
        write_atomically(path, 'new')
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]


def test_comparing_needs_neither_torch_nor_mmseg():
    code = (
        'import sys, mmseg_ganaug.evaluation, mmseg_ganaug.visualization\n'
        'print({"torch", "mmseg", "mmagic", "matplotlib", "cv2"} & set(sys.modules))'
    )
    answer = subprocess.run(
        [sys.executable, '-c', code],
        cwd=Path(mmseg_ganaug.__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert answer.stdout.strip() == 'set()'


def test_runs_are_grouped_with_the_baseline_first():
    runs = [_run('recon'), _run('plain'), _run('recon', 1), _run('add')]
    groups = runs_by_method(runs)
    assert list(groups) == ['plain', 'recon', 'add']
    assert groups['recon'] == [runs[0], runs[2]]


@pytest.mark.parametrize(
    ('values', 'mean', 'text'),
    [
        ([1.0, 2.0, 4.0], 7 / 3, '2.33 ± 1.53'),
        ([1.0, math.nan, 3.0], 2, '2.00 ± 1.41'),
        ([math.nan, 5.0], 5, '5.00'),
        ([math.nan], None, '–'),  # noqa: RUF001
        ([], None, '–'),  # noqa: RUF001
    ],
)
def test_mean_and_spread_are_over_the_seeds_that_have_a_figure(values, mean, text):
    found, shown = mean_and_spread(values)
    assert found == (None if mean is None else pytest.approx(mean))
    assert shown == text


def test_failed_runs_stand_in_the_table_with_their_reason():
    table = comparison_table(
        [_run('plain'), _run('recon')],
        failures={
            'recon': {1: 'ValueError: a'},
            'multi': {0: 'KeyError: b', 1: 'KeyError: b', 2: 'killed'},
        },
    )
    assert list(table.header) == ['IoU in %', 'plain', 'recon', 'multi']
    assert {str(row[3]) for row in table.cells()} == {'failed'}
    assert str(table.cells()[0][2]).startswith('60.00')
    assert table.notes[-3:] == [
        'recon failed (seed 1): ValueError: a',
        'multi failed (seed 0, 1): KeyError: b',
        'multi failed (seed 2): killed',
    ]
