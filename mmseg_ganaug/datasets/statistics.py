"""Label statistics of a data set, kept for the next time."""

from pathlib import Path
from typing import List, Optional, Union

import numpy as np
from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.logging import print_log

from mmseg_ganaug.datasets.label_source import DatasetLabelSource
from mmseg_ganaug.progress import Progress
from mmseg_ganaug.recompose import LabelStatistics


def collect_statistics(
    source: DatasetLabelSource, cache_dir: Union[str, Path], num_workers: int = 0
) -> LabelStatistics:
    """Reads all label maps of a data set, or what an earlier run kept of them.

    The statistics are kept under a digest of the label files' names, sizes and times of
    change and of how the data set reads them. In a distributed run all ranks have to
    call this: the main process reads, the others wait.

    Args:
        source (DatasetLabelSource): The data set.
        cache_dir (str | Path): Folder in which the statistics are kept.
        num_workers (int): Processes that read. Defaults to 0: this one.

    Returns:
        LabelStatistics: Of all label maps, in order.

    Raises:
        ValueError: Names the first file that cannot be used, and why.
        RuntimeError: On the other ranks, when the main process fails.
    """
    failure: List[Optional[str]] = [None]
    if is_main_process():
        try:
            statistics = read_statistics(source, cache_dir, num_workers)
            for note in _notes(statistics, source):
                print_log(note, logger='current')
        except Exception as error:
            # The others would wait for a result that never comes.
            failure = [str(error)]
            broadcast_object_list(failure)
            raise
    broadcast_object_list(failure)
    if failure[0] is not None:
        raise RuntimeError(f'the main process could not read labels: {failure[0]}')
    if is_main_process():
        return statistics
    return read_statistics(source, cache_dir, num_workers)


def read_statistics(
    source: DatasetLabelSource, cache_dir: Union[str, Path], num_workers: int = 0
) -> LabelStatistics:
    """The same for one rank alone: waits for no other.

    Args:
        source (DatasetLabelSource): The data set.
        cache_dir (str | Path): Folder in which the statistics are kept.
        num_workers (int): Processes that read. Defaults to 0: this one.
    """
    path = Path(cache_dir) / f'statistics-{source.files_digest()[:16]}.npz'
    statistics = _load(path, source)
    if statistics is not None:
        return statistics
    with Progress('Reading label maps', len(source)) as progress:
        statistics = LabelStatistics.collect(
            source.verified(), num_workers, lambda done, _: progress.update_to(done)
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    statistics.save(path)
    missing = source.missing_photos()
    # Where label maps stand for photos, there is nothing to compare.
    if missing and source.photo_name(missing[0]) != source.name(missing[0]):
        print_log(
            f'{len(missing)} of {len(source)} photos are missing, so their sizes are '
            f'not compared with those of the label maps; the first is '
            f'{source.photo_name(missing[0])}',
            logger='current',
        )
    return statistics


def count_unpaired(statistics: LabelStatistics) -> int:
    """Counts the maps that cannot be combined, as no other has their size.

    Args:
        statistics (LabelStatistics): Of the source.
    """
    labelled = statistics.sizes[statistics.labelled > 0]
    _, counts = np.unique(labelled, axis=0, return_counts=True)
    return int((counts == 1).sum())


def _load(path: Path, source: DatasetLabelSource) -> Optional[LabelStatistics]:
    """Reads kept statistics; None where there are none, or none of this version."""
    if not path.exists():
        return None
    try:
        return LabelStatistics.load(path, source.class_names)
    except ValueError as error:
        print_log(f'The label maps are read again: {error}', logger='current')
        return None


def _notes(statistics: LabelStatistics, source: DatasetLabelSource) -> List[str]:
    """What is no error, but should be known."""
    notes = []
    empty = statistics.empty_maps
    if len(empty):
        notes.append(
            f'{len(empty)} of {len(source)} label maps have no labelled pixel: they '
            f'become neither base nor donor; the first is {source.name(empty[0])}'
        )
    if statistics.mixed_instances is not None:
        mixed = np.flatnonzero(statistics.mixed_instances)
        if len(mixed):
            notes.append(
                f'{statistics.mixed_instances.sum()} instances in {len(mixed)} label '
                'maps cover more than one class: instance map and label map disagree '
                'there, and each class takes its own part of the instance; the first '
                f'is in {source.name(mixed[0])}'
            )
    return notes
