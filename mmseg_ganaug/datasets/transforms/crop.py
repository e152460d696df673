"""Crops that show rare classes often."""

from typing import Tuple

import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness

from mmseg_ganaug.class_option_checks import check_ignore_index
from mmseg_ganaug.option_checks import check_share, check_size
from mmseg_ganaug.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomClassCrop(BaseTransform):
    """Crops around a pixel of a class drawn among those in the label map.

    All classes of the map are equally likely, so a class that fills a thousandth of
    the pixels is aimed at as often as the road. Sides that are shorter than the crop
    stay as they are.

    Required keys: ``img``, ``gt_seg_map``, ``seg_fields``. Modified: those and
    ``img_shape``.

    Args:
        crop_size (tuple[int, int]): Height and width in pixels.
        ignore_index (int): Label value that no crop aims at.
        prob (float): Share of the crops that aim at a class; the others lie anywhere.

    Raises:
        ValueError: When an option is of the wrong type or outside its range.
    """

    def __init__(
        self, crop_size: Tuple[int, int], ignore_index: int = 255, prob: float = 0.5
    ) -> None:
        self.crop_size = check_size(self, 'crop_size', crop_size)
        self.ignore_index = check_ignore_index(self, 'ignore_index', ignore_index)
        self.prob = check_share(self, 'prob', prob)

    @cache_randomness
    def _corner(self, label_map: np.ndarray) -> Tuple[int, int]:
        """Draws the upper left corner, from NumPy's generator as MMSeg does."""
        # MMEngine seeds the global generator of each worker; there is no other.
        random = np.random
        room = [max(s - c, 0) for s, c in zip(label_map.shape, self.crop_size)]
        classes = np.unique(label_map)
        classes = classes[classes != self.ignore_index]
        if len(classes) == 0 or random.rand() >= self.prob:
            return random.randint(room[0] + 1), random.randint(room[1] + 1)
        pixels = np.flatnonzero(label_map == random.choice(classes))
        aim = np.unravel_index(random.choice(pixels), label_map.shape)
        corner = []
        for centre, extent, free in zip(aim, self.crop_size, room):
            # The pixel lies anywhere in the crop, not always in its middle.
            start = centre - random.randint(extent)
            corner.append(int(np.clip(start, 0, free)))
        return corner[0], corner[1]

    def transform(self, results: dict) -> dict:
        """Crops photo and maps alike."""
        top, left = self._corner(results['gt_seg_map'])
        height, width = self.crop_size
        window = slice(top, top + height), slice(left, left + width)
        for key in ('img', *results['seg_fields']):
            results[key] = results[key][window]
        results['img_shape'] = results['img'].shape[:2]
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(crop_size={self.crop_size}, '
            f'ignore_index={self.ignore_index}, prob={self.prob})'
        )
