"""Tables of committed results in pages."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mmseg_ganaug.evaluation import RunResult
from mmseg_ganaug.evaluation.differences import method_gains
from mmseg_ganaug.evaluation.photo_counts import counts_content, counts_file
from mmseg_ganaug.evaluation.run_result import add_run
from mmseg_ganaug.experiments.questions import Questions
from mmseg_ganaug.experiments.results_page import (
    evidence_of,
    fill_page,
    load_protocol,
    method_table,
    save_protocol,
)
from mmseg_ganaug.visualization import gain_chart

SHARE = {'road': 0.9, 'pole': 0.01}
ROOT = Path(__file__).resolve().parents[2]


def run(method, seed, miou, pole, **extra):
    return RunResult(
        method=method,
        seed=seed,
        mIoU=miou,
        aAcc=80.0,
        per_class_iou={'road': 90.0, 'pole': pole},
        protocol='toy',
        extra=extra,
    )


RUNS = [
    run('recon', 0, 31.0, 15.0, config='configs/recon.py'),
    run('recon', 1, 33.0, 17.0, config='configs/recon.py'),
    run('weighted', 0, 35.0, 20.0, config='configs/w.py', cfg_options={'lr': 1}),
    run('plain', 0, 30.0, 10.0, config='configs/plain.py'),
    run('plain', 1, 31.0, 12.0, config='configs/plain.py'),
]


@pytest.fixture
def results_dir(tmp_path):
    for result in RUNS:
        add_run(tmp_path / 'toy.jsonl', result)
    save_protocol(tmp_path / 'toy', 'toy', SHARE)
    return tmp_path


def test_the_baseline_comes_first_and_the_best_next():
    table = method_table(RUNS, SHARE, config_prefix='../')
    assert [str(row[0]) for row in table.rows] == ['plain', 'weighted', 'recon']
    assert list(table.header)[4:] == ['1 rare', '1 others', 'pole (1.0 %)', 'Config']
    plain, weighted, recon = ([str(cell) for cell in row] for row in table.rows)
    assert plain[1:4] == ['0, 1', '30.50 ± 0.71', '']
    assert weighted[2:4] == ['35.00', '+5.00']
    # (31 - 30, 33 - 31): mean 1.5, and t(0.975, 1) * 0.707 / sqrt(2) = 6.35.
    assert recon[3] == '+1.50 ± 6.35'
    assert recon[4:7] == ['16.00 ± 1.41', '90.00 ± 0.00', '16.00 ± 1.41']
    assert recon[7] == 'config'
    assert '| [config](../configs/recon.py) |\n' in table.to_markdown()
    assert weighted[7].endswith('with options')
    assert table.cells()[1][2].best


def test_a_page_is_filled_between_its_marks_only(results_dir):
    page = 'before\n<!-- results toy -->\nold\n<!-- end of results -->\nafter\n'
    filled = fill_page(page, results_dir)
    assert filled.startswith('before\n<!-- results toy -->\n')
    assert filled.endswith('<!-- end of results -->\nafter\n')
    assert 'old' not in filled
    assert '| plain | 0, 1 |' in filled
    assert fill_page(filled, results_dir) == filled
    assert fill_page('no marks', results_dir) == 'no marks'


def test_methods_with_few_runs_are_left_out_and_all_classes_shown(results_dir):
    page = '<!-- results toy 2+ runs all classes -->\n<!-- end of results -->\n'
    filled = fill_page(page, results_dir)
    assert 'weighted' not in filled
    assert '| recon | 0, 1 |' in filled
    assert '| pole (1.0 %) | road (90.0 %) |' in filled
    assert fill_page(filled, results_dir) == filled


def test_the_chart_of_gains_shows_the_best_first_and_the_rarest_beside_miou(tmp_path):
    gains = method_gains(RUNS)
    chart = gain_chart(gains, SHARE, tmp_path / 'gains.svg')
    again = gain_chart(gains, SHARE, tmp_path / 'again.svg')
    assert chart.read_bytes() == again.read_bytes()
    texts = re.findall(r'<text[^>]*>([^<]*)</text>', chart.read_text())
    assert texts[:5] == ['mIoU', 'pole', 'road', 'weighted (1)', 'recon (2)']
    # Paired: 35 - 30; (31 - 30, 33 - 31) and (15 - 10, 17 - 12).
    assert texts[5:11] == ['+5.0', '+10.0', '+0.0', '+1.5', '+5.0', '+0.0']
    assert list(method_gains(RUNS, min_runs=2)) == ['recon (2)']


def test_a_run_in_the_file_of_another_protocol_is_refused(results_dir):
    (results_dir / 'toy.jsonl').rename(results_dir / 'other.jsonl')
    message = r'other\.jsonl holds a run of toy \(plain, seed 0\)'
    with pytest.raises(ValueError, match=message):
        load_protocol(results_dir, 'other')


def test_a_run_that_stands_there_twice_is_refused(results_dir):
    path = results_dir / 'toy.jsonl'
    path.write_text(path.read_text() + path.read_text().splitlines()[0])
    page = '<!-- results toy -->\n<!-- end of results -->\n'
    with pytest.raises(ValueError, match="two results of 'plain' with seed 0"):
        fill_page(page, results_dir)


def test_a_page_of_an_unknown_protocol_is_refused(results_dir):
    page = '<!-- results other -->\n<!-- end of results -->\n'
    with pytest.raises(FileNotFoundError, match='other'):
        fill_page(page, results_dir)
    with pytest.raises(FileNotFoundError, match=r'no other\.jsonl lies in'):
        load_protocol(results_dir, 'other')


def test_the_pages_of_this_repository_show_its_results():
    tool = ROOT / 'tools' / 'misc' / 'update_results.py'
    command = [sys.executable, str(tool), '--check']
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_a_page_shows_the_answers_to_the_questions_of_a_matrix(results_dir):
    page = '<!-- evidence toy -->\nold\n<!-- end of evidence -->\n'
    empty = fill_page(page, results_dir)
    assert 'old' not in empty and '|' not in empty
    asked = Questions(ladder=['plain', 'recon', 'weighted'], rare=['road'])
    save_protocol(results_dir / 'toy', 'toy', SHARE, asked)
    filled = fill_page(page, results_dir, '../')
    assert '![The ladder](../docs/results/toy/ladder.svg)' in filled
    assert '| recon | 32.00 ± 1.41 | +1.50 ± 6.35 | 90.00 ± 0.00 |' in filled
    assert fill_page(filled, results_dir, '../') == filled
    assert evidence_of(filled) == ['toy']
    assert evidence_of('<!-- results toy -->\n<!-- end of results -->') == []
    # The classes that are rare have a column each in the other table, too.
    table = fill_page('<!-- results toy -->\n<!-- end of results -->', results_dir)
    assert '| 1 rare | 1 others | road (90.0 %) |' in table


def test_unknown_questions_are_named(results_dir):
    path = results_dir / 'toy' / 'protocol.json'
    path.write_text(path.read_text().replace('{', '{"doubled_by": 3,', 1))
    page = '<!-- evidence toy -->\n<!-- end of evidence -->\n'
    with pytest.raises(ValueError, match=r'protocol\.json holds no questions'):
        fill_page(page, results_dir)


def test_the_counts_beside_the_results_give_the_intervals(results_dir):
    def counts(pole):
        return np.array([[[45, 50, 45], [pole, 50, 50]], [[45, 50, 45], [0, 50, 50]]])

    for result in RUNS:
        path = counts_file(results_dir / 'toy', result.method, result.seed)
        path.write_text(counts_content(counts(int(result.per_class_iou['pole']))))
    assert all(run.counts is not None for run in load_protocol(results_dir, 'toy'))
    page = '<!-- results toy -->\n<!-- end of results -->\n'
    recon = next(line for line in fill_page(page, results_dir).splitlines()
                 if line.startswith('| recon |'))  # fmt: skip
    assert re.search(r'\| \+1\.50 \(\S+ to \S+\)', recon)


def test_damaged_class_shares_are_named(results_dir):
    path = results_dir / 'toy' / 'protocol.json'
    whole = path.read_text()
    page = '<!-- results toy -->\n<!-- end of results -->\n'
    for damaged in (*(whole[:length] for length in range(len(whole) - 1)), '[]', '3'):
        path.write_text(damaged)
        with pytest.raises(ValueError, match=r'protocol\.json holds no class shares'):
            fill_page(page, results_dir)
