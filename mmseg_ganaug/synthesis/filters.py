"""Filters of generated pairs: they ignore pixels, or drop a pair."""

import hashlib
import json
import logging
import math
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Protocol, Sequence, Union

import numpy as np
from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.logging import print_log
from prettytable import PrettyTable

from mmseg_ganaug.files import evenly_spread, file_digest, write_atomically
from mmseg_ganaug.option_checks import (
    check_names,
    check_number,
    check_share,
    check_whole,
)
from mmseg_ganaug.progress import Progress
from mmseg_ganaug.recompose.source import PhotoSource
from mmseg_ganaug.registry import FILTERS
from mmseg_ganaug.synthesis.segmenter import FrozenSegmenter, check_segmenter
from mmseg_ganaug.synthesis.trained import find_checkpoint


class RealPairs(PhotoSource, Protocol):
    """The label maps and photos that samples are made of, and what names them."""

    def files_digest(self) -> str:
        """Names the label files and their state."""


class SampleFilter(Protocol):
    """Filters generated pairs before they are stored."""

    def fingerprint(self) -> str:
        """Names everything that the result depends on."""

    def prepare(self, source: RealPairs, cache_dir: Union[str, Path]) -> None:
        """Measures what it needs on the real pairs, or reads what a run stored."""

    def apply(
        self, photo: np.ndarray, label_map: np.ndarray, generated: np.ndarray
    ) -> Optional[np.ndarray]:
        """Filters a pair.

        Args:
            photo: uint8 BGR [H, W, 3].
            label_map: uint8 [H, W].
            generated: Bool [H, W], the pixels of the photo that are not real.

        Returns:
            uint8 [H, W], the label map with what teaches nothing set to the ignore
            index; None to drop the pair.
        """

    def release(self) -> None:
        """Frees the memory that filtering took."""


@FILTERS.register_module()
class LossFilter:
    """Ignores generated pixels that a segmenter trained on real photos disagrees with.

    A pixel becomes ``ignore_index`` where its cross entropy under the segmenter exceeds
    ``factor`` times the mean of its class on the real pairs. Real pixels of composited
    photos are left alone: their labels are true, however hard they are.

    Source: Yang et al., "FreeMask: Synthetic Images with Dense Annotations Make
    Stronger Segmentation Models", NeurIPS 2023 (arXiv 2310.15160), which filters so.

    Args:
        segmenter (dict): ``config`` and ``checkpoint`` of a segmenter trained on the
            real pairs, see
            :class:`~mmseg_ganaug.synthesis.segmenter.FrozenSegmenter`.
        factor (float): Multiple of the mean loss above which pixels are ignored.
            Defaults to 1.25.
        num_real (int): Real pairs on which the mean losses are measured, evenly
            spread. Defaults to 500.

    Raises:
        ValueError: When an option is of the wrong type or outside its range.
    """

    def __init__(
        self, segmenter: dict, factor: float = 1.25, num_real: int = 500
    ) -> None:
        self._segmenter_config = check_segmenter(self, segmenter)
        self._factor = check_number(self, 'factor', factor, above=0)
        self._num_real = check_whole(self, 'num_real', num_real, 1)
        self._segmenter = None
        self._limits: Optional[np.ndarray] = None
        self._ignore_index = 255

    def fingerprint(self) -> str:
        """See :class:`SampleFilter`."""
        return f'LossFilter {self._factor} {self._losses_name()}'

    def prepare(self, source: RealPairs, cache_dir: Union[str, Path]) -> None:
        """Measures the mean loss of each class on real pairs, unless that is stored.

        Args:
            source: The real pairs.
            cache_dir: Folder in which the losses are stored.

        Raises:
            FileNotFoundError: When the segmenter's config or checkpoint is missing.
            ValueError: When the segmenter has another number of classes.
        """
        self._ignore_index = source.ignore_index
        path = Path(cache_dir) / f'class-losses-{self._digest(source)}.json'
        shared: List[Optional[List[float]]] = [None]
        if is_main_process():
            shared = [self._mean_losses(path, source)]
        # The other processes may not see the same disk.
        broadcast_object_list(shared)
        means = np.array(shared[0])
        # Index 255 stands for pixels of no class, too.
        self._limits = np.full(256, np.inf)
        self._limits[: len(means)] = self._factor * means

    def apply(
        self, photo: np.ndarray, label_map: np.ndarray, generated: np.ndarray
    ) -> np.ndarray:
        """See :class:`SampleFilter`; no pair is dropped whole."""
        if not generated.any():
            return label_map
        loss = self._load().losses([photo], [label_map], self._ignore_index)[0]
        wrong = generated & (loss > self._limits[label_map])
        return np.where(wrong, np.uint8(self._ignore_index), label_map)

    def release(self) -> None:
        """Frees the segmenter."""
        self._segmenter = None

    def _mean_losses(self, path: Path, source: RealPairs) -> List[float]:
        """Returns the mean loss of each class: the stored one, or it is measured."""
        means = _read_losses(path, source.class_names)
        if means is not None:
            return means
        means = self._measure(source).tolist()
        content = dict(zip(source.class_names, means))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, json.dumps(content, indent=2) + '\n')
        except OSError as error:
            print_log(
                f'LossFilter cannot store the mean losses of classes ({error}) and '
                'measures them again next time: make the folder writable',
                logger='current',
                level=logging.WARNING,
            )
        return means

    def _load(self):
        if self._segmenter is None:
            self._segmenter = FrozenSegmenter(**self._segmenter_config)
        return self._segmenter

    def _measure(self, source: RealPairs) -> np.ndarray:
        """Measures the mean loss of each class on real pairs; 0 where none shows it."""
        segmenter = self._load()
        if segmenter.num_classes != source.num_classes:
            raise ValueError(
                f'the segmenter of LossFilter, {self._segmenter_config["config"]}, has '
                f'{segmenter.num_classes} classes, the data set has '
                f'{source.num_classes}: take one that was trained on this data set'
            )
        indices = evenly_spread(len(source), self._num_real)
        totals, counts = np.zeros((2, source.num_classes))
        title = 'Measuring the mean loss of each class on real photos'
        with Progress(title, len(indices)) as progress:
            for index in indices:
                label_map = source.label_map(index)
                loss = segmenter.losses(
                    [source.photo(index)], [label_map], source.ignore_index
                )[0]
                known = label_map < source.num_classes
                known &= label_map != source.ignore_index
                labels = label_map[known]
                size = source.num_classes
                totals += np.bincount(labels, weights=loss[known], minlength=size)
                counts += np.bincount(labels, minlength=size)
                progress.update()
        return totals / np.maximum(counts, 1)

    def _digest(self, source: RealPairs) -> str:
        parts = (self._losses_name(), list(source.class_names), source.files_digest())
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

    def _losses_name(self) -> str:
        """Names the segmenter, and the number of real pairs that it labels."""
        config, stated = (
            str(self._segmenter_config[name]) for name in ('config', 'checkpoint')
        )
        weights = find_checkpoint(stated, config, 'segmenter')
        digest = file_digest(weights, config.encode())
        return f'{digest} {self._num_real}'


@FILTERS.register_module()
class IgnoredShareFilter:
    """Drops pairs of which too much is ignored; another recipe takes their place.

    It belongs behind the filters that ignore pixels.

    Args:
        max_ignored (float): Largest share (0..1) of the pixels that may be ignored.
            Defaults to 0.5.

    Raises:
        ValueError: When ``max_ignored`` is outside 0..1.
    """

    def __init__(self, max_ignored: float = 0.5) -> None:
        self._max_ignored = check_share(self, 'max_ignored', max_ignored)
        self._ignore_index = 255

    def fingerprint(self) -> str:
        """See :class:`SampleFilter`."""
        return f'IgnoredShareFilter {self._max_ignored}'

    def prepare(self, source: RealPairs, cache_dir: Union[str, Path]) -> None:
        """Notes the ignore index."""
        self._ignore_index = source.ignore_index

    def apply(
        self, photo: np.ndarray, label_map: np.ndarray, generated: np.ndarray
    ) -> Optional[np.ndarray]:
        """See :class:`SampleFilter`; no pixel is ignored by it."""
        share = np.mean(label_map == self._ignore_index)
        return None if share > self._max_ignored else label_map

    def release(self) -> None:
        """Does nothing."""


@FILTERS.register_module()
class IgnoredClassesFilter:
    """Lets generated pixels of some classes teach nothing; real ones are left alone.

    For classes that a generator paints alike, such as road and pavement in one grey:
    their context is worth painting, their texture is not worth learning.

    Args:
        classes (Sequence[str]): Names of the classes.

    Raises:
        ValueError: When no class is named, or the source has none of that name.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self._classes = check_names(self, 'classes', classes)
        self._ignored = np.zeros(256, bool)
        self._ignore_index = 255

    def fingerprint(self) -> str:
        """See :class:`SampleFilter`."""
        return f'IgnoredClassesFilter {sorted(self._classes)}'

    def prepare(self, source: RealPairs, cache_dir: Union[str, Path]) -> None:
        """Looks the classes up.

        Raises:
            ValueError: When one is unknown; names it.
        """
        names = list(source.class_names)
        unknown = [name for name in self._classes if name not in names]
        if unknown:
            raise ValueError(
                f'IgnoredClassesFilter: there is no class {", ".join(unknown)}; there '
                f'are {", ".join(names)}'
            )
        self._ignored[[names.index(name) for name in self._classes]] = True
        self._ignore_index = source.ignore_index

    def apply(
        self, photo: np.ndarray, label_map: np.ndarray, generated: np.ndarray
    ) -> np.ndarray:
        """See :class:`SampleFilter`; no pair is dropped."""
        taken = generated & self._ignored[label_map]
        return np.where(taken, np.uint8(self._ignore_index), label_map)

    def release(self) -> None:
        """Does nothing."""


def _read_losses(path: Path, class_names: Sequence[str]) -> Optional[List[float]]:
    """Reads the mean loss of each class; None where it has to be measured.

    A damaged file is measured again, which takes a minute.
    """
    try:
        stored = json.loads(path.read_text(encoding='utf-8'))
        losses = [float(stored[name]) for name in class_names]
    except (KeyError, OSError, TypeError, ValueError):
        return None
    return losses if all(0 <= value < math.inf for value in losses) else None


def ignored_by_class(
    label_map: np.ndarray, filtered: np.ndarray, num_classes: int
) -> Dict[str, list]:
    """Counts what was ignored of each class.

    Args:
        label_map: uint8 [H, W], as it was recombined.
        filtered: uint8 [H, W], as it is stored.
        num_classes: Number of classes C.

    Returns:
        ``pixels`` and ``ignored``: C numbers of pixels each.
    """
    gone = label_map[label_map != filtered]
    return {
        'pixels': np.bincount(label_map.ravel(), minlength=256)[:num_classes].tolist(),
        'ignored': np.bincount(gone, minlength=256)[:num_classes].tolist(),
    }


def filter_table(reports: Iterable[Dict], class_names: Sequence[str]) -> PrettyTable:
    """Sums up what filters and compositing ignored and dropped.

    Args:
        reports: Reports of the samples, see
            :class:`~mmseg_ganaug.synthesis.sample_maker.Sample`.
        class_names: C names.

    Returns:
        A row a class: pixels recombined, and the share of them that is ignored. The
        title says how many samples were drawn again, and how many never passed.
    """
    pixels, ignored = np.zeros((2, len(class_names)), np.int64)
    samples = dropped = failed = 0
    for report in reports:
        pixels += report['pixels']
        ignored += report['ignored']
        samples += 1
        dropped += report['dropped'] + (not report['passed'])
        failed += not report['passed']
    table = PrettyTable(('class', 'pixels', 'ignored, %'))
    table.title = (
        f'{samples} samples: {dropped} recombinations dropped, {failed} samples kept '
        'although none passed'
    )
    for name, count, gone in zip(class_names, pixels, ignored):
        table.add_row([name, int(count), f'{100 * gone / max(count, 1):.1f}'])
    return table
