"""What a comparison of methods leaves: tables, charts, one HTML file."""

from pathlib import Path
from typing import List, Union

import numpy as np

from mmseg_ganaug.evaluation import Table, comparison_table
from mmseg_ganaug.evaluation.results import (
    BASELINE,
    difference_table,
    method_gains,
    runs_by_method,
)
from mmseg_ganaug.experiments.comparison import MethodComparison
from mmseg_ganaug.experiments.results_page import save_protocol
from mmseg_ganaug.visualization import (
    ReportFigure,
    class_iou_chart,
    frequency_against_iou_chart,
    gain_chart,
    write_report,
)

# A chart of more methods is not read.
_MOST_SERIES = 7
_GAINS, _IOU, _FREQUENCY = 'gains.png', 'class_iou.png', 'frequency_iou.png'
_REPORT = 'report.html'
#: What is written beside the trainings.
REPORT_FILES = (_GAINS, _IOU, _FREQUENCY, _REPORT)


def write_comparison(comparison: MethodComparison) -> List[Path]:
    """Writes results.md beside the results, and the charts and report.html elsewhere.

    The folder of the results is for keeping in a repository, so pictures go to that of
    the trainings.

    Args:
        comparison (MethodComparison): At least one of its trainings is finished.

    Returns:
        list[Path]: The files.

    Raises:
        ValueError: When no training is finished.
    """
    results = comparison.results()
    if not results:
        reasons = [
            f'{m}: {r}' for m, s in comparison.failures.items() for r in s.values()
        ]
        raise ValueError(
            f'no training of {comparison.protocol} is finished: '
            + ('; '.join(dict.fromkeys(reasons)) or 'run it without --report-only')
        )
    work = comparison.work
    names, frequency = comparison.frequency()
    share = dict(zip(names, frequency))
    tables: List[Table] = [
        comparison_table(results, names, frequency, failures=comparison.failures)
    ]
    methods = list(dict.fromkeys(result.method for result in results))
    if BASELINE in methods and len(methods) > 1:
        tables.append(difference_table(results))
    text = '\n'.join(table.to_markdown() for table in tables)
    kept = comparison.results_work
    files = [
        save_protocol(comparison.pages, comparison.protocol, share, kept.write),
        kept.write(comparison.pages / 'results.md', text),
    ]
    mean = {
        method: {
            name: float(np.mean([run.figure(name) for run in group]))
            for name in ['mIoU', *names]
        }
        for method, group in runs_by_method(results).items()
    }
    best = sorted(mean, key=lambda m: (m != BASELINE, -mean[m]['mIoU']))
    overview: List[ReportFigure] = []
    figures: List[ReportFigure] = []
    if len(tables) > 1:
        path = work.folder / _GAINS
        with work.drawn(path) as place:
            gain_chart(method_gains(results), share, place)
        caption = (
            'Mean over the seeds, of which the number stands in brackets; the rarest '
            'classes are on the left.'
        )
        overview.append(ReportFigure(path, caption, 'Gains and losses', wide=True))
    shown = {method: mean[method] for method in best[:_MOST_SERIES]}
    chart = work.folder / _IOU
    with work.drawn(chart) as place:
        class_iou_chart(names, shown, place)
    caption = 'Mean over the seeds of each method.'
    if len(shown) < len(mean):
        caption += f' The {len(shown) - 1} with the highest mIoU are shown.'
    figures.append(ReportFigure(chart, caption, 'IoU per class'))
    if BASELINE in methods:
        path = work.folder / _FREQUENCY
        with work.drawn(path) as place:
            frequency_against_iou_chart(names, frequency, mean[BASELINE], place)
        figures.append(
            ReportFigure(
                path, 'The baseline: rare classes score worst.', 'Frequency and IoU'
            )
        )
    title = f'{comparison.protocol}: {len(results)} trainings'
    sections: List[Union[ReportFigure, Table]] = [*overview, *tables, *figures]
    report = work.folder / _REPORT
    with work.drawn(report) as place:
        write_report(place, title, sections)
    print('\n'.join(table.to_text() for table in tables))
    return [*files, *(Path(figure.path) for figure in [*overview, *figures]), report]
