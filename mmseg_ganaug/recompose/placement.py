"""Moves layers, and judges whether a class is plausible where it came to lie."""

import base64
from typing import Any, Optional, Sequence, Tuple

import numpy as np

from mmseg_ganaug.option_checks import check_numbers, check_range, check_share
from mmseg_ganaug.recompose.layers import Layer
from mmseg_ganaug.recompose.recipe import Placement

Range = Tuple[float, float]


class PlacementRanges:
    """From what ranges placements are drawn.

    Args:
        flip_prob: Probability (0..1) that a donor is mirrored.
        shift_range: Largest shift (down, across), as a share of height and width.
        scale_range: Smallest and largest factor of size.
        owner: Whose options these are, for messages.

    Raises:
        ValueError: If a value is of the wrong type or outside its range.
    """

    def __init__(
        self,
        flip_prob: float,
        shift_range: Range,
        scale_range: Range,
        owner: str = 'PlacementRanges',
    ) -> None:
        self.flip_prob = check_share(owner, 'flip_prob', flip_prob)
        self.shift_range = check_numbers(owner, 'shift_range', shift_range, 0, 1, 2)
        self.scale_range = check_range(
            owner, 'scale_range', scale_range, above=0, high=100
        )

    def draw(
        self,
        rng: np.random.Generator,
        classes: Sequence[int],
        size: np.ndarray,
        still: Sequence[int] = (),
    ) -> Tuple[Placement, ...]:
        """Draws a placement for each layer; none at all where all would stay.

        Args:
            rng: Random numbers.
            classes: The class of each layer.
            size: int [2], height and width of the map in pixels.
            still: Classes that keep their place.
        """
        if (self.flip_prob, *self.shift_range, *self.scale_range) == (0, 0, 0, 1, 1):
            return ()
        placements = []
        for class_id in classes:
            if class_id in still:
                placements.append(Placement())
                continue
            down, right = rng.uniform(-1, 1, 2) * self.shift_range * size
            placements.append(
                Placement(
                    flip=bool(rng.random() < self.flip_prob),
                    down=round(float(down)),
                    right=round(float(right)),
                    scale=round(float(rng.uniform(*self.scale_range)), 3),
                )
            )
        return tuple(placements)


def resize_nearest(array: np.ndarray, shape: Tuple[int, ...]) -> np.ndarray:
    """Nearest-neighbour resize of an [H, W, ...] array to the size ``shape``."""
    if array.shape[:2] == shape:
        return array
    rows, columns = (
        (2 * np.arange(new) + 1) * old // (2 * new)
        for new, old in zip(shape, array.shape)
    )
    return array[rows[:, None], columns]


def resize_photo(photo: np.ndarray, shape: Tuple[int, ...]) -> np.ndarray:
    """Resizes a uint8 [H, W, 3] photo: by area where it shrinks, else linearly."""
    if photo.shape[:2] == shape:
        return photo
    import cv2

    shrinks = shape[0] * shape[1] < photo.shape[0] * photo.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(photo, shape[::-1], interpolation=how)


def place(
    layer: Layer, placement: Placement, shape: Tuple[int, ...]
) -> Optional[Layer]:
    """Applies a placement to a layer.

    Args:
        layer: A layer of a map of the size ``shape``.
        placement: Mirror, scale and shift.
        shape: Height and width of the map.

    Returns:
        The layer at its new place, clipped to the map; None where nothing is left.
        Its area changes by the scale and by what is clipped only.
    """
    if placement == Placement():
        return layer
    parts = {'mask': layer.mask, 'ids': layer.ids, 'pixels': layer.pixels}
    parts = {name: part for name, part in parts.items() if part is not None}
    top, left = layer.top, layer.left
    height, width = layer.mask.shape
    if placement.flip:
        parts = {name: part[:, ::-1] for name, part in parts.items()}
        left = shape[1] - left - width
    if placement.scale != 1:
        # A huge scale must not become a huge array: four maps' sides are enough.
        new = tuple(
            min(max(1, round(side * placement.scale)), 4 * limit)
            for side, limit in zip((height, width), shape)
        )
        top, left = top + height - new[0], left + (width - new[1]) // 2
        parts = {
            name: (resize_photo if name == 'pixels' else resize_nearest)(part, new)
            for name, part in parts.items()
        }
        height, width = new
    top, left = top + placement.down, left + placement.right
    rows = slice(max(0, -top), min(height, shape[0] - top))
    columns = slice(max(0, -left), min(width, shape[1] - left))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return None
    parts = {name: part[rows, columns] for name, part in parts.items()}
    if not parts['mask'].any():
        return None
    return Layer(
        class_id=layer.class_id,
        top=top + rows.start,
        left=left + columns.start,
        instance_id=layer.instance_id,
        **parts,
    )


def encode_prior(positions: np.ndarray) -> dict:
    """The position prior in the few bytes that a plan carries.

    For each class and grid cell: how often the class lies there, relative to the
    cell where it lies most often, smoothed over the neighbouring cells.

    Args:
        positions: int64 [C, gy, gx], pixels of each class in each cell.

    Returns:
        ``dict(shape=[C, gy, gx], data=...)``, uint8 in base64, for
        :class:`PlacementCheck`.
    """
    share = positions / np.maximum(positions.sum(axis=0), 1)
    padded = np.pad(share, ((0, 0), (1, 1), (1, 1)), mode='edge')
    gy, gx = share.shape[1:]
    smooth: Any = sum(
        padded[:, down : down + gy, right : right + gx]
        for down in range(3)
        for right in range(3)
    )
    peak = smooth.max(axis=(1, 2), keepdims=True)
    values = np.ceil(255 * smooth / np.where(peak > 0, peak, 1)).astype(np.uint8)
    return dict(
        shape=list(values.shape), data=base64.b64encode(values.tobytes()).decode()
    )


class PlacementCheck:
    """Tells whether a layer lies where its class may lie.

    Args:
        min_plausibility: Smallest plausibility of a layer's place; 0 = any.
        encoded: The position prior as :func:`encode_prior` gives it; not needed if
            any place will do.

    Raises:
        ValueError: If the prior is not of that form.
    """

    def __init__(self, min_plausibility: float, encoded: Optional[dict]) -> None:
        self._smallest = min_plausibility
        self._prior = None if min_plausibility == 0 else _decode_prior(encoded)

    def passes(self, layer: Layer, shape: Tuple[int, ...]) -> bool:
        """Whether the layer may lie there, in a map of the size ``shape``."""
        if self._prior is None:
            return True
        if layer.class_id >= len(self._prior):
            raise ValueError(f'the position prior knows no class {layer.class_id}')
        return plausibility(layer, self._prior, shape) >= self._smallest


def plausibility(layer: Layer, prior: np.ndarray, shape: Tuple[int, ...]) -> float:
    """How usual the place of a layer is for its class: 0 (never seen) .. 1.

    Args:
        layer: The layer.
        prior: float32 [C, gy, gx], 0..1.
        shape: Height and width of the map.

    Returns:
        The prior of the layer's class, averaged over the layer's pixels.
    """
    rows, columns = np.nonzero(layer.mask)
    _, down, across = prior.shape
    cells = prior[
        layer.class_id,
        (rows + layer.top) * down // shape[0],
        (columns + layer.left) * across // shape[1],
    ]
    return float(cells.mean())


def _decode_prior(encoded: dict) -> np.ndarray:
    try:
        shape = tuple(encoded['shape'])
        values = np.frombuffer(base64.b64decode(encoded['data']), np.uint8)
        if len(shape) != 3 or 0 in shape:
            raise ValueError(f'shape {shape}')
        return values.reshape(shape).astype(np.float32) / 255
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f'the position prior is not valid: {error}') from error
