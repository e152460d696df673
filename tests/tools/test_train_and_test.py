"""tools/train.py and tools/test.py, but for what MMEngine's runner does."""

import runpy
import sys
from pathlib import Path

import pytest
import torch
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, MODELS
from mmengine.runner import Runner

from mmseg_ganaug.commands.test import claim_folder
from mmseg_ganaug.in_the_way import InTheWayError
from mmseg_ganaug.ownership import MARK
from mmseg_ganaug.progress_hook import ProgressHook

TOOLS = Path(__file__).resolve().parents[2] / 'tools'


@pytest.mark.parametrize(
    ('tool', 'arguments'), [('train', ['--resume']), ('test', ['weights.pth'])]
)
def test_the_run_reports_how_far_it_is(tool, arguments, tmp_path, monkeypatch):
    config = tmp_path / 'config.py'
    config.write_text(f'work_dir = {str(tmp_path)!r}\n')
    hooks, ran = [], []

    class Run:
        register_hook = staticmethod(hooks.append)

        def __init__(self, cfg):
            self.cfg = cfg

        def train(self):
            assert self.cfg.resume
            ran.append(('train', len(hooks)))

        def test(self):
            assert self.cfg.load_from == 'weights.pth'
            ran.append(('test', len(hooks)))

    monkeypatch.setattr(Runner, 'from_cfg', Run)
    monkeypatch.setattr(sys, 'argv', [tool, str(config), *arguments])
    runpy.run_path(str(TOOLS / f'{tool}.py'), run_name='__main__')
    assert ran == [(tool, 1)]
    assert isinstance(hooks[0], ProgressHook)


TINY = """
model = dict(type='TinyModel')
train_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=False),
    dataset=dict(type='TinyDataset'),
)
train_cfg = dict(type='IterBasedTrainLoop', max_iters={iters})
optim_wrapper = dict(optimizer=dict(type='SGD', lr=1.0))
default_hooks = dict(checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2))
work_dir = {work_dir!r}
load_from = {load_from!r}
"""


@MODELS.register_module(force=True)
class TinyModel(BaseModel):
    """Its weight counts the iterations."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, *inputs, **kwargs):
        return dict(loss=-self.weight.sum())


@DATASETS.register_module(force=True)
class TinyDataset(torch.utils.data.Dataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return dict(inputs=torch.zeros(1))


def test_resume_goes_on_with_the_training_that_began_with_other_weights(
    tmp_path, monkeypatch
):
    def train(name, iters, load_from=None, *arguments):
        config, work_dir = tmp_path / f'{name}.py', tmp_path / name
        text = TINY.format(iters=iters, work_dir=str(work_dir), load_from=load_from)
        config.write_text(text)
        monkeypatch.setattr(sys, 'argv', ['train', str(config), *arguments])
        runpy.run_path(str(TOOLS / 'train.py'), run_name='__main__')
        weights = torch.load(work_dir / f'iter_{iters}.pth', weights_only=False)
        return weights['state_dict']['weight'].item()

    assert train('pretrained', 6) == 6
    other = str(tmp_path / 'pretrained' / 'iter_6.pth')
    assert train('mine', 2, other, '--resume') == 6 + 2
    assert train('mine', 4, other, '--resume') == 6 + 4
    # One that is named is resumed, as by MMEngine.
    options = ['--resume', '--cfg-options', f'load_from={other}']
    assert train('named', 8, None, *options) == 8


@pytest.fixture
def evaluate(tmp_path, monkeypatch):
    """Runs the test of a config, which predicts the label map of one photo."""
    config = tmp_path / 'config.py'
    config.write_text("test_evaluator = dict(type='mmseg_ganaug.ClassIoUMetric')")
    monkeypatch.chdir(tmp_path)

    class Run:
        def __init__(self, cfg):
            self.metric = cfg.test_evaluator
            self.work_dir = cfg.work_dir

        def register_hook(self, hook):
            pass

        def test(self):
            if 'output_dir' in self.metric:
                Path(self.metric['output_dir'], 'a.png').write_text('predicted')

    monkeypatch.setattr(Runner, 'from_cfg', Run)

    def run(*arguments):
        argv = ['test', str(config), 'weights.pth', *arguments]
        monkeypatch.setattr(sys, 'argv', argv)
        runpy.run_path(str(TOOLS / 'test.py'), run_name='__main__')

    return run


def test_predictions_do_not_replace_label_maps(evaluate, tmp_path, capsys):
    (tmp_path / 'ann').mkdir()
    (tmp_path / 'ann/a.png').write_text('mine')
    with pytest.raises(SystemExit) as raised:
        evaluate('--out', 'ann')
    assert raised.value.code == 2
    assert 'ann' in capsys.readouterr().err
    assert (tmp_path / 'ann/a.png').read_text() == 'mine'
    (tmp_path / 'empty').mkdir()
    for folder in ('new', 'new', 'empty'):
        evaluate('--out', folder)
        assert (tmp_path / folder / 'a.png').read_text() == 'predicted'


def test_counts_do_not_replace_another_file(evaluate, tmp_path, capsys):
    (tmp_path / 'mine.csv').write_text('id,weight')
    evaluate('--photo-counts', 'mine.csv')
    (kept,) = tmp_path.glob('mine.csv.before-*')
    assert kept.read_text() == 'id,weight'
    assert kept.name in capsys.readouterr().out


def test_the_file_for_counts_may_have_any_name(tmp_path, monkeypatch):
    config = tmp_path / 'config.py'
    config.write_text(
        "test_evaluator = [dict(type='Other'),"
        " dict(type='mmseg_ganaug.ClassIoUMetric')]"
    )
    found = []

    class Run:
        def __init__(self, cfg):
            found.extend(cfg.test_evaluator)

        def register_hook(self, hook):
            pass

        def test(self):
            pass

    monkeypatch.setattr(Runner, 'from_cfg', Run)
    arguments = [str(config), 'weights.pth', '--photo-counts', 'a photo, or [two].csv']
    monkeypatch.setattr(sys, 'argv', ['test', *arguments])
    runpy.run_path(str(TOOLS / 'test.py'), run_name='__main__')
    assert found == [
        dict(type='Other'),
        dict(type='mmseg_ganaug.ClassIoUMetric', photo_counts='a photo, or [two].csv'),
    ]


def test_the_work_dir_may_lie_in_the_folder_of_predictions(tmp_path):
    out = tmp_path / 'out'
    (out / 'log' / 'run').mkdir(parents=True)
    claim_folder(str(out), str(out / 'log'))
    (out / 'a.png').touch()
    claim_folder(str(out), str(out / 'log'))  # of an earlier test
    (out / MARK).unlink()
    with pytest.raises(InTheWayError, match='out'):
        claim_folder(str(out), str(out / 'log'))
