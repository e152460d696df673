"""Trains methods with several seeds each, and compares what they reach."""

import copy
import hashlib
import platform
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Set, Tuple, Union

from mmengine.config import Config, ConfigDict
from mmengine.utils.dl_utils import collect_env

from mmseg_ganaug.config_search import find_generated, find_real, has_type, nested_dicts
from mmseg_ganaug.evaluation import RunResult
from mmseg_ganaug.evaluation.results import BASELINE
from mmseg_ganaug.evaluation.run_result import add_run, read_runs
from mmseg_ganaug.experiments.comparison_matrix import (
    class_names,
    last_line,
    read_matrix,
)
from mmseg_ganaug.experiments.results_page import PROTOCOL_FILE, runs_file
from mmseg_ganaug.experiments.tool_runner import run_tool
from mmseg_ganaug.experiments.training_run import (
    TrainingRun,
    final_checkpoint,
    test_checkpoint,
)
from mmseg_ganaug.in_the_way import InTheWayError, refuse
from mmseg_ganaug.ownership import WorkFolder
from mmseg_ganaug.safe_configs import write_config
from mmseg_ganaug.version import __version__

#: What is written in the folder of a protocol, beside its ``PROTOCOL.jsonl``.
RESULT_PAGES = (PROTOCOL_FILE, 'results.md')


@dataclass(frozen=True)
class Cell:
    """One training of the comparison: a method with a seed."""

    method: str
    seed: int

    def __str__(self) -> str:
        return f'{self.method}, seed {self.seed}'


class MethodComparison:
    """A matrix of methods and seeds, trained cell by cell through the usual tools.

    Each finished cell leaves a line in ``PROTOCOL.jsonl`` in the folder of the
    results. A cell whose config is the one of that line is not trained again; an
    interrupted one goes on from its last checkpoint. Files that a config names are not
    looked into: after training a generator again, remove the results that it had a part
    in. A method that fails does not stop the others.

    Args:
        matrix (str | Path): A config (``.py``, ``.yaml`` or ``.json``) with
            ``protocol`` (name), ``seeds`` (list of int) and ``methods`` (name ->
            path of a config, or ``dict(config=..., cfg_options=...)``); one method is
            called 'plain'. Optional, for all methods: ``train_every`` (n: only every
            n-th real training sample is used), ``generator`` (what replaces the
            ``generator`` of generated data sets: one that saw no other samples),
            ``test_options`` (cfg_options of the test: other data to judge on) and
            ``trained_as`` (another protocol: nothing is trained, the weights of its
            finished trainings are tested).
        work_dir (str | Path): Folder of the trainings. Defaults to 'work_dirs'.
        results_dir (str | Path, optional): The results go to ``PROTOCOL.jsonl`` and
            the folder ``PROTOCOL`` in it. Defaults to None: to ``results`` beside the
            trainings.

    Attributes:
        failures: Why a training failed, by method and seed, see :meth:`attempt`.
        pages: Folder of the tables, beside ``PROTOCOL.jsonl``.

    Raises:
        FileNotFoundError: When the matrix is missing.
        ValueError: When it lacks something, or the method 'plain'; says what.
    """

    def __init__(
        self,
        matrix: Union[str, Path],
        work_dir: Union[str, Path] = 'work_dirs',
        results_dir: Optional[Union[str, Path]] = None,
    ) -> None:
        self._matrix = read_matrix(matrix)
        self.protocol = self._matrix.protocol
        self.seeds = self._matrix.seeds
        self.methods = self._matrix.configs
        self.trained_as = self._matrix.trained_as
        self.failures: Dict[str, Dict[int, str]] = {}
        self._faults_said: Set[str] = set()
        self._work_dir = Path(work_dir)
        self._results_dir = None if results_dir is None else Path(results_dir)
        self.work = WorkFolder(self._folder(self.protocol), 'comparison')
        self.results_work = WorkFolder(
            self._results_folder(self.protocol), 'results of a comparison', '--results'
        )
        self.pages = self.results_work.folder / self.protocol

    def cells(
        self,
        methods: Optional[Sequence[str]] = None,
        seeds: Optional[Sequence[int]] = None,
    ) -> List[Cell]:
        """Lists the trainings, all methods of a seed before the next seed.

        Args:
            methods (Sequence[str], optional): Only these.
            seeds (Sequence[int], optional): Only these.

        Raises:
            ValueError: When a method or seed is not in the matrix.
        """
        named = list(self._matrix.stated)
        for given, known in ((methods, named), (seeds, self.seeds)):
            wrong = [value for value in given or () if value not in known]
            if wrong:
                raise ValueError(f'{wrong} are not among {known}')
        return [
            Cell(method, seed)
            for seed in self.seeds
            for method in named
            if (not seeds or seed in seeds) and (not methods or method in methods)
        ]

    def check_free(self, cells: Sequence[Cell], files: Sequence[str]) -> None:
        """Checks that nothing of the user's is in the way, before anything begins.

        Args:
            cells (Sequence[Cell]): What is to be run.
            files (Sequence[str]): Names of what is written beside the trainings.

        Raises:
            InTheWayError: Names all that is.
        """
        open_cells = [
            cell
            for cell in cells
            if cell.method in self.methods and self.result(cell) is None
        ]
        folder = self.work.folder
        found = self.work.in_the_way(
            [folder / name for name in files]
            + [self._config_path(cell) for cell in open_cells],
            [folder / 'logs'] if open_cells else [],
        )
        for cell in open_cells if self.trained_as == self.protocol else ():
            found += self._training(cell).in_the_way()
        results = self.results_work.in_the_way(
            [self.pages / name for name in RESULT_PAGES]
            + [self._runs_file(self.protocol)] * bool(open_cells)
        )
        refuse(
            (found, self.work.remedy(found)),
            (results, self.results_work.remedy(results)),
        )

    def result(self, cell: Cell) -> Optional[RunResult]:
        """What a training reached; None where that is still to be found out."""
        if cell.method not in self.methods:
            return None
        return self._find(cell, self.protocol, self.test_config(cell))

    def results(self) -> List[RunResult]:
        """What all finished trainings reached."""
        found = [self.result(cell) for cell in self.cells()]
        return [result for result in found if result is not None]

    def test_config(self, cell: Cell) -> Config:
        """What a training is tested with, and trained unless that was done before."""
        cfg = self._training_config(cell)
        cfg.work_dir = str(self._cell_folder(cell, self.protocol))
        cfg.merge_from_dict(self._matrix.test_options)
        return cfg

    def attempt(self, cell: Cell) -> Optional[RunResult]:
        """Runs a training, as :meth:`run`; an error is printed and noted.

        Returns:
            RunResult | None: None where it failed, too.
        """
        reason = self._matrix.faults.get(cell.method)
        if reason is None:
            try:
                return self.run(cell)
            except InTheWayError:
                raise
            except Exception as error:  # Whatever it is, the others can be trained.
                print(f'\n{error}\n', file=sys.stderr)
                reason = last_line(error)
        print(f'{cell}: failed: {reason}')
        self.failures.setdefault(cell.method, {})[cell.seed] = reason
        return None

    def run(self, cell: Cell) -> Optional[RunResult]:
        """Generates samples, trains, and tests, as far as that is still to be done.

        Returns:
            RunResult | None: None where nothing is to be trained (``trained_as``), and
            the weights are not there.

        Raises:
            ToolError: When a tool fails.
        """
        done = self.result(cell)
        if done is not None:
            print(f'{cell}: done before, mIoU {done.mIoU:.2f}')
            return done
        cfg = self.test_config(cell)
        path = write_config(cfg, self._config_path(cell), self.work.write)
        logs = self.work.add_folder(self.work.folder / 'logs')
        seconds: Dict[str, float] = {}

        def tool(name: str, arguments: Sequence) -> None:
            stem = Path(name).stem
            log = logs / f'{cell.method}-seed{cell.seed}' / f'{stem}.log'
            seconds[stem] = run_tool(f'{cell}: {stem}', name, arguments, log)

        if self.trained_as == self.protocol:
            training = self._training(cell)
            if not training.is_trained():
                if find_generated(cfg.train_dataloader.dataset):
                    tool('tools/synthesize.py', [path])
                training.train(tool)
            metrics = training.test(tool)
        else:
            trained_with = self._training_config(cell)
            weights = final_checkpoint(trained_with)
            trained = self._find(cell, self.trained_as, trained_with)
            if trained is None or not weights.is_file():
                print(f'{cell}: not trained as {self.trained_as}, left out')
                return None
            metrics = test_checkpoint(path, cfg.work_dir, weights, tool)
        result = RunResult.from_metrics(
            metrics,
            class_names(cfg),
            method=cell.method,
            seed=cell.seed,
            protocol=self.protocol,
            extra=dict(
                **self._matrix.stated[cell.method],
                config_hash=self._digest(cfg),
                seconds={name: round(value, 1) for name, value in seconds.items()},
                finished=time.strftime('%Y-%m-%d', time.gmtime()),
                **environment(),
            ),
        )
        add_run(self._runs_file(self.protocol), result, self.results_work.write)
        print(f'{cell}: mIoU {result.mIoU:.2f}')
        return result

    def frequency(self) -> Tuple[List[str], List[float]]:
        """Class names, and their shares (0..1) of the labelled training pixels."""
        from mmseg_ganaug.datasets.label_source import DatasetLabelSource
        from mmseg_ganaug.datasets.source_dataset import build_source
        from mmseg_ganaug.datasets.statistics import collect_statistics

        # Real samples only: where the baseline is at fault, of another method.
        cfg = self.methods.get(BASELINE, next(iter(self.methods.values())))
        real = find_real(cfg.train_dataloader.dataset)
        source = DatasetLabelSource(
            build_source(
                real[0] if len(real) == 1 else dict(type='ConcatDataset', datasets=real)
            )
        )
        statistics = collect_statistics(source, self.work.folder)
        return list(source.class_names), statistics.frequency.tolist()

    def _folder(self, protocol: str) -> Path:
        return self._work_dir / f'compare-{protocol}'

    def _cell_folder(self, cell: Cell, protocol: str) -> Path:
        return self._folder(protocol) / cell.method / f'seed{cell.seed}'

    def _config_path(self, cell: Cell) -> Path:
        return self.work.folder / 'configs' / f'{cell.method}-seed{cell.seed}.py'

    def _results_folder(self, protocol: str) -> Path:
        if self._results_dir is None:
            return self._folder(protocol) / 'results'
        return self._results_dir

    def _runs_file(self, protocol: str) -> Path:
        return runs_file(self._results_folder(protocol), protocol)

    def _find(self, cell: Cell, protocol: str, cfg: Config) -> Optional[RunResult]:
        """What a config reached in a protocol; None where that is another config."""
        path = self._runs_file(protocol)
        if not path.is_file():
            return None
        runs, faults = read_runs(path)
        for fault in faults:
            if fault not in self._faults_said:
                # Not lost: the file is kept beside when the next run is added.
                self._faults_said.add(fault)
                print(fault)
        digest = self._digest(cfg)
        for found in runs:
            if (found.method, found.seed) == (cell.method, cell.seed):
                return found if found.extra.get('config_hash') == digest else None
        return None

    def _training(self, cell: Cell) -> TrainingRun:
        return TrainingRun(
            self._config_path(cell), self.test_config(cell), '', self.work
        )

    def _training_config(self, cell: Cell) -> Config:
        cfg = Config(copy.deepcopy(self.methods[cell.method]._cfg_dict))
        cfg.work_dir = str(self._cell_folder(cell, self.trained_as))
        cfg.randomness = dict(seed=cell.seed)
        for part in _recombinations(cfg):
            # The seed decides what is recombined, too.
            part['seed'] = cell.seed
        return cfg

    @staticmethod
    def _digest(cfg: Config) -> str:
        # Where the results go does not change them.
        kept = {key: value for key, value in cfg.items() if key != 'work_dir'}
        text = repr(sorted(ConfigDict(kept).to_dict().items()))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def environment() -> Mapping[str, Union[str, Mapping[str, str]]]:
    """What the figures may depend on: device and versions."""
    import mmengine
    import mmseg
    import numpy
    import torch

    env = collect_env()
    return dict(
        device=env.get('GPU 0', platform.processor() or platform.machine()),
        versions=dict(
            mmseg_ganaug=__version__,
            mmsegmentation=mmseg.__version__,
            mmengine=mmengine.__version__,
            torch=torch.__version__,
            numpy=numpy.__version__,
            python=platform.python_version(),
        ),
    )


def _recombinations(cfg: Config) -> Iterator[dict]:
    for part in nested_dicts(cfg._cfg_dict):
        if has_type(part, 'GANRecomposeDataset') or has_type(part, 'RecomposeLabels'):
            yield part
