"""The real tools, from making the data to the report, on a handful of images."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import mmseg
import pytest
from warm_tools import run_tool

from mmseg_ganaug import quickstart_stages

ROOT = Path(__file__).resolve().parent.parent
QUICK = [
    '--num-train=6',
    '--num-val=2',
    '--generator-iters=2',
    '--segmenter-iters=2',
]


def run(*command, cwd):
    env = dict(os.environ, PYTHONWARNINGS='ignore', PYTHONPATH=str(ROOT))
    result = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=cwd,
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=280,
    )
    assert result.returncode == 0, result.stdout[-3000:]
    return result.stdout


@pytest.fixture(scope='module')
def finished(tmp_path_factory):
    """Folder of a finished quickstart, and what it printed."""
    folder = tmp_path_factory.mktemp('project')
    output = run(ROOT / 'tools' / 'quickstart.py', *QUICK, cwd=folder)
    return folder, output


@pytest.fixture(scope='module')
def out(finished):
    return finished[0] / 'work_dirs' / 'quickstart-toystreets'


@pytest.mark.slow
def test_quickstart_leaves_table_charts_gallery_and_report(finished, out):
    printed = finished[1]
    runs = json.loads((out / 'results.json').read_text())['runs']
    assert [r['method'] for r in runs] == ['plain', 'recon']
    assert len(runs[0]['per_class_iou']) == 11
    markdown = (out / 'results.md').read_text()
    for text in ('mIoU', 'rider', 'traffic sign'):
        assert text in printed
        assert text in markdown
    assert 'not evidence' in printed
    html = (out / 'report.html').read_text()
    assert 'not evidence' in html
    assert html.count('<img') == 3
    for name in ('class_frequency.png', 'class_iou.png', 'gallery_recon.png'):
        assert (out / name).stat().st_size > 10_000


@pytest.mark.slow
def test_quickstart_run_again_reuses_what_is_done(finished, out, monkeypatch, capsys):
    tool = ROOT / 'tools' / 'quickstart.py'
    monkeypatch.chdir(finished[0])
    monkeypatch.setattr(quickstart_stages, 'run_tool', run_tool)
    monkeypatch.setattr(sys, 'argv', [str(tool), *QUICK])
    runpy.run_path(str(tool), run_name='__main__')
    assert capsys.readouterr().out.count('done before') == 3
    log = (out / 'logs' / '03.log').read_text()
    assert 'Generating' not in log


@pytest.mark.slow
def test_stock_train_and_test_of_mmseg_run_the_recon_config(finished, out):
    folder = finished[0]
    stock = Path(mmseg.__file__).parent / '.mim' / 'tools'
    (config,) = out.glob('configs/*recon*.py')
    samples = sorted(out.glob('samples/*/images/*.png'))
    assert len(samples) == 6
    samples[0].unlink()
    kept = {path: path.stat().st_mtime_ns for path in samples[1:]}
    printed = run(stock / 'train.py', config, '--work-dir', 'stock', cwd=folder)
    assert 'Generating 1 of 6 samples' in printed
    assert samples[0].exists()
    assert {path: path.stat().st_mtime_ns for path in samples[1:]} == kept
    printed = run(stock / 'test.py', config, 'stock/iter_2.pth', cwd=folder)
    assert 'mIoU' in printed
