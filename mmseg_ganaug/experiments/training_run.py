"""One training through the tools: done once, resumed when interrupted."""

import copy
import hashlib
import json
import time
from pathlib import Path
from typing import (
    Any,
    Callable,
    Dict,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Union,
)

import numpy as np
from mmengine.config import Config

from mmseg_ganaug.config_search import has_type, nested_dicts
from mmseg_ganaug.evaluation.curves import Point, last_validation, read_curve
from mmseg_ganaug.evaluation.photo_counts import read_counts
from mmseg_ganaug.files import write_atomically
from mmseg_ganaug.own_data.configs import SCHEDULE_STEPS
from mmseg_ganaug.ownership import WorkFolder, free_name, keep_folder
from mmseg_ganaug.safe_configs import config_text, read_values

#: Runs a tool of this package with its arguments: ('tools/train.py', [config]).
Tool = Callable[[str, Sequence], None]
_STAMP = 'training.json'
_FORMAT = 2
# What a run writes into its config that changes nothing in its outcome.
_OF_A_RUN = ('work_dir', 'launcher', 'resume')
_OF_A_TEST = ('test_', 'tta_')


class _Stamp(NamedTuple):
    """What ``training.json`` says of a training of ours."""

    inputs: str
    max_iters: int
    finished: bool
    schedule: str = ''


class Tested(NamedTuple):
    """What a test measured.

    Attributes:
        metrics: What the evaluator measured, by name.
        counts: Of each photo, see :mod:`~mmseg_ganaug.evaluation.photo_counts`; None
            where it is no ``ClassIoUMetric``.
    """

    metrics: Dict[str, float]
    counts: Optional[np.ndarray]


class TrainingRun:
    """Trains and tests what a config says, unless that was done before.

    A training is known by ``training.json`` in its folder or, where somebody trained
    with the config by hand, by the config that MMEngine leaves there. One that is
    finished is not run again; one that was interrupted, or was to be shorter, goes on
    from its last checkpoint. A training of this package with other inputs, or of the
    same length with another schedule, is kept beside, and another begins. Nothing is
    deleted.

    Args:
        config (str | Path): Where the config is, at the latest when it is trained.
        cfg (Config): What it says: a ``work_dir`` in the work folder, and an
            iteration-based schedule.
        inputs (str): Names everything else that the outcome depends on.
        work (WorkFolder): Holds the folder of the training.

    Attributes:
        inputs: Digest of all that the outcome depends on, but for the length.

    Raises:
        ValueError: When the schedule is not in iterations.
    """

    def __init__(
        self, config: Union[str, Path], cfg: Config, inputs: str, work: WorkFolder
    ) -> None:
        self.config = Path(config)
        self.cfg = cfg
        self.work_dir = Path(cfg.work_dir)
        self._max_iters = num_iters(cfg)
        self._text = _lasting_text(cfg.to_dict())
        self._schedule = _schedule_of(cfg.to_dict())
        self.inputs = _sha256('\0'.join([self._text, inputs]))
        self._work = work
        self._checkpoint = final_checkpoint(cfg)

    def in_the_way(self) -> List[Path]:
        """Finds out whether the folder holds files of something else than trainings.

        Returns:
            list[Path]: What is in the way; nothing where the training can begin.
        """
        if self._is_known() or read_stamp(self.work_dir) is not None:
            return []
        return self._work.in_the_way([], [self.work_dir])

    def is_trained(self) -> bool:
        """Checks whether nothing is left to do for :meth:`train`."""
        if not self._is_known() or not self._checkpoint.is_file():
            return False
        stamp = read_stamp(self.work_dir)
        if stamp is not None and stamp[1:3] == (self._max_iters, True):
            return True
        # MMEngine writes this when the checkpoint is whole.
        last = self.work_dir / 'last_checkpoint'
        return last.is_file() and last.read_text().endswith(self._checkpoint.name)

    def train(self, run_tool: Tool) -> None:
        """Trains, or goes on training.

        Args:
            run_tool (callable): Runs a tool.

        Raises:
            InTheWayError: When the folder holds files of something else.
            ToolError: When the training fails.
        """
        self._work.refuse(self.in_the_way())
        if not self._is_known():
            if self.work_dir.is_dir() and any(self.work_dir.iterdir()):
                keep_folder(
                    self.work_dir, f'{self.work_dir}: the config or the data changed'
                )
            self._work.add_folder(self.work_dir)
        self._write_stamp(finished=False)
        last = self.work_dir / 'last_checkpoint'
        # MMEngine removes the old checkpoint before it writes the new one.
        if last.is_file():
            named = self.work_dir / Path(last.read_text()).name
            if not named.is_file():
                last.unlink()
        run_tool('tools/train.py', [self.config, '--resume'])
        self._write_stamp(finished=True)

    def curve(self) -> List[Point]:
        """Returns what was reached on the validation data on the way."""
        return read_curve(self.work_dir)

    def validation(self) -> Dict[str, float]:
        """Returns what the validation at the end of the training measured, by name.

        Raises:
            ValueError: When there was none: the training was killed in it, or its
                config has none there.
        """
        found = last_validation(self.work_dir)
        if found.get('step') != self._max_iters:
            raise ValueError(
                f'{self.work_dir} holds no validation of iteration {self._max_iters}'
            )
        return found

    def test(self, run_tool: Tool, weights: Optional[Path] = None) -> Tested:
        """Tests weights, in a folder for this test in ``test`` of the work dir.

        Args:
            run_tool (callable): Runs a tool.
            weights (Path, optional): Defaults to None: those at the end of the
                training.

        Raises:
            ToolError: When the test fails.
        """
        folder = free_name(self.work_dir / 'test' / time.strftime('%Y%m%d-%H%M%S'))
        folder.mkdir(parents=True)
        counts, options = folder / 'photo_counts.csv', []
        if any(
            has_type(part, 'ClassIoUMetric')
            for part in nested_dicts(self.cfg.get('test_evaluator'))
        ):
            options = ['--photo-counts', counts]
        run_tool(
            'tools/test.py',
            [self.config, weights or self._checkpoint, *options, '--work-dir', folder],
        )
        (metrics,) = folder.glob('*/*.json')
        return Tested(
            json.loads(metrics.read_text()),
            read_counts(counts) if counts.is_file() else None,
        )

    def _is_known(self) -> bool:
        """Checks whether the folder holds this training, begun or finished."""
        stamp = read_stamp(self.work_dir)
        if stamp is not None:
            return stamp.inputs == self.inputs and self._goes_on_from(
                stamp.max_iters, stamp.schedule
            )
        try:
            found = read_values(self.work_dir / self.config.name)
            return _lasting_text(found) == self._text and self._goes_on_from(
                found['train_cfg']['max_iters'], _schedule_of(found)
            )
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def _goes_on_from(self, max_iters: int, schedule: str) -> bool:
        """Checks whether this one is the same training, or a longer one.

        A longer one has other schedulers; earlier versions did not note theirs ('').
        """
        same = max_iters == self._max_iters and schedule in ('', self._schedule)
        return same or max_iters < self._max_iters

    def _write_stamp(self, finished: bool) -> None:
        stamp = _Stamp(self.inputs, self._max_iters, finished, self._schedule)
        content = dict(tool='mmseg_ganaug', format=_FORMAT, **stamp._asdict())
        write_atomically(self.work_dir / _STAMP, json.dumps(content) + '\n')


def read_stamp(folder: Union[str, Path]) -> Optional[_Stamp]:
    """Reads what a training of this package left in its folder.

    Args:
        folder (str | Path): Of the training.

    Returns:
        _Stamp | None: None where there is none, or it is damaged or of another
        version: then the config that MMEngine left shows what the folder holds.
    """
    try:
        found = json.loads((Path(folder) / _STAMP).read_text(encoding='utf-8'))
        if (found.pop('tool'), found.pop('format')) != ('mmseg_ganaug', _FORMAT):
            return None
        stamp = _Stamp(**found)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    kinds = tuple(type(value) for value in stamp)
    return stamp if kinds == (str, int, bool, str) else None


def might_be_training(folder: Union[str, Path], name: str) -> bool:
    """Checks whether a folder may hold a training with a config of that name.

    Args:
        folder (str | Path): The folder.
        name (str): File name of the config. What it says is left to
            :meth:`TrainingRun.in_the_way`, since it may not be written yet.
    """
    if read_stamp(folder) is not None:
        return True
    try:
        return 'train_cfg' in read_values(Path(folder) / name)
    except (OSError, ValueError):
        return False


def num_iters(cfg: Config) -> int:
    """Returns the length of a training in iterations.

    Raises:
        ValueError: When it is not given in iterations.
    """
    found = (cfg.get('train_cfg') or {}).get('max_iters')
    if not isinstance(found, int):
        raise ValueError(
            f'train_cfg.max_iters of {cfg.filename} is {found!r}: give the length of '
            "the training as train_cfg=dict(type='IterBasedTrainLoop', max_iters=...)"
        )
    return found


def final_checkpoint(cfg: Config) -> Path:
    """Returns where a training leaves the weights at its end."""
    return Path(cfg.work_dir) / f'iter_{num_iters(cfg)}.pth'


def _lasting_text(values: Mapping[str, Any]) -> str:
    """Returns what a config says of a training, but for its length."""
    kept: Dict[str, Any] = {
        name: copy.deepcopy(value)
        for name, value in values.items()
        if name not in _OF_A_RUN and not name.startswith(_OF_A_TEST)
    }
    for name in ('max_iters', 'val_interval'):
        (kept.get('train_cfg') or {}).pop(name, None)
    for part in nested_dicts(kept.get('param_scheduler')):
        for name in ('begin', 'end', *SCHEDULE_STEPS):
            part.pop(name, None)
    return config_text(kept)


def _schedule_of(values: Mapping[str, Any]) -> str:
    """Names the schedulers of a config, with their lengths."""
    return _sha256(config_text({'schedulers': values.get('param_scheduler')}))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()
