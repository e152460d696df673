"""Differences of methods, seed by seed and photo by photo, with their intervals."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Dict, List, Mapping, Sequence, Tuple, Union

import numpy as np

from mmseg_ganaug.evaluation.bootstrap import CONFIDENCE, interval, resampled_ious
from mmseg_ganaug.evaluation.photo_counts import counts_file
from mmseg_ganaug.evaluation.results import BASELINE, runs_by_method
from mmseg_ganaug.evaluation.run_result import RunResult
from mmseg_ganaug.shown_text import signed
from mmseg_ganaug.visualization.table import ABSENT, Table

#: 'mIoU', a class, or several classes of which the mean is taken.
Figure = Union[str, Sequence[str]]


@dataclass(frozen=True)
class Difference:
    """Difference of a method to another one over the seeds that both have.

    Attributes:
        mean: In points of IoU.
        low: Lower end of the 95 % confidence interval, in points; NaN with fewer than
            two seeds.
        high: Its upper end.
        seeds: Number of seeds.
        of_photos: Whether the interval is of seeds and photos, not of seeds alone.
    """

    mean: float
    low: float
    high: float
    seeds: int
    of_photos: bool = False

    @property
    def margin(self) -> float:
        """Returns half the width of the interval, in points."""
        return (self.high - self.low) / 2

    @property
    def is_sure(self) -> bool:
        """Returns whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0  # never so for NaN

    def marked(self) -> str:
        """Returns the text, with an asterisk where the interval leaves out zero."""
        return f'{self} *' if self.is_sure else str(self)

    def __str__(self) -> str:
        if not self.seeds:
            return ABSENT
        text = signed(self.mean, 2)
        if math.isnan(self.margin):
            return text
        if self.of_photos:
            return f'{text} ({signed(self.low, 2)} to {signed(self.high, 2)})'
        return f'{text} ± {self.margin:.2f}'


class PairedRuns:
    """Runs of a method and of another one with the same seeds.

    The runs of a seed share initial weights and order of the data, and are evaluated on
    the same photos: pairing removes what these do to both.

    Args:
        runs (Sequence[RunResult]): Of the method.
        baseline (Sequence[RunResult]): Of the one it is compared with.
    """

    def __init__(
        self, runs: Sequence[RunResult], baseline: Sequence[RunResult]
    ) -> None:
        ours, theirs = ({run.seed: run for run in group} for group in (runs, baseline))
        seeds = sorted(set(ours) & set(theirs))
        self._pairs = [(ours[seed], theirs[seed]) for seed in seeds]

    @property
    def num_seeds(self) -> int:
        """Returns the number of seeds that both have."""
        return len(self._pairs)

    @cached_property
    def shares_photos(self) -> bool:
        """Returns whether all runs have counts, of the same photos."""
        counts = [run.counts for pair in self._pairs for run in pair]
        if not counts or any(found is None for found in counts):
            return False
        # The label maps identify the photos.
        labels = [found[:, :, 2] for found in counts if found is not None]
        return all(np.array_equal(labels[0], other) for other in labels)

    def mean_difference(self, figure: Figure) -> float:
        """Returns the mean of the differences in points; NaN where there is no pair."""
        return paired_difference(*self._values(figure), confidence=False).mean

    def difference(self, figure: Figure) -> Difference:
        """Compares the two methods.

        Args:
            figure (str | Sequence[str]): What is compared.

        Returns:
            Difference: With an interval of photos and seeds where
            :attr:`shares_photos`, else with Student's of the seeds.
        """
        of_seeds = paired_difference(*self._values(figure))
        if not self.shares_photos or of_seeds.seeds < 2:
            return of_seeds
        ours, theirs = (self._drawn(ious, figure) for ious in self._resampled)
        whole = np.subtract(*self._values(figure))
        low, high = interval(ours - theirs, whole)
        return Difference(of_seeds.mean, low, high, of_seeds.seeds, of_photos=True)

    @cached_property
    def _resampled(self) -> Tuple[np.ndarray, np.ndarray]:
        ours, theirs = (
            resampled_ious(np.stack([run.counts for run in runs]))
            for runs in zip(*self._pairs)
        )
        return ours, theirs

    def _values(self, figure: Figure) -> Tuple[List[float], List[float]]:
        ours, theirs = ([r.iou(figure) for r in runs] for runs in self._sides())
        return ours, theirs

    def _sides(self) -> Tuple[List[RunResult], List[RunResult]]:
        return [ours for ours, _ in self._pairs], [theirs for _, theirs in self._pairs]

    def _drawn(self, ious: np.ndarray, figure: Figure) -> np.ndarray:
        """Returns a figure on each draw for each seed: [draws, seeds]."""
        names = list(self._pairs[0][0].per_class_iou)
        wanted = [figure] if isinstance(figure, str) else figure
        columns = [names.index(each) for each in wanted if each != 'mIoU']
        chosen = ious[..., columns] if columns else ious
        there = ~np.isnan(chosen)
        total, number = np.nansum(chosen, axis=2), there.sum(axis=2)
        return np.divide(
            total, number, out=np.full(total.shape, np.nan), where=number > 0
        )


def paired_difference(
    values: Sequence[float], baseline: Sequence[float], confidence: bool = True
) -> Difference:
    """Averages the differences of pairs, with Student's confidence interval.

    Args:
        values: One figure a seed.
        baseline: That of the baseline for the same seeds; pairs with a NaN are left
            out.
        confidence (bool): Computes the interval. Defaults to True.
    """
    pairs = np.subtract(values, baseline)
    pairs = pairs[~np.isnan(pairs)]
    if not len(pairs):
        return Difference(math.nan, math.nan, math.nan, 0)
    mean, margin = float(pairs.mean()), math.nan
    if confidence and len(pairs) > 1:
        from scipy.stats import t

        quantile = float(t.ppf((1 + CONFIDENCE) / 2, len(pairs) - 1))
        margin = quantile * float(pairs.std(ddof=1)) / math.sqrt(len(pairs))
    return Difference(mean, mean - margin, mean + margin, len(pairs))


def method_gains(
    results: Sequence[RunResult], min_runs: int = 1, baseline: str = BASELINE
) -> Dict[str, Dict[str, float]]:
    """Finds what each method gains on the baseline, the highest mIoU gain first.

    Methods that share no seed with the baseline come last.

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
    gains = {}
    for method, group in runs.items():
        if len(group) >= min_runs:
            pairs = PairedRuns(group, reference)
            found = {name: pairs.mean_difference(name) for name in names}
            gains[f'{method} ({len(group)})'] = found
    gain = {name: found['mIoU'] for name, found in gains.items()}
    # NaN is neither above nor below a number, and would mix up the order.
    order = sorted(gain, key=lambda name: (math.isnan(gain[name]), -gain[name]))
    return {name: gains[name] for name in order}


def difference_table(
    results: Sequence[RunResult],
    baseline: str = BASELINE,
    rare: Sequence[str] = (),
) -> Table:
    """Lists what each method gains on the baseline, in all and for each class.

    Args:
        results (Sequence[RunResult]): Runs of one protocol.
        baseline (str): The method that the others are compared with.
        rare (Sequence[str]): Classes of which the mean has a row, too. Defaults to
            none.

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
    figures: Dict[str, Figure] = {'mIoU': 'mIoU', **named_mean(rare)}
    figures.update((name, name) for name in results[0].per_class_iou)
    pairs = {method: PairedRuns(group, reference) for method, group in runs.items()}
    rows = [
        [name, *(pair.difference(figure).marked() for pair in pairs.values())]
        for name, figure in figures.items()
    ]
    return Table(
        header=['points of IoU', *runs],
        rows=rows,
        title=f'Differences to {"the baseline" if baseline == BASELINE else baseline}',
        notes=[
            f'Mean of the differences to {baseline}, seed by seed, with the 95 % '
            'confidence interval; * where it leaves out zero.',
            *interval_notes(results, pairs),
        ],
    )


def named_mean(rare: Sequence[str]) -> Dict[str, Figure]:
    """Returns the mean over rare classes by its name; nothing where there are none."""
    return {f'{len(rare)} rare': list(rare)} if rare else {}


def interval_notes(
    results: Sequence[RunResult], pairs: Mapping[str, PairedRuns]
) -> List[str]:
    """Says how the intervals of differences were made, and what they lack.

    Args:
        results (Sequence[RunResult]): Those that were compared.
        pairs (Mapping[str, PairedRuns]): By method.
    """
    notes = []
    pairs = {method: pair for method, pair in pairs.items() if pair.num_seeds > 1}
    without = [method for method, pair in pairs.items() if not pair.shares_photos]
    if len(without) < len(pairs):
        notes.append(
            '(low to high): seeds and photos drawn again, the same for both methods '
            '(hierarchical bootstrap, widened for few seeds as by Student).'
        )
    if without:
        notes.append(
            "±: Student's t over the seeds; which photos they are is left out."
        )
    lacking = [
        counts_file('', run.method, run.seed).name
        for run in results
        if run.counts is None
    ]
    if lacking and len(lacking) < len(results):
        notes.append(
            f'Counts of the photos are missing, or are not of the run: '
            f'{", ".join(lacking)}.'
        )
    elif lacking:
        notes.append(
            'Counts of the photos (METHOD-seedK.csv beside the results) are missing: '
            'the runs were evaluated before they were kept.'
        )
    elif without:
        notes.append(f'Evaluated on other photos: {", ".join(without)}.')
    return notes
