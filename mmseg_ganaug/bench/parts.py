"""The connected parts of the classes in label maps: objects, and specks."""

import os
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, List, Optional, Union

import numpy as np
from mmengine.logging import print_log

from mmseg_ganaug.files import written_whole
from mmseg_ganaug.progress import Progress
from mmseg_ganaug.recompose.layers import class_layer
from mmseg_ganaug.recompose.objects import number_parts
from mmseg_ganaug.recompose.source import histogram

#: A connected part of a class, or an instance; in pixels of its label map.
PART = np.dtype(
    [
        ('map', np.int32),
        ('class_id', np.uint8),
        ('top', np.int32),
        ('left', np.int32),
        ('height', np.int32),
        ('width', np.int32),
        ('area', np.int32),
    ]
)
#: Parts of fewer pixels are labelled by nobody: they are left over from drawing,
#: resizing or lossy files.
SPECK_BELOW = 4
# As in recompose: smaller parts are fringes of others, but for a class of small things.
_OBJECT_FROM = 12
_FORMAT = 1


def find_parts(
    label_map: np.ndarray,
    instance_map: Optional[np.ndarray],
    num_classes: int,
    ignore_index: int,
) -> np.ndarray:
    """Finds all parts of every class in a label map.

    A part is an instance or, of a class that has none in the map, a connected
    component (8-neighbours).

    Args:
        label_map (np.ndarray): uint8 [H, W]; values that are no class are passed over.
        instance_map (np.ndarray, optional): int32 [H, W], 0 = no instance.
        num_classes (int): Number of classes C.
        ignore_index (int): Label value of pixels without a class.

    Returns:
        np.ndarray: :data:`PART` [K], ``map`` 0.
    """
    found = [np.zeros(0, PART)]
    for class_id in np.flatnonzero(histogram(label_map)).tolist():
        if class_id >= num_classes or class_id == ignore_index:
            continue
        layer = class_layer(label_map, class_id)
        assert layer is not None, 'the value occurs'
        if instance_map is not None:
            layer.ids = instance_map[layer.box]
        _, boxes, first = number_parts(layer)
        boxes = boxes[first:]
        parts = np.zeros(len(boxes), PART)
        parts['class_id'] = class_id
        for name, column in zip(('left', 'top', 'width', 'height', 'area'), boxes.T):
            parts[name] = column
        parts['top'] += layer.top
        parts['left'] += layer.left
        found.append(parts)
    return np.concatenate(found)


def collect_parts(source: Any, cache_dir: Union[str, Path]) -> np.ndarray:
    """Finds the parts in all label maps of a source, or reads what was kept of them.

    They are kept under the digest that
    :func:`~mmseg_ganaug.datasets.statistics.collect_statistics` uses, too.

    Args:
        source (DatasetLabelSource): N label maps.
        cache_dir (str | Path): Folder in which they are kept.

    Returns:
        np.ndarray: :data:`PART` [K], by map.
    """
    path = Path(cache_dir) / f'parts-{source.files_digest()[:16]}.npz'
    kept = _read(path)
    if kept is not None:
        return kept

    def parts_of(index: int) -> np.ndarray:
        found = find_parts(
            source.label_map(index),
            source.instance_map(index),
            source.num_classes,
            source.ignore_index,
        )
        found['map'] = index
        return found

    every: List[np.ndarray] = [np.zeros(0, PART)]
    title = 'Measuring objects'
    with Progress(title, len(source)) as progress, ThreadPoolExecutor() as pool:
        for found in pool.map(parts_of, range(len(source))):
            every.append(found)
            progress.update()
    parts = np.concatenate(every)
    try:
        with written_whole(path) as file:
            np.savez_compressed(file, format=_FORMAT, parts=parts)
    except OSError as error:
        print_log(
            f'{path} cannot be written ({error.strerror}): objects are measured again '
            'at the next start',
            logger='current',
        )
    return parts


def object_parts(parts: np.ndarray, num_classes: int) -> np.ndarray:
    """Tells objects from fringes and specks.

    Objects have 12 pixels or more; of a class whose pixels lie mostly in smaller parts,
    all parts are objects: it is one of small things.

    Args:
        parts (np.ndarray): :data:`PART` [K].
        num_classes (int): Number of classes C.

    Returns:
        np.ndarray: bool [K].
    """
    large = parts['area'] >= _OBJECT_FROM
    pixels, in_large = (
        np.bincount(parts['class_id'][kept], parts['area'][kept], num_classes)
        for kept in (slice(None), large)
    )
    return large | (in_large < pixels / 2)[parts['class_id']]


def mean_widths(parts: np.ndarray) -> np.ndarray:
    """Returns how wide parts are in the mean: area over longer side, in pixels.

    It is what has to be resolved: the side of a square, the thickness of a pole.

    Args:
        parts (np.ndarray): :data:`PART` [K].

    Returns:
        np.ndarray: float64 [K].
    """
    return parts['area'] / np.maximum(parts['height'], parts['width'])


def _read(path: Path) -> Optional[np.ndarray]:
    """Reads kept parts; None where there are none of this version."""
    if not os.path.exists(path):
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            parts = file['parts']
            if int(file['format']) == _FORMAT and parts.dtype == PART:
                return parts
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        pass  # measured again
    return None
