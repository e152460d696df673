"""Holes in photos, of the shapes that recombination leaves, to train a painter on."""

from typing import Optional, Sequence, Tuple

import cv2
import numpy as np

from mmseg_ganaug.option_checks import check_range, check_share, check_whole
from mmseg_ganaug.recompose.layers import Layer
from mmseg_ganaug.recompose.objects import find_objects, object_layer
from mmseg_ganaug.recompose.source import LabelSource

HOLE_OPTIONS = ('share', 'own_prob', 'rim')
# Shapes drawn for one photo, at most.
_MOST = 30


class Holes:
    """Draws holes: objects of the photo itself, and shapes of those of other photos.

    What is behind an object that was taken away has the shape of one that stands in
    another photo; what is repainted where it stands has its own. Objects are those that
    recombination moves (parts of stuff, too), the larger the likelier.

    Args:
        share (tuple[float, float]): Least and largest share (0..1) of the photo that
            the holes take together; each photo draws its own between them. Defaults to
            (0.02, 0.33).
        own_prob (float): Share of the shapes that are objects of the photo itself.
            Defaults to 0.5.
        rim (int): Pixels by which a shape is larger than the object, at most: what is
            left of an object at its annotated border would say what to paint.
            Defaults to 3.

    Raises:
        ValueError: When an option is of the wrong type or outside its range.
    """

    def __init__(
        self,
        share: Sequence[float] = (0.02, 0.33),
        own_prob: float = 0.5,
        rim: int = 3,
    ) -> None:
        self._share = check_range(self, 'share', share, low=0, high=1)
        self._own_prob = check_share(self, 'own_prob', own_prob)
        self._rim = check_whole(self, 'rim', rim)

    def draw(
        self,
        label_map: np.ndarray,
        instance_map: Optional[np.ndarray],
        source: LabelSource,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Draws the holes of a photo.

        Args:
            label_map (np.ndarray): uint8 [H, W], of the photo.
            instance_map (np.ndarray, optional): int32 [H, W], of the photo.
            source (LabelSource): The label maps that give the other shapes.
            rng (np.random.Generator): The same draws give the same holes.

        Returns:
            np.ndarray: Bool [H, W]; without a hole where there are no objects.
        """
        height, width = label_map.shape
        shape = height, width
        holes = np.zeros(shape, bool)
        wanted = rng.uniform(*self._share)
        for _ in range(_MOST):
            if rng.random() < self._own_prob:
                layer = self._object(label_map, instance_map, source, rng)
            else:
                layer = self._shape_of_another(shape, source, rng)
            if layer is None:
                continue
            more = holes | self._enlarged(layer.full_mask(shape), rng)
            if more.mean() <= self._share[1]:
                holes = more
            if holes.mean() >= wanted:
                break
        return holes

    def _object(
        self,
        label_map: np.ndarray,
        instance_map: Optional[np.ndarray],
        source: LabelSource,
        rng: np.random.Generator,
    ) -> Optional[Layer]:
        """Draws an object of a map; None where there is none that is small enough."""
        found = find_objects(
            label_map, instance_map, source.num_classes, source.ignore_index
        ).objects
        found = found[found['area'] <= self._share[1] * label_map.size]
        if not len(found):
            return None
        weights = np.sqrt(found['area'])
        drawn = found[rng.choice(len(found), p=weights / weights.sum())]
        pixel = int(drawn['row']), int(drawn['column'])
        return object_layer(label_map, instance_map, int(drawn['class_id']), pixel)

    def _shape_of_another(
        self, shape: Tuple[int, int], source: LabelSource, rng: np.random.Generator
    ) -> Optional[Layer]:
        """Draws an object of any photo, and a place for it: one of its pixels shows."""
        index = int(rng.integers(len(source)))
        maps = source.label_map(index), source.instance_map(index)
        layer = self._object(*maps, source, rng)
        if layer is None:
            return None
        pixels = np.argwhere(layer.mask)
        start = rng.integers(shape) - pixels[rng.integers(len(pixels))]
        # Cut off what lies beyond the photo.
        cut = np.maximum(-start, 0)
        layer.top, layer.left = (int(at) for at in np.maximum(start, 0))
        below, right = shape[0] - layer.top, shape[1] - layer.left
        layer.mask = layer.mask[cut[0] :, cut[1] :][:below, :right]
        return layer

    def _enlarged(self, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        side = 2 * int(rng.integers(self._rim + 1)) + 1
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
        return cv2.dilate(mask.view(np.uint8), kernel).astype(bool)
