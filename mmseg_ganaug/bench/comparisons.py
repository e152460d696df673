"""Comparisons of the treatments that came to the end, with what they leave to chance.

The intervals of mIoU and of the rare mean are a family: in 95 of 100 benches in which
no treatment does anything, none of them leaves out zero
(:mod:`~mmseg_ganaug.evaluation.joint_intervals`). Photos that evaluate chose nothing.
Seeds may have: where one of the last round was in an earlier one, too, the family is of
all treatments that entered, not only of those that came to the end. Differences of
treatments among each other are a family of their own. The interval of a single class
holds alone.
"""

import math
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple, Union

import numpy as np

from mmseg_ganaug.evaluation.joint_intervals import JointRuns, pairs_of
from mmseg_ganaug.evaluation.photo_counts import read_counts
from mmseg_ganaug.evaluation.results import BASELINE

MIOU, RARE = 'mIoU', 'rare'
# Points of IoU; with a wider interval, a class cannot be seen to have become better.
_WIDE = 5.0
#: Per cent of IoU; below, a class was not learned.
LEARNED = 1.0


class OpenClass(NamedTuple):
    """A rare class of which little is known, whatever was trained.

    Attributes:
        name: Of the class.
        photos: That evaluate and hold it.
        objects: In these; estimated from all of val, None where that is unknown.
        interval: Half the interval of its IoU that is owed to photos, in points; NaN
            where fewer than two photos hold it.
        learned: Whether any treatment learned it.
    """

    name: str
    photos: int
    objects: Optional[int]
    interval: float
    learned: bool


class Comparisons:
    """What the runs say that were evaluated.

    Args:
        bench (Mapping): ``bench.json``, without what follows from the comparisons.
        folder (str | Path): Where it stands: paths in it are relative to that.

    Attributes:
        treatments: Those that came to the end, without 'plain'.
        means: 'mIoU' and, where there are rare classes, 'rare'.
        runs: The runs, with seeds that all treatments have.
        differences: Of means: (treatment, other, mean) -> difference in points.

    Raises:
        FileNotFoundError: When counts of photos are missing.
        ValueError: When 'plain' was not evaluated, or runs not on the same photos.
    """

    def __init__(self, bench: Mapping[str, Any], folder: Union[str, Path]) -> None:
        self._bench = bench
        self._names: List[str] = bench['data']['classes']
        self._rare: List[str] = bench['data']['rare']
        self.runs = _joint_runs(bench, Path(folder))
        self.treatments = [name for name in self.runs.methods if name != BASELINE]
        self.means = [MIOU, RARE] if self._rare else [MIOU]
        plain = pairs_of(self.treatments, [BASELINE], self.means)
        others = pairs_of(self.treatments, self.treatments, self.means)
        self.differences = {
            **self.runs.differences(plain, out_of=_entered(bench)),
            **self.runs.differences(others),
        }
        self.simplicity = {t['name']: t['simplicity'] for t in bench['treatments']}
        #: Those that beat plain, and the one of them that gains most.
        self.winners = [t for t in self.treatments if self.beats(t, BASELINE)]
        self.lead = max(self.winners, key=self.score, default=None)
        self._of_classes = self.runs.differences_alone(
            [(*pair, name) for pair in self._pairs() for name in self._rare]
        )

    def beats(self, treatment: str, other: str) -> bool:
        """Checks whether a treatment gains beyond chance, and loses nothing so."""
        found = [self.differences[treatment, other, mean] for mean in self.means]
        # As it is written: one that begins at +0.0 does not.
        gains = any(round(each.low, 1) > 0 for each in found)
        return gains and not any(each.high < 0 for each in found)

    def score(self, treatment: str) -> float:
        """Returns the mean gain on plain of mIoU and the rare mean, in points.

        NaN where no class is in two photos that evaluate.
        """
        gains = [self.differences[treatment, BASELINE, m].mean for m in self.means]
        known = [gain for gain in gains if not math.isnan(gain)]
        return float(np.mean(known)) if known else math.nan

    def to_json(self) -> List[Dict[str, Any]]:
        """Returns 'comparisons' of ``bench.json``."""
        means = [(*pair, mean) for pair in self._pairs() for mean in self.means]
        found = {asked: self.differences[asked] for asked in means}
        found.update(self._of_classes)
        return [
            dict(
                treatment=treatment,
                against=other,
                metric=metric,
                difference=json_number(each.mean),
                low=json_number(each.low),
                high=json_number(each.high),
                seeds=each.seeds,
            )
            for (treatment, other, metric), each in found.items()
        ]

    def open_classes(self) -> List[OpenClass]:
        """Finds rare classes that were not learned, or cannot be seen to improve."""
        better = {
            name
            for (_, other, name), found in self._of_classes.items()
            if other == BASELINE and found.low > 0
        }
        found = [self.open_class(name) for name in self._rare if name not in better]
        is_open = [e for e in found if not (e.learned and e.interval < _WIDE)]
        return sorted(is_open, key=lambda each: (each.learned, each.photos))

    def open_class(self, name: str) -> OpenClass:
        """Returns what is known of a class."""
        class_id = self._names.index(name)
        photos = int(self.runs.photos[class_id])
        ious = [self.runs.iou(method, name) for method in self.runs.methods]
        return OpenClass(
            name,
            photos,
            _objects(self._bench, name, photos),
            self.runs.photo_margin(class_id),
            learned=not all(value < LEARNED for value in ious),
        )

    def _pairs(self) -> List[Tuple[str, str]]:
        """Lists who is compared: with plain, the best simpler one, and the lead."""
        pairs = [(treatment, BASELINE) for treatment in self.treatments]
        for treatment in self.treatments:
            own = self.simplicity[treatment]
            simpler = [t for t in self.treatments if self.simplicity[t] < own]
            others = (max(simpler, key=self.score, default=None), self.lead)
            pairs += [(treatment, o) for o in others if o and o != treatment]
        return list(dict.fromkeys(pairs))


def json_number(value: float) -> Optional[float]:
    """Rounds to two decimals; NaN, which JSON lacks, becomes None."""
    return None if math.isnan(value) else round(value, 2) + 0.0


def evaluated_runs(bench: Mapping[str, Any]) -> List[Mapping[str, Any]]:
    """Returns the runs of the last rung on the photos that evaluate."""
    runs = [run for run in bench['runs'] if run['on'] == 'evaluate']
    last = max((run['rung'] for run in runs), default=None)
    return [run for run in runs if run['rung'] == last]


def _joint_runs(bench: Mapping[str, Any], folder: Path) -> JointRuns:
    """Reads the counts of the runs of the last rung, for the seeds that all have."""
    counts: Dict[str, Dict[int, np.ndarray]] = {}
    for run in evaluated_runs(bench):
        if run['counts'] is None:
            raise ValueError(
                f'{run["treatment"]} (seed {run["seed"]}) has no counts of photos: its '
                "test evaluator has to be dict(type='mmseg_ganaug.ClassIoUMetric')"
            )
        found = read_counts(folder / run['counts'])
        counts.setdefault(run['treatment'], {})[run['seed']] = found
    if BASELINE not in counts:
        raise ValueError(f'{BASELINE} was not evaluated: there is no comparison')
    seeds = sorted(set.intersection(*(set(found) for found in counts.values())))
    if not seeds:
        raise ValueError(f'{list(counts)} were not trained with the same seeds')
    classes = bench['data']['classes']
    figures = {name: [place] for place, name in enumerate(classes)}
    figures[MIOU] = list(range(len(classes)))
    figures[RARE] = [classes.index(name) for name in bench['data']['rare']]
    stacked = {n: np.stack([found[s] for s in seeds]) for n, found in counts.items()}
    return JointRuns(stacked, figures)


def _entered(bench: Mapping[str, Any]) -> Optional[int]:
    """Returns how many treatments entered, where seeds of the last rung chose, too."""
    *before, last = bench['race']
    if not any(set(each['seeds']) & set(last['seeds']) for each in before):
        return None
    return len(set(before[0]['entered']) - {BASELINE})


def _objects(bench: Mapping[str, Any], name: str, photos: int) -> Optional[int]:
    """Estimates how many objects the photos that evaluate hold, from all of val."""
    for found in bench['diagnosis']['classes']:
        if found['name'] == name and found['val_photos']:
            return round(found['val_objects'] * photos / found['val_photos'])
    return None
