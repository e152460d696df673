"""Windows: only the parts of a photo that are needed are painted."""

import logging
from dataclasses import dataclass
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from mmengine.logging import print_log

from mmseg_ganaug.option_checks import check_mapping, check_whole, check_whole_numbers
from mmseg_ganaug.synthesis.generator import PaintContext, paint_maps, trait

_OWNER = 'windows'
# Sides in strides: neighbours differ by a factor of 1.33 to 1.5.
_SIDES = tuple(side << k for k in range(12) for side in (2, 3))
# What is seen around a needed pixel by default, in strides.
_MARGIN = 4


class Window(NamedTuple):
    """A part of a map that was padded to multiples of the generator's stride.

    Attributes:
        top: First row, a multiple of the stride.
        left: First column, a multiple of the stride.
        height: Number of rows, a multiple of the stride.
        width: Number of columns, a multiple of the stride.
    """

    top: int
    left: int
    height: int
    width: int

    def of(self, array: np.ndarray) -> np.ndarray:
        """Returns the part of an array [H, W, ...] that lies in the window."""
        return array[self.slices]

    @property
    def slices(self) -> Tuple[slice, slice]:
        """Its rows and columns."""
        return (
            slice(self.top, self.top + self.height),
            slice(self.left, self.left + self.width),
        )

    def depth(self, shape: Tuple[int, ...]) -> np.ndarray:
        """Counts how far each pixel lies from the parts of the map that are not seen.

        Args:
            shape: Height and width of the map; its own borders hide nothing.

        Returns:
            int64 [height, width], at least 1.
        """
        sides = []
        for start, length, end in zip(self[:2], self[2:], shape):
            before = np.arange(1, length + 1)
            after = before[::-1]
            far = np.full(length, sum(shape))
            sides.append(
                np.minimum(
                    before if start else far, after if start + length < end else far
                )
            )
        return np.minimum(sides[0][:, None], sides[1])


@dataclass(frozen=True)
class Windows:
    """Chooses the windows in which the needed pixels of a photo are painted.

    A window is the box of a connected needed region and a margin around it, enlarged to
    the next of a few sizes, so that windows of several photos are painted together, and
    shifted into the photo. Regions share a window where that is no larger than one for
    each. Where the windows together are no smaller than the photo, the photo is painted
    whole.

    Windows begin at multiples of the generator's stride, where its convolutions lie as
    in the whole photo.

    Args:
        margin: Pixels that a window shows around what is needed, at least; rounded up
            to strides. None = four strides.
        sizes: Sides of windows in pixels, rounded up to strides; the sides of the photo
            always are such. None = 2, 3, 4, 6, 8, 12, ... strides.

    Raises:
        ValueError: When an option is of the wrong type or outside its range.
    """

    margin: Optional[int] = None
    sizes: Optional[Tuple[int, ...]] = None

    def __post_init__(self) -> None:
        if self.margin is not None:
            margin = check_whole(_OWNER, 'margin', self.margin)
            object.__setattr__(self, 'margin', margin)
        if self.sizes is not None:
            sizes = check_whole_numbers(_OWNER, 'sizes', self.sizes, 1, different=True)
            object.__setattr__(self, 'sizes', tuple(sorted(sizes)))

    def plan(self, needed: np.ndarray, stride: int) -> Optional[List[Window]]:
        """Chooses the windows of one photo.

        Args:
            needed: Bool [H, W], the pixels to be painted.
            stride: What the sides of the generator's input divide by.

        Returns:
            The windows, none where nothing is needed; None where the photo is to be
            painted whole.
        """
        cells = _in_cells(needed, stride)
        margin = _MARGIN if self.margin is None else -(-self.margin // stride)
        boxes = _boxes_of_regions(cells)
        boxes[:, :2] = np.maximum(boxes[:, :2] - margin, 0)
        boxes[:, 2:] = np.minimum(boxes[:, 2:] + margin, cells.shape)
        sides = [self._sides(length, stride) for length in cells.shape]
        boxes = _merged(boxes, sides)
        if _areas(boxes, sides).sum() >= cells.size:
            return None
        return [_window(box, sides, stride) for box in boxes.tolist()]

    def _sides(self, length: int, stride: int) -> np.ndarray:
        """Makes a table, in strides: the side of a window for each side of a box."""
        if self.sizes is None:
            sizes = np.array(_SIDES)
        else:
            sizes = np.array([max(-(-size // stride), 2) for size in self.sizes])
        sizes = np.append(sizes[sizes < length], length)
        return sizes[np.searchsorted(sizes, np.arange(length + 1))]


def build_windows(config: Any) -> Optional[Windows]:
    """Builds what an option ``windows`` states.

    Args:
        config: True for the defaults, a mapping with ``margin`` and ``sizes``, or None
            or False for none.

    Raises:
        ValueError: When it is something else, or an option is wrong.
    """
    if config is None or isinstance(config, bool):
        return Windows() if config else None
    known = tuple(Windows.__dataclass_fields__)
    return Windows(**check_mapping('composite', 'windows', config, known=known))


class Painted(NamedTuple):
    """A photo of which the needed parts are painted, at least.

    Attributes:
        photo: uint8 BGR [H, W, 3]; black where nothing is painted.
        seen: Bool [H, W], what is painted.
        in_light: Whether it has the light of the real photo already.
    """

    photo: np.ndarray
    seen: np.ndarray
    in_light: bool = False


def paint_windows(
    generator,
    label_maps: Sequence[np.ndarray],
    instance_maps: Sequence[Optional[np.ndarray]],
    ignore_index: int,
    needed: Sequence[np.ndarray],
    windows: Optional[Windows],
    contexts: Optional[Sequence[PaintContext]] = None,
) -> List[Painted]:
    """Paints the windows of label maps, those of one size together.

    A batch holds no more pixels than the whole maps would.

    Args:
        generator: As for :func:`~mmseg_ganaug.synthesis.generator.paint_maps`.
        label_maps: uint8 [H, W], of any sizes.
        instance_maps: int32 [H, W] each; left out where they are not used.
        ignore_index: That of the data set.
        needed: Bool [H, W] each, what is to be painted.
        windows: Chooses the windows; None = all maps are painted whole.
        contexts: Of each map, a batch of one; left out where they are not used.
    """
    stride = 1 if windows is None else trait(generator, 'stride')
    plans, labels, instances, seen_with = [], [], [], []
    for number, (label_map, instance_map, mask) in enumerate(
        zip(label_maps, instance_maps, needed)
    ):
        plan = None if windows is None else windows.plan(mask, stride)
        plans.append(plan)
        if plan is None:
            labels.append(label_map)
            instances.append(instance_map)
            seen_with += [] if contexts is None else [contexts[number]]
            continue
        if contexts is not None:
            seen_with += [contexts[number].window(*w.slices) for w in plan]
        padded = _padded(label_map, stride)
        labels += [window.of(padded) for window in plan]
        if instance_map is not None:
            instance_map = _padded(instance_map, stride)
        instances += [
            None if instance_map is None else window.of(instance_map) for window in plan
        ]
    given = None if contexts is None else seen_with
    painted = iter(paint_maps(generator, labels, instances, ignore_index, given))
    results = []
    in_light = trait(generator, 'keeps_light')
    for label_map, plan in zip(label_maps, plans):
        if plan is None:
            seen = np.ones(label_map.shape, bool)
            results.append(Painted(next(painted), seen, in_light))
        else:
            parts = [next(painted) for _ in plan]
            made = joined(label_map.shape, stride, plan, parts)
            results.append(made._replace(in_light=in_light))
    return results


def warn_of_statistics(generator) -> None:
    """Warns of a generator that paints a window otherwise than the whole photo.

    Args:
        generator: As for :func:`paint_windows`.
    """
    reasons = []
    if trait(generator, 'needs_whole_map'):
        reasons.append(
            'composite has windows, but the generator paints a window otherwise than '
            'the whole photo, as the instance norms of a pix2pixHD do, which take '
            'their statistics from all that they see: train one with '
            "model.generator.norm='pixel', or leave windows out"
        )
    if trait(generator, 'keeps_light'):
        reasons.append(
            'composite has windows, of which the generator takes the light of what it '
            'paints: they show less of it than the whole photo, which is 2 to 4 grey '
            'levels for holes that a pix2pixHD paints. Set '
            'windows=dict(margin=64) for about 1, or leave windows out'
        )
    for reason in reasons:
        print_log(reason, logger='current', level=logging.WARNING)


def joined(
    shape: Tuple[int, ...],
    stride: int,
    plan: Sequence[Window],
    parts: Sequence[np.ndarray],
) -> Painted:
    """Puts windows into a photo; each pixel is of the window that sees most around.

    Args:
        shape: Height and width of the photo.
        stride: With which the windows were planned.
        plan: The windows.
        parts: uint8 [h, w, 3], what is painted in each.
    """
    padded = tuple(_padded_side(side, stride) for side in shape)
    photo = np.zeros((*padded, 3), np.uint8)
    depth = np.zeros(padded, np.int32)
    for window, part in zip(plan, parts):
        own, before = window.depth(padded), window.of(depth)
        deeper = own > before
        np.copyto(window.of(photo), part, where=deeper[..., None])
        np.copyto(before, own, where=deeper)
    height, width = shape
    return Painted(photo[:height, :width], depth[:height, :width] > 0)


def _padded_side(side: int, stride: int) -> int:
    """Rounds a side up as the generator does: at least two strides."""
    return max(-(-side // stride), 2) * stride


def _padded(array: np.ndarray, stride: int) -> np.ndarray:
    """Repeats the last row and column of [H, W] up to multiples of the stride."""
    missing = [(0, _padded_side(side, stride) - side) for side in array.shape]
    return np.pad(array, missing, mode='edge')


def _in_cells(needed: np.ndarray, stride: int) -> np.ndarray:
    """Finds the cells, squares of one stride, that hold a needed pixel: bool."""
    rows, columns = (_padded_side(side, stride) // stride for side in needed.shape)
    filled = np.zeros((rows * stride, columns * stride), bool)
    filled[: needed.shape[0], : needed.shape[1]] = needed
    return filled.reshape(rows, stride, columns, stride).any(axis=(1, 3))


def _boxes_of_regions(mask: np.ndarray) -> np.ndarray:
    """Finds the boxes of connected regions: int64 [N, 4], top left, bottom right."""
    import cv2

    found = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)[2]
    # The first is what lies around the regions.
    left, top, width, height = found[1:, :4].astype(np.int64).T
    return np.stack([top, left, top + height, left + width], axis=1)


def _areas(boxes: np.ndarray, sides: Sequence[np.ndarray]) -> np.ndarray:
    """Computes the area of the window of each box [N, 4]: int64 [N]."""
    height, width = (boxes[:, 2:] - boxes[:, :2]).T
    return sides[0][height] * sides[1][width]


def _merged(boxes: np.ndarray, sides: Sequence[np.ndarray]) -> np.ndarray:
    """Merges boxes, the best two first, while their windows get no larger by it."""
    number = 0
    while number < len(boxes):
        unions = np.concatenate(
            [
                np.minimum(boxes[:, :2], boxes[number, :2]),
                np.maximum(boxes[:, 2:], boxes[number, 2:]),
            ],
            axis=1,
        )
        areas = _areas(boxes, sides)
        saved = areas + areas[number] - _areas(unions, sides)
        saved[number] = -1
        other = int(saved.argmax())
        if saved[other] < 0:
            number += 1
            continue
        # The union is compared with all others, those before it too.
        boxes[number] = unions[other]
        boxes = np.delete(boxes, other, axis=0)
        number -= other < number
    return boxes


def _window(box: Sequence[int], sides: Sequence[np.ndarray], stride: int) -> Window:
    """Enlarges a box to the size of a window, and shifts that into the photo."""
    starts, lengths = [], []
    for low, high, table in zip(box[:2], box[2:], sides):
        length = int(table[high - low])
        room = len(table) - 1 - length
        starts.append(min(max(low - (length - high + low) // 2, 0), room) * stride)
        lengths.append(length * stride)
    return Window(*starts, *lengths)
