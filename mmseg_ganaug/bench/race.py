"""Successive halving: all treatments short, the better longer, the best to the end.

Source of the scheme: Jamieson and Talwalkar, "Non-stochastic best arm identification
and hyperparameter optimization", AISTATS 2016. Each rung trains from the beginning,
with a learning rate that falls to its end: what it shows is a whole training.
"""

import copy
import math
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import (
    Any,
    Callable,
    Collection,
    Dict,
    List,
    Sequence,
    Tuple,
)

import numpy as np
from mmengine.config import Config

from mmseg_ganaug.bench.budget import (
    CHOOSE,
    EVALUATE,
    FEWER_VALIDATIONS,
    VALIDATIONS,
    Rung,
)
from mmseg_ganaug.config_search import shown_command
from mmseg_ganaug.evaluation import RunResult
from mmseg_ganaug.evaluation.photo_counts import (
    counts_content,
    counts_file,
    with_counts,
)
from mmseg_ganaug.evaluation.results import BASELINE
from mmseg_ganaug.evaluation.run_result import absent_classes, add_run, read_runs
from mmseg_ganaug.experiments.evidence import FLAT_POINTS
from mmseg_ganaug.experiments.matrix import last_line
from mmseg_ganaug.experiments.runner import Cell, CellRunner, config_hash
from mmseg_ganaug.experiments.side_by_side import Piece, SideBySide
from mmseg_ganaug.experiments.training_run import TrainingRun, final_checkpoint
from mmseg_ganaug.in_the_way import InTheWayError
from mmseg_ganaug.ownership import WorkFolder
from mmseg_ganaug.safe_configs import write_config

#: Where the results of the runs go, in the work folder.
RESULTS = 'results'


@dataclass(frozen=True)
class Round:
    """What happened in a rung: JSON values of ``bench.json``.

    Attributes:
        iterations: Length of its trainings.
        seeds: Of each treatment.
        entered: Names of the treatments that were trained.
        kept: Of those that went on; at the last rung, of those that were evaluated.
    """

    iterations: int
    seeds: List[int]
    entered: List[str]
    kept: List[str]

    def to_json(self) -> Dict[str, Any]:
        """Returns it as JSON values."""
        return asdict(self)


class Race:
    """Trains treatments, rung by rung, and evaluates those that come to the end.

    Runs that are done are not run again, and an interrupted one goes on from its last
    checkpoint. The photos that evaluate have no part in who goes on.

    Args:
        treatments (Sequence[str]): Names; 'plain' is among them, and stays to the end.
        simple (Collection[str]): Those of which the best one stays to the end, too.
        make_training (callable): Makes a training of (treatment, seed, iterations,
            validations), whose validation data choose and whose test data evaluate.
        rungs (Sequence[Rung]): See :func:`plan_rungs`.
        rare (Sequence[str]): Classes whose mean counts as much as mIoU does.
        work (WorkFolder): The results go to ``results`` in it.
        jobs (int): Trainings side by side. Defaults to 1.
        name (str): Of the race, in its results and on the terminal. Defaults to 'race'.

    Attributes:
        rounds: What happened in each rung.
        failures: Why a treatment failed, by its name: it is out of the race then.
    """

    def __init__(
        self,
        treatments: Sequence[str],
        simple: Collection[str],
        make_training: Callable[[str, int, int, int], TrainingRun],
        rungs: Sequence[Rung],
        rare: Sequence[str],
        work: WorkFolder,
        jobs: int = 1,
        name: str = 'race',
    ) -> None:
        self.rounds: List[Round] = []
        self.failures: Dict[str, str] = {}
        self._treatments = list(treatments)
        self._simple = set(simple)
        self._make_training = make_training
        self._rungs = list(rungs)
        self._rare = list(rare)
        self._work = work
        self._name = name
        counts = [len(treatments), *(rung.keep for rung in rungs)]
        total = sum(n * len(r.seeds) * r.iterations for n, r in zip(counts, rungs))
        self._places = SideBySide(jobs, total)

    def run(self) -> List[RunResult]:
        """Runs the race.

        Returns:
            list[RunResult]: All runs, ``on`` 'choose' or 'evaluate' (in ``extra``, with
            ``rung`` and ``iterations``); those of 'evaluate' with counts of the photos.

        Raises:
            InTheWayError: When files of the user are where something would be written.
            ToolError: When plain fails.
        """
        entered, found = self._treatments, []
        for number, rung in enumerate(self._rungs):
            results = self._run_rung(number, rung, entered)
            found += results
            chosen = [run for run in results if run.extra['on'] == CHOOSE]
            kept = self._best(chosen, entered, rung.keep)
            self.rounds.append(
                Round(rung.iterations, list(rung.seeds), list(entered), kept)
            )
            entered = kept
        return found

    def score(self, runs: Sequence[RunResult], absent: Collection[str] = ()) -> float:
        """Returns what decides who goes on: mIoU and the rare mean, half and half.

        Args:
            runs (Sequence[RunResult]): Of a treatment.
            absent (Collection[str]): Classes that count in neither.
        """
        values = []
        for run in runs:
            shown = [name for name in run.per_class_iou if name not in absent]
            rare = run.iou([name for name in self._rare if name not in absent])
            miou = run.iou(shown)
            values.append(miou if math.isnan(rare) else (miou + rare) / 2)
        return sum(values) / len(values)

    def _best(
        self, results: Sequence[RunResult], entered: Sequence[str], keep: int
    ) -> List[str]:
        """Returns who goes on, in the order of the treatments."""
        absent = absent_classes(results)
        scores = {
            name: self.score([run for run in results if run.method == name], absent)
            for name in entered
            if name not in self.failures
        }
        # Of two alike, the one named first.
        ranked = sorted(scores, key=lambda name: -scores[name])
        simple = [name for name in ranked if name in self._simple and name != BASELINE]
        order = dict.fromkeys([BASELINE, *simple[:1], *ranked])
        kept = list(order)[: max(keep, 1)]
        return [name for name in entered if name in kept]

    def _run_rung(
        self, number: int, rung: Rung, entered: Sequence[str]
    ) -> List[RunResult]:
        is_last = number == len(self._rungs) - 1
        found: List[RunResult] = []
        pieces: List[Piece] = []
        cells = [Cell(name, seed) for seed in rung.seeds for name in entered]
        for cell in cells:
            training = self._make_training(
                cell.method,
                cell.seed,
                rung.iterations,
                VALIDATIONS if is_last else FEWER_VALIDATIONS,
            )
            done = self._done(cell, training, number, is_last)
            if done:
                found += done
                self._places.skip(rung.iterations)
            else:
                self._work.refuse(training.in_the_way())
                run = partial(self._run, cell, training, number, is_last)
                pieces.append((str(cell), rung.iterations, run))
        title = (
            f'{self._name}, rung {number + 1} of {len(self._rungs)}, {rung.iterations} '
            'iterations'
        )
        futures = self._places.run(title, pieces) if pieces else []
        for (name, _, function), future in zip(pieces, futures):
            error = future.exception()
            if not isinstance(error, Exception):
                found += future.result()
                continue
            cell = function.args[0]  # type: ignore[attr-defined]
            if isinstance(error, InTheWayError) or cell.method == BASELINE:
                raise error
            self.failures[cell.method] = f'{name}: {last_line(error)}'
            print(f'{self.failures[cell.method]}; it is out of the race')
        order = {(cell.method, cell.seed): place for place, cell in enumerate(cells)}
        found = [run for run in found if run.method not in self.failures]
        return sorted(found, key=lambda run: order[run.method, run.seed])

    def _run(
        self,
        cell: Cell,
        training: TrainingRun,
        number: int,
        is_last: bool,
        **options: Any,
    ) -> List[RunResult]:
        """Trains, then validates or tests, as far as that is still to be done."""
        log = f'{self._name}{number + 1}/{cell.method}-seed{cell.seed}'
        write_config(training.cfg, training.config, self._work.write)
        runner = CellRunner(self._name, self._work, **options)
        titles = {tool: f'{cell}: {tool}' for tool in ('synthesize', 'train')}
        results = []
        for on in (CHOOSE, EVALUATE) if is_last else (CHOOSE,):
            extra = dict(
                rung=number + 1,
                on=on,
                inputs=training.inputs,
                config=str(training.config),
                work_dir=str(training.work_dir),
                command=shown_command('tools/train.py', [training.config]),
            )
            if on == CHOOSE:
                result = self._choose_by(runner, cell, training, titles, extra, log)
            else:
                titles['test'] = f'{cell}: test'
                weights = final_checkpoint(training.cfg)
                result = runner.run(cell, training, titles, extra, weights, log=log)
            folder = self._folder(number, on)
            if on == EVALUATE and result.counts is not None:
                content = counts_content(result.counts)
                path = counts_file(folder, cell.method, cell.seed)
                self._work.write(path, content)
                result.extra['counts'] = str(path.relative_to(self._work.folder))
            add_run(folder.with_suffix('.jsonl'), result, self._work.write)
            results.append(result)
        return results

    def _choose_by(
        self,
        runner: CellRunner,
        cell: Cell,
        training: TrainingRun,
        titles: Dict[str, str],
        extra: Dict[str, Any],
        log: str,
    ) -> RunResult:
        """Trains; the validation at the end gives the figures that choose."""
        try:
            return runner.run(cell, training, titles, extra, log=log)
        except ValueError:
            if not training.is_trained():
                raise
        # Killed within its last validation, it has one made up for.
        tested = _tested_on_validation(training, self._work)
        titles = {**titles, 'test': f'{cell}: validate'}
        weights = final_checkpoint(training.cfg)
        result = runner.run(cell, tested, titles, extra, weights, log=log)
        # A test of it is no other training.
        result.extra['config_hash'] = config_hash(training.cfg)
        return replace(result, counts=None)

    def _done(
        self, cell: Cell, training: TrainingRun, number: int, is_last: bool
    ) -> List[RunResult]:
        """Finds what a run reached before; nothing where a part of it is missing.

        Where the counts of its photos are lost or damaged, it is tested again.
        """
        found = []
        for on in (CHOOSE, EVALUATE) if is_last else (CHOOSE,):
            folder = self._folder(number, on)
            path = folder.with_suffix('.jsonl')
            runs = read_runs(path)[0] if path.is_file() else []
            runs = [
                with_counts(run, folder) if on == EVALUATE else run
                for run in runs
                if (run.method, run.seed) == (cell.method, cell.seed)
                and run.extra.get('config_hash') == config_hash(training.cfg)
                and run.extra.get('inputs') == training.inputs
            ]
            found += [
                r for r in runs if r.counts is not None or 'counts' not in r.extra
            ]
        return found if len(found) == (2 if is_last else 1) else []

    def _folder(self, number: int, on: str) -> Path:
        """Returns the folder of the counts of a rung; its runs stand beside it."""
        return self._work.folder / RESULTS / f'{self._name}{number + 1}-{on}'


def _tested_on_validation(training: TrainingRun, work: WorkFolder) -> TrainingRun:
    """Returns the test of a training on the data that choose."""
    cfg = Config(copy.deepcopy(training.cfg._cfg_dict))
    cfg.test_dataloader, cfg.test_evaluator = cfg.val_dataloader, cfg.val_evaluator
    path = training.config.with_name(f'{training.config.stem}-{CHOOSE}.py')
    write_config(cfg, path, work.write)
    return TrainingRun(path, cfg, '', work)


def flat_curves(
    results: Sequence[RunResult], rounds: Sequence[Round]
) -> Dict[str, Dict[str, Any]]:
    """Compares the last rung with the one before, which was half as long.

    Args:
        results (Sequence[RunResult]): Of the race; those that choose count.
        rounds (Sequence[Round]): The rungs.

    Returns:
        dict[str, dict]: Of each finalist, ``doubled_difference`` (points of mIoU) and
        whether that is ``flat``.
    """
    reached: Dict[Tuple[str, int], List[float]] = {}
    for run in results:
        if run.extra['on'] == CHOOSE:
            reached.setdefault((run.method, run.extra['rung']), []).append(run.mIoU)
    flat = {}
    for name in rounds[-1].kept:
        after, before = (reached[name, len(rounds) - n] for n in (0, 1))
        change = round(float(np.mean(after) - np.mean(before)), 2)
        flat[name] = dict(doubled_difference=change, flat=change < FLAT_POINTS)
    return flat
