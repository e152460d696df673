"""A run of MMEngine reports how far it is."""

import pytest
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import DataLoader

from mmseg_ganaug import progress
from mmseg_ganaug.progress import REPORT_TO, read_report
from mmseg_ganaug.progress_hook import ProgressHook


class Model(BaseModel):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(1, 1)

    def forward(self, inputs, data_samples=None, mode='loss'):
        found = self.layer(inputs[:, None].float())
        return {'loss': found.sum()} if mode == 'loss' else [found]


class Seen(Hook):
    """Notes what who waits would read after each step."""

    priority = 'VERY_LOW'

    def __init__(self, path):
        self.path = path
        self.reports = []

    def _after_iter(self, runner, batch_idx, data_batch=None, outputs=None, mode=''):
        found = read_report(self.path)
        self.reports.append((found['title'], found['done'], found['total']))


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Makes a runner of three batches, and what is seen of it."""
    path = tmp_path / 'progress.json'
    monkeypatch.setenv(REPORT_TO, str(path))
    monkeypatch.setattr(progress, '_SECONDS_BETWEEN_REPORTS', 0)

    def make(max_iters, **options):
        loader = DataLoader([dict(inputs=1.0)] * 3, batch_size=1)
        runner = Runner(
            model=Model(),
            work_dir=str(tmp_path),
            train_dataloader=loader,
            train_cfg=dict(by_epoch=False, max_iters=max_iters, val_interval=max_iters),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
            val_dataloader=loader,
            val_cfg=dict(),
            val_evaluator=[],
            test_dataloader=loader,
            test_cfg=dict(),
            test_evaluator=[],
            default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=2)),
            experiment_name=f'{tmp_path.name}-{max_iters}-{len(options)}',
            **options,
        )
        seen = Seen(path)
        runner.register_hook(ProgressHook())
        runner.register_hook(seen)
        return runner, seen

    return make


def test_training_and_validation_and_test_are_reported_by_step(run):
    runner, seen = run(4)
    runner.train()
    runner.test()
    batches = [(1, 3), (2, 3), (3, 3)]
    assert seen.reports == [
        *(('train', done, 4) for done in range(1, 5)),
        *(('val', *batch) for batch in batches),
        *(('test', *batch) for batch in batches),
    ]


def test_a_training_that_goes_on_counts_from_its_beginning(run):
    run(4)[0].train()
    runner, seen = run(6, resume=True)
    runner.train()
    assert seen.reports[:2] == [('train', 5, 6), ('train', 6, 6)]


def test_loops_of_several_loaders_are_counted_whole(run):
    runner, seen = run(4)
    loop = runner.test_loop
    loop.dataloaders = [loop.dataloader] * 2
    runner.test()
    assert seen.reports[-1] == ('test', 3, 6)
