"""What a race costs, and how long its trainings may be within a budget."""

import json
import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple

import numpy as np

from mmseg_ganaug.experiments.runner import CellRunner
from mmseg_ganaug.experiments.side_by_side import Piece, SideBySide
from mmseg_ganaug.experiments.training_run import TrainingRun
from mmseg_ganaug.ownership import WorkFolder
from mmseg_ganaug.safe_configs import write_config

#: What is trained to the end: plain, the best simple treatment, and the best.
FINALISTS = 3
#: Seeds of the last rung.
SEEDS = 3
#: On which part of the data a run was evaluated.
CHOOSE, EVALUATE = 'choose', 'evaluate'
#: Validations on the way, at the last rung and before: the last one is at the end.
VALIDATIONS, FEWER_VALIDATIONS = 4, 1
#: Of the photos, which are trained on before the race as long as in the first rung.
HEADROOM_SHARES = (0.25, 0.5, 1.0)
#: Iterations of a training that only measures the time.
TRIAL_ITERATIONS = 24
_STEP = 20
# What is kept back of a budget: treatments cost more than plain, and there is a report.
_RESERVE = 0.08


@dataclass(frozen=True)
class Rung:
    """A round of the race.

    Attributes:
        iterations: Length of its trainings.
        seeds: Of the trainings of each treatment.
        keep: Number of treatments that go on; those of the last rung are the finalists.
    """

    iterations: int
    seeds: Tuple[int, ...]
    keep: int


@dataclass(frozen=True)
class Costs:
    """What a training takes, in seconds.

    Attributes:
        start: Until it begins, and after its end.
        iteration: An iteration.
        photo: A photo of a validation or a test.
    """

    start: float
    iteration: float
    photo: float


def plan_rungs(
    count: int, iterations: int, seeds: Sequence[int], first_seed: int
) -> List[Rung]:
    """Plans a race: each rung has half of the treatments, for twice the iterations.

    There are two rungs at least, so that each finalist was trained for half of the
    length, too, which shows whether its curve is flat.

    Args:
        count (int): Number of treatments.
        iterations (int): Length of the last rung.
        seeds (Sequence[int]): Of the last rung.
        first_seed (int): Of the others: another one, so that the luck of who was
            chosen ends there.

    Returns:
        list[Rung]: From the shortest to the longest.
    """
    counts = [count]
    while counts[-1] > FINALISTS:
        counts.append(max(FINALISTS, math.ceil(counts[-1] / 2)))
    if len(counts) == 1:
        counts.append(count)
    last = len(counts) - 1
    return [
        Rung(
            iterations=max(1, iterations >> (last - number)),
            seeds=tuple(seeds if number == last else [first_seed]),
            keep=counts[min(number + 1, last)],
        )
        for number in range(len(counts))
    ]


def seconds_of(
    rungs: Sequence[Rung],
    count: int,
    costs: Costs,
    photos: Mapping[str, int],
    jobs: int,
) -> float:
    """Returns how long headroom and race take, if all treatments cost what plain does.

    Args:
        rungs (Sequence[Rung]): The race.
        count (int): Number of treatments that enter it.
        costs (Costs): Of plain.
        photos (Mapping[str, int]): Photos to 'choose' by and to 'evaluate' on.
        jobs (int): Trainings side by side.
    """
    each = 2 * costs.start + rungs[0].iterations * costs.iteration
    each += 2 * photos[CHOOSE] * costs.photo
    seconds = math.ceil(len(HEADROOM_SHARES) / jobs) * each
    for rung in rungs:
        is_last = rung is rungs[-1]
        validations = VALIDATIONS if is_last else FEWER_VALIDATIONS
        each = costs.start + rung.iterations * costs.iteration
        each += validations * photos[CHOOSE] * costs.photo
        if is_last:
            each += costs.start + photos[EVALUATE] * costs.photo
        seconds += math.ceil(count * len(rung.seeds) / jobs) * each
        count = rung.keep
    return seconds


def longest(
    seconds: float,
    count: int,
    costs: Costs,
    photos: Mapping[str, int],
    jobs: int,
    fewest: int = 100,
) -> int:
    """Finds the longest last rung that a budget allows.

    Args:
        seconds (float): The budget; a share of it is kept back.
        count (int): Number of treatments.
        costs (Costs): Of plain.
        photos (Mapping[str, int]): Photos to 'choose' by and to 'evaluate' on.
        jobs (int): Trainings side by side.
        fewest (int): Iterations below which a training shows nothing.

    Returns:
        int: Iterations, a multiple of 20.

    Raises:
        ValueError: When these are too few; says how many minutes would do.
    """

    def needed(iterations: int) -> float:
        rungs = plan_rungs(count, iterations, range(SEEDS), SEEDS)
        return seconds_of(rungs, count, costs, photos, jobs) / (1 - _RESERVE)

    # It grows evenly.
    none, some = needed(_STEP), needed(_STEP + 1000 * _STEP)
    steps = math.floor((seconds - none) * 1000 / (some - none))
    iterations = _STEP + steps * _STEP
    while iterations >= fewest and needed(iterations) > seconds:
        iterations -= _STEP
    if iterations < fewest:
        short = math.ceil((needed(fewest) - seconds) / 60)
        raise ValueError(
            f'the last trainings of {count} treatments would have {max(iterations, 0)} '
            f'iterations of {costs.iteration:.2g} s, which shows nothing: add {short} '
            'minutes or more to --minutes, or name fewer --treatments'
        )
    return iterations


def measure_costs(
    trainings: Sequence[TrainingRun], photos: int, work: WorkFolder
) -> Costs:
    """Trains for a moment, as many at once as there will be later.

    Args:
        trainings (Sequence[TrainingRun]): Of :data:`TRIAL_ITERATIONS` iterations and
            one validation.
        photos (int): That many are validated on.
        work (WorkFolder): Holds them.

    Returns:
        Costs: Those of the slowest.

    Raises:
        ToolError: When one fails.
    """
    places = SideBySide(len(trainings), TRIAL_ITERATIONS * len(trainings))
    pieces: List[Piece] = [
        (
            f'trial {number}',
            TRIAL_ITERATIONS,
            partial(_seconds_of_training, training, work, f'trial/{number}'),
        )
        for number, training in enumerate(trainings, 1)
    ]
    futures = places.run('measure the time of an iteration', pieces)
    costs = []
    for future, training in zip(futures, trainings):
        seconds = future.result()  # or why there are none
        lines = list(_scalars(training.work_dir))
        steps = [line['time'] for line in lines if 'loss' in line and 'time' in line]
        photo = [line['time'] for line in lines if 'mIoU' in line and 'time' in line]
        # MMEngine measures a batch of photos.
        batch = training.cfg.val_dataloader.get('batch_size', 1)
        # The first ones are slower.
        each, shown = float(steps[-1]), float(np.mean(photo)) / batch
        start = seconds - TRIAL_ITERATIONS * each - photos * shown
        costs.append(Costs(max(start, 0.0), each, shown))
    return max(costs, key=lambda cost: cost.iteration)


def _seconds_of_training(
    training: TrainingRun, work: WorkFolder, log: str, **options: Any
) -> float:
    write_config(training.cfg, training.config, work.write)
    runner = CellRunner('trial', work, **options)
    runner.train('trial', training, log)
    return runner.seconds['trial']


def _scalars(work_dir: Path) -> Iterator[Dict[str, Any]]:
    """Reads what MMEngine measured on the way."""
    for path in sorted(Path(work_dir).glob('*/vis_data/scalars.json')):
        for line in path.read_text(encoding='utf-8').splitlines():
            yield json.loads(line)
