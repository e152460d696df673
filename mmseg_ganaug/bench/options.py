"""What a bench is asked for, and what it does where nothing is said."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterable, List, Mapping, Optional, Sequence, Tuple

from mmseg_ganaug.bench.budget import SEEDS
from mmseg_ganaug.bench.treatments import TREATMENTS, find_treatment
from mmseg_ganaug.evaluation.results import BASELINE

_TOY_MINUTES, _MINUTES = 10.0, 60.0
#: Of the treatments that need no generator, those that race by default.
DEFAULT = (
    *(BASELINE, 'class-weights-sqrt', 'class-weights-rare', 'ohem', 'focal'),
    *('rare-class-sampling', 'real-pixels'),
)
#: On ToyStreets: as many as learn rare classes in ten minutes.
TOY_DEFAULT = (BASELINE, 'class-weights-sqrt', 'real-pixels')
_MOST_JOBS = 4


@dataclass(frozen=True)
class BenchOptions:
    """What a bench is asked for: the options of ``ganaug bench``.

    Attributes:
        config: Config of a segmenter of MMSeg; or ``images`` and ``masks``; or none of
            them: ToyStreets.
        images: Folder of photos.
        masks: Folder of their masks.
        classes: List of the classes of two folders.
        mask_suffix: How names of masks end.
        minutes: Budget of all. By default 10 for ToyStreets, 60 for other data.
        iters: Length of the last trainings, in place of a budget.
        treatments: Names; 'plain' is always among them. By default those that need no
            generator, and those that the diagnosis speaks for.
        proxy: 'default', 'none' or the config of another network.
        judge_on: What differs in the data set that evaluates. By default half of
            the validation data evaluates.
        generator: Config and checkpoint of a generator: then painted pairs race, too.
        train_generator: Or the iterations for which one is trained first.
        work_dir: Where all of it goes.
        cfg_options: Options that replace those of the config.
        seed: Which seeds the trainings have: those of two benches are different.
        jobs: Trainings side by side. By default one for each processor or GPU, four at
            most.
        yes: Begins without asking, on a terminal, too.
        command: As which it was started, for the report.
    """

    config: Optional[str] = None
    images: Optional[str] = None
    masks: Optional[str] = None
    classes: Optional[str] = None
    mask_suffix: Optional[str] = None
    minutes: Optional[float] = None
    iters: Optional[int] = None
    treatments: Optional[Sequence[str]] = None
    proxy: str = 'default'
    judge_on: Optional[Sequence[str]] = None
    generator: Optional[Sequence[str]] = None
    train_generator: Optional[int] = None
    work_dir: Optional[str] = None
    cfg_options: Optional[Mapping[str, Any]] = None
    seed: int = 0
    jobs: Optional[int] = None
    yes: bool = False
    command: str = 'ganaug bench'

    def __post_init__(self) -> None:
        if (self.images is None) != (self.masks is None):
            raise ValueError('--images and --masks belong together: give both')
        if self.images is not None and self.config is not None:
            raise ValueError('give a config, or --images and --masks, not both')
        for name, value in (
            ('minutes', self.minutes),
            ('iters', self.iters),
            ('jobs', self.jobs),
            ('train-generator', self.train_generator),
        ):
            if value is not None and value <= 0:
                raise ValueError(f'--{name} is {value}, but must be above 0')
        if self.generator and self.train_generator:
            raise ValueError('give --generator or --train-generator, not both')
        for name in self.treatments or ():
            if 'generator' in find_treatment(name).needs and not self.paints:
                raise ValueError(
                    f'--treatments {name} needs a generator: give --generator CONFIG '
                    'CHECKPOINT, or --train-generator'
                )

    @property
    def is_toy(self) -> bool:
        """Returns whether it runs on ToyStreets."""
        return self.config is None and self.images is None

    @property
    def folder(self) -> Path:
        """Returns the work folder."""
        if self.config is not None:
            name = Path(self.config).stem
        elif self.images is not None:
            # Lists of classes and splits in it are of these photos; many folders are
            # called 'images', in one of the data set's name.
            name = '-'.join(Path(os.path.abspath(self.images)).parts[1:][-2:])
        else:
            name = 'toystreets'
        return Path(self.work_dir or f'work_dirs/bench-{name}')

    @property
    def seconds(self) -> float:
        """Returns the budget of all."""
        return 60 * (self.minutes or (_TOY_MINUTES if self.is_toy else _MINUTES))

    @property
    def seeds(self) -> List[int]:
        """Returns the seeds of the last trainings: of each bench, others."""
        return [(SEEDS + 1) * self.seed + number for number in range(SEEDS)]

    @property
    def first_seed(self) -> int:
        """Returns the seed of the trainings that choose who goes on."""
        return (SEEDS + 1) * self.seed + SEEDS

    @property
    def num_jobs(self) -> int:
        """Returns the number of trainings side by side."""
        import torch

        processors = os.cpu_count() or 1
        if hasattr(os, 'sched_getaffinity'):
            processors = len(os.sched_getaffinity(0))
        most = min(processors, _MOST_JOBS)
        return self.jobs or torch.cuda.device_count() or most

    @property
    def paints(self) -> bool:
        """Returns whether there is a generator, or will be."""
        return bool(self.generator or self.train_generator)

    def choose(self, spoken_for: Iterable[str]) -> Tuple[List[str], List[str]]:
        """Chooses the treatments that race.

        Args:
            spoken_for (Iterable[str]): Those that the diagnosis speaks for.

        Returns:
            tuple[list[str], list[str]]: Their names, plain first, and sentences on
            those that are left out.
        """
        if self.treatments is not None:
            return list(dict.fromkeys([BASELINE, *self.treatments])), []
        painted = [name for name, t in TREATMENTS.items() if 'generator' in t.needs]
        names = list(TOY_DEFAULT) if self.is_toy else [*DEFAULT, *spoken_for]
        names = [name for name in dict.fromkeys(names) if name not in painted]
        if self.paints:
            return names + painted, []
        return names, [
            f'{", ".join(painted)} did not race: they need a trained generator '
            '(--generator CONFIG CHECKPOINT, or --train-generator).'
        ]


def is_simple(name: str) -> bool:
    """Checks whether a treatment recombines nothing, and combines nothing."""
    simplicity = find_treatment(name).simplicity
    return 0 < simplicity < TREATMENTS['real-pixels'].simplicity
