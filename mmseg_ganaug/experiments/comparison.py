"""Trains methods with several seeds each, and compares what they reach."""

import copy
import sys
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set, Union

from mmengine.config import Config

from mmseg_ganaug.config_search import find_real, nested_dicts, type_name
from mmseg_ganaug.datasets.label_source import DatasetLabelSource
from mmseg_ganaug.datasets.source_dataset import build_source
from mmseg_ganaug.datasets.statistics import collect_statistics
from mmseg_ganaug.evaluation import RunResult
from mmseg_ganaug.evaluation.photo_counts import (
    counts_content,
    counts_file,
    with_counts,
)
from mmseg_ganaug.evaluation.results import BASELINE
from mmseg_ganaug.evaluation.run_result import add_run, read_runs
from mmseg_ganaug.experiments.matrix import last_line, read_matrix
from mmseg_ganaug.experiments.report import ExperimentReport, report_files
from mmseg_ganaug.experiments.results_page import (
    PROTOCOL_FILE,
    runs_file,
    save_protocol,
)
from mmseg_ganaug.experiments.runner import LOGS, Cell, CellRunner, config_hash
from mmseg_ganaug.experiments.training_run import TrainingRun, final_checkpoint
from mmseg_ganaug.file_locks import locked_unless_held
from mmseg_ganaug.in_the_way import InTheWayError, refuse
from mmseg_ganaug.ownership import WorkFolder
from mmseg_ganaug.recompose import LabelStatistics
from mmseg_ganaug.safe_configs import write_config

#: What is written in the folder of a protocol, beside its ``PROTOCOL.jsonl``.
RESULT_PAGES = (PROTOCOL_FILE, 'results.md')


class MethodComparison:
    """A matrix of methods and seeds, trained cell by cell through the usual tools.

    Each finished cell leaves a line in ``PROTOCOL.jsonl`` in the folder of the
    results. A cell whose config is the one of that line is not trained again; an
    interrupted one goes on from its last checkpoint. Files that a config names are not
    looked into: after training a generator again, remove the results that it had a part
    in. A method that fails does not stop the others. Several processes may share a
    matrix: each passes over what another one runs.

    Args:
        matrix (str | Path): A config (``.py``, ``.yaml`` or ``.json``) with
            ``protocol`` (name), ``seeds`` (list of int) and ``methods`` (name ->
            path of a config, or ``dict(config=..., cfg_options=..., generator=...)``,
            where ``generator`` paints the label maps that the config plans, at their
            scale); one method is called 'plain'. Optional, for all methods:
            ``train_every`` (n: only every n-th real training sample is used),
            ``generator`` (what replaces the ``generator`` of generated data sets: one
            that saw no other samples; pairs of real pixels keep them),
            ``test_options`` (cfg_options of the test: other data to evaluate on),
            ``trained_as`` (another protocol: nothing is trained, the weights of its
            finished trainings are tested), and what is asked of them: see
            :func:`~mmseg_ganaug.experiments.questions.read_questions`.
        work_dir (str | Path): Folder of the trainings. Defaults to 'work_dirs'.
        results_dir (str | Path, optional): The results go to ``PROTOCOL.jsonl`` and
            the folder ``PROTOCOL`` in it. Defaults to None: to ``results`` beside the
            trainings.
        protocol (str, optional): With ``evaluate_on``: name of these results.
        evaluate_on (Mapping[str, Any], optional): Evaluates the finished trainings of
            the matrix on other data: ``test_options``, with ``trained_as`` the
            matrix's own protocol.

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
        protocol: Optional[str] = None,
        evaluate_on: Optional[Mapping[str, Any]] = None,
    ) -> None:
        self._matrix = read_matrix(matrix, protocol, evaluate_on)
        self.protocol = self._matrix.protocol
        self.seeds = self._matrix.seeds
        self.methods = self._matrix.configs
        self.trained_as = self._matrix.trained_as
        self.failures: Dict[str, Dict[int, str]] = {}
        self._faults_said: Set[str] = set()
        self._work_dir = Path(work_dir)
        self.work = WorkFolder(self._folder(self.protocol), 'comparison')
        results = Path(results_dir or self.work.folder / 'results')
        self.results_work = WorkFolder(results, 'results of a comparison', '--out')
        self.pages = results / self.protocol
        self._runner = CellRunner(self.protocol, self.work)

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

    def check_free(self, cells: Sequence[Cell]) -> None:
        """Checks that nothing of the user's is in the way, before anything begins.

        Args:
            cells (Sequence[Cell]): What is to be run.

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
            [*report_files(folder), *map(self._config_path, open_cells)],
            [folder / LOGS] if open_cells else [],
        )
        for cell in open_cells if self.trained_as == self.protocol else ():
            found += self._training(cell).in_the_way()
        results = self.results_work.in_the_way(
            [self.pages / name for name in RESULT_PAGES]
            + [self._runs_file()] * bool(open_cells)
            + [counts_file(self.pages, cell.method, cell.seed) for cell in open_cells]
        )
        refuse(
            (found, self.work.remedy(found)),
            (results, self.results_work.remedy(results)),
        )

    def result(self, cell: Cell) -> Optional[RunResult]:
        """Finds what a training reached; None where that is still to be done."""
        if cell.method not in self.methods:
            return None
        digest = config_hash(self.test_config(cell))
        for found in self._saved_runs():
            if (found.method, found.seed) == (cell.method, cell.seed):
                return found if found.extra.get('config_hash') == digest else None
        return None

    def results(self) -> List[RunResult]:
        """Lists what all finished trainings reached."""
        found = [self.result(cell) for cell in self.cells()]
        return [with_counts(run, self.pages) for run in found if run is not None]

    def test_config(self, cell: Cell) -> Config:
        """Returns what a training is tested with, and trained unless that is done."""
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
            RunResult | None: None where another process runs it, and where nothing is
            to be trained (``trained_as``), and the weights are not there.

        Raises:
            ToolError: When a tool fails.
        """
        done = self.result(cell)
        if done is not None:
            print(f'{cell}: done before, mIoU {done.mIoU:.2f}')
            return done
        folder = self._cell_folder(cell, self.protocol)
        # Beside the folder, which is renamed where its config has changed.
        with locked_unless_held(folder.with_name(f'.{folder.name}.lock')) as is_ours:
            if is_ours:
                return self._run(cell)
        print(f'{cell}: another process runs it, left out')
        return None

    def _run(self, cell: Cell) -> Optional[RunResult]:
        training = self._training(cell)
        weights = None
        if self.trained_as != self.protocol:
            config = self._training_config(cell)
            trained = TrainingRun(self._config_path(cell), config, '', self.work)
            # By this very config: another one may have been trained there since.
            if not trained.is_trained():
                print(f'{cell}: not trained as {self.trained_as}, left out')
                return None
            weights = final_checkpoint(config)
        write_config(training.cfg, training.config, self.work.write)
        result = self._runner.run(
            cell,
            training,
            {tool: f'{cell}: {tool}' for tool in ('synthesize', 'train', 'test')},
            self._matrix.stated[cell.method],
            weights,
        )
        if result.counts is not None:
            counts = counts_file(self.pages, cell.method, cell.seed)
            self.results_work.write(counts, counts_content(result.counts))
        add_run(self._runs_file(), result, self.results_work.write)
        print(f'{cell}: mIoU {result.mIoU:.2f}')
        return result

    def report(self) -> List[Path]:
        """Writes results.md beside the results, and charts and report.html elsewhere.

        The folder of the results is for keeping in a repository, so pictures go to that
        of the trainings.

        Returns:
            list[Path]: The files.

        Raises:
            ValueError: When no training is finished.
        """
        results = self.results()
        if not results:
            reasons = [
                f'{m}: {r}' for m, s in self.failures.items() for r in s.values()
            ]
            remedy = 'run it without --report-only'
            if self.trained_as != self.protocol:
                remedy += f', once {self.trained_as} is trained'
            raise ValueError(
                f'no training of {self.protocol} is finished: '
                + ('; '.join(dict.fromkeys(reasons)) or remedy)
            )
        report = ExperimentReport(
            self.work,
            f'{self.protocol}: {len(results)} trainings',
            results,
            self.statistics(),
            self.failures,
            questions=self._matrix.questions,
        )
        share, write = report.class_share, self.results_work.write
        text = '\n'.join(table.to_markdown() for table in report.tables)
        return [
            save_protocol(
                self.pages, self.protocol, share, self._matrix.questions, write
            ),
            write(self.pages / 'results.md', text),
            *report.write(),
        ]

    def statistics(self) -> LabelStatistics:
        """Counts the labels of the real samples that the baseline is trained on."""
        # Where the baseline is at fault, of another method.
        cfg = self.methods.get(BASELINE, next(iter(self.methods.values())))
        real = find_real(cfg.train_dataloader.dataset)
        joined = dict(type='ConcatDataset', datasets=real) if len(real) > 1 else real[0]
        source = DatasetLabelSource(build_source(joined))
        return collect_statistics(source, self.work.folder)

    def _folder(self, protocol: str) -> Path:
        return self._work_dir / f'compare-{protocol}'

    def _cell_folder(self, cell: Cell, protocol: str) -> Path:
        return self._folder(protocol) / cell.method / f'seed{cell.seed}'

    def _config_path(self, cell: Cell) -> Path:
        return self.work.folder / 'configs' / f'{cell.method}-seed{cell.seed}.py'

    def _runs_file(self) -> Path:
        return runs_file(self.results_work.folder, self.protocol)

    def _saved_runs(self) -> List[RunResult]:
        """Reads the runs of the protocol, and names lines that cannot be read once."""
        path = self._runs_file()
        if not path.is_file():
            return []
        runs, faults = read_runs(path)
        for fault in faults:
            if fault not in self._faults_said:
                # Not lost: the file is kept beside when the next run is added.
                self._faults_said.add(fault)
                print(fault)
        return runs

    def _training(self, cell: Cell) -> TrainingRun:
        path, cfg = self._config_path(cell), self.test_config(cell)
        return TrainingRun(path, cfg, '', self.work)

    def _training_config(self, cell: Cell) -> Config:
        cfg = Config(copy.deepcopy(self.methods[cell.method]._cfg_dict))
        cfg.work_dir = str(self._cell_folder(cell, self.trained_as))
        cfg.randomness = {**(cfg.get('randomness') or {}), 'seed': cell.seed}
        for part in nested_dicts(cfg._cfg_dict):
            # The seed decides what is recombined, too.
            if type_name(part) in ('GANRecomposeDataset', 'RecomposeLabels'):
                part['seed'] = cell.seed
        return cfg
