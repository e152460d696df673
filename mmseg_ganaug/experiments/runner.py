"""Runs tools in processes of their own: samples, training, test of a config."""

import hashlib
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Set, Union

from mmengine.config import Config, ConfigDict
from mmengine.utils.dl_utils import collect_env

from mmseg_ganaug.config_search import (
    find_generated,
    find_shipped,
    has_type,
    shown_command,
)
from mmseg_ganaug.evaluation import RunResult
from mmseg_ganaug.experiments.training_run import TrainingRun, num_iters
from mmseg_ganaug.ownership import WorkFolder
from mmseg_ganaug.progress import REPORT_TO, read_report
from mmseg_ganaug.version import __version__

#: Folder of the logs in the work folder.
LOGS = 'logs'
_SECONDS_BETWEEN_LOOKS = 0.2
_SECONDS_BETWEEN_LINES = 15
_TAIL_LINES, _TAIL_BYTES = 25, 1 << 16
# Of other threads than the main one.
_running: Set[subprocess.Popen] = set()


class ToolError(RuntimeError):
    """A tool that ended with an error; the message holds the end of its output."""


def run_tool(
    title: str,
    tool: str,
    arguments: Sequence[str],
    log_path: Union[str, Path],
    environment: Optional[Mapping[str, str]] = None,
    line: Optional['ProgressLine'] = None,
) -> float:
    """Runs a tool of this package in a process of its own.

    The whole output goes to a log file; the terminal shows one line that says how far
    it is, as :mod:`mmseg_ganaug.progress` of the tool reports it. It ends with this
    process; where it is run in another thread than the main one, that has to call
    :func:`end_tools`.

    Args:
        title (str): What the progress line begins with.
        tool (str): Such as 'tools/train.py'.
        arguments (Sequence[str]): Its command line.
        log_path (str | Path): File for its output.
        environment (Mapping[str, str], optional): Variables that the tool sees beside
            those of this process.
        line (ProgressLine, optional): Shows how far it is, in place of a line of its
            own.

    Returns:
        float: Seconds that it took.

    Raises:
        ToolError: When it fails.
    """
    started = time.monotonic()
    command = [sys.executable, '-u', str(find_shipped(tool)), *map(str, arguments)]
    log_path = Path(log_path)
    log_path.parent.mkdir(parents=True, exist_ok=True)
    line = line or ProgressLine(title)
    with TemporaryDirectory() as folder, open(log_path, 'wb') as log:
        report = Path(folder) / 'progress.json'
        own = {'PYTHONWARNINGS': 'ignore', REPORT_TO: str(report)}
        with (
            subprocess.Popen(
                command,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {}), **own},
            ) as process,
            _ended_with_us(process),
        ):
            try:
                while not _has_ended(process):
                    line.show(report)
            except KeyboardInterrupt:
                process.wait()
                raise
    seconds = time.monotonic() - started
    if process.returncode:
        line.finish('failed')
        raise ToolError(
            f'{shown_command(tool, arguments)}\nended with exit code '
            f'{process.returncode}. The end of its output ({log_path} holds all of '
            'it):\n\n' + '\n'.join(_last_lines(log_path))
        )
    line.finish(f'done in {seconds:.0f} s')
    return seconds


@dataclass(frozen=True)
class Cell:
    """One training of an experiment: a method with a seed."""

    method: str
    seed: int

    def __str__(self) -> str:
        return f'{self.method}, seed {self.seed}'


class CellRunner:
    """Runs the tools of an experiment, and keeps account of them.

    Args:
        protocol (str): Name of the experiment, for the results.
        work (WorkFolder): The logs go to ``logs`` in it.
        num_steps (int): How many tools there will be: then they are numbered, and the
            logs, too. Defaults to 0: that is not known.
        **options: Of :func:`run_tool`: ``environment``, ``line``.

    Attributes:
        seconds: How long each tool took, by its title.
    """

    def __init__(
        self, protocol: str, work: WorkFolder, num_steps: int = 0, **options: Any
    ) -> None:
        self.seconds: Dict[str, float] = {}
        self._protocol = protocol
        self._work = work
        self._num_steps = num_steps
        self._options = options
        self._number = 0

    def run_tool(
        self, title: str, tool: str, arguments: Sequence, log: str = ''
    ) -> None:
        """Runs a tool of this package.

        Args:
            title (str): What it does.
            tool (str): Such as 'tools/train.py'.
            arguments (Sequence): Its command line.
            log (str): Folder of its log, where the tools are not numbered.

        Raises:
            InTheWayError: When the folder of the logs is the user's.
            ToolError: When it fails.
        """
        line = self._numbered(title)
        arguments = [str(argument) for argument in arguments]
        logs = self._work.add_folder(self._work.folder / LOGS)
        name = f'{self._number:02d}' if self._num_steps else f'{log}/{Path(tool).stem}'
        self.seconds[title] = run_tool(
            line, tool, arguments, logs / f'{name}.log', **self._options
        )

    def train(self, title: str, training: TrainingRun, log: str = '') -> None:
        """Trains, or says that this was done before.

        Args:
            title (str): What is trained.
            training (TrainingRun): The training.
            log (str): See :meth:`run_tool`.

        Raises:
            ToolError: When the training fails.
        """
        if training.is_trained():
            print(f'{self._numbered(title)}: done before')
        else:
            training.train(lambda tool, args: self.run_tool(title, tool, args, log))

    def run(
        self,
        cell: Cell,
        training: TrainingRun,
        titles: Mapping[str, str],
        extra: Mapping[str, Any],
        weights: Optional[Path] = None,
        needs_samples: bool = False,
        log: str = '',
    ) -> RunResult:
        """Generates samples, trains, and tests, as far as that is still to be done.

        Args:
            cell (Cell): What is run.
            training (TrainingRun): Its config.
            titles (Mapping[str, str]): Title of each tool: 'synthesize', 'train' and
                'test'. Without the last, the validation at the end of the training
                counts.
            extra (Mapping[str, Any]): What the result states beside its own figures.
            weights (Path, optional): Only these are tested, nothing is trained.
            needs_samples (bool): Generates samples that are not there also where the
                training is finished. Defaults to False.
            log (str): Folder of the logs. Defaults to method and seed.

        Returns:
            RunResult: With the counts of the photos, and the learning curve of what is
            trained here as ``curve`` where there is one.

        Raises:
            ToolError: When a tool fails.
        """
        cfg, log = training.cfg, log or f'{cell.method}-seed{cell.seed}'
        if weights is None:
            is_mixed = bool(find_generated(cfg.train_dataloader.dataset))
            if is_mixed and (needs_samples or not training.is_trained()):
                tool = 'tools/synthesize.py'
                self.run_tool(titles['synthesize'], tool, [training.config], log)
            self.train(titles['train'], training, log)
        curve = [] if weights is not None else training.curve()
        if 'test' in titles:
            metrics, counts = training.test(
                lambda tool, args: self.run_tool(titles['test'], tool, args, log),
                weights,
            )
        else:
            metrics, counts = training.validation(), None
        result = RunResult.from_metrics(
            metrics,
            class_names(cfg),
            method=cell.method,
            seed=cell.seed,
            protocol=self._protocol,
            extra=dict(
                **extra,
                iterations=num_iters(cfg),
                **(dict(curve=curve) if curve else {}),
                config_hash=config_hash(cfg),
                seconds={
                    tool: round(self.seconds[title], 1)
                    for tool, title in titles.items()
                    if title in self.seconds
                },
                finished=time.strftime('%Y-%m-%d', time.gmtime()),
                **environment(),
            ),
        )
        return replace(result, counts=counts)

    def _numbered(self, title: str) -> str:
        self._number += 1
        number = f'[{self._number}/{self._num_steps}] ' if self._num_steps else ''
        return number + title


def class_names(cfg: Config) -> List[str]:
    """Returns the names of the classes that the test of a config evaluates."""
    from mmengine.registry import DefaultScope
    from mmseg.registry import DATASETS

    dataset = cfg.test_dataloader.dataset
    # MMEngine checks that those that are joined have the same classes.
    while has_type(dataset, 'ConcatDataset'):
        dataset = dataset['datasets'][0]
    with DefaultScope.overwrite_default_scope('mmseg'):
        built = DATASETS.build(dict(dataset, lazy_init=True, pipeline=[]))
        return list(built.metainfo['classes'])


def config_hash(cfg: Config) -> str:
    """Returns a digest of what a config says; where the results go is left out."""
    kept = {key: value for key, value in cfg.items() if key != 'work_dir'}
    text = repr(sorted(ConfigDict(kept).to_dict().items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def environment() -> Dict[str, Any]:
    """Returns what the figures may depend on: ``device`` and ``versions``."""
    import mmengine
    import mmseg
    import numpy
    import torch

    processor = platform.processor() or platform.machine()
    return dict(
        device=collect_env().get('GPU 0', processor),
        versions=dict(
            mmseg_ganaug=__version__,
            mmsegmentation=mmseg.__version__,
            mmengine=mmengine.__version__,
            torch=torch.__version__,
            numpy=numpy.__version__,
            python=platform.python_version(),
        ),
    )


def end_tools(patience: float = 5) -> None:
    """Ends all tools that threads of this process run, and waits until they have.

    Args:
        patience (float): Seconds after which one is killed.
    """
    for process in list(_running):
        process.terminate()
    for process in list(_running):
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()


@contextmanager
def _ended_with_us(process: subprocess.Popen) -> Iterator[None]:
    """Passes SIGTERM on, which schedulers send to one process and not to its tools."""
    if threading.current_thread() is not threading.main_thread():
        _running.add(process)  # Python allows no handlers here.
        try:
            yield
        finally:
            _running.discard(process)
        return

    def end(number, frame):
        process.terminate()
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _has_ended(process: subprocess.Popen) -> bool:
    """Waits a moment for a process."""
    try:
        process.wait(_SECONDS_BETWEEN_LOOKS)
    except subprocess.TimeoutExpired:
        return False
    return True


def _last_lines(log: Path) -> List[str]:
    """Reads the end of a log, in which progress bars may have rewritten a line."""
    with open(log, 'rb') as file:
        file.seek(max(0, os.path.getsize(log) - _TAIL_BYTES))
        text = file.read().decode(errors='replace')
    return [line for line in re.split(r'[\r\n]', text) if line][-_TAIL_LINES:]


class ProgressLine:
    """One line that is rewritten on a terminal and repeated now and then in a log.

    Args:
        title (str): What it begins with.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._patience = 0 if sys.stdout.isatty() else _SECONDS_BETWEEN_LINES
        self._shown = time.monotonic()
        self._write('...', last=False)

    def show(self, report: Path) -> None:
        """Shows what a tool reported."""
        found = read_report(report)
        if found is not None:
            left = timedelta(seconds=round(found['seconds_left']))
            self.say('{title} {done}/{total}, {} left'.format(left, **found))

    def say(self, state: str) -> None:
        """Shows how far it is, unless the last line is not old enough."""
        if time.monotonic() - self._shown >= self._patience:
            self._shown = time.monotonic()
            self._write(state, last=False)

    def finish(self, state: str) -> None:
        """Shows how it ended."""
        self._write(state, last=True)

    def _write(self, state: str, last: bool) -> None:
        text = f'{self._title}: {state}'
        if sys.stdout.isatty():
            # Of a longer line, only the last row would be rewritten.
            text = text[: shutil.get_terminal_size().columns - 1]
            print(f'\r\033[K{text}', end='\n' if last else '', flush=True)
        else:
            print(text, flush=True)
