"""What ClassBalancedDataset and rare class sampling need to know of a data set."""

from typing import Any, List, Mapping

import numpy as np
from torch.utils.data import Dataset

from mmseg_ganaug.datasets.label_source import DatasetLabelSource
from mmseg_ganaug.datasets.source_dataset import build_source
from mmseg_ganaug.datasets.statistics import collect_statistics
from mmseg_ganaug.option_checks import check_path
from mmseg_ganaug.registry import DATASETS


class CountedDataset(Dataset):
    """The samples of a data set, and what its label maps hold.

    Args:
        dataset (dict): Config of an MMSeg data set with a training pipeline. Wrappers
            around it, such as ``RepeatDataset``, are taken off: every sample counts
            once.
        cache_dir (str): Folder in which the label statistics are kept.

    Attributes:
        statistics (LabelStatistics): Of the data set.
        metainfo (dict): Classes, palette and the like.
    """

    def __init__(self, dataset: Mapping[str, Any], cache_dir: str) -> None:
        check_path(self, 'cache_dir', cache_dir)
        self._source = build_source(dataset)
        self.statistics = collect_statistics(
            DatasetLabelSource(self._source), cache_dir
        )
        self.metainfo = self._source.metainfo

    def full_init(self) -> None:
        """Nothing is left to do."""

    def __len__(self) -> int:
        return len(self._source)

    def get_data_info(self, idx: int) -> dict:
        """Files and the like of a sample, as of any data set of MMEngine."""
        return self._source.locate(idx)[1]

    def __getitem__(self, index: int) -> dict:
        # Not its pipeline alone: where that gives None, MMEngine takes another sample.
        return self._source[index]


@DATASETS.register_module()
class ClassPresenceDataset(CountedDataset):
    """Tells MMEngine's ``ClassBalancedDataset`` which classes a sample shows.

    MMSeg's data sets cannot, and fail within that wrapper::

        dict(
            type='ClassBalancedDataset',
            oversample_thr=0.9,
            dataset=dict(
                type='mmseg_ganaug.ClassPresenceDataset',
                dataset=dict(type='CityscapesDataset', ...),
                cache_dir='data/ganaug',
            ),
        )

    Args:
        dataset (dict): Config of an MMSeg data set with a training pipeline. Wrappers
            around it are taken off.
        cache_dir (str): Folder in which the label statistics are kept.
    """

    def get_cat_ids(self, idx: int) -> List[int]:
        """Classes that a sample shows.

        Args:
            idx (int): Index of the sample.

        Returns:
            list[int]: Class ids in rising order; pixels of no class do not count.
        """
        return np.flatnonzero(self.statistics.presence[idx]).tolist()
