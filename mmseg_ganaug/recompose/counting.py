"""Counts what label maps hold, over several processes."""

import multiprocessing
import pickle
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from typing import Any, Callable, Deque, Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np

from mmseg_ganaug.recompose.objects import SceneCounts
from mmseg_ganaug.recompose.source import (
    LabelSource,
    check_form,
    check_histogram,
    check_source,
    histogram,
    objects_of,
    read_instance_map,
)

Counts = Dict[str, np.ndarray]
_Counted = Tuple[Counts, Optional[SceneCounts]]
# First map, end, grid, whether there are instance maps, whether objects are found.
_Chunk = Tuple[int, int, Tuple[int, int], bool, bool]
# Source of a process of the pool: pickled on arrival, then unpickled.
_pickled_source: bytes
_worker_source: Optional[LabelSource] = None

# Samples a grid cell gets in each direction: the prior needs no more than this.
_SAMPLES_PER_CELL = 4


def count_maps(
    source: LabelSource,
    num_workers: int,
    progress: Optional[Callable[[int, int], None]],
    grid: Tuple[int, int],
    with_scene: bool = False,
) -> Tuple[Counts, Optional[SceneCounts]]:
    """Counts pixels, instances and positions of every map of a source.

    Args:
        source: N label maps with C classes.
        num_workers: Processes that read; 0 reads in this process. They start without
            anything of this process (a fork of one that has threads may hang), so the
            source has to survive pickling.
        progress: Called with (maps done, N) after each chunk.
        grid: Cells (down, across) of the position counts.
        with_scene: Find the objects, too.

    Returns:
        The arrays of :class:`~mmseg_ganaug.recompose.statistics.LabelStatistics`, and
        the objects.

    Raises:
        ValueError: If there are more than 255 classes, or the source cannot be passed
            to other processes.
        RuntimeError: If one of these processes ended.
        LabelValueError: If a map is not valid.
    """
    check_source(source)
    total = len(source)
    size = max(1, min(32, -(-total // (4 * max(num_workers, 1)))))
    has_instances = total > 0 and source.instance_map(0) is not None
    chunks = [
        (start, min(start + size, total), grid, has_instances, with_scene)
        for start in range(0, total, size)
    ]
    counts: Counts = {}
    scenes: List[SceneCounts] = []
    done = 0
    for (start, stop, *_), (part, scene) in zip(
        chunks, _counted(source, chunks, num_workers)
    ):
        scenes += [] if scene is None else [scene]
        for name, values in part.items():
            if name in ('positions', 'ignored_positions'):
                counts[name] = counts.get(name, 0) + values
                continue
            if name not in counts:
                counts[name] = np.zeros((total, *values.shape[1:]), np.int64)
            counts[name][start:stop] = values
        done += stop - start
        if progress is not None:
            progress(done, total)
    return counts, SceneCounts.join(scenes) if scenes else None


def _counted(
    source: LabelSource, chunks: Sequence[_Chunk], num_workers: int
) -> Iterator[_Counted]:
    """Yields the counts of every chunk, in order, with few chunks at a time."""
    if num_workers == 0:
        for chunk in chunks:
            yield _count_chunk(source, *chunk)
        return
    try:
        pickled = pickle.dumps(source)
    except Exception as error:
        raise ValueError(
            f'the label maps cannot be passed to other processes ({error}): set '
            'num_workers=0 to read them in this process'
        ) from error
    methods = multiprocessing.get_all_start_methods()
    method = 'forkserver' if 'forkserver' in methods else 'spawn'
    context = multiprocessing.get_context(method)
    pool = ProcessPoolExecutor(num_workers, context, _start_worker, (pickled,))
    waiting: Deque[Future] = deque()
    try:
        for chunk in chunks:
            waiting.append(pool.submit(_count_in_worker, *chunk))
            if len(waiting) > 3 * num_workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise RuntimeError(
            'a process that read label maps has ended unexpectedly (the script has '
            "no if __name__ == '__main__':, or memory ran out): set num_workers=0 to "
            'read them in this process'
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _start_worker(pickled: bytes) -> None:
    global _pickled_source
    import cv2

    # The pool already has as many processes as needed.
    cv2.setNumThreads(0)
    _pickled_source = pickled


def _count_in_worker(*chunk: Any) -> _Counted:
    global _worker_source
    if _worker_source is None:
        # Not when the process starts: there, an error would be lost.
        _worker_source = pickle.loads(_pickled_source)
    return _count_chunk(_worker_source, *chunk)


def _count_chunk(
    source: LabelSource,
    start: int,
    stop: int,
    grid: Tuple[int, int],
    has_instances: bool,
    with_scene: bool,
) -> _Counted:
    scenes = []
    count, classes = stop - start, source.num_classes
    counts = {
        'pixels': np.zeros((count, classes), np.int64),
        'ignored': np.zeros(count, np.int64),
        'sizes': np.zeros((count, 2), np.int64),
        'positions': np.zeros((classes, *grid), np.int64),
        'ignored_positions': np.zeros(grid, np.int64),
    }
    if has_instances:
        counts['instances'] = np.zeros((count, classes), np.int64)
        counts['mixed_instances'] = np.zeros(count, np.int64)
    for row, index in enumerate(range(start, stop)):
        label_map = source.label_map(index)
        check_form(label_map, source.name(index))
        values = histogram(label_map)
        check_histogram(values, classes, source.ignore_index, source.name(index))
        if source.ignore_index < classes:
            values[source.ignore_index] = 0
        counts['pixels'][row] = values[:classes]
        counts['ignored'][row] = label_map.size - values[:classes].sum()
        counts['sizes'][row] = label_map.shape
        places = _count_positions(label_map, classes, grid)
        counts['positions'] += places[:-1]
        counts['ignored_positions'] += places[-1]
        if has_instances:
            ids = _object_ids(source, index, label_map)
            if ids is not None:
                found = count_instances(label_map, ids, classes, source.ignore_index)
                counts['instances'][row], counts['mixed_instances'][row] = found
        if with_scene:
            ids = _object_ids(source, index, label_map)
            scenes.append(
                SceneCounts.of_map(label_map, ids, classes, source.ignore_index)
            )
    if source.ignore_index < classes:
        ignored = counts['positions'][source.ignore_index]
        counts['ignored_positions'] += ignored
        ignored[:] = 0
    return counts, SceneCounts.join(scenes) if scenes else None


def _object_ids(
    source: LabelSource, index: int, label_map: np.ndarray
) -> Optional[np.ndarray]:
    ids = read_instance_map(source, index, label_map.shape)
    return objects_of(source, index, ids)


def _count_positions(
    label_map: np.ndarray, num_classes: int, grid: Tuple[int, int]
) -> np.ndarray:
    """Counts sampled pixels of each class in each cell: int64 [C + 1, gy, gx].

    The last entry counts the pixels whose value is no class.
    """
    steps = tuple(
        max(1, side // (cells * _SAMPLES_PER_CELL))
        for side, cells in zip(label_map.shape, grid)
    )
    # From the middle of a step, so that no side of the map is preferred.
    sampled = label_map[steps[0] // 2 :: steps[0], steps[1] // 2 :: steps[1]]
    values = np.minimum(sampled, num_classes)
    counts = np.bincount(
        (_cells(sampled.shape, grid, num_classes + 1) + values).ravel(),
        minlength=grid[0] * grid[1] * (num_classes + 1),
    )
    return counts.reshape(*grid, -1).transpose(2, 0, 1)


@lru_cache(maxsize=8)
def _cells(shape: Tuple[int, int], grid: Tuple[int, int], factor: int) -> np.ndarray:
    """Finds the grid cell of every pixel, times ``factor``: int64 [H, W]."""
    down, across = (np.arange(side) * cells // side for side, cells in zip(shape, grid))
    return factor * (down[:, None] * grid[1] + across)


def count_instances(
    label_map: np.ndarray,
    instance_map: np.ndarray,
    num_classes: int,
    ignore_index: int = 255,
) -> Tuple[np.ndarray, int]:
    """Counts the instances of each class.

    Args:
        label_map: uint8 [H, W].
        instance_map: int32 [H, W], 0 = no instance.
        num_classes: Number of classes C.
        ignore_index: Label value of pixels without a class.

    Returns:
        int64 [C], instances of each class (one that covers several classes counts
        for each), and the number of instances that cover several classes. Pixels
        without a class do not count.
    """
    inside = (instance_map > 0) & (label_map < num_classes)
    inside &= label_map != ignore_index
    pairs = np.unique(instance_map[inside].astype(np.int64) * 256 + label_map[inside])
    per_class = np.bincount(pairs % 256, minlength=num_classes)
    _, classes_each = np.unique(pairs // 256, return_counts=True)
    return per_class, int((classes_each > 1).sum())
