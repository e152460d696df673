"""The workbench: data in, a verdict with its evidence out."""

import hashlib
import json
import shlex
import sys
import time
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Sequence

from mmseg_ganaug.bench.bench_report import REPORT, next_command, write_bench_report
from mmseg_ganaug.bench.budget import (
    VALIDATIONS,
    Rung,
    longest,
    plan_rungs,
    seconds_of,
)
from mmseg_ganaug.bench.diagnosis import Diagnosis, diagnose
from mmseg_ganaug.bench.finding import Pictures
from mmseg_ganaug.bench.headroom import measure_headroom
from mmseg_ganaug.bench.inputs import (
    BenchInputs,
    folders_config,
    read_inputs,
    toy_streets_config,
)
from mmseg_ganaug.bench.options import BenchOptions, is_simple
from mmseg_ganaug.bench.own_generator import find_generator
from mmseg_ganaug.bench.race import RESULTS, Race, flat_curves
from mmseg_ganaug.bench.schema import SCHEMA
from mmseg_ganaug.bench.shown_pairs import show_pairs
from mmseg_ganaug.bench.shown_photos import PHOTOS, show_photos
from mmseg_ganaug.bench.trainings import FOLDERS, Trainings
from mmseg_ganaug.bench.treatments import find_treatment
from mmseg_ganaug.bench.verdict import reach_verdict
from mmseg_ganaug.evaluation import RunResult
from mmseg_ganaug.evaluation.results import BASELINE
from mmseg_ganaug.evaluation.run_result import json_text
from mmseg_ganaug.experiments.matrix import last_line
from mmseg_ganaug.experiments.runner import LOGS, config_hash, environment
from mmseg_ganaug.experiments.training_run import TrainingRun
from mmseg_ganaug.file_locks import locked_unless_held
from mmseg_ganaug.ownership import WorkFolder

BENCH, PLAN, _TIME = 'bench.json', 'plan.json', 'seconds.json'
_DATA, _FIGURES, _CACHE = 'data', 'figures', 'samples'


def run_bench(options: Any) -> Path:
    """Runs a bench.

    Args:
        options (argparse.Namespace): Holds attributes of
            :class:`~mmseg_ganaug.bench.options.BenchOptions`; others are left alone.

    Returns:
        Path: The report.
    """
    known = {field.name for field in fields(BenchOptions)}
    given = {name: value for name, value in vars(options).items() if name in known}
    given.setdefault('command', shlex.join(['ganaug', *sys.argv[1:]]))
    return Bench(BenchOptions(**given)).run()


class Bench:
    """Finds out what helps rare classes of a data set, and how sure that is.

    All that it does is kept in the work folder: where it is interrupted, the same
    command goes on, and comes to the same ``bench.json`` but for times.

    Args:
        options (BenchOptions): What is asked.
    """

    def __init__(self, options: BenchOptions) -> None:
        self._options = options
        self._started = time.monotonic()
        self.work = WorkFolder(options.folder, 'bench')
        self._before = _read_seconds(self.work.folder / _TIME)
        self._notes: List[str] = []

    def run(self) -> Path:
        """Runs all stages.

        Returns:
            Path: The report, beside ``bench.json``.

        Raises:
            InTheWayError: When files of the user are where something would be written.
            FileNotFoundError: When the config or data are missing.
            ValueError: When they cannot be used, the budget is too small, or another
                process is at work in the folder.
            ToolError: When plain training fails.
        """
        folder = self.work.folder
        self._check_free()
        with locked_unless_held(folder / '.bench.lock') as is_ours:
            if not is_ours:
                raise ValueError(
                    f'another process is at work in {folder}: wait until it ends, or '
                    'choose another folder by --work-dir'
                )
            try:
                return self._run()
            finally:
                self.work.write(folder / _TIME, json_text(self._seconds()))

    def _run(self) -> Path:
        asked, folder = self._options, self.work.folder
        inputs = self._read_inputs()
        print(f'\n{inputs.split}\n')
        diagnosis = diagnose(inputs.stated, folder / _CACHE, figures=folder / _FIGURES)
        generator = find_generator(asked, inputs, self.work)
        trainings = Trainings(inputs, self.work, generator, asked.num_jobs)
        names = self._treatments(trainings, diagnosis)
        rungs = plan_rungs(
            len(names),
            asked.iters or self._length(inputs, trainings, names),
            asked.seeds,
            asked.first_seed,
        )
        self._say_plan(names, rungs)
        self._ask()
        diagnosis = self._with_headroom(diagnosis, inputs, trainings, rungs[0])
        race = Race(
            names,
            [name for name in names if is_simple(name)],
            trainings.make,
            rungs,
            diagnosis.rare,
            self.work,
            asked.num_jobs,
        )
        results = race.run()
        content: Dict[str, Any] = dict(
            schema=SCHEMA,
            title=f'Rare classes of {inputs.name}',
            command=asked.command,
            config=str(inputs.config),
            seed=asked.seed,
            minutes=round(self._seconds() / 60, 1),
            **environment(),
            proxy=inputs.proxy,
            data=dict(
                classes=inputs.classes,
                rare=list(diagnosis.rare),
                photos=inputs.photos,
                split=inputs.split,
            ),
            diagnosis=diagnosis.to_json(),
            treatments=[self._describe(name, trainings, race) for name in names],
            race=[each.to_json() for each in race.rounds],
            runs=[run_json(run) for run in results],
            flat=flat_curves(results, race.rounds),
            disk_bytes={name: trainings.disk_bytes(name) for name in names},
        )
        content['comparisons'], content['verdict'] = reach_verdict(content, folder)

        def make(name: str, seed: int, length: int) -> TrainingRun:
            return trainings.make(name, seed, length, VALIDATIONS)

        shown = _shown(content['verdict'], results, race)
        content['photos'] = self._unless_it_fails(
            'photos',
            lambda: show_photos(results, shown, make, self.work, asked.num_jobs),
        )
        last = race.rounds[-1]
        content['pairs'] = self._unless_it_fails(
            'generated pairs',
            lambda: show_pairs(
                {
                    name: make(name, last.seeds[0], last.iterations)
                    for name in last.kept
                },
                Pictures(folder / _FIGURES),
            ),
        )
        content['notes'] = [*inputs.notes, *self._notes]
        self.work.write(folder / BENCH, json_text(content))
        report = write_bench_report(content, self.work)
        print(f'\n{content["verdict"]["sentence"]}\n')
        print(f'Report:   {report}\nFigures:  {folder / BENCH}')
        if command := next_command(content, folder):
            print(f'Next:     {command}')
        return report

    def _unless_it_fails(self, what: str, show: Callable[[], List[Any]]) -> List[Any]:
        """Shows something; an error is noted, since the verdict stands without it."""
        try:
            return show()
        except Exception as error:
            self._notes.append(f'The {what} could not be shown: {last_line(error)}')
            print(f'\n{self._notes[-1]}', file=sys.stderr)
            return []

    def _seconds(self) -> float:
        """Returns how long it took, with the times before it was interrupted."""
        return self._before + time.monotonic() - self._started

    def _check_free(self) -> None:
        """Looks for files of the user before anything is written."""
        folder = self.work.folder
        names = (_DATA, _FIGURES, LOGS, PHOTOS, RESULTS, *FOLDERS)
        self.work.check_free(
            [folder / name for name in (BENCH, PLAN, _TIME, REPORT)],
            [folder / name for name in names],
        )
        for name in names:
            self.work.add_folder(folder / name)

    def _read_inputs(self) -> BenchInputs:
        asked, data = self._options, self.work.folder / _DATA
        proxy, name = asked.proxy, ''
        if asked.is_toy:
            config = toy_streets_config(self.work, data)
            # It is the demonstration of that network.
            proxy, name = 'none' if proxy == 'default' else proxy, 'ToyStreets'
        elif asked.images is not None and asked.masks is not None:
            config = folders_config(
                self.work,
                data,
                asked.images,
                asked.masks,
                classes=asked.classes,
                mask_suffix=asked.mask_suffix,
            )
            name = asked.images
            self._notes.append(
                f'The validation photos were drawn at random from {name}: where they '
                f'are frames of a video, split them by editing {data / "splits"}.'
            )
        else:
            config = Path(str(asked.config))
        return read_inputs(
            config,
            self.work.folder / _CACHE,
            name,
            proxy,
            asked.judge_on or (),
            asked.cfg_options,
        )

    def _treatments(self, trainings: Trainings, diagnosis: Diagnosis) -> List[str]:
        """Returns the treatments that race, and notes which are left out."""
        spoken_for = [n for found in diagnosis.findings for n in found.speaks_for]
        names, notes = self._options.choose(spoken_for)
        self._notes += notes
        usable = []
        for name in names:
            try:
                trainings.check(name)
                usable.append(name)
            except ValueError as error:
                if self._options.treatments is not None:
                    raise
                self._notes.append(f'{name} did not race: {error}.')
        return usable

    def _length(
        self, inputs: BenchInputs, trainings: Trainings, names: Sequence[str]
    ) -> int:
        """Returns the iterations of the last rung: those planned before, or planned.

        What was planned is kept: measured again, it would be something else.
        """
        asked, path = self._options, self.work.folder / PLAN
        stated = [inputs.digest, asked.seconds, list(names), asked.seeds]
        text = repr([config_hash(inputs.cfg), *stated])
        key = hashlib.sha256(text.encode()).hexdigest()[:16]
        try:
            found = json.loads(path.read_text(encoding='utf-8'))
            if found['key'] == key:
                return int(found['iterations'])
        except (OSError, ValueError, KeyError, TypeError):
            pass
        costs = trainings.measure(asked.seeds[0])
        left = asked.seconds - (time.monotonic() - self._started)
        case = (len(names), costs, inputs.photos, asked.num_jobs)
        iterations = longest(left, *case)
        rungs = plan_rungs(len(names), iterations, asked.seeds, asked.first_seed)
        plan = dict(
            key=key,
            iterations=iterations,
            seconds=round(seconds_of(rungs, *case)),
            costs=vars(costs),
        )
        self.work.write(path, json_text(plan))
        return iterations

    def _say_plan(self, names: Sequence[str], rungs: Sequence[Rung]) -> None:
        lengths = ', '.join(str(rung.iterations) for rung in rungs)
        print(
            f'{len(names)} treatments race: {", ".join(names)}.\nRungs of {lengths} '
            f'iterations, {self._options.num_jobs} at once.'
        )
        for note in self._notes:
            print(note)
        path = self.work.folder / PLAN
        if self._options.iters is None and path.is_file():
            seconds = json.loads(path.read_text(encoding='utf-8'))['seconds']
            print(f'The race takes about {timedelta(seconds=seconds)}.')

    def _ask(self) -> None:
        """Asks whether to begin, on a terminal, once."""
        results = self.work.folder / RESULTS
        if self._options.yes or not sys.stdin.isatty() or any(results.iterdir()):
            return
        if input('Begin? [Y/n] ').strip().lower() not in ('', 'y', 'yes'):
            raise SystemExit('Nothing was trained.')

    def _with_headroom(
        self,
        diagnosis: Diagnosis,
        inputs: BenchInputs,
        trainings: Trainings,
        rung: Rung,
    ) -> Diagnosis:
        """Adds what more photos give: shares of them are trained on."""
        try:
            runs = trainings.train_shares(
                rung.iterations, rung.seeds[0], diagnosis.rare
            )
            measured = measure_headroom(
                runs.__getitem__, inputs.photos['train'], diagnosis.rare
            )
        except ValueError as error:
            self._notes.append(f'Headroom was not measured: {error}.')
            return diagnosis
        found = measured.findings(Pictures(self.work.folder / _FIGURES))
        return replace(
            diagnosis, headroom=measured, findings=[*found, *diagnosis.findings]
        )

    def _describe(self, name: str, trainings: Trainings, race: Race) -> Dict[str, Any]:
        found = find_treatment(name)
        left = [
            number
            for number, each in enumerate(race.rounds, 1)
            if name in each.entered and name not in each.kept
        ]
        return dict(
            name=name,
            title=found.title,
            simplicity=found.simplicity,
            note=found.note,
            overlay=trainings.write_overlay(name, self._options.cfg_options),
            left_after=left[0] if left else None,
            failed=race.failures.get(name),
        )


def _read_seconds(path: Path) -> float:
    try:
        return float(json.loads(path.read_text(encoding='utf-8')))
    except (OSError, ValueError, TypeError):
        return 0.0


def run_json(run: RunResult) -> Dict[str, Any]:
    """Returns a run as it stands in ``bench.json``.

    Args:
        run (RunResult): Of the race.
    """
    values = run.to_json()
    method = values.pop('method')
    for name in ('protocol', 'config_hash', 'inputs', 'finished', 'device', 'versions'):
        values.pop(name, None)
    seconds = dict.fromkeys(('train', 'test', 'synthesize'))
    values['seconds'] = {**seconds, **values['seconds']}
    return dict(treatment=method, **{'curve': [], 'counts': None, **values})


def _shown(verdict: Mapping[str, Any], results: Sequence[RunResult], race: Race) -> str:
    """Returns the treatment of which photos are shown: the one to use, or the best."""
    if verdict['treatment'] not in (None, BASELINE):
        return verdict['treatment']
    scores = {
        name: race.score([run for run in results if run.method == name])
        for name in race.rounds[-1].kept
        if name != BASELINE
    }
    return max(scores, key=lambda name: scores[name], default=BASELINE)
