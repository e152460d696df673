"""Data sets that are sampled by the classes that their label maps show."""

from typing import Any, List, Mapping

import numpy as np
from torch.utils.data import Dataset

from mmseg_ganaug.config_search import find_generated
from mmseg_ganaug.datasets.label_source import DatasetLabelSource
from mmseg_ganaug.datasets.loading_steps import label_map_of
from mmseg_ganaug.datasets.source_dataset import build_source
from mmseg_ganaug.datasets.statistics import collect_statistics
from mmseg_ganaug.option_checks import (
    check_number,
    check_path,
    check_share,
    check_whole,
)
from mmseg_ganaug.recompose import inverse_frequency_weights
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
        ignore_index (int): Label value of pixels that belong to no class.

    Raises:
        ValueError: When it holds a generated data set, which is none of real samples.
    """

    def __init__(self, dataset: Mapping[str, Any], cache_dir: str) -> None:
        check_path(self, 'cache_dir', cache_dir)
        if find_generated(dataset):
            name = type(self).__name__
            raise ValueError(
                f'{name} counts real samples, but holds a GANRecomposeDataset, whose '
                'samples would be left out: put it around the real data set alone, as '
                f'in ConcatDataset(datasets=[..., generated]), where ... is {name} or '
                'what wraps it'
            )
        self._source = build_source(dataset)
        self.statistics = collect_statistics(
            DatasetLabelSource(self._source), cache_dir
        )
        self.metainfo = self._source.metainfo
        self.ignore_index = self._source.ignore_index

    def full_init(self) -> None:
        """Does nothing: all is read when it is built."""

    def __len__(self) -> int:
        return len(self._source)

    def get_data_info(self, idx: int) -> dict:
        """Returns files and the like of a sample, as of any data set of MMEngine."""
        return self._source.locate(idx)[1]

    def __getitem__(self, index: int) -> dict:
        # Not its pipeline alone: where that gives None, MMEngine takes another sample.
        return self._source[index]


@DATASETS.register_module()
class ClassPresenceDataset(CountedDataset):
    """Gives MMEngine's ``ClassBalancedDataset`` the classes of each sample.

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
        """Lists the classes that a sample shows.

        Args:
            idx (int): Index of the sample.

        Returns:
            list[int]: Class ids in rising order; pixels of no class do not count.
        """
        return np.flatnonzero(self.statistics.presence[idx]).tolist()


@DATASETS.register_module()
class RareClassSamplingDataset(CountedDataset):
    """Draws a class, rare ones most often, then a sample that shows it.

    The pipeline is run until what it gives shows enough of the class, a few times at
    most: it is the crop that is drawn again. Each index is one draw, of any sample.

    Source: Hoyer et al., "DAFormer: Improving Network Architectures and Training
    Strategies for Domain-Adaptive Semantic Segmentation", CVPR 2022: a class is drawn
    by softmax((1 - frequency) / temperature). Their smallest numbers of pixels, 3000 of
    a 512 x 512 crop, are shares of the map's and the crop's area here.

    Args:
        dataset (dict): Config of an MMSeg data set with a training pipeline. Wrappers
            around it are taken off.
        cache_dir (str): Folder in which the label statistics are kept.
        temperature (float): Above 0; the lower, the more often rare classes are drawn.
            Defaults to 0.01, as in the paper.
        min_area (float): Smallest share (0..1) of a map's area that a class must
            cover for the map to be drawn for it, and of a crop's area for it to be
            taken. Defaults to 0.001.
        max_tries (int): Runs of the pipeline at most. Defaults to 10, as in the paper.

    Raises:
        ValueError: When an option is out of range, or no map shows enough of any class.
    """

    def __init__(
        self,
        dataset: Mapping[str, Any],
        cache_dir: str,
        temperature: float = 0.01,
        min_area: float = 0.001,
        max_tries: int = 10,
    ) -> None:
        self._min_area = check_share(self, 'min_area', min_area)
        self._max_tries = check_whole(self, 'max_tries', max_tries, 1)
        check_number(self, 'temperature', temperature, above=0)
        super().__init__(dataset, cache_dir)
        statistics = self.statistics
        area = statistics.sizes.prod(axis=1)
        shows = statistics.pixels >= np.maximum(1, min_area * area)[:, None]
        self._samples: List[np.ndarray] = [np.flatnonzero(column) for column in shows.T]
        weights = inverse_frequency_weights(statistics.frequency, temperature)
        weights = np.where(shows.any(axis=0), weights, 0)
        if not weights.any():
            raise ValueError(
                f'no label map shows a class on {min_area:g} of its area: lower '
                'min_area'
            )
        self._weights = weights / weights.sum()

    def __getitem__(self, index: int) -> dict:
        """Draws a sample, by the generator of the worker and ``index`` together.

        Raises:
            ValueError: When the pipeline gives no label map.
        """
        # MMEngine seeds the global generator of each worker, and workers that are not
        # persistent alike in every epoch: alone, it would draw the same samples again
        # and never the others. The order of the indices is another in every epoch.
        seed = np.random.randint(2**31)  # noqa: NPY002
        random = np.random.default_rng([seed, index % len(self)])
        class_id = random.choice(len(self._weights), p=self._weights)
        number = random.choice(self._samples[class_id])
        for _ in range(self._max_tries):
            sample = super().__getitem__(int(number))
            labels = label_map_of(sample)
            if labels is None:
                raise ValueError(
                    'RareClassSamplingDataset: the pipeline of the data set in it '
                    'gives no label map, by which samples are chosen: add '
                    'LoadAnnotations and PackSegInputs'
                )
            if (labels == class_id).sum() >= max(1, self._min_area * labels.size):
                break
        return sample
