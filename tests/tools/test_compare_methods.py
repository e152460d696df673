"""tools/compare_methods.py, but for what MethodComparison does."""

import runpy
import sys
from pathlib import Path

import pytest

from mmseg_ganaug.experiments import comparison

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'compare_methods.py'


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, 'argv', ['compare_methods.py', 'matrix.yaml', *arguments])
    runpy.run_path(str(TOOL), run_name='__main__')


@pytest.mark.parametrize(
    'arguments', [['--evaluate-on', 'a.b=c'], ['--protocol', 'toy-elsewhere']]
)
def test_other_data_and_the_name_of_their_results_need_each_other(
    arguments, monkeypatch, capsys
):
    with pytest.raises(SystemExit) as caught:
        run(monkeypatch, *arguments)
    assert caught.value.code == 2
    assert '--evaluate-on and --protocol need each other' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('trained', 'left'),
    [
        ('toy-2', 'trainings that are left: 1; the same again goes on\n'),
        ('toy', 'left: 1; the same again goes on, once toy is trained\n'),
    ],
)
def test_other_data_reach_the_comparison_as_settings(
    monkeypatch, capsys, trained, left
):
    made = []

    class Comparison:
        failures = {}
        protocol, trained_as = 'toy-2', trained

        def __init__(self, *arguments):
            made.append(arguments)

        def cells(self, methods=None, seeds=None):
            return [] if methods or seeds else [('plain', 0), ('plain', 1)]

        def results(self):
            return [None]

        def check_free(self, cells):
            pass

        def report(self):
            return []

    monkeypatch.setattr(comparison, 'MethodComparison', Comparison)
    options = ['test_dataloader.dataset.ann_file=', 'test_dataloader.num_workers=2']
    only = ['--seeds', '0']
    run(monkeypatch, '--protocol', 'toy-2', '--evaluate-on', *options, *only)
    assert left in capsys.readouterr().out
    settings = {
        'test_dataloader.dataset.ann_file': '',
        'test_dataloader.num_workers': 2,
    }
    assert made == [('matrix.yaml', 'work_dirs', None, 'toy-2', settings)]
