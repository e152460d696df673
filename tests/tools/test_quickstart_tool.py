"""tools/quickstart.py: what it makes of its command line, and how it ends."""

import json
import runpy
import sys
from pathlib import Path

import pytest
from tiny_data import SCENE_COLOURS, make_scenes
from warm_tools import run_tool

from mmseg_ganaug.commands import main
from mmseg_ganaug.experiments import runner
from mmseg_ganaug.experiments.quickstart import Quickstart
from mmseg_ganaug.in_the_way import InTheWayError

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'quickstart.py'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ('error', 'code'),
    [(InTheWayError([Path('mine.txt')], 'Go elsewhere.'), 2), (ValueError('wrong'), 1)],
)
def test_the_exit_code_tells_what_is_in_the_way(error, code, monkeypatch, capsys):
    def run(self):
        raise error

    monkeypatch.setattr(Quickstart, 'run', run)
    monkeypatch.setattr(sys, 'argv', [str(TOOL)])
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(TOOL), run_name='__main__')
    if code == 2:
        assert caught.value.code == 2
        assert 'mine.txt' in capsys.readouterr().err
    else:
        assert 'wrong' in str(caught.value.code)


def test_the_tool_ends_with_2_where_files_are_in_the_way(folder, monkeypatch, capsys):
    make_scenes(folder)
    (folder / 'out').mkdir()
    (folder / 'out' / 'masks.json').write_text('mine')
    with pytest.raises(SystemExit) as raised:
        main(['prepare', '--images=photos', '--masks=masks', '--work-dir=out'])
    assert raised.value.code == 2
    assert 'out/masks.json' in capsys.readouterr().err
    assert (folder / 'out' / 'masks.json').read_text() == 'mine'


@pytest.mark.slow
def test_two_folders_become_a_report(folder, monkeypatch):
    make_scenes(folder, colours=SCENE_COLOURS)
    command = ['--images=photos', '--masks=masks', '--work-dir=out']
    command += ['--generator-iters=2', '--segmenter-iters=2']
    monkeypatch.setattr(runner, 'run_tool', run_tool)
    monkeypatch.setattr(sys, 'argv', ['quickstart.py', *command])
    runpy.run_path(str(TOOL), run_name='__main__')
    out = folder / 'out'
    runs = json.loads((out / 'results.json').read_text())['runs']
    assert [r['method'] for r in runs] == ['plain', 'recon']
    assert set(runs[0]['per_class_iou']) == {
        'rgb_0_0_200',
        'rgb_90_90_90',
        'rgb_200_0_0',
    }
    html = (out / 'report.html').read_text()
    assert html.count('<img') == 3
    assert 'Classes found in 8 masks' in html


@pytest.mark.parametrize(
    ('arguments', 'word'),
    [
        (['--masks=masks'], '1 of 8 photos have no mask in masks: photos/3.jpg'),
        ([], 'needs --images and --masks'),
        (['--masks=masks', '--dataset=camvid'], '--dataset does not go with --images'),
    ],
)
def test_the_tool_names_what_is_wrong(folder, monkeypatch, capsys, arguments, word):
    make_scenes(folder)
    (folder / 'masks' / '3_gt.png').unlink()
    monkeypatch.setattr(sys, 'argv', ['quickstart.py', '--images=photos', *arguments])
    with pytest.raises(SystemExit) as raised:
        runpy.run_path(str(TOOL), run_name='__main__')
    assert raised.value.code != 0
    assert word in f'{raised.value.code}{capsys.readouterr().err}'
