"""What an experiment leaves to be looked at: tables, charts, galleries, a report."""

from pathlib import Path
from typing import Callable, Dict, List, Mapping, Optional, Sequence

import numpy as np

from mmseg_ganaug.evaluation import RunResult, comparison_table
from mmseg_ganaug.evaluation.differences import method_gains
from mmseg_ganaug.evaluation.results import BASELINE, runs_by_method
from mmseg_ganaug.experiments.evidence import (
    LADDER,
    LEARNING_CURVES,
    Evidence,
)
from mmseg_ganaug.experiments.questions import Questions
from mmseg_ganaug.ownership import WorkFolder
from mmseg_ganaug.recompose import LabelStatistics
from mmseg_ganaug.visualization import (
    ReportFigure,
    class_iou_chart,
    frequency_against_iou_chart,
    gain_chart,
    write_report,
)

# A chart of more methods is not read.
_MOST_SERIES = 7
_GAINS, _IOU, _FREQUENCY_IOU = 'gains.png', 'class_iou.png', 'frequency_iou.png'
_REPORT = 'report.html'


def report_files(folder: Path) -> List[Path]:
    """Lists what :meth:`ExperimentReport.write` writes.

    Args:
        folder (Path): The work folder.
    """
    evidence = [f'{name}.png' for name in (LADDER, LEARNING_CURVES)]
    charts = [_GAINS, _IOU, _FREQUENCY_IOU, *evidence]
    return [folder / name for name in (*charts, _REPORT)]


class ExperimentReport:
    """Shows the results of an experiment, in one HTML file and the charts beside it.

    It shows what each method gains on the baseline, whether rare classes score worst,
    and what the runs answer to the questions of the matrix.

    Args:
        work (WorkFolder): Where the files go.
        title (str): First heading of the report.
        results (Sequence[RunResult]): One or more.
        real (LabelStatistics): Of the real label maps that are trained on.
        failures (Mapping[str, Mapping[int, str]], optional): Why runs failed, by
            method and seed.
        questions (Questions, optional): What is asked beside the gain on the baseline.

    Attributes:
        tables: The results, the differences, and the answers to the questions.
        class_share: Class name -> share (0..1) of the labelled pixels.
    """

    def __init__(
        self,
        work: WorkFolder,
        title: str,
        results: Sequence[RunResult],
        real: LabelStatistics,
        failures: Optional[Mapping[str, Mapping[int, str]]] = None,
        questions: Optional[Questions] = None,
    ) -> None:
        share = real.frequency.tolist()
        self.class_share: Dict[str, float] = dict(zip(real.class_names, share))
        self._work = work
        self._title = title
        self._results = results
        self._names = real.class_names
        self._mean = {
            method: {
                name: float(np.mean([run.iou(name) for run in group]))
                for name in ['mIoU', *self._names]
            }
            for method, group in runs_by_method(results).items()
        }
        self._shows_gains = BASELINE in self._mean and len(self._mean) > 1
        evidence = Evidence(results, questions or Questions(), self.class_share)
        self.tables = [
            comparison_table(results, self._names, share, failures=failures),
            *evidence.differences(),
            *evidence.answers(),
        ]
        self._charts = evidence.charts()

    def write(self) -> List[Path]:
        """Draws the charts, writes the report, and prints the tables.

        Returns:
            list[Path]: The charts, then the report.
        """
        overview = [self._gains()] if self._shows_gains else []
        figures = [self._iou()]
        if BASELINE in self._mean:
            figures.append(self._frequency_and_iou())
        figures += [
            self._drawn(f'{chart.name}.png', chart.draw, chart.caption, chart.title)
            for chart in self._charts
        ]
        report = self._work.folder / _REPORT
        with self._work.drawn(report) as place:
            write_report(place, self._title, [*overview, *self.tables, *figures])
        print('\n'.join(['', *(table.to_text() for table in self.tables)]))
        return [*(Path(figure.path) for figure in [*overview, *figures]), report]

    def _gains(self) -> ReportFigure:
        gains = method_gains(self._results)
        return self._drawn(
            _GAINS,
            lambda place: gain_chart(gains, self.class_share, place),
            'Mean over the seeds, of which the number stands in brackets; the rarest '
            'classes are on the left.',
            'Gains and losses',
            wide=True,
        )

    def _iou(self) -> ReportFigure:
        best = sorted(self._mean, key=lambda m: (m != BASELINE, -self._mean[m]['mIoU']))
        shown = {method: self._mean[method] for method in best[:_MOST_SERIES]}
        means = ', mean over the seeds' if len(self._results) > len(best) else ''
        caption = f'IoU of each method on the images evaluated{means}.'
        if len(shown) < len(best):
            caption += f' The {len(shown) - 1} with the highest mIoU are shown.'
        return self._drawn(
            _IOU,
            lambda place: class_iou_chart(self._names, shown, place),
            caption,
            'IoU per class',
        )

    def _frequency_and_iou(self) -> ReportFigure:
        share, mean = list(self.class_share.values()), self._mean[BASELINE]
        return self._drawn(
            _FREQUENCY_IOU,
            lambda place: frequency_against_iou_chart(self._names, share, mean, place),
            'The baseline: rare classes score worst.',
            'Frequency and IoU',
        )

    def _drawn(
        self,
        name: str,
        draw: Callable[[Path], object],
        caption: str,
        title: str,
        wide: bool = False,
    ) -> ReportFigure:
        path = self._work.folder / name
        with self._work.drawn(path) as place:
            draw(place)
        return ReportFigure(path, caption, title, wide)
