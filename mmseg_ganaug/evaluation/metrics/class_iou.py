"""MMSeg's IoU, with the IoU of every class among the returned numbers."""

from typing import Dict, Optional, Sequence

import torch
from mmseg.evaluation import IoUMetric

from mmseg_ganaug.class_option_checks import check_ignore_index
from mmseg_ganaug.evaluation.metrics.options import check_metric
from mmseg_ganaug.evaluation.photo_counts import counts_content
from mmseg_ganaug.evaluation.run_result import class_iou_key
from mmseg_ganaug.files import write_atomically
from mmseg_ganaug.option_checks import (
    check_bool,
    check_names,
    check_number,
    check_path,
)
from mmseg_ganaug.registry import METRICS

_IOU_METRICS = ('mIoU', 'mDice', 'mFscore')


@METRICS.register_module()
class ClassIoUMetric(IoUMetric):
    """MMSeg's ``IoUMetric`` that also returns the IoU of every class.

    ``IoUMetric`` only prints it to the log. Here ``IoU.<class name>`` (per cent, two
    decimals as in the printed table; NaN for a class that neither the labels nor the
    predictions contain) follows the usual numbers, and so reaches the runner's return
    value, MMEngine's scalars file and its visualization backends.

    ``ignore_index`` must be that of the data set: pixels of any other value outside the
    classes are an error here, because ``IoUMetric`` would silently count what was
    predicted on them as wrong.

    Args:
        ignore_index (int): Label value of pixels that do not count. Defaults to 255.
        iou_metrics (Sequence[str]): Some of 'mIoU', 'mDice' and 'mFscore'.
        nan_to_num (float, optional): See :class:`mmseg.evaluation.IoUMetric`, as all
            that follow.
        beta (float): Weight of recall in 'mFscore'.
        collect_device (str): 'cpu' or 'gpu'.
        output_dir (str, optional): Folder that predictions are written to.
        format_only (bool): Only writes them.
        prefix (str, optional): Prefix of the names of the numbers.
        photo_counts (str, optional): CSV file for the counts of each photo, see
            :mod:`~mmseg_ganaug.evaluation.photo_counts`, in the order of the data set.
            Defaults to None: they are not kept.
        keep_results (bool): Set by the test tool of MMSeg with ``--out``; nothing is
            done with it, as in ``IoUMetric``. Defaults to False.

    Raises:
        ValueError: When an option is of the wrong type or outside its range.
    """

    def __init__(
        self,
        ignore_index: int = 255,
        iou_metrics: Sequence[str] = ('mIoU',),
        nan_to_num: Optional[float] = None,
        beta: float = 1,
        collect_device: str = 'cpu',
        output_dir: Optional[str] = None,
        format_only: bool = False,
        prefix: Optional[str] = None,
        photo_counts: Optional[str] = None,
        keep_results: bool = False,
    ) -> None:
        if photo_counts is not None:
            photo_counts = str(check_path(self, 'photo_counts', photo_counts))
        self._photo_counts = photo_counts
        if nan_to_num is not None:
            nan_to_num = check_number(self, 'nan_to_num', nan_to_num)
        if output_dir is not None:
            output_dir = check_path(self, 'output_dir', output_dir)
        check_bool(self, 'keep_results', keep_results)
        check_metric(self, collect_device, prefix)
        super().__init__(
            ignore_index=check_ignore_index(self, 'ignore_index', ignore_index),
            iou_metrics=check_names(self, 'iou_metrics', iou_metrics, _IOU_METRICS),
            nan_to_num=nan_to_num,
            beta=check_number(self, 'beta', beta, above=0),
            collect_device=collect_device,
            output_dir=output_dir,
            format_only=check_bool(self, 'format_only', format_only),
            prefix=prefix,
        )

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Collects the areas of a batch.

        Args:
            data_batch (dict): Not used.
            data_samples (Sequence[dict]): Predictions and labels, as for
                ``IoUMetric``.

        Raises:
            ValueError: When a label is neither a class nor ``ignore_index``.
        """
        if not self.format_only:
            num_classes = len(self.dataset_meta['classes'])
            for sample in data_samples:
                label = sample['gt_sem_seg']['data']
                wrong = label[(label >= num_classes) & (label != self.ignore_index)]
                if wrong.numel():
                    raise ValueError(
                        f'{sample.get("seg_map_path", "a label map")} has the label '
                        f'{int(wrong[0])}, which is neither one of the {num_classes} '
                        f'classes nor ignore_index={self.ignore_index}: set '
                        'ignore_index of ClassIoUMetric to that of the data set'
                    )
        super().process(data_batch, data_samples)

    def compute_metrics(self, results: list) -> Dict[str, float]:
        """Computes the numbers of ``IoUMetric`` and the IoU of every class.

        Args:
            results (list): Areas of each image, from ``process``.

        Returns:
            Dict[str, float]: aAcc, mIoU and so on, then ``IoU.<class name>``, all in
            per cent.
        """
        metrics = super().compute_metrics(results)
        if self.format_only:
            return metrics
        if self._photo_counts is not None:
            counts = [
                torch.stack([intersection, union, label], dim=1)
                for intersection, union, _, label in results
            ]
            content = counts_content(torch.stack(counts).numpy())
            write_atomically(self._photo_counts, content)
        areas = [sum(area) for area in zip(*results)]
        ious = self.total_area_to_metrics(*areas, ['mIoU'], self.nan_to_num)['IoU']
        for name, iou in zip(self.dataset_meta['classes'], ious):
            metrics[class_iou_key(name)] = round(100 * float(iou), 2)
        return metrics
