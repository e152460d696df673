"""Generated pairs as treatments train on them, to be looked at."""

from functools import partial
from typing import Any, Dict, List, Mapping

from mmengine.registry import DefaultScope

from mmseg_ganaug.bench.finding import Pictures
from mmseg_ganaug.config_search import find_generated
from mmseg_ganaug.datasets import DatasetLabelSource, GANRecomposeDataset
from mmseg_ganaug.experiments.training_run import TrainingRun
from mmseg_ganaug.registry import DATASETS
from mmseg_ganaug.visualization import GalleryRow, recomposition_gallery

# Of each treatment.
_SHOWN = 4


def show_pairs(
    trainings: Mapping[str, TrainingRun], pictures: Pictures
) -> List[Dict[str, Any]]:
    """Draws the first generated pairs of each treatment that has some.

    Args:
        trainings (Mapping[str, TrainingRun]): Finished trainings, by treatment.
        pictures (Pictures): Where they are drawn.

    Returns:
        list[dict]: ``pairs`` of ``bench.json``: of each such treatment.
    """
    shown = []
    for name, training in trainings.items():
        parts = find_generated(training.cfg.train_dataloader.dataset)
        if not parts:
            continue
        with DefaultScope.overwrite_default_scope('mmseg'):
            dataset = DATASETS.build(parts[0])
        meta = dataset.metainfo
        draw = partial(
            recomposition_gallery,
            _rows(dataset),
            meta['palette'],
            dataset.ignore_index,
            meta['classes'],
        )
        picture = pictures.draw(f'pairs-{name}', draw)
        shown.append(dict(treatment=name, picture=picture))
    return shown


def _rows(dataset: GANRecomposeDataset) -> List[GalleryRow]:
    source = dataset.label_source()
    samples = DatasetLabelSource(dataset)
    plan, _ = dataset.plan()
    rows = []
    for index in range(min(_SHOWN, len(plan))):
        recipe = plan[index]
        begin = recipe.donors[0] if recipe.base is None else recipe.base
        names = [dataset.metainfo['classes'][class_id] for class_id in recipe.classes]
        cells = {
            'label map it began with': source.label_map(begin),
            'new label map': samples.label_map(index),
            'its photo': samples.shown_photo(index),
            'photo it began with': source.shown_photo(begin),
        }
        rows.append(GalleryRow(cells, ', '.join(names)))
    return rows
