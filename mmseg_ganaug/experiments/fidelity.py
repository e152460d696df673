"""Measures the fidelity of a trained generator outside of its training."""

import copy
import json
import math
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from mmseg_ganaug.config_search import has_type, nested_dicts
from mmseg_ganaug.datasets import LabelToImageDataset
from mmseg_ganaug.datasets.label_source import DatasetLabelSource
from mmseg_ganaug.datasets.transforms.formatting import unpack_photo
from mmseg_ganaug.evaluation.metrics.fidelity import (
    RATIO,
    REAL,
    GeneratorFidelityMetric,
)
from mmseg_ganaug.evaluation.run_result import RunResult, class_iou_key
from mmseg_ganaug.files import evenly_spread
from mmseg_ganaug.progress import Progress
from mmseg_ganaug.synthesis.generator import Generator, paint_maps
from mmseg_ganaug.synthesis.painting_choice import FIDELITY_KEY, WINDOWS_KEY
from mmseg_ganaug.visualization import GalleryRow

#: Label maps, photos painted from them, and their real photos, if any.
Batch = Tuple[List[np.ndarray], List[np.ndarray], Optional[List[np.ndarray]]]


def real_pairs(generator: Generator, source: dict) -> LabelToImageDataset:
    """Real pairs in the form in which a generator was trained on such.

    Args:
        generator (Generator): The generator; the training data set of its ``config``,
            if it has one, says the scale, the interpolation and where instance maps
            are.
        source (dict): Config of an MMSeg data set with photos and label maps.

    Returns:
        LabelToImageDataset: Without flips or crops.

    Raises:
        ValueError: When a file of the source is missing or does not fit.
    """
    trained_by = getattr(generator, 'config', {})
    trained_on = next(
        (
            config
            for config in nested_dicts(trained_by.get('train_dataloader'))
            if has_type(config, 'LabelToImageDataset')
        ),
        {'scale': generator.scale, 'with_instances': generator.uses_instances},
    )
    kept = ('scale', 'interpolation', 'with_instances', 'instance_path')
    options: Dict[str, Any] = {
        key: trained_on[key] for key in kept if key in trained_on
    }
    return LabelToImageDataset(copy.deepcopy(source), pipeline=[], **options)


def painted_batches(
    generator: Generator,
    pairs: LabelToImageDataset,
    indices: Sequence[int],
    batch_size: int = 4,
) -> Iterable[Batch]:
    """Paints the label maps of real pairs.

    Args:
        generator (Generator): The generator.
        pairs (LabelToImageDataset): The real pairs.
        indices (Sequence[int]): Which of them.
        batch_size (int): Label maps that are painted at a time.

    Yields:
        Label maps, generated and real photos (BGR) of each batch.
    """
    ignore_index = pairs.source.ignore_index
    for start in range(0, len(indices), batch_size):
        inputs = [pairs[i]['inputs'] for i in indices[start : start + batch_size]]
        labels = [sample['img_label'][0].numpy() for sample in inputs]
        instances = [
            sample['img_instance'][0].numpy() if 'img_instance' in sample else None
            for sample in inputs
        ]
        painted = paint_maps(generator, labels, instances, ignore_index)
        photos = [unpack_photo(sample['img_photo']) for sample in inputs]
        real = [photo.permute(1, 2, 0).numpy() for photo in photos]
        yield labels, painted, real


def real_photos(
    pairs: LabelToImageDataset, indices: Sequence[int]
) -> Iterable[Tuple[np.ndarray, np.ndarray]]:
    """Reads real pairs, one at a time.

    Args:
        pairs (LabelToImageDataset): The real pairs.
        indices (Sequence[int]): Which of them.

    Yields:
        The label map, uint8 [H, W], and the photo, uint8 BGR [H, W, 3], of each.
    """
    for index in indices:
        sample = pairs[index]['inputs']
        photo = unpack_photo(sample['img_photo']).permute(1, 2, 0).numpy()
        yield sample['img_label'][0].numpy(), photo


def stored_batches(
    samples: DatasetLabelSource, indices: Sequence[int]
) -> Iterable[Batch]:
    """Reads generated samples, one at a time.

    Args:
        samples (DatasetLabelSource): Over a ``GANRecomposeDataset``.
        indices (Sequence[int]): Which of them.

    Yields:
        The label map and the photo, and None for the real photo that it has not.
    """
    for index in indices:
        yield [samples.label_map(index)], [samples.photo(index)], None


def measure(
    metric: GeneratorFidelityMetric,
    batches: Iterable[Batch],
    total: int,
    num_rows: int = 8,
) -> Tuple[Dict[str, float], List[GalleryRow]]:
    """Has all photos measured, with a progress bar.

    Args:
        metric (GeneratorFidelityMetric): With its ``dataset_meta`` set.
        batches (Iterable[Batch]): From :func:`painted_batches` or
            :func:`stored_batches`.
        total (int): Number of samples in them.
        num_rows (int): Number of samples to show, evenly spread.

    Returns:
        tuple[dict[str, float], list[GalleryRow]]: The numbers of the metric, and the
        rows of a contact sheet.
    """
    shown = set(evenly_spread(total, num_rows))
    rows: List[GalleryRow] = []
    with Progress('Evaluating photos', total) as progress:
        for label_maps, generated, real in batches:
            seen_generated, seen_real = metric.measure(label_maps, generated, real)
            for place in range(len(label_maps)):
                if progress.done + place not in shown:
                    continue
                cells = {'label map': label_maps[place]}
                if real is not None:
                    cells['real photo'] = real[place]
                cells['generated photo'] = generated[place]
                if real is not None:
                    cells['seen in the real one'] = seen_real[place]
                cells['seen in the generated one'] = seen_generated[place]
                rows.append(GalleryRow(cells))
            progress.update(len(label_maps))
    return metric.evaluate(total), rows


def fidelity_json(
    measured: Mapping[str, Mapping[str, float]],
    class_names: Sequence[str],
    protocol: str,
    extra: Dict[str, Any],
    windows: Optional[Dict[str, Any]] = None,
) -> str:
    """Puts the figures into a text, for the comparison of runs and for those who paint.

    ``runs`` is what :func:`mmseg_ganaug.evaluation.load_results` reads: the segmenter
    on the real photos, then on each kind of generated ones. ``fidelity`` is what
    :func:`mmseg_ganaug.synthesis.painting_choice.load_class_fidelity` reads: the
    ratio of each class, of the last kind measured. ``windows`` is what
    :func:`~mmseg_ganaug.experiments.window_fidelity.measure_windows` returned.
    What was not measured is left out.

    Args:
        measured (Mapping[str, Mapping[str, float]]): Numbers of the metric by kind of
            photo, such as 'generated' and 'recombined'; may be empty.
        class_names (Sequence[str]): C names.
        protocol (str): What makes files comparable: the segmenter and the data.
        extra (dict): Whatever else is to be kept with each run.
        windows (dict, optional): Figures of windows.

    Returns:
        str: JSON, with a line break at the end.
    """
    content: Dict[str, Any] = {}
    if measured:
        first, last = (list(measured.values())[place] for place in (0, -1))
        real = {k[len(REAL) :]: v for k, v in first.items() if k.startswith(REAL)}
        content['runs'] = [
            RunResult.from_metrics(
                metrics,
                class_names,
                method=kind,
                seed=0,
                protocol=protocol,
                extra=extra,
            ).to_json()
            for kind, metrics in {'real': real, **measured}.items()
        ]
        ratios = {name: last[f'{RATIO}{class_iou_key(name)}'] for name in class_names}
        content[FIDELITY_KEY] = {
            name: None if math.isnan(ratio) else ratio for name, ratio in ratios.items()
        }
    if windows is not None:
        content[WINDOWS_KEY] = {**extra, **windows}
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    return f'{text}\n'
