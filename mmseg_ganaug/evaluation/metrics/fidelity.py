"""Fidelity: the share of a label map that a segmenter finds in its painted photo."""

import math
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from torch import Tensor

from mmseg_ganaug.class_option_checks import check_ignore_index
from mmseg_ganaug.datasets.transforms.formatting import unpack_photo
from mmseg_ganaug.evaluation.metrics.class_iou import ClassIoUMetric
from mmseg_ganaug.evaluation.metrics.options import check_metric
from mmseg_ganaug.evaluation.run_result import class_iou_key
from mmseg_ganaug.option_checks import check_text
from mmseg_ganaug.progress import Progress
from mmseg_ganaug.registry import METRICS
from mmseg_ganaug.synthesis.segmenter import FrozenSegmenter, check_segmenter
from mmseg_ganaug.visualization.table import ABSENT, Table

#: Prefixes of the figures of real photos, and of generated over real ones.
REAL, RATIO = 'real_', 'ratio_'
# The ratio of a class that the segmenter hardly finds in real photos is noise.
_LEAST_REAL_IOU = 5.0


@METRICS.register_module()
class GeneratorFidelityMetric(BaseMetric):
    """A frozen segmenter labels generated photos, to compare with their maps.

    For the validation of a label-to-image model, such as
    :class:`~mmseg_ganaug.models.Pix2PixHD`. The same segmenter labels the real photos
    of the same samples, at the same size: its own errors, and what the size costs, are
    in both figures. The measure is that of Wang et al., CVPR 2018 (section 4.1), with
    the classes apart.

    The numbers are ``mIoU``, ``mAcc``, ``aAcc``, ``IoU.<class>`` and ``Acc.<class>`` of
    the generated photos, in per cent; the same of the real photos behind ``real_``; and
    ``ratio_mIoU`` and ``ratio_IoU.<class>``, generated over real. NaN stands for a
    class that is absent, and for the ratio of one that the segmenter hardly finds in
    real photos either (IoU below 5 %).

    Args:
        segmenter (dict): ``config``, ``checkpoint`` and, optionally, ``device`` of
            :class:`~mmseg_ganaug.synthesis.segmenter.FrozenSegmenter`. It must
            not have been trained on the photos that it labels.
        ignore_index (int, optional): Label value of pixels that do not count. Defaults
            to None: that of the segmenter.
        domain (str): Domain of the generator that holds photos. Defaults to 'photo'.
        collect_device (str): See :class:`mmengine.evaluator.BaseMetric`.
        prefix (str, optional): See :class:`mmengine.evaluator.BaseMetric`.

    Raises:
        FileNotFoundError: When a file of the segmenter is missing.
        CheckpointError: When its checkpoint does not fit.
        ValueError: When an option is of the wrong type or outside its range.
    """

    def __init__(
        self,
        segmenter: dict,
        ignore_index: Optional[int] = None,
        domain: str = 'photo',
        collect_device: str = 'cpu',
        prefix: Optional[str] = None,
    ) -> None:
        check_metric(self, collect_device, prefix)
        super().__init__(collect_device=collect_device, prefix=prefix)
        self._domain = check_text(self, 'domain', domain)
        if ignore_index is not None:
            ignore_index = check_ignore_index(self, 'ignore_index', ignore_index)
        self.segmenter = FrozenSegmenter(**check_segmenter(self, segmenter))
        if ignore_index is None:
            ignore_index = self.segmenter.ignore_index
        self._counter = ClassIoUMetric(ignore_index=ignore_index, prefix='labels')
        self._real_scores: Dict[str, float] = {}

    @BaseMetric.dataset_meta.setter
    def dataset_meta(self, dataset_meta: Optional[dict]) -> None:
        """Takes the classes of the data set.

        Raises:
            ValueError: When the segmenter knows another number of classes.
        """
        self._dataset_meta = dataset_meta
        self._counter.dataset_meta = dataset_meta
        if not dataset_meta:
            return
        classes = dataset_meta['classes']
        if len(classes) != self.segmenter.num_classes:
            raise ValueError(
                f'the label maps have {len(classes)} classes ({", ".join(classes)}), '
                f'but the segmenter of {self.segmenter.config_name} has '
                f'{self.segmenter.num_classes}: take a segmenter that was trained on '
                'this data set'
            )

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Measures the photos of a batch.

        Args:
            data_batch (dict): The batch of the data loader, with the real photos (uint8
                RGB [3, H, W]) in ``inputs``.
            data_samples (Sequence[dict]): ``fake_photo`` (float BGR [3, H, W] in
                [0, 255]) and ``label`` (uint8 [1, H, W]) each.

        Raises:
            ValueError: When a label is neither a class nor ``ignore_index``.
        """
        real = data_batch['inputs'][f'img_{self._domain}']
        fake = [sample[f'fake_{self._domain}'] for sample in data_samples]
        self.measure(
            [sample['label'][0].cpu().numpy() for sample in data_samples],
            [_to_array(photo.round().clamp(0, 255)) for photo in fake],
            [_to_array(unpack_photo(photo)) for photo in real],
        )

    def measure(
        self,
        label_maps: Sequence[np.ndarray],
        generated: Sequence[np.ndarray],
        real: Optional[Sequence[np.ndarray]] = None,
    ) -> Tuple[List[np.ndarray], List[np.ndarray]]:
        """Labels photos and counts where the labels agree with the maps.

        Args:
            label_maps (Sequence[np.ndarray]): uint8 [H, W].
            generated (Sequence[np.ndarray]): Photos painted from them, uint8 BGR
                [H, W, 3].
            real (Sequence[np.ndarray], optional): The real photos of the same maps and
                sizes. Without any, as for recombined maps, the generated ones are set
                against the real photos of the evaluation before.

        Returns:
            tuple[list[np.ndarray], list[np.ndarray]]: The labels that the segmenter
            gives the generated and the real photos, uint8 [H, W].

        Raises:
            ValueError: When a label is neither a class nor ``ignore_index``.
        """
        seen = self.segmenter.label(generated), self.segmenter.label(real or [])
        areas = self._areas(label_maps, seen[0])
        nothing = tuple(torch.zeros_like(area) for area in areas[0])
        real_areas = self._areas(label_maps, seen[1]) or [nothing] * len(areas)
        self.results.extend(zip(areas, real_areas))
        return seen

    def measure_real(
        self, pairs: Iterable[Tuple[np.ndarray, np.ndarray]], total: int
    ) -> None:
        """Labels real photos alone, against which generated ones are set later.

        Args:
            pairs (Iterable[tuple[np.ndarray, np.ndarray]]): The label map (uint8
                [H, W]) and the photo (uint8 BGR [H, W, 3]) of each.
            total (int): Their number, for the progress bar.

        Raises:
            ValueError: When a label is neither a class nor ``ignore_index``.
        """
        areas = []
        with Progress('Evaluating real photos', total) as progress:
            for label_map, photo in pairs:
                areas += self._areas([label_map], self.segmenter.label([photo]))
                progress.update()
        self._real_scores = self._scores([sum(area) for area in zip(*areas)])

    def _areas(
        self, label_maps: Sequence[np.ndarray], predicted: Sequence[np.ndarray]
    ) -> List[Tuple[Tensor, ...]]:
        samples = [
            {
                'pred_sem_seg': {'data': torch.from_numpy(seen)},
                'gt_sem_seg': {'data': torch.from_numpy(label_map)},
            }
            for seen, label_map in zip(predicted, label_maps)
        ]
        self._counter.process({}, samples)
        areas = list(self._counter.results)
        self._counter.results.clear()
        return areas

    def compute_metrics(self, results: list) -> Dict[str, float]:
        """Computes the numbers, and logs them as a table.

        Args:
            results (list): Areas in the generated and in the real photo, per sample.

        Returns:
            dict[str, float]: See the class.
        """
        names = self.dataset_meta['classes']
        generated, real = (
            [sum(area) for area in zip(*areas)] for areas in zip(*results)
        )
        metrics = self._scores(generated)
        if real[3].sum() or not self._real_scores:
            self._real_scores = self._scores(real)
        real_metrics = self._real_scores
        ratios = {
            key: _ratio(metrics[key], real_metrics[key])
            for key in ['mIoU', *map(class_iou_key, names)]
        }
        metrics.update({f'{REAL}{key}': value for key, value in real_metrics.items()})
        metrics.update({f'{RATIO}{key}': value for key, value in ratios.items()})
        labelled = generated[3].numpy()
        table = fidelity_table(metrics, names, labelled / max(labelled.sum(), 1))
        print_log(f'\n{table.to_text()}', logger='current')
        return metrics

    def _scores(self, areas: Sequence[Tensor]) -> Dict[str, float]:
        scores = self._counter.total_area_to_metrics(*areas, ['mIoU'])
        names = self.dataset_meta['classes']
        per_cent = {
            'mIoU': _mean(scores['IoU']),
            'mAcc': _mean(scores['Acc']),
            'aAcc': scores['aAcc'],
            **dict(zip(map(class_iou_key, names), scores['IoU'])),
            **dict(zip((f'Acc.{name}' for name in names), scores['Acc'])),
        }
        return {key: round(100 * float(value), 2) for key, value in per_cent.items()}


def fidelity_table(
    metrics: Dict[str, float], class_names: Sequence[str], class_share: Sequence[float]
) -> Table:
    """Tabulates what :class:`GeneratorFidelityMetric` returned.

    Args:
        metrics (dict[str, float]): Its numbers, without a prefix of its own.
        class_names (Sequence[str]): C names.
        class_share (Sequence[float]): Share of each class among the labelled pixels,
            0 to 1.

    Returns:
        Table: mIoU, then a row for each class.
    """
    shares = dict(zip(map(class_iou_key, class_names), class_share))
    rows = []
    for name, key in zip(['mIoU', *class_names], ['mIoU', *shares]):
        figures = [metrics[f'{REAL}{key}'], metrics[key], metrics[f'{RATIO}{key}']]
        rows.append(
            [
                name,
                *(ABSENT if math.isnan(x) else f'{x:.2f}' for x in figures),
                f'{100 * shares[key]:.3f}' if key in shares else '',
            ]
        )
    return Table(
        header=['class', 'IoU real', 'IoU generated', 'ratio', '% of pixels'],
        rows=rows,
        title='Fidelity of the generated photos',
        notes=[
            f'Pixels labelled correctly: {metrics["aAcc"]:.2f} % in generated, '
            f'{metrics[f"{REAL}aAcc"]:.2f} % in real photos of the same size.'
        ],
    )


def _mean(values: np.ndarray) -> float:
    """Averages the values that are not NaN; NaN where all are."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if values.size else math.nan


def _ratio(generated: float, real: float) -> float:
    return round(generated / real, 4) if real >= _LEAST_REAL_IOU else math.nan


def _to_array(photo: Tensor) -> np.ndarray:
    """Converts a photo [3, H, W] to uint8 [H, W, 3]."""
    return photo.permute(1, 2, 0).to(torch.uint8).cpu().numpy()
