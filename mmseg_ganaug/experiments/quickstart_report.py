"""What the quickstart leaves: a results table, charts, a gallery, an HTML report."""

from pathlib import Path
from typing import Dict, List, Mapping, Sequence

import numpy as np
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.utils.dl_utils import collect_env

from mmseg_ganaug.datasets import DatasetLabelSource, GANRecomposeDataset
from mmseg_ganaug.evaluation import RunResult, comparison_table, write_results
from mmseg_ganaug.evaluation.results import RESULT_FILES
from mmseg_ganaug.experiments.quickstart_data import QuickstartData
from mmseg_ganaug.recompose import LabelStatistics
from mmseg_ganaug.registry import DATASETS
from mmseg_ganaug.safe_configs import read_config
from mmseg_ganaug.visualization import (
    Code,
    GalleryRow,
    Notice,
    ReportFigure,
    Table,
    Text,
    class_frequency_chart,
    class_iou_chart,
    recomposition_gallery,
    write_report,
)

NOTICE = (
    'One seed at toy size: this shows that everything runs and what it makes. It is a '
    'demonstration, not evidence that the generated pairs help or hurt.'
)
_GALLERY_ROWS = 4
_FREQUENCY, _IOU = 'class_frequency.png', 'class_iou.png'
_GALLERY, _REPORT = 'gallery_{}.png', 'report.html'


def write_quickstart_report(
    data: QuickstartData,
    configs: Mapping[str, Path],
    metrics: Mapping[str, Mapping[str, float]],
    commands: Sequence[str],
    seconds: Mapping[str, float],
) -> Path:
    """Writes results.{json,md}, the pictures and report.html; prints the table.

    Args:
        data (QuickstartData): The data set, and the folder that they go to.
        configs (Mapping[str, Path]): Config of each method; 'plain' is the baseline.
        metrics (Mapping[str, Mapping]): What tools/test.py measured for each.
        commands (Sequence[str]): What was run.
        seconds (Mapping[str, float]): How long each stage took.

    Returns:
        Path: The HTML report.
    """
    work, folder = data.work, data.work.folder
    generated = {
        method: _build_generated(read_config(config))
        for method, config in configs.items()
        if method != 'plain'
    }
    frequency = _frequencies(generated)
    first = next(iter(generated.values()))
    names = list(first.metainfo['classes'])
    results = [
        RunResult.from_metrics(
            values, names, method=method, seed=data.seed, protocol=data.name
        )
        for method, values in metrics.items()
    ]
    table = comparison_table(results, names, frequency['real'].tolist())
    write_results(results, folder, table, work.write)
    with work.drawn(folder / _FREQUENCY) as place:
        class_frequency_chart(names, frequency, place)
    with work.drawn(folder / _IOU) as place:
        ious = {result.method: result.per_class_iou for result in results}
        class_iou_chart(names, ious, place)
    for method, dataset in generated.items():
        with work.drawn(folder / _GALLERY.format(method)) as place:
            _gallery(dataset, method, place)
    figures = [
        ReportFigure(
            folder / _FREQUENCY,
            'Share of the labelled pixels per class before and after.',
            'Label distribution',
        ),
        ReportFigure(
            folder / _IOU, 'IoU per class on the validation images.', 'Classes'
        ),
    ]
    figures += [
        ReportFigure(
            folder / _GALLERY.format(method),
            'Each row is one sample: the label map it began with, the recombined label '
            'map, the photo that the generator painted from it, and the real photo.',
            f'Generated samples: {method}',
            wide=True,
        )
        for method in generated
    ]
    print(f'\n{table.to_text()}\n\n{NOTICE}\n')
    with work.drawn(folder / _REPORT) as place:
        write_report(
            place,
            f'mmseg_ganaug quickstart: {data.name}',
            [
                Notice(NOTICE),
                table,
                *data.report_sections(),
                *figures,
                _times(seconds),
                Code('\n'.join(commands), 'What was run'),
                Text(_environment(), 'Where'),
            ],
        )
    return folder / _REPORT


def report_files(data: QuickstartData) -> List[Path]:
    """Lists what :func:`write_quickstart_report` writes."""
    galleries = [_GALLERY.format(way) for way in data.ways]
    return [
        data.work.folder / name
        for name in (*RESULT_FILES, _FREQUENCY, _IOU, *galleries, _REPORT)
    ]


def _build_generated(cfg: Config) -> GANRecomposeDataset:
    with DefaultScope.overwrite_default_scope('mmseg'):
        return DATASETS.build(cfg.generated)


def _frequencies(
    generated: Mapping[str, GANRecomposeDataset],
) -> Dict[str, np.ndarray]:
    """Class frequencies of the real maps, of each way's, and of both together."""
    real = LabelStatistics.collect(next(iter(generated.values())).label_source())
    frequency = {'real': real.frequency}
    for method, dataset in generated.items():
        statistics = LabelStatistics.collect(DatasetLabelSource(dataset))
        frequency[method] = statistics.frequency
        pixels = real.pixels.sum(axis=0) + statistics.pixels.sum(axis=0)
        frequency[f'real + {method}'] = pixels / pixels.sum()
    return frequency


def _gallery(dataset: GANRecomposeDataset, method: str, path: Path) -> Path:
    source = dataset.label_source()
    samples = DatasetLabelSource(dataset)
    plan, _ = dataset.plan()
    names = dataset.metainfo['classes']
    rows = []
    for index in range(min(_GALLERY_ROWS, len(plan))):
        recipe = plan[index]
        begin = recipe.donors[0] if recipe.base is None else recipe.base
        rows.append(
            GalleryRow(
                {
                    'base label map': source.label_map(begin),
                    'recombined label map': samples.label_map(index),
                    'generated photo': samples.photo(index),
                    'real photo of the base': source.photo(begin),
                },
                caption=f'{method}: '
                + ', '.join(names[class_id] for class_id in recipe.classes),
            )
        )
    return recomposition_gallery(
        rows, dataset.metainfo['palette'], dataset.ignore_index, names, path
    )


def _times(seconds: Mapping[str, float]) -> Table:
    return Table(
        header=['Stage', 'seconds'],
        rows=[[title, f'{value:.0f}'] for title, value in seconds.items()],
        title='Times',
    )


def _environment() -> str:
    env = collect_env()
    keys = ('Python', 'PyTorch', 'GPU 0', 'CUDA available')
    return '; '.join(f'{key}: {env[key]}' for key in keys if key in env)
