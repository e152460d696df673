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

from mmseg_ganaug.commands.interrupts import WATCHING
from mmseg_ganaug.experiments import runner

ROOT = Path(__file__).resolve().parent.parent
# Of a test: the first makes what all look at, by nine processes.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
QUICK = [
    '--num-train=6',
    '--num-val=2',
    '--generator-iters=2',
    '--segmenter-iters=2',
]


# Python imports it when it starts. In what is forked off a process, the locks that its
# other threads held are held for ever.
LOG_FORKS = """
import json, os, sys, threading

def log():
    threads = [thread.name for thread in threading.enumerate()]
    native = len(os.listdir('/proc/self/task'))
    line = json.dumps(dict(of=sys.argv[0], native=native, threads=threads))
    with open(os.path.join(os.path.dirname(__file__), 'forks.jsonl'), 'a') as file:
        print(line, file=file)

os.register_at_fork(before=log)
"""


def run(*command, cwd):
    # Of the libraries' threads those for numerics are left out: OpenBLAS holds its own
    # still while it is forked, and a worker of torch's loader computes in one thread.
    numerics = dict(OMP_NUM_THREADS='1', OPENBLAS_NUM_THREADS='1', MKL_NUM_THREADS='1')
    (cwd / 'sitecustomize.py').write_text(LOG_FORKS)
    path = os.pathsep.join([str(cwd), str(ROOT)])
    env = dict(os.environ, PYTHONWARNINGS='ignore', PYTHONPATH=path, **numerics)
    result = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=cwd,
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=600,
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


def test_quickstart_run_again_reuses_what_is_done(finished, out, monkeypatch, capsys):
    tool = ROOT / 'tools' / 'quickstart.py'
    monkeypatch.chdir(finished[0])
    monkeypatch.setattr(runner, 'run_tool', run_tool)
    monkeypatch.setattr(sys, 'argv', [str(tool), *QUICK])
    runpy.run_path(str(tool), run_name='__main__')
    assert capsys.readouterr().out.count('done before') == 3
    log = (out / 'logs' / '03.log').read_text()
    assert 'Generating' not in log


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


@pytest.mark.skipif(not Path('/proc/self/task').is_dir(), reason='needs /proc')
def test_data_loaders_fork_processes_without_threads_of_opencv_or_ours(finished):
    lines = (finished[0] / 'forks.jsonl').read_text().splitlines()
    forks = [json.loads(line) for line in lines]
    # Of each training a loader for training and one for validation, of each test one.
    assert {Path(fork['of']).name for fork in forks} == {'train.py', 'test.py'}
    assert len(forks) >= 8
    for fork in forks:
        # One hands an earlier loader of the training its places; the other waits in a
        # read of a pipe, and holds no lock.
        known = {'MainThread', 'QueueFeederThread', WATCHING}
        assert set(fork['threads']) <= known, fork
        assert fork['native'] == len(fork['threads']), fork
