"""Fills holes of a label map with the nearest class."""

import threading
from typing import Tuple

import numpy as np

from mmseg_ganaug.recompose.bands import bands

# Pixels among which the nearest is searched: a distance transform of more does not
# stay in a processor's cache, and takes far longer than decoding the map.
_SEARCHED = 180_000

_memory = threading.local()


def fill_holes(label_map: np.ndarray, hole: int) -> None:
    """Gives every hole the class of the nearest pixel that is none, in place.

    Distances are those of a 5 x 5 chamfer mask (Borgefors, 1986), within 2 % of the
    Euclidean ones. On maps above 180,000 pixels (360 x 480) the nearest pixel is
    searched on every n-th row and column, n as small as possible: there, a border
    inside a hole may lie up to 2 n pixels beside the exact one.

    Args:
        label_map: uint8 [H, W].
        hole: The value of holes.

    Raises:
        ValueError: If there is nothing but holes.
    """
    import cv2

    step = 1
    while label_map.size > _SEARCHED * step**2:
        step += 1
    sampled = np.ascontiguousarray(label_map[::step, ::step])
    holes = sampled == hole
    if holes.all():
        step, sampled = 1, label_map
        holes = sampled == hole
        if holes.all():
            raise ValueError('nothing is covered, so holes cannot be filled')
    distance, nearest = _search_memory(holes.shape)
    cv2.distanceTransformWithLabels(
        holes.view(np.uint8),
        cv2.DIST_L2,
        5,
        dst=distance,
        labels=nearest,
        labelType=cv2.DIST_LABEL_PIXEL,
    )
    # Label k is the k-th covered pixel in reading order; labels start at 1.
    classes = sampled[~holes]
    filled = np.take(np.append(classes[:1], classes), nearest)
    width = label_map.shape[1]
    for rows in bands(label_map.shape, step):
        band = label_map[rows]
        holes = band == hole
        if not holes.any():
            continue
        part = filled[rows.start // step : -(-rows.stop // step)]
        if step > 1:
            size = (step * part.shape[1], step * part.shape[0])
            part = cv2.resize(part, size, interpolation=cv2.INTER_NEAREST)
            part = part[: len(band), :width]
        cv2.copyTo(part, holes.view(np.uint8), band)


def _search_memory(shape: Tuple[int, int]) -> Tuple[np.ndarray, np.ndarray]:
    """Arrays for distances and labels, [h, w]; each thread keeps the last ones."""
    if getattr(_memory, 'shape', None) != shape:
        _memory.shape = shape
        _memory.arrays = np.empty(shape, np.float32), np.empty(shape, np.int32)
    return _memory.arrays
