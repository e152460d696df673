"""Label statistics of a data set, stored for later runs."""

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, Dict, List, Optional, TypeVar, Union

import numpy as np
from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.logging import print_log

from mmseg_ganaug.datasets.file_records import Content, FileRecords, Finding
from mmseg_ganaug.datasets.label_source import DatasetLabelSource
from mmseg_ganaug.progress import Progress
from mmseg_ganaug.recompose import LabelStatistics
from mmseg_ganaug.recompose.source import (
    LabelValueError,
    check_form,
    histogram,
    label_value_remedies,
)

Result = TypeVar('Result')
# Of pixels, from which on the only other value is more likely a class than a border.
_CLASS_SHARE = 0.005
_NAMED = 8


def collect_statistics(
    source: DatasetLabelSource,
    cache_dir: Union[str, Path],
    num_workers: int = 0,
    with_scene: bool = False,
) -> LabelStatistics:
    """Reads all label maps of a data set, or what an earlier run kept of them.

    The statistics are kept under a digest of the label files' contents and of how the
    data set reads them. In a distributed run all ranks have to call this: the main
    process reads, the others wait.

    Args:
        source (DatasetLabelSource): The data set.
        cache_dir (str | Path): Folder in which the statistics are kept.
        num_workers (int): Processes that read. Defaults to 0: this one.
        with_scene (bool): Whether objects are found, too. Defaults to False.

    Returns:
        LabelStatistics: Of all label maps, in order.

    Raises:
        ValueError: Names the first file that cannot be used, and why.
        RuntimeError: On the other ranks, when the main process fails.
    """

    def read() -> LabelStatistics:
        statistics = read_statistics(source, cache_dir, num_workers, with_scene)
        for note in statistics_notes(statistics, source):
            print_log(note, logger='current', level=logging.WARNING)
        return statistics

    statistics = on_main_process(read)
    share_digests(source)
    if statistics is None:
        statistics = read_statistics(source, cache_dir, num_workers, with_scene)
    return statistics


def share_digests(source: DatasetLabelSource) -> None:
    """Gives the other ranks the digests that the main process computed.

    Args:
        source (DatasetLabelSource): The same on all ranks.
    """
    digests = [source.known_digests()]
    broadcast_object_list(digests)
    source.adopt_digests(digests[0])


def on_main_process(function: Callable[[], Result]) -> Optional[Result]:
    """Calls a function on the main process while the other ranks wait.

    Args:
        function (callable): Called without arguments.

    Returns:
        What it returns, on the main process; None on the others.

    Raises:
        RuntimeError: On the other ranks, when it fails on the main process, which
            raises its own error. They would wait for ever else.
    """
    failure: List[Optional[str]] = [None]
    result: Optional[Result] = None
    if is_main_process():
        try:
            result = function()
        except Exception as error:
            failure = [str(error)]
            broadcast_object_list(failure)
            raise
    broadcast_object_list(failure)
    if failure[0] is not None:
        raise RuntimeError(f'the main process failed: {failure[0]}')
    return result


def read_statistics(
    source: DatasetLabelSource,
    cache_dir: Union[str, Path],
    num_workers: int = 0,
    with_scene: bool = False,
) -> LabelStatistics:
    """Collects the statistics in one rank alone; waits for no other.

    Args:
        source (DatasetLabelSource): The data set.
        cache_dir (str | Path): Folder in which the statistics are kept.
        num_workers (int): Processes that read. Defaults to 0: this one.
        with_scene (bool): Whether objects are found, too. Defaults to False.
    """
    path = Path(cache_dir) / f'statistics-{source.files_digest()[:16]}.npz'
    if source.scale is not None:
        check_label_values(source)  # which a smaller map may not show
    statistics = _load(path, source)
    if statistics is not None and (statistics.scene is not None or not with_scene):
        return statistics
    try:
        with Progress('Reading label maps', len(source)) as progress:
            statistics = LabelStatistics.collect(
                source.verified(),
                num_workers,
                lambda done, _: progress.update_to(done),
                with_scene=with_scene,
            )
    except LabelValueError:
        check_label_values(source)  # says how many files are wrong
        raise
    try:
        statistics.save(path)
    except OSError as error:
        print_log(
            f'{path} cannot be written ({error.strerror}): label maps are read again '
            'at the next start',
            logger='current',
        )
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


def check_label_values(source: DatasetLabelSource) -> None:
    """Checks every value of every label map, whatever the scale of the source.

    Which values a label map holds is remembered for its content, so that it is not
    read again.

    Args:
        source (DatasetLabelSource): The data set.

    Raises:
        LabelValueError: Names the first file that holds a wrong value, the values, and
            how many pixels and files hold them.
    """
    whole = source.full_size()
    records = FileRecords(f'label values {source.reading_settings()}')
    digests = whole.label_contents()
    known = records.contents(digests)
    found = [known[d].facts['values'] if d in known else None for d in digests]
    missing = [i for i, values in enumerate(found) if values is None]
    if missing:
        title = 'Checking label values'
        with Progress(title, len(missing)) as progress, ThreadPoolExecutor() as pool:
            for i, values in zip(missing, pool.map(_values(whole), missing)):
                found[i] = values
                progress.update()
        records.keep(
            [
                Finding('', '', Content(digests[i], {'values': found[i]}))
                for i in missing
                if digests[i]
            ]
        )
    allowed = {*range(source.num_classes), source.ignore_index}
    wrong = {
        i: bad for i, v in enumerate(found) if (bad := sorted(set(v or ()) - allowed))
    }
    if wrong:
        values = sorted({v for i in wrong for v in wrong[i]})
        raise _wrong_values(whole, wrong, values)


def _values(source: DatasetLabelSource) -> Callable[[int], List[int]]:
    def values_of(index: int) -> List[int]:
        label_map = source.label_map(index)
        check_form(label_map, source.name(index))
        return np.flatnonzero(histogram(label_map)).tolist()

    return values_of


def _wrong_values(
    source: DatasetLabelSource, wrong: Dict[int, List[int]], values: List[int]
) -> LabelValueError:
    first = next(iter(wrong))
    pixels = {i: histogram(source.label_map(i))[wrong[i]] for i in wrong}
    shown = ', '.join(map(str, values[:8])) + (', ...' if len(values) > 8 else '')
    total = sum(int(counts.sum()) for counts in pixels.values())
    here = ', '.join(f'{v} ({n} pixels)' for v, n in zip(wrong[first], pixels[first]))
    return LabelValueError(
        f'{source.name(first)}: label value {here} found, but only '
        f'0..{source.num_classes - 1} and the ignore index {source.ignore_index} may '
        f'occur. {len(wrong)} of {len(source)} files hold such values ({shown}; '
        f'{total} pixels in all). '
        + label_value_remedies(values, source.num_classes, source.ignore_index)
    )


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


def statistics_notes(
    statistics: LabelStatistics, source: DatasetLabelSource
) -> List[str]:
    """Lists findings that are no errors, but worth a warning.

    Args:
        statistics (LabelStatistics): Of the source.
        source (DatasetLabelSource): The data set.

    Returns:
        list[str]: A sentence or two each: classes without a pixel, an ignore index
        that looks like a class, label maps without a label, instance maps that
        disagree with their label maps.
    """
    notes = []
    pixels = statistics.pixels.sum(axis=0)
    absent = [n for n, count in zip(statistics.class_names, pixels) if count == 0]
    if absent:
        notes.append(
            f'No label map shows {", ".join(map(repr, absent[:_NAMED]))}'
            + (f' and {len(absent) - _NAMED} more' if len(absent) > _NAMED else '')
            + ': check the label values, the classes and reduce_zero_label of the '
            'data set'
        )
    ignored = int(statistics.ignored.sum())
    share = ignored / max(ignored + int(pixels.sum()), 1)
    if np.count_nonzero(pixels) == 1 and pixels[0] and share > _CLASS_SHARE:
        notes.append(
            f'{100 * share:.2g} % of the pixels have the label value '
            f'{source.ignore_index}, which is ignore_index, and all others are '
            f'{statistics.class_names[0]!r}: if {source.ignore_index} is a class '
            '(masks of 0 and 255, say), it is left out of training. Convert the '
            'label files, or load them with a transform that maps them to class ids'
        )
    empty = statistics.empty_maps
    if len(empty):
        notes.append(
            f'{len(empty)} of {len(source)} label maps have no labelled pixel: they '
            'are used neither as base nor as donor; the first is '
            f'{source.name(empty[0])}'
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
