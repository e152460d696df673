"""Answers to what a matrix asks: steps, flat curves, worth in annotated photos."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Optional, Sequence

import numpy as np

from mmseg_ganaug.evaluation.curves import curve_of, mean_curve
from mmseg_ganaug.evaluation.differences import (
    Difference,
    Figure,
    PairedRuns,
    difference_table,
    interval_notes,
    named_mean,
)
from mmseg_ganaug.evaluation.results import BASELINE, mean_and_spread, runs_by_method
from mmseg_ganaug.evaluation.run_result import RunResult
from mmseg_ganaug.experiments.questions import Questions
from mmseg_ganaug.visualization import Table, ladder_chart, learning_curve_chart
from mmseg_ganaug.visualization.evidence_charts import Curves, Step
from mmseg_ganaug.visualization.table import ABSENT

#: A method is flat when twice the length changes its mIoU by less, in points.
FLAT_POINTS = 1.0
#: Names of the charts, without their ending.
LADDER, LEARNING_CURVES = 'ladder', 'learning_curves'
_NOT_RUN = 'not run'
# A chart with more lines is not read.
_MOST_CURVES = 7


@dataclass(frozen=True)
class Chart:
    """A chart of the evidence.

    Attributes:
        name: File name without its ending.
        title: Heading.
        caption: What one sees.
        draw: Draws it to a PNG or SVG file.
    """

    name: str
    title: str
    caption: str
    draw: Callable[[Path], object]


class Evidence:
    """What finished runs answer to the questions of their matrix.

    Args:
        results (Sequence[RunResult]): Runs of one protocol, one or more.
        questions (Questions): What is asked.
        class_share (Mapping[str, float]): Class name -> share (0..1) of the labelled
            training pixels.

    Raises:
        ValueError: When a rare class that is named does not exist.
    """

    def __init__(
        self,
        results: Sequence[RunResult],
        questions: Questions,
        class_share: Mapping[str, float],
    ) -> None:
        self._results = results
        self._runs = runs_by_method(results)
        self._asked = questions
        self.rare = questions.rare_classes(class_share)
        self._figures: Dict[str, Figure] = {'mIoU': 'mIoU', **named_mean(self.rare)}

    def differences(self) -> List[Table]:
        """Returns the differences to each method that is asked for and was run."""
        asked = dict.fromkeys([BASELINE, *self._asked.against])
        there = [name for name in asked if name in self._runs and len(self._runs) > 1]
        return [difference_table(self._results, name, self.rare) for name in there]

    def answers(self) -> List[Table]:
        """Returns a table for each other question that the runs say something of."""
        tables = [self._ladder_table(), self._flat_table(), self._worth_table()]
        return [table for table in tables if table is not None]

    def charts(self) -> List[Chart]:
        """Returns the charts that there is something to draw for."""
        charts = []
        if self._has_ladder():
            panels = {name: self._steps(name) for name in self._figures}
            charts.append(
                Chart(
                    LADDER,
                    'The ladder',
                    'Each bar begins where the rung before ends. Blue gains, orange '
                    'loses; the thin line is the 95 % confidence interval of the gain.',
                    lambda place: ladder_chart(self._asked.ladder, panels, place),
                )
            )
        curves = self._curves()
        if curves:
            shown = dict(list(curves.items())[:_MOST_CURVES])
            others = ', '.join(list(curves)[_MOST_CURVES:])
            others = f' Left out, as they end lower: {others}.' if others else ''
            charts.append(
                Chart(
                    LEARNING_CURVES,
                    'Learning curves',
                    'mIoU on the validation data during training: the mean over the '
                    f'seeds, and each seed as a thin line.{others}',
                    lambda place: learning_curve_chart(shown, place),
                )
            )
        return charts

    def _curves(self) -> Dict[str, Curves]:
        """Returns the curves: what is doubled after the baseline, then by their end."""
        found = {}
        for method, runs in self._runs.items():
            mean = mean_curve(runs)
            if mean:
                seeds = [curve for curve in map(curve_of, runs) if curve]
                found[method] = Curves(mean, seeds)
        doubled = {*self._asked.doubled, *self._asked.doubled.values()}
        order = sorted(
            found,
            key=lambda m: (m != BASELINE, m not in doubled, -_last(found[m].mean)),
        )
        return {method: found[method] for method in order}

    def _has_ladder(self) -> bool:
        return sum(name in self._runs for name in self._asked.ladder) > 1

    def _gains(self, figure: str) -> List[Optional[Difference]]:
        """Returns what each rung gains on the one before, None where one is missing."""
        ladder = self._asked.ladder
        return [None] + [
            self._pair(name, before).difference(self._figures[figure])
            if name in self._runs and before in self._runs
            else None
            for before, name in zip(ladder, ladder[1:])
        ]

    def _steps(self, figure: str) -> List[Optional[Step]]:
        steps: List[Optional[Step]] = []
        for name, gain in zip(self._asked.ladder, self._gains(figure)):
            if name not in self._runs:
                steps.append(None)
                continue
            value = self._mean(name, self._figures[figure])
            ends = () if gain is None else (gain.mean, gain.low, gain.high)
            steps.append(Step(value, *ends))
        return steps

    def _ladder_table(self) -> Optional[Table]:
        if not self._has_ladder():
            return None
        columns = []
        for figure in self._figures:
            gains = self._gains(figure)
            values = [self._text(name, figure) for name in self._asked.ladder]
            texts = ['' if gain is None else gain.marked() for gain in gains]
            columns += [values, texts]
        ladder = self._asked.ladder
        pairs = {
            name: self._pair(name, before)
            for before, name in zip(ladder, ladder[1:])
            if name in self._runs and before in self._runs
        }
        runs = [run for name in ladder for run in self._runs.get(name, [])]
        return Table(
            header=[
                'Rung',
                *(
                    text
                    for figure in self._figures
                    for text in (figure, f'gain in {figure}')
                ),
            ],
            rows=[list(row) for row in zip(ladder, *columns)],
            title='The ladder',
            notes=[
                'What each rung gains on the one before, in points of IoU, with the '
                '95 % confidence interval; * where it leaves out zero.',
                *self._rare_note(),
                *interval_notes(runs, pairs),
            ],
        )

    def _flat_table(self) -> Optional[Table]:
        rows, pairs = [], {}
        for name, longer in self._asked.doubled.items():
            change = None
            if name in self._runs and longer in self._runs:
                pairs[name] = self._pair(longer, name)
                change = pairs[name].difference('mIoU')
            rows.append(
                [
                    name,
                    self._iterations(name),
                    self._text(name, 'mIoU'),
                    self._text(longer, 'mIoU'),
                    _NOT_RUN if change is None else str(change),
                    _is_flat(change),
                ]
            )
        if not rows:
            return None
        compared = [
            run
            for name in pairs
            for method in (name, self._asked.doubled[name])
            for run in self._runs[method]
        ]
        return Table(
            header=[
                *('Method', 'Iterations', 'mIoU'),
                *('mIoU of twice as many', 'Change', 'Flat?'),
            ],
            rows=rows,
            title='Flat?',
            notes=[
                'Flat: twice the iterations change mIoU by less than '
                f'{FLAT_POINTS:.1f} points in the mean. What is not flat was not '
                'trained to its end: a method that beats it may only learn faster.',
                *interval_notes(compared, pairs),
            ],
        )

    def _worth_table(self) -> Optional[Table]:
        photos = {n: k for n, k in self._asked.photos.items() if n in self._runs}
        others = [name for name in self._runs if name not in self._asked.photos]
        if len(photos) < 2 or not others:
            return None
        order = sorted(photos, key=photos.__getitem__)
        reached = {photos[name]: self._mean(name, 'mIoU') for name in order}
        curve = ', '.join(f'{n}: {value:.2f}' for n, value in reached.items())
        rows = [
            [name, self._text(name, 'mIoU'), worth(self._mean(name, 'mIoU'), reached)]
            for name in others
        ]
        return Table(
            header=['Method', 'mIoU', 'Photos that reach the same'],
            rows=rows,
            title='Worth in annotated photos',
            notes=[
                f'mIoU by the number of real photos ({curve}), made monotone and '
                'interpolated in the logarithm of the number. Means over the seeds.'
            ],
        )

    def _pair(self, method: str, other: str) -> PairedRuns:
        return PairedRuns(self._runs[method], self._runs[other])

    def _mean(self, method: str, figure: Figure) -> float:
        mean, _ = mean_and_spread([run.iou(figure) for run in self._runs[method]])
        return math.nan if mean is None else mean

    def _text(self, method: str, figure: str) -> str:
        if method not in self._runs:
            return _NOT_RUN
        values = [run.iou(self._figures[figure]) for run in self._runs[method]]
        return mean_and_spread(values)[1]

    def _iterations(self, method: str) -> str:
        found = {run.extra.get('iterations') for run in self._runs.get(method, [])}
        known = sorted(number for number in found if isinstance(number, int))
        return ', '.join(map(str, known)) or ABSENT

    def _rare_note(self) -> List[str]:
        return [f'Rare: {", ".join(self.rare)}.'] if self.rare else []


def worth(value: float, reached: Mapping[int, float]) -> str:
    """Says how many real photos reach a value.

    Args:
        value (float): Such as mIoU in per cent.
        reached (Mapping[int, float]): What is reached by the number of real photos,
            two numbers or more, in order.
    """
    numbers, values = list(reached), _monotone(list(reached.values()))
    if value < values[0]:
        return f'fewer than {numbers[0]}'
    if value > values[-1]:
        return f'more than {numbers[-1]}'
    # The first that reaches it: on a level part, the fewest photos.
    end = int(np.argmax(values >= value))
    if end == 0:
        return str(numbers[0])
    part = (value - values[end - 1]) / (values[end] - values[end - 1])
    first, last = np.log(numbers[end - 1]), np.log(numbers[end])
    return f'{np.exp(first + part * (last - first)):.0f}'


def _monotone(values: Sequence[float]) -> np.ndarray:
    """Fits values that never fall to those given, by least squares."""
    ends = range(len(values))
    return np.array(
        [
            max(
                min(np.mean(values[i : j + 1]) for j in ends if j >= middle)
                for i in ends
                if i <= middle
            )
            for middle in ends
        ]
    )


def _is_flat(change: Optional[Difference]) -> str:
    if change is None or math.isnan(change.mean):
        return _NOT_RUN
    return 'yes' if abs(change.mean) < FLAT_POINTS else 'no'


def _last(curve: Mapping[int, float]) -> float:
    return curve[max(curve)]
