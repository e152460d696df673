"""What a comparison of methods leaves: tables, charts, one HTML file."""

from pathlib import Path
from typing import List

import numpy as np

from mmseg_ganaug.atomic_write import write_atomically
from mmseg_ganaug.evaluation import Table, comparison_table
from mmseg_ganaug.evaluation.comparison import BASELINE
from mmseg_ganaug.evaluation.paired import difference_table
from mmseg_ganaug.evaluation.results_page import save_protocol
from mmseg_ganaug.method_comparison import MethodComparison
from mmseg_ganaug.visualization import (
    Figure,
    class_iou_chart,
    frequency_against_iou_chart,
    write_report,
)


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
        raise ValueError(
            f'no training of {comparison.protocol} is finished: run it without '
            '--report-only'
        )
    folder = comparison.folder
    names, frequency = comparison.frequency()
    title = f'{comparison.protocol}: {len(results)} trainings'
    tables: List[Table] = [comparison_table(results, names, frequency, title)]
    methods = list(dict.fromkeys(result.method for result in results))
    if BASELINE in methods and len(methods) > 1:
        tables.append(difference_table(results))
    text = '\n'.join(table.to_markdown() for table in tables)
    files = [
        save_protocol(
            comparison.results_dir, comparison.protocol, dict(zip(names, frequency))
        ),
        write_atomically(comparison.results_dir / 'results.md', text),
    ]
    mean_iou = {
        method: {
            name: float(
                np.mean([r.per_class_iou[name] for r in results if r.method == method])
            )
            for name in names
        }
        for method in methods
    }
    chart = class_iou_chart(names, mean_iou, folder / 'class_iou.png')
    figures = [Figure(chart, 'Mean over the seeds of each method.', 'IoU per class')]
    if BASELINE in methods:
        path = folder / 'frequency_iou.png'
        frequency_against_iou_chart(names, frequency, mean_iou[BASELINE], path)
        figures.append(
            Figure(path, 'The baseline: rare classes score worst.', 'Frequency and IoU')
        )
    report = write_report(folder / 'report.html', title, [*tables, *figures])
    print('\n'.join(table.to_text() for table in tables))
    return [*files, *(Path(figure.path) for figure in figures), report]
