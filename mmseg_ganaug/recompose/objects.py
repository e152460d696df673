"""Objects: what is moved as a whole, found in label maps and found again by a pixel."""

from dataclasses import dataclass
from typing import NamedTuple, Optional, Sequence, Tuple

import numpy as np

from mmseg_ganaug.recompose.layers import Layer, class_layer
from mmseg_ganaug.recompose.source import histogram

#: One object of a label map; in pixels of that map. ``row`` and ``column`` are of a
#: pixel of the object, by which :func:`object_layer` finds it again.
OBJECT = np.dtype(
    [
        ('map', np.int32),
        ('class_id', np.uint8),
        ('row', np.int32),
        ('column', np.int32),
        ('top', np.int32),
        ('left', np.int32),
        ('height', np.int32),
        ('width', np.int32),
        ('area', np.int32),
    ]
)
#: Cells (down, across) of the small copies of the label maps.
GRID = (96, 128)
#: Pixels of the smallest object that is moved.
SMALLEST = 12
# Objects that are so many pixels apart touch: annotators leave gaps.
_GAP = 3
# Smaller parts, as a share of the map, say nothing about a class.
_SPECK = 1e-4
_UNIT = 2**30


class Objects(NamedTuple):
    """The objects of one label map.

    Attributes:
        objects: :data:`OBJECT` [M].
        touching: int64 [P, 2], pairs of objects of different classes that touch.
        spread: int64 [C, 3], of each class, over its connected parts: the sum of the
            square roots of their shares of the map, the sum of these times the share,
            and the sum of these of parts that reach the left or the right edge; in
            units of 2**-30, so that sums do not depend on their order.
    """

    objects: np.ndarray
    touching: np.ndarray
    spread: np.ndarray


def find_objects(
    label_map: np.ndarray,
    instance_map: Optional[np.ndarray],
    num_classes: int,
    ignore_index: int = 255,
) -> Objects:
    """Finds the objects of a label map, of every class, stuff too.

    An object is an instance or, of a class that has none in the map, a connected
    component (8-neighbours).

    Args:
        label_map: uint8 [H, W], values 0..C-1 and the ignore index.
        instance_map: int32 [H, W], 0 = no instance; None = there is none.
        num_classes: Number of classes C.
        ignore_index: Label value of pixels without a class.
    """
    spread = np.zeros((num_classes, 3), np.int64)
    numbers = np.zeros(label_map.shape, np.int32)
    found = [np.zeros(0, OBJECT)]
    count = 0
    for class_id in np.flatnonzero(histogram(label_map)).tolist():
        layer = None
        if class_id < num_classes and class_id != ignore_index:
            layer = class_layer(label_map, class_id)
        if layer is None:
            continue
        if instance_map is not None:
            layer.ids = instance_map[layer.box]
        ids, boxes, first = number_parts(layer)
        share = boxes[:, 4] / label_map.size
        root = np.where(share >= _SPECK, np.sqrt(share), 0)
        left, right = boxes[:, 0] + layer.left, boxes[:, 0] + layer.left + boxes[:, 2]
        at_side = (left == 0) | (right == label_map.shape[1])
        sums = root.sum(), (root * share).sum(), root[at_side].sum()
        spread[class_id] = np.rint(np.array(sums) * _UNIT)
        # What is left of a class beside its instances is no object.
        kept = np.arange(len(boxes)) >= first
        kept &= boxes[:, 4] >= SMALLEST
        objects = np.zeros(np.count_nonzero(kept), OBJECT)
        objects['class_id'] = class_id
        for name, column in zip(('left', 'top', 'width', 'height', 'area'), boxes.T):
            objects[name] = column[kept]
        table = np.zeros(len(boxes) + 1, np.int32)
        table[1:][kept] = count + 1 + np.arange(len(objects))
        numbered = table[ids]
        # The pixel by which it is found again is the first of its first row.
        for number, item in enumerate(objects, count + 1):
            row = numbered[item['top'], item['left'] : item['left'] + item['width']]
            item['column'] = layer.left + item['left'] + (row == number).argmax()
        objects['top'] += layer.top
        objects['left'] += layer.left
        objects['row'] = objects['top']
        numbers[layer.box] += numbered
        found.append(objects)
        count += len(objects)
    objects = np.concatenate(found)
    return Objects(objects, _touching(numbers, objects['class_id']), spread)


def number_parts(layer: Layer) -> Tuple[np.ndarray, np.ndarray, int]:
    """Numbers the instances of a class or, where it has none, its components.

    Args:
        layer: Of the whole class.

    Returns:
        int32 [h, w], the number of each pixel's part, 0 outside the class; int32
        [K, 5], left, top, width, height and area of the parts 1..K; and how many of
        the first of these are no objects.
    """
    import cv2

    if layer.ids is None or not (layer.ids * layer.mask).any():
        mask = layer.mask.view(np.uint8)
        _, ids, boxes, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        return ids, boxes[1:], 0
    rows, columns = np.nonzero(layer.mask)
    values, number = np.unique(layer.ids[rows, columns], return_inverse=True)
    ids = np.zeros(layer.mask.shape, np.int32)
    ids[rows, columns] = number + 1
    order = np.argsort(number, kind='stable')
    starts = np.searchsorted(number[order], np.arange(len(values)))
    (top, left), (bottom, right) = (
        [extreme.reduceat(place[order], starts) for place in (rows, columns)]
        for extreme in (np.minimum, np.maximum)
    )
    area = np.bincount(number)
    boxes = np.stack([left, top, right - left + 1, bottom - top + 1, area], axis=1)
    return ids, boxes, int(values[0] == 0)


def _touching(numbers: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Finds pairs of objects that touch: int64 [P, 2], each once, lower number first.

    Args:
        numbers: int32 [H, W], 1.. in an object, 0 elsewhere.
        classes: uint8 [M], the class of each object.
    """
    count = len(classes) + 1
    pairs = [np.zeros(0, np.int64)]
    for gap in range(1, _GAP + 1):
        for one, other in (
            (numbers[gap:], numbers[:-gap]),
            (numbers[:, gap:], numbers[:, :-gap]),
        ):
            meet = (one != other) & (one > 0) & (other > 0)
            lower = np.minimum(one[meet], other[meet]).astype(np.int64)
            pairs.append(np.unique(lower * count + np.maximum(one[meet], other[meet])))
    joined = np.unique(np.concatenate(pairs))
    found = np.stack([joined // count, joined % count], axis=1) - 1
    return found[classes[found[:, 0]] != classes[found[:, 1]]]


def object_layer(
    label_map: np.ndarray,
    instance_map: Optional[np.ndarray],
    class_id: int,
    pixel: Tuple[int, int],
) -> Optional[Layer]:
    """Cuts out the object of a class that holds a pixel; None where it is not there.

    Args:
        label_map: uint8 [H, W].
        instance_map: int32 [H, W], 0 = no instance; None = there is none.
        class_id: The class.
        pixel: Row and column.
    """
    row, column = pixel
    height, width = label_map.shape
    if not (row < height and column < width and label_map[pixel] == class_id):
        return None
    layer = class_layer(label_map, class_id)
    assert layer is not None, 'the pixel is of the class'
    if instance_map is not None:
        layer.ids = instance_map[layer.box]
    ids, boxes, first = number_parts(layer)
    number = ids[row - layer.top, column - layer.left]
    if number <= first:
        return None
    left, top, across, down = boxes[number - 1, :4]
    mask = ids[top : top + down, left : left + across] == number
    return Layer(
        class_id, mask, layer.top + int(top), layer.left + int(left), int(number)
    )


@dataclass
class SceneCounts:
    """Objects of N label maps, and small copies of the maps.

    Attributes:
        objects: :data:`OBJECT` [M], by map.
        touching: int64 [P, 2], pairs of objects of different classes that touch.
        spread: int64 [C, 3], sums of
            :attr:`Objects.spread`.
        thumbnails: uint8 [N, 96, 128], the class in the middle of each cell of a grid
            laid over the map; C where it has none.
    """

    objects: np.ndarray
    touching: np.ndarray
    spread: np.ndarray
    thumbnails: np.ndarray

    @classmethod
    def join(cls, parts: Sequence['SceneCounts']) -> 'SceneCounts':
        """Joins the counts of maps that follow each other."""
        objects, touching = [], []
        maps = count = 0
        for part in parts:
            shifted = part.objects.copy()
            shifted['map'] += maps
            objects.append(shifted)
            touching.append(part.touching + count)
            maps += len(part.thumbnails)
            count += len(part.objects)
        return cls(
            np.concatenate(objects),
            np.concatenate(touching),
            np.sum([part.spread for part in parts], axis=0),
            np.concatenate([part.thumbnails for part in parts]),
        )

    @classmethod
    def of_map(
        cls,
        label_map: np.ndarray,
        instance_map: Optional[np.ndarray],
        num_classes: int,
        ignore_index: int,
    ) -> 'SceneCounts':
        """Counts one label map: uint8 [H, W], and its instance map, int32 [H, W]."""
        found = find_objects(label_map, instance_map, num_classes, ignore_index)
        rows, columns = (
            (2 * np.arange(cells) + 1) * side // (2 * cells)
            for cells, side in zip(GRID, label_map.shape)
        )
        small = label_map[rows[:, None], columns]
        small = np.where(small == ignore_index, num_classes, small)
        small = np.minimum(small, num_classes).astype(np.uint8)
        return cls(found.objects, found.touching, found.spread, small[None])


def relative_boxes(objects: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Returns top, left, bottom, right as shares of the map's sides: [M, 4]."""
    height, width = sizes[objects['map']].T
    return np.stack(
        [
            objects['top'] / height,
            objects['left'] / width,
            (objects['top'] + objects['height']) / height,
            (objects['left'] + objects['width']) / width,
        ],
        axis=1,
    )


def class_at(
    thumbnails: np.ndarray, maps: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """Looks classes up in small copies of maps: int64 [n, k], C where there is none.

    Args:
        thumbnails: uint8 [N, 96, 128].
        maps: int64 [n].
        rows: float64 [n, k], as shares (0..1) of the height.
        columns: float64 [n, k], as shares of the width.
    """
    down, across = (
        np.clip((place * side).astype(np.int64), 0, side - 1)
        for place, side in zip((rows, columns), GRID)
    )
    return thumbnails[maps[:, None], down, across].astype(np.int64)
