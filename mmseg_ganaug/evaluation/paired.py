"""How sure a difference between methods is."""

import math
from dataclasses import dataclass
from typing import Dict, List, Sequence

import numpy as np

from mmseg_ganaug.evaluation.results import BASELINE, RunResult, runs_by_method
from mmseg_ganaug.visualization.table import ABSENT, Table

_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Difference:
    """Difference of a method to the baseline over the seeds that both have.

    Attributes:
        mean: In points of IoU.
        margin: Half the width of the 95 % confidence interval, in points; NaN with
            fewer than two seeds.
        seeds: Number of seeds.
    """

    mean: float
    margin: float
    seeds: int

    @property
    def is_sure(self) -> bool:
        """Whether the interval leaves out zero."""
        return abs(self.mean) > self.margin  # never so for NaN

    def marked(self) -> str:
        """The text, with an asterisk where the interval leaves out zero."""
        return f'{self} *' if self.is_sure else str(self)

    def __str__(self) -> str:
        if not self.seeds:
            return ABSENT
        text = f'{self.mean + 0.0:+.2f}'
        return text if math.isnan(self.margin) else f'{text} ± {self.margin:.2f}'


def paired_difference(values: Sequence[float], baseline: Sequence[float]) -> Difference:
    """Difference over pairs, by Student's t distribution.

    The runs of a seed share initial weights and order of the data, so that pairing
    them removes what the seed does to both.

    Args:
        values: One figure a seed.
        baseline: That of the baseline for the same seeds; pairs with a NaN are left
            out.
    """
    pairs = np.subtract(values, baseline)
    pairs = pairs[~np.isnan(pairs)]
    if not len(pairs):
        return Difference(math.nan, math.nan, 0)
    margin = math.nan
    if len(pairs) > 1:
        from scipy.stats import t

        quantile = float(t.ppf((1 + _CONFIDENCE) / 2, len(pairs) - 1))
        margin = quantile * float(pairs.std(ddof=1)) / math.sqrt(len(pairs))
    return Difference(float(pairs.mean()), margin, len(pairs))


def compare_runs(
    runs: Sequence[RunResult], baseline: Sequence[RunResult], name: str
) -> Difference:
    """Difference of a method to the baseline over the seeds that both have.

    Args:
        runs (Sequence[RunResult]): Of the method.
        baseline (Sequence[RunResult]): Of the baseline.
        name (str): 'mIoU' or a class.
    """
    ours, theirs = ({run.seed: run.figure(name) for run in g} for g in (runs, baseline))
    seeds = sorted(set(ours) & set(theirs))
    return paired_difference([ours[s] for s in seeds], [theirs[s] for s in seeds])


def method_gains(
    results: Sequence[RunResult], min_runs: int = 1, baseline: str = BASELINE
) -> Dict[str, Dict[str, float]]:
    """Tells what each method gains on the baseline, the highest mIoU gain first.

    Args:
        results (Sequence[RunResult]): Runs of one protocol, the baseline among them.
        min_runs (int): Leaves out methods with fewer runs. Defaults to 1.
        baseline (str): The method that the others are compared with.

    Returns:
        dict[str, dict[str, float]]: 'METHOD (number of runs)' -> mean difference in
        points of IoU, for 'mIoU' and each class; NaN where there is no pair.

    Raises:
        KeyError: When the baseline has no runs.
    """
    runs = runs_by_method(results)
    reference = runs.pop(baseline)
    names = ['mIoU', *results[0].per_class_iou]
    gains = {
        f'{method} ({len(group)})': {
            name: compare_runs(group, reference, name).mean for name in names
        }
        for method, group in runs.items()
        if len(group) >= min_runs
    }
    return dict(sorted(gains.items(), key=lambda item: -item[1]['mIoU']))


def difference_table(
    results: Sequence[RunResult],
    title: str = 'Differences to the baseline',
    baseline: str = BASELINE,
) -> Table:
    """Tells what each method gains on the baseline, in all and for each class.

    Args:
        results (Sequence[RunResult]): Runs of one protocol.
        title (str): Heading over the table.
        baseline (str): The method that the others are compared with.

    Raises:
        ValueError: When the baseline has no runs, there is no other method, protocols
            differ, or a method has two results for one seed.
    """
    runs = runs_by_method(results)
    reference = runs.pop(baseline, [])
    if not reference or not runs:
        raise ValueError(
            f'differences need runs of {baseline!r} and of another method; there are '
            f'runs of {sorted({result.method for result in results})}'
        )
    names = list(results[0].per_class_iou)

    def row(name: str) -> List[str]:
        found = [compare_runs(group, reference, name) for group in runs.values()]
        return [name, *(difference.marked() for difference in found)]

    return Table(
        header=['points of IoU', *runs],
        rows=[row(name) for name in ['mIoU', *names]],
        title=title,
        notes=[
            f'Mean of the differences to {baseline}, seed by seed, with the 95 % '
            "confidence interval of Student's t; * where it leaves out zero.",
        ],
    )
