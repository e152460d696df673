"""What an experiment leaves to be looked at: tables, charts, galleries, a report."""

from pathlib import Path
from typing import Callable, Dict, List, Mapping, Optional, Sequence

import numpy as np

from mmseg_ganaug.datasets import DatasetLabelSource, GANRecomposeDataset
from mmseg_ganaug.evaluation import RunResult, comparison_table
from mmseg_ganaug.evaluation.differences import method_gains
from mmseg_ganaug.evaluation.results import BASELINE, runs_by_method
from mmseg_ganaug.experiments.evidence import (
    LADDER,
    LEARNING_CURVES,
    Chart,
    Evidence,
)
from mmseg_ganaug.experiments.questions import Questions
from mmseg_ganaug.experiments.runner import CellRunner, environment
from mmseg_ganaug.ownership import WorkFolder
from mmseg_ganaug.recompose import LabelStatistics
from mmseg_ganaug.visualization import (
    Code,
    GalleryRow,
    Notice,
    ReportFigure,
    Table,
    Text,
    class_frequency_chart,
    class_iou_chart,
    frequency_against_iou_chart,
    gain_chart,
    recomposition_gallery,
    write_report,
)
from mmseg_ganaug.visualization.report import Section

# A chart of more methods is not read.
_MOST_SERIES = 7
_GALLERY_ROWS = 4
_GAINS, _IOU, _FREQUENCY_IOU = 'gains.png', 'class_iou.png', 'frequency_iou.png'
_FREQUENCY, _GALLERY = 'class_frequency.png', 'gallery_{}.png'
_REPORT = 'report.html'


def report_files(folder: Path, ways: Sequence[str] = ()) -> List[Path]:
    """Lists what :meth:`ExperimentReport.write` writes.

    Args:
        folder (Path): The work folder.
        ways (Sequence[str]): Methods of which samples are shown.
    """
    if ways:
        charts = [_FREQUENCY, _IOU, *map(_GALLERY.format, ways)]
    else:
        evidence = [f'{name}.png' for name in (LADDER, LEARNING_CURVES)]
        charts = [_GAINS, _IOU, _FREQUENCY_IOU, *evidence]
    return [folder / name for name in (*charts, _REPORT)]


class ExperimentReport:
    """Shows the results of an experiment, in one HTML file and the charts beside it.

    With ``samples``, it shows them and how they move the label distribution; else what
    each method gains on the baseline, whether rare classes score worst, and what the
    runs answer to the questions of the matrix.

    Args:
        work (WorkFolder): Where the files go.
        title (str): First heading of the report.
        results (Sequence[RunResult]): One or more.
        real (LabelStatistics): Of the real label maps that are trained on.
        failures (Mapping[str, Mapping[int, str]], optional): Why runs failed, by
            method and seed.
        samples (Mapping[str, GANRecomposeDataset], optional): Generated samples of
            each method that trains on such.
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
        samples: Optional[Mapping[str, GANRecomposeDataset]] = None,
        questions: Optional[Questions] = None,
    ) -> None:
        share = real.frequency.tolist()
        self.class_share: Dict[str, float] = dict(zip(real.class_names, share))
        self._work = work
        self._title = title
        self._results = results
        self._real = real
        self._names = real.class_names
        self._samples = samples or {}
        self._mean = {
            method: {
                name: float(np.mean([run.iou(name) for run in group]))
                for name in ['mIoU', *self._names]
            }
            for method, group in runs_by_method(results).items()
        }
        self._shows_gains = (
            BASELINE in self._mean and len(self._mean) > 1 and not self._samples
        )
        self.tables = [comparison_table(results, self._names, share, failures=failures)]
        self._charts: List[Chart] = []
        if not self._samples:
            evidence = Evidence(results, questions or Questions(), self.class_share)
            self.tables += [*evidence.differences(), *evidence.answers()]
            self._charts = evidence.charts()

    def write(
        self,
        notice: str = '',
        about_data: Sequence[Section] = (),
        runner: Optional[CellRunner] = None,
    ) -> List[Path]:
        """Draws the charts, writes the report, and prints the tables.

        Args:
            notice (str): What the reader must not miss.
            about_data (Sequence[Section]): What is to be known of the data.
            runner (CellRunner, optional): What it ran is listed with its seconds, and
                the machine.

        Returns:
            list[Path]: The charts, then the report.
        """
        overview = [self._gains()] if self._shows_gains else []
        figures = [self._iou()]
        if self._samples:
            figures.insert(0, self._label_distribution())
            figures += map(self._gallery, self._samples)
        elif BASELINE in self._mean:
            figures.append(self._frequency_and_iou())
        figures += [
            self._drawn(f'{chart.name}.png', chart.draw, chart.caption, chart.title)
            for chart in self._charts
        ]
        sections: List[Section] = [
            *([Notice(notice)] if notice else []),
            *overview,
            *self.tables,
            *about_data,
            *figures,
            *(_account(runner) if runner else []),
        ]
        report = self._work.folder / _REPORT
        with self._work.drawn(report) as place:
            write_report(place, self._title, sections)
        texts = [table.to_text() for table in self.tables]
        print('\n'.join(['', *texts, *([f'\n{notice}\n'] if notice else [])]))
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

    def _label_distribution(self) -> ReportFigure:
        """Shows class frequencies of the real maps, each method's, and of both."""
        frequency = {'real': self._real.frequency}
        for method, dataset in self._samples.items():
            statistics = LabelStatistics.collect(DatasetLabelSource(dataset))
            frequency[method] = statistics.frequency
            pixels = self._real.pixels.sum(axis=0) + statistics.pixels.sum(axis=0)
            frequency[f'real + {method}'] = pixels / pixels.sum()
        return self._drawn(
            _FREQUENCY,
            lambda place: class_frequency_chart(self._names, frequency, place),
            'Share of the labelled pixels per class before and after.',
            'Label distribution',
        )

    def _gallery(self, method: str) -> ReportFigure:
        dataset = self._samples[method]
        rows = _gallery_rows(dataset, method)
        meta = dataset.metainfo
        return self._drawn(
            _GALLERY.format(method),
            lambda place: recomposition_gallery(
                rows, meta['palette'], dataset.ignore_index, meta['classes'], place
            ),
            'Each row is one sample: the label map it began with, the recombined label '
            'map, the photo that the generator painted from it, and the real photo.',
            f'Generated samples: {method}',
            wide=True,
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


def _gallery_rows(dataset: GANRecomposeDataset, method: str) -> List[GalleryRow]:
    source = dataset.label_source()
    samples = DatasetLabelSource(dataset)
    plan, _ = dataset.plan()
    rows = []
    for index in range(min(_GALLERY_ROWS, len(plan))):
        recipe = plan[index]
        begin = recipe.donors[0] if recipe.base is None else recipe.base
        names = [dataset.metainfo['classes'][class_id] for class_id in recipe.classes]
        rows.append(
            GalleryRow(
                {
                    'base label map': source.label_map(begin),
                    'recombined label map': samples.label_map(index),
                    'generated photo': samples.shown_photo(index),
                    'real photo of the base': source.shown_photo(begin),
                },
                caption=f'{method}: {", ".join(names)}',
            )
        )
    return rows


def _account(runner: CellRunner) -> List[Section]:
    """Lists what was run, how long it took, and where."""
    rows = [[title, f'{value:.0f}'] for title, value in runner.seconds.items()]
    found = environment()
    versions = '; '.join(f'{name} {v}' for name, v in found['versions'].items())
    return [
        Table(header=['Stage', 'seconds'], rows=rows, title='Times'),
        Code('\n'.join(runner.commands), 'What was run'),
        Text(f'device {found["device"]}; {versions}', 'Where'),
    ]
