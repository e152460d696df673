"""MMSeg's IoU, with the IoU of every class among the returned numbers."""

from typing import Dict, Sequence

from mmseg.evaluation import IoUMetric

from mmseg_ganaug.evaluation.comparison import class_iou_key
from mmseg_ganaug.registry import METRICS


@METRICS.register_module()
class ClassIoUMetric(IoUMetric):
    """MMSeg's ``IoUMetric`` that also returns the IoU of every class.

    ``IoUMetric`` only prints it to the log. Here ``IoU.<class name>`` (per cent, two
    decimals as in the printed table; NaN for a class that neither the labels nor the
    predictions contain) follows the usual numbers, and so reaches the runner's return
    value, MMEngine's scalars file and its visualization backends.

    Takes the arguments of ``IoUMetric``. ``ignore_index`` must be that of the data set
    (255 unless given): pixels of any other value outside the classes are an error
    here, because ``IoUMetric`` would silently count what was predicted on them as
    wrong.
    """

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
        areas = [sum(area) for area in zip(*results)]
        ious = self.total_area_to_metrics(*areas, ['mIoU'], self.nan_to_num)['IoU']
        for name, iou in zip(self.dataset_meta['classes'], ious):
            metrics[class_iou_key(name)] = round(100 * float(iou), 2)
        return metrics
