"""Work on large maps in bands of rows.

Fresh memory for a whole map costs more than most operations on it; a band's
temporaries stay in the cache and in memory the process already has.
"""

from functools import lru_cache
from typing import Tuple

import numpy as np

_BAND_PIXELS = 2**18


@lru_cache(maxsize=64)
def bands(shape: Tuple[int, int], step: int = 1) -> Tuple[slice, ...]:
    """Cuts the rows of a map into bands.

    Args:
        shape: Height and width of the map.
        step: Every band but the last has a multiple of so many rows.
    """
    height, width = shape
    rows = max(1, _BAND_PIXELS // max(width, 1) // step) * step
    return tuple(
        slice(start, min(start + rows, height)) for start in range(0, height, rows)
    )


def paint_class(target: np.ndarray, label_map: np.ndarray, class_id: int) -> bool:
    """Copies one class of a label map to another map of its size, in place.

    Args:
        target: uint8 [H, W].
        label_map: uint8 [H, W].
        class_id: The class.

    Returns:
        Whether the label map shows the class.
    """
    import cv2

    found = False
    for rows in bands(target.shape):
        mask = label_map[rows] == class_id
        if mask.any():
            found = True
            cv2.copyTo(label_map[rows], mask.view(np.uint8), target[rows])
    return found


def rows_of_class(label_map: np.ndarray, class_id: int) -> slice:
    """The bands of rows from the first to the last that show a class."""
    found = [
        rows for rows in bands(label_map.shape) if (label_map[rows] == class_id).any()
    ]
    return slice(found[0].start, found[-1].stop) if found else slice(0, 0)


def count_class(label_map: np.ndarray, class_id: int) -> int:
    """Pixels of a class."""
    return sum(
        np.count_nonzero(label_map[rows] == class_id) for rows in bands(label_map.shape)
    )
