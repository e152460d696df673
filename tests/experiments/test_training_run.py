"""A training is done once, goes on, or is kept: nothing of it is ever deleted."""

import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from mmseg_ganaug.evaluation.photo_counts import counts_content
from mmseg_ganaug.experiments.training_run import TrainingRun
from mmseg_ganaug.in_the_way import InTheWayError
from mmseg_ganaug.ownership import WorkFolder
from mmseg_ganaug.safe_configs import read_config, write_config


class Trainer:
    """Stands in for the tools: leaves what MMEngine leaves in a work dir."""

    def __init__(self):
        self.resumed_from = []
        self.dies = False

    def __call__(self, tool, arguments):
        if tool == 'tools/test.py':
            path = Path(arguments[-1]) / 'now' / 'now.json'
            path.parent.mkdir()
            path.write_text(json.dumps({'mIoU': float(len(self.resumed_from))}))
            return
        assert tool == 'tools/train.py'
        self.train(arguments[0], resume='--resume' in arguments)

    def train(self, config, resume=False, **changes):
        cfg = Config.fromfile(config)
        cfg.merge_from_dict(changes)
        cfg.launcher, cfg.resume = 'none', resume
        folder = Path(cfg.work_dir)
        folder.mkdir(parents=True, exist_ok=True)
        last = folder / 'last_checkpoint'
        found = last.read_text() if resume and last.is_file() else None
        self.resumed_from.append(found and Path(found).name)
        cfg.dump(folder / Path(config).name)
        end = cfg.train_cfg.max_iters // (2 if self.dies else 1)
        (folder / f'iter_{end}.pth').write_text(f'weights of {cfg.lr}')
        last.write_text(str(folder / f'iter_{end}.pth'))
        if self.dies:
            raise RuntimeError('killed')


@pytest.fixture
def trainer():
    return Trainer()


@pytest.fixture
def make(tmp_path):
    """Makes the training of a config in the work folder."""

    def make(inputs='data', max_iters=10, **changes):
        work = WorkFolder(tmp_path / 'work', 'bench')
        poly = dict(type='PolyLR', begin=0, end=max_iters)
        cfg = Config(
            dict(
                work_dir=str(tmp_path / 'work' / 'generator'),
                train_cfg=dict(max_iters=max_iters, val_interval=max_iters),
                lr=0.1,
                **{'param_scheduler': [poly], **changes},
            )
        )
        path = tmp_path / 'work' / 'configs' / 'generator.py'
        write_config(cfg, path, work.write)
        return TrainingRun(path, read_config(path), inputs, work)

    return make


def kept_of(training):
    return sorted(training.work_dir.parent.glob('generator.before-*'))


def test_a_training_is_done_once(make, trainer):
    make().train(trainer)
    assert make().is_trained()
    assert make().in_the_way() == []
    assert trainer.resumed_from == [None]


def test_an_interrupted_training_goes_on(make, trainer):
    trainer.dies = True
    with pytest.raises(RuntimeError):
        make().train(trainer)
    assert not make().is_trained()
    trainer.dies = False
    make().train(trainer)
    assert trainer.resumed_from == [None, 'iter_5.pth']
    assert make().is_trained()


def test_a_longer_training_goes_on_from_the_shorter_one(make, trainer):
    make(max_iters=10).train(trainer)
    longer = make(max_iters=20)
    assert not longer.is_trained()
    longer.train(trainer)
    assert trainer.resumed_from == [None, 'iter_10.pth']
    assert make(max_iters=20).is_trained()
    assert kept_of(longer) == []


@pytest.mark.parametrize(
    'change', [dict(max_iters=4), dict(inputs='other'), dict(seed=1)]
)
def test_what_cannot_go_on_is_kept_beside_and_named(make, trainer, change, capsys):
    make().train(trainer)
    changed = make(**change)
    assert not changed.is_trained()
    assert changed.in_the_way() == []
    changed.train(trainer)
    (kept,) = kept_of(changed)
    assert (kept / 'iter_10.pth').read_text() == 'weights of 0.1'
    assert str(kept) in capsys.readouterr().out
    assert trainer.resumed_from == [None, None]
    assert make(**change).is_trained()


@pytest.mark.parametrize('by_hand', [False, True])
@pytest.mark.parametrize('dies', [False, True])
def test_another_schedule_of_the_same_length_is_another_training(
    make, trainer, dies, by_hand
):
    before, trainer.dies = make(), dies
    with suppress(RuntimeError):
        before.train(trainer)
    if by_hand:
        (before.work_dir / 'training.json').unlink()
    trainer.dies = False
    late = [dict(type='PolyLR', begin=5, end=10)]
    changed = make(param_scheduler=late)
    assert not changed.is_trained()
    changed.train(trainer)
    assert len(kept_of(changed)) == 1
    assert trainer.resumed_from == [None, None]
    assert make(param_scheduler=late).is_trained()


def test_a_stamp_that_does_not_note_the_schedule_counts(make, trainer):
    training = make()
    training.train(trainer)
    stamp = training.work_dir / 'training.json'
    values = json.loads(stamp.read_text())
    del values['schedule']
    stamp.write_text(json.dumps(values))
    assert make().is_trained()


def test_a_training_by_hand_with_our_config_is_used(make, trainer):
    training = make()
    trainer.train(training.config)
    assert training.in_the_way() == []
    assert training.is_trained()
    assert make().is_trained()


def test_a_training_by_hand_that_was_interrupted_goes_on(make, trainer):
    training = make()
    trainer.dies = True
    with pytest.raises(RuntimeError):
        trainer.train(training.config)
    assert not training.is_trained()
    trainer.dies = False
    training.train(trainer)
    assert trainer.resumed_from == [None, 'iter_5.pth']
    assert training.is_trained()


def test_a_training_by_hand_with_another_config_is_in_the_way(make, trainer):
    training = make()
    trainer.train(training.config, lr=0.7)
    assert not training.is_trained()
    assert training.in_the_way() == [training.work_dir]
    with pytest.raises(InTheWayError, match='generator'):
        training.train(trainer)
    assert (training.work_dir / 'iter_10.pth').read_text() == 'weights of 0.7'


def test_a_folder_of_something_else_is_in_the_way(make, trainer):
    training = make()
    training.work_dir.mkdir()
    assert training.in_the_way() == []
    (training.work_dir / 'iter_10.pth').write_text('of the user')
    (training.work_dir / 'last_checkpoint').write_text('iter_10.pth')
    assert training.in_the_way() == [training.work_dir]
    assert not training.is_trained()


def test_a_training_whose_only_checkpoint_was_removed_begins_again(make, trainer):
    training = make()
    trainer.dies = True
    with pytest.raises(RuntimeError, match='killed'):
        training.train(trainer)
    (checkpoint,) = training.work_dir.glob('iter_*.pth')
    checkpoint.unlink()
    trainer.dies = False
    make().train(trainer)
    assert trainer.resumed_from[-1] is None
    assert training.is_trained()


def test_a_damaged_stamp_leaves_the_choice_to_the_config(make, trainer):
    training = make()
    training.train(trainer)
    other = make(max_iters=5)
    stamp = training.work_dir / 'training.json'
    whole = stamp.read_bytes()
    for damaged in (
        *(whole[:length] for length in range(len(whole) - 1)),
        *(b'[]', b'3', b'\xff', b'{"inputs": "1", "finished": true}'),
        whole.replace(b'true', b'1'),
        whole.replace(b'"format": 2', b'"format": 3'),
    ):
        stamp.write_bytes(damaged)
        assert training.is_trained() and training.in_the_way() == []
        # Another one, known as ours by the mark: it is kept.
        assert not other.is_trained() and other.in_the_way() == []
    other.train(trainer)
    assert len(kept_of(other)) == 1


def test_a_training_on_another_disk_is_kept_there(make, trainer, tmp_path):
    disk = tmp_path / 'disk'
    disk.mkdir()
    training = make()
    training.work_dir.symlink_to(disk)
    training.train(trainer)
    assert (disk / 'iter_10.pth').is_file()
    make(inputs='other').train(trainer)
    (kept,) = tmp_path.glob('disk.before-*')
    assert (kept / 'iter_10.pth').is_file()
    assert training.work_dir.is_symlink()
    assert trainer.resumed_from == [None, None]


def test_each_test_has_a_folder_of_its_own(make, trainer):
    training = make()
    training.train(trainer)
    mine = training.work_dir / 'test' / 'mine' / 'figures.json'
    mine.parent.mkdir(parents=True)
    mine.write_text('precious')
    assert training.test(trainer) == ({'mIoU': 1.0}, None)
    assert training.test(trainer) == ({'mIoU': 1.0}, None)
    assert len(list(training.work_dir.glob('test/2*'))) == 2
    assert mine.read_text() == 'precious'


def test_the_counts_of_the_photos_are_kept_where_the_evaluator_has_them(make, trainer):
    counts = np.arange(12).reshape(2, 2, 3)

    def tool(name, arguments):
        if '--photo-counts' in arguments:
            path = arguments[arguments.index('--photo-counts') + 1]
            path.write_text(counts_content(counts))
        trainer(name, arguments)

    for evaluator in (
        dict(type='mmseg_ganaug.ClassIoUMetric'),
        [dict(type='Other'), dict(type='ClassIoUMetric')],
    ):
        found = make(test_evaluator=evaluator).test(tool).counts
        assert np.array_equal(found, counts)
    assert make(test_evaluator=dict(type='Other')).test(tool).counts is None


def test_options_of_the_test_do_not_change_a_training(make, trainer):
    make(test_cfg=dict(type='TestLoop')).train(trainer)
    assert make(test_cfg=None, test_evaluator=dict(type='A')).is_trained()


def test_a_schedule_that_is_not_in_iterations_is_refused(make):
    with pytest.raises(ValueError, match=r'max_iters of .* is None'):
        make(max_iters=None)
