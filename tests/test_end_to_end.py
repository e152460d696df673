"""The real tools, from making the data to the report, on a handful of images."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import mmseg
import pytest

from mmseg_ganaug.commands.interrupts import WATCHING
from mmseg_ganaug.experiments import runner

ROOT = Path(__file__).resolve().parent.parent
# Of a test: the first makes what all look at, by nine processes.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
CONFIGS = ROOT / 'configs'
SHORT = """
train_cfg = dict(max_iters=2, val_interval=2)
param_scheduler = [dict(type='ConstantLR', factor=1.0, begin=0, end=2, by_epoch=False)]
"""
FILES = {
    'generator.py': f"""
_base_ = '{CONFIGS}/pix2pixhd/pix2pixhd_enhancer-tiny_1xb1-1500_toystreets-128x256.py'
train_cfg = dict(max_iters=2)
param_scheduler = dict(begin=1, end=2)
""",
    'plain.py': f"""
_base_ = '{CONFIGS}/pspnet/pspnet_r18w32-d8_1xb8-300_toystreets-128x256.py'
{SHORT}""",
    'recon.py': """
_base_ = './plain.py'
real = _base_.train_dataloader.dataset
generated = dict(
    type='mmseg_ganaug.GANRecomposeDataset',
    source=real,
    recomposer=dict(type='Recon'),
    generator=dict(config='generator.py', checkpoint='work_dirs/generator'),
    ratio=1.0,
    cache_dir='samples',
)
train_dataloader = dict(
    dataset=dict(_delete_=True, type='ConcatDataset', datasets=[real, generated])
)
""",
    'matrix.yaml': """
protocol: tiny
seeds: [0]
methods: {plain: plain.py, recon: recon.py}
""",
}
STEPS = (
    (
        *('dataset_converters/toy_streets.py', 'data/toy_streets'),
        *('--num-train', '6', '--num-val', '2'),
    ),
    ('train.py', 'generator.py'),
    ('compare_methods.py', 'matrix.yaml'),
)


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
    """Folder of a finished comparison, and what the tools printed."""
    folder = tmp_path_factory.mktemp('project')
    for name, content in FILES.items():
        (folder / name).write_text(content)
    printed = [run(ROOT / 'tools' / tool, *rest, cwd=folder) for tool, *rest in STEPS]
    return folder, ''.join(printed)


def test_the_tools_leave_table_charts_samples_and_report(finished):
    folder, printed = finished
    (results,) = folder.glob('work_dirs/**/tiny.jsonl')
    runs = [json.loads(line) for line in results.read_text().splitlines()]
    assert [run['method'] for run in runs] == ['plain', 'recon']
    assert len(runs[0]['per_class_iou']) == 11
    for text in ('mIoU', 'rider', 'traffic sign'):
        assert text in printed
    (report,) = folder.glob('work_dirs/**/report.html')
    assert report.read_text().count('<img') >= 3
    for name in ('class_iou.png', 'gains.png'):
        assert (report.parent / name).stat().st_size > 10_000


def test_a_comparison_run_again_reuses_what_is_done(finished, monkeypatch, capsys):
    tool = ROOT / 'tools' / 'compare_methods.py'
    monkeypatch.chdir(finished[0])
    monkeypatch.setattr(runner, 'run_tool', refuse_to_run)
    monkeypatch.setattr(sys, 'argv', [str(tool), 'matrix.yaml'])
    runpy.run_path(str(tool), run_name='__main__')
    assert 'traffic sign' in capsys.readouterr().out


def refuse_to_run(*args, **options):
    raise AssertionError(f'{args} is run again')


def test_stock_train_and_test_of_mmseg_run_the_recon_config(finished):
    folder = finished[0]
    stock = Path(mmseg.__file__).parent / '.mim' / 'tools'
    config = 'recon.py'
    samples = sorted(folder.glob('samples/*/images/*.png'))
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
