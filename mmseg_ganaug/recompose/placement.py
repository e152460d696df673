"""Moves layers, and measures how plausible a class is at a place."""

from dataclasses import dataclass
from typing import Any, Optional, Sequence, Tuple

import numpy as np

from mmseg_ganaug.option_checks import Owner, check_numbers, check_range, check_share
from mmseg_ganaug.recompose.layers import Layer

Range = Tuple[float, float]


@dataclass(frozen=True)
class Placement:
    """Place of a donor's layer; by default it keeps its own coordinates.

    Applied in this order: mirrored left to right with the whole donor map, scaled
    about the bottom centre of its box (objects stay where they stand), moved.

    Attributes:
        flip: Mirror the donor map left to right.
        down: Pixels moved down (negative: up).
        right: Pixels moved to the right (negative: to the left).
        scale: Factor of size.
    """

    flip: bool = False
    down: int = 0
    right: int = 0
    scale: float = 1.0


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
        owner: Owner = 'PlacementRanges',
    ) -> None:
        self.flip_prob = check_share(owner, 'flip_prob', flip_prob)
        self.shift_range = check_numbers(owner, 'shift_range', shift_range, 0, 1, 2)
        self.scale_range = check_range(
            owner, 'scale_range', scale_range, above=0, high=100
        )

    @property
    def keep_all(self) -> bool:
        """Whether every layer keeps its place."""
        drawn = (self.flip_prob, *self.shift_range, *self.scale_range)
        return drawn == (0, 0, 0, 1, 1)

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
        if self.keep_all:
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
    """Resizes an [H, W, ...] array to ``shape`` by nearest neighbours."""
    if array.shape[:2] == shape:
        return array
    rows, columns = (
        (2 * np.arange(new) + 1) * old // (2 * new)
        for new, old in zip(shape, array.shape)
    )
    return array[rows[:, None], columns]


def resize_photo(photo: np.ndarray, shape: Tuple[int, ...]) -> np.ndarray:
    """Resizes a photo [H, W, bands]: by area where it shrinks, else linearly."""
    if photo.shape[:2] == shape:
        return photo
    import cv2

    shrinks = shape[0] * shape[1] < photo.shape[0] * photo.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return resize_bands(photo, shape, how)


def resize_bands(array: np.ndarray, shape: Tuple[int, ...], how: int) -> np.ndarray:
    """Resizes an [H, W, bands] array by one of OpenCV's ways, whatever its bands.

    OpenCV drops the axis of a single band, and resizes four at most.
    """
    import cv2

    parts = [
        cv2.resize(array[..., first : first + 4], shape[::-1], interpolation=how)
        for first in range(0, array.shape[2], 4)
    ]
    parts = [part.reshape(*shape, -1) for part in parts]
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)


def place(
    layer: Layer,
    placement: Placement,
    shape: Tuple[int, ...],
    box: Optional[Tuple[slice, slice]] = None,
) -> Optional[Layer]:
    """Applies a placement to a layer.

    Args:
        layer: A layer of a map of the size ``shape``.
        placement: Mirror, scale and shift.
        shape: Height and width of the map.
        box: Rows and columns about whose bottom centre the layer is scaled; None =
            its own. Layers that are moved together have one.

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
    rows, columns = layer.box if box is None else box
    bottom, middle = rows.stop, columns.start + columns.stop
    if placement.flip:
        parts = {name: part[:, ::-1] for name, part in parts.items()}
        left = shape[1] - left - width
        middle = 2 * shape[1] - middle
    if placement.scale != 1:
        # A huge scale must not become a huge array: four maps' sides are enough.
        new = tuple(
            min(max(1, round(side * placement.scale)), 4 * limit)
            for side, limit in zip((height, width), shape)
        )
        if box is None:
            top, left = top + height - new[0], left + (width - new[1]) // 2
        else:
            top = round(bottom - (bottom - top) * placement.scale)
            left = round((middle + (2 * left - middle) * placement.scale) / 2)
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


class PositionPrior:
    """Relative frequency of each class at each place of a map.

    Args:
        values: Whole numbers 0 (never seen) .. 255 (the class's most usual place),
            [C, gy, gx]: for each class and cell of a grid laid over the map.

    Raises:
        ValueError: If they are not of that form.
    """

    def __init__(self, values: Any) -> None:
        try:
            array = np.asarray(values)
        except ValueError:
            array = np.zeros(0)
        whole = (
            array.ndim == 3 and array.size and np.issubdtype(array.dtype, np.integer)
        )
        if not whole or array.min() < 0 or array.max() > 255:
            raise ValueError(
                'the position prior is not valid: it must be whole numbers 0..255 of '
                'the shape [classes, rows, columns]'
            )
        self.values = array.astype(np.uint8)
        self._shares = self.values.astype(np.float32) / 255

    @classmethod
    def of(cls, positions: np.ndarray) -> 'PositionPrior':
        """Makes the prior of a source.

        For each class and cell: how often the class lies there, relative to the cell
        where it lies most often, smoothed over the neighbouring cells.

        Args:
            positions: int64 [C, gy, gx], pixels of each class in each cell.
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
        return cls(np.ceil(255 * smooth / np.where(peak > 0, peak, 1)).astype(np.uint8))

    def plausibility(self, layer: Layer, shape: Tuple[int, ...]) -> float:
        """Returns the prior of a layer's class, averaged over its pixels: 0..1.

        Args:
            layer: The layer.
            shape: Height and width of the map.

        Raises:
            ValueError: If the prior does not know the class.
        """
        classes, down, across = self._shares.shape
        if layer.class_id >= classes:
            raise ValueError(f'the position prior has no class {layer.class_id}')
        rows, columns = np.nonzero(layer.mask)
        cells = self._shares[
            layer.class_id,
            (rows + layer.top) * down // shape[0],
            (columns + layer.left) * across // shape[1],
        ]
        return float(cells.mean())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PositionPrior) and np.array_equal(
            self.values, other.values
        )

    def __hash__(self) -> int:
        return hash(self.values.tobytes())
