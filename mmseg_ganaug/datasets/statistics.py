"""Label statistics of a data set, kept for the next time."""

from pathlib import Path
from typing import Optional, Union

from mmengine.dist import barrier, is_main_process
from mmengine.logging import print_log
from mmengine.utils import ProgressBar

from mmseg_ganaug.datasets.label_source import DatasetLabelSource
from mmseg_ganaug.recompose import LabelStatistics


def collect_statistics(
    source: DatasetLabelSource, cache_dir: Union[str, Path], num_workers: int = 0
) -> LabelStatistics:
    """Reads all label maps of a data set, or what an earlier run kept of them.

    The statistics are kept under a digest of the label files' names, sizes and times of
    change. In a distributed run the main process reads, the others wait.

    Args:
        source (DatasetLabelSource): The data set.
        cache_dir (str | Path): Folder in which the statistics are kept.
        num_workers (int): Processes that read. Defaults to 0: this one.

    Returns:
        LabelStatistics: Of all label maps, in order.

    Raises:
        ValueError: Names the first file that cannot be used, and why.
    """
    path = Path(cache_dir) / f'statistics-{source.files_digest()[:16]}.npz'
    if is_main_process() and _load(path, source) is None:
        print_log(f'Reading {len(source)} label maps', logger='current')
        bar: Optional[ProgressBar] = None

        def show(done: int, total: int) -> None:
            nonlocal bar
            bar = bar or ProgressBar(total)
            bar.update(done - bar.completed)

        statistics = LabelStatistics.collect(source.verified(), num_workers, show)
        print()
        path.parent.mkdir(parents=True, exist_ok=True)
        statistics.save(path)
    barrier()
    return LabelStatistics.load(path, source.class_names)


def _load(path: Path, source: DatasetLabelSource) -> Optional[LabelStatistics]:
    """Reads kept statistics; None where there are none, or none of this version."""
    if not path.exists():
        return None
    try:
        return LabelStatistics.load(path, source.class_names)
    except ValueError as error:
        print_log(f'The label maps are read again: {error}', logger='current')
        return None
