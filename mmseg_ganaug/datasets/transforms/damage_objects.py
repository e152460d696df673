"""Training samples of the harmonizer, from real photos and label maps."""

from typing import List, Optional, Sequence, Tuple

import numpy as np
from mmcv.transforms import BaseTransform

from mmseg_ganaug.class_option_checks import check_ignore_index
from mmseg_ganaug.datasets.damage import damage_objects
from mmseg_ganaug.datasets.transforms.formatting import to_tensor
from mmseg_ganaug.option_checks import (
    check_share,
    check_size,
    check_whole,
    check_whole_numbers,
)
from mmseg_ganaug.recompose.objects import find_objects, object_layer
from mmseg_ganaug.registry import TRANSFORMS

# Objects of the ground, the sky or a row of houses are not moved.
_LARGEST = 0.3


@TRANSFORMS.register_module()
class DamageObjects(BaseTransform):
    """Damages objects of a real photo, and packs what the harmonizer learns from.

    An object is a connected part of a class, or an instance where there is
    ``gt_instance_map``, as recombination moves it. What is done to it is drawn:
    another light, blur or noise, pixels of another place at its rim, no shadow below.
    The photo itself is the target. A photo without such objects is passed over.

    Required keys: ``img`` (uint8 BGR [H, W, 3]) and ``gt_seg_map`` (uint8 [H, W]), as
    the loading transforms give them. It is the last transform of a pipeline. The result
    has ``photo``, ``base`` and ``target`` (uint8 BGR [3, h, w]), ``pasted`` (bool
    [1, h, w]) and ``labels`` (uint8 [1, h, w]), the inputs of ``Harmonizer``.

    Args:
        things (Sequence[int], optional): Class ids of the objects. Defaults to None:
            all classes, of which parts up to 0.3 of the map count.
        crop_size (tuple[int, int]): Height and width of the window around an object.
        max_objects (int): Most objects damaged in a window. Defaults to 3.
        min_area (float): Smallest object, as a share (0..1) of the photo. Defaults to
            0.001.
        ignore_index (int): Label value of pixels without a class. Defaults to 255.

    Raises:
        ValueError: When an option is of the wrong type or outside its range; when used,
            where a photo is smaller than the window.
    """

    def __init__(
        self,
        crop_size: Tuple[int, int],
        things: Optional[Sequence[int]] = None,
        max_objects: int = 3,
        min_area: float = 0.001,
        ignore_index: int = 255,
    ) -> None:
        self.crop_size = check_size(self, 'crop_size', crop_size)
        self.things = None
        if things is not None:
            self.things = check_whole_numbers(self, 'things', things, 0, 254)
        self.max_objects = check_whole(self, 'max_objects', max_objects, 1)
        self.min_area = check_share(self, 'min_area', min_area)
        self.ignore_index = check_ignore_index(self, 'ignore_index', ignore_index)

    def transform(self, results: dict) -> Optional[dict]:
        """Damages a photo; None where it has no objects."""
        # MMEngine seeds the global generator of each worker; there is no other.
        rng = np.random.default_rng(np.random.randint(2**31))  # noqa: NPY002
        photo, label_map = results['img'], results['gt_seg_map']
        label_map = label_map.astype(np.uint8, copy=False)
        masks = self._masks(label_map, results.get('gt_instance_map'))
        if not masks:
            return None
        window = self._window(masks[rng.integers(len(masks))], results, rng)
        photo, label_map = photo[window], np.ascontiguousarray(label_map[window])
        seen = [np.ascontiguousarray(mask[window]) for mask in masks]
        seen = [mask for mask in seen if mask.any()]
        count = min(len(seen), 1 + int(rng.integers(self.max_objects)))
        chosen = [seen[at] for at in rng.permutation(len(seen))[:count]]
        ground = ~np.any(seen, axis=0)
        made = damage_objects(np.ascontiguousarray(photo), chosen, ground, rng)
        return dict(
            photo=to_tensor(made.photo),
            base=to_tensor(made.base),
            pasted=to_tensor(made.pasted),
            labels=to_tensor(label_map),
            target=to_tensor(made.target),
        )

    def _masks(
        self, label_map: np.ndarray, instance_map: Optional[np.ndarray]
    ) -> List[np.ndarray]:
        if self.things is not None:
            label_map = np.where(
                np.isin(label_map, self.things), label_map, np.uint8(self.ignore_index)
            )
        found = find_objects(label_map, instance_map, 256, self.ignore_index).objects
        height, width = label_map.shape
        share = found['area'] / label_map.size
        masks = []
        for item in found[(share >= self.min_area) & (share <= _LARGEST)]:
            pixel = int(item['row']), int(item['column'])
            layer = object_layer(label_map, instance_map, int(item['class_id']), pixel)
            assert layer is not None, 'it was found there'
            masks.append(layer.full_mask((height, width)))
        return masks

    def _window(
        self, mask: np.ndarray, results: dict, rng: np.random.Generator
    ) -> Tuple[slice, slice]:
        """Draws a window that shows a pixel of an object."""
        pixels = np.argwhere(mask)
        pixel = pixels[rng.integers(len(pixels))]
        sides = []
        for at, have, want in zip(pixel, mask.shape, self.crop_size):
            if have < want:
                raise ValueError(
                    f'{results.get("img_path")} is {mask.shape}, smaller than '
                    f'crop_size={self.crop_size} (height, width): set a smaller '
                    'crop_size, or resize before'
                )
            start = int(np.clip(at - rng.integers(want), 0, have - want))
            sides.append(slice(start, start + want))
        return sides[0], sides[1]

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(crop_size={self.crop_size}, things={self.things}, '
            f'max_objects={self.max_objects}, min_area={self.min_area})'
        )
