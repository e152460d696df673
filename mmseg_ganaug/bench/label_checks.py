"""Looks for labels that are wrong: of other photos, of no class, or seen twice."""

import os
from collections import defaultdict
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from mmseg_ganaug.datasets.label_files import is_remote
from mmseg_ganaug.datasets.label_source import DatasetLabelSource
from mmseg_ganaug.files import evenly_spread, file_digest
from mmseg_ganaug.progress import Progress
from mmseg_ganaug.recompose import LabelStatistics

# Photos that are looked at, and those of other photos that each is compared with.
_COMPARED = 60
_OTHERS = 3
# Fewer say nothing.
_FEWEST = 8
_FEWEST_PIXELS = 16
# Photos are made so small, in pixels of the longer side: edges are seen there, too.
_SIDE = 480
# By which share edges of photos are stronger along labels than along those of other
# photos: 0.16 to 3.7 for each class of CamVid, IDD-Lite and facades, -0.08 to 0.10
# where their labels are mixed up. What can still be the second is let pass.
_FITS_FROM, _MAY_FIT_FROM = 0.1, 0.25


class EdgeFit(NamedTuple):
    """How well the outline of a class follows the edges in the photos.

    Attributes:
        gain: By which share the edges along its outline are stronger than along its
            outlines in other photos.
        high: Upper end of the 95 % interval of that.
        photos: Number of photos that were compared.
    """

    gain: float
    high: float
    photos: int

    @property
    def fits(self) -> bool:
        """Returns whether the outlines may belong to the photos."""
        return self.gain >= _FITS_FROM or self.high >= _MAY_FIT_FROM


class CleanedSource:
    """Label maps in which values that are no class count as pixels without one.

    Args:
        source (DatasetLabelSource): The label maps.
    """

    def __init__(self, source: DatasetLabelSource) -> None:
        self._source = source

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def __len__(self) -> int:
        return len(self._source)

    def label_map(self, index: int) -> np.ndarray:
        """Returns label map ``index``: uint8 [H, W]."""
        label_map = self._source.label_map(index)
        no_class = label_map >= self._source.num_classes
        return np.where(no_class, np.uint8(self._source.ignore_index), label_map)

    def statistics(self) -> LabelStatistics:
        """Counts the label maps; nothing is kept of what they should not be."""
        with Progress('Reading label maps', len(self)) as progress:
            return LabelStatistics.collect(
                self, progress=lambda done, _: progress.update_to(done)
            )


def edge_fits(source: DatasetLabelSource, num_classes: int) -> Dict[int, EdgeFit]:
    """Compares the edges in photos along their labels and along labels of others.

    Where labels belong to their photos, colours change along them more than along the
    labels of other photos; where they were mixed up, the two are the same.

    Args:
        source (DatasetLabelSource): With photos.
        num_classes (int): Number of classes C.

    Returns:
        dict[int, EdgeFit]: By class, of those that enough photos show.
    """
    import cv2

    maps, edges = [], []
    places = evenly_spread(len(source), _COMPARED)
    with Progress('Comparing labels with photos', len(places)) as progress:
        for index in places:
            photo, label_map = source.shown_photo(index), source.label_map(index)
            height, width = label_map.shape
            small = min(1.0, _SIDE / max(height, width))
            size = max(1, round(width * small)), max(1, round(height * small))
            grey = cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY)
            grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
            maps.append(cv2.resize(label_map, size, interpolation=cv2.INTER_NEAREST))
            steps = [cv2.Sobel(grey, cv2.CV_32F, *by) for by in ((1, 0), (0, 1))]
            edges.append(cv2.magnitude(*steps))
            progress.update()
    outlines = [_outlines(label_map, num_classes) for label_map in maps]
    gains: Dict[int, List[float]] = defaultdict(list)
    for index, edge in enumerate(edges):
        after = [(index + step) % len(maps) for step in range(1, len(maps))]
        others = [other for other in after if maps[other].shape == edge.shape]
        for class_id, own in outlines[index].items():
            there = [outlines[o][class_id] for o in others if class_id in outlines[o]]
            gain = _gain(own, there[:: max(1, len(there) // _OTHERS)], edge.ravel())
            if gain is not None:
                gains[class_id].append(gain)
    fits = {}
    for class_id, found in sorted(gains.items()):
        if len(found) >= _FEWEST:
            mean, error = np.mean(found), np.std(found) / np.sqrt(len(found) - 1)
            gain, high = np.expm1([mean, mean + 1.96 * error])
            fits[class_id] = EdgeFit(float(gain), float(high), len(found))
    return fits


def _outlines(label_map: np.ndarray, num_classes: int) -> Dict[int, np.ndarray]:
    """Finds the pixels along the outline of each class, as places in the flat map."""
    import cv2

    found, kernel = {}, np.ones((3, 3), np.uint8)
    for class_id in np.unique(label_map[label_map < num_classes]).tolist():
        mask = (label_map == class_id).astype(np.uint8)
        outline = cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, kernel)
        found[class_id] = np.flatnonzero(outline)
    return found


def _gain(
    own: np.ndarray, others: Sequence[np.ndarray], edges: np.ndarray
) -> Optional[float]:
    """Compares edges along an outline and along others; None where none differs.

    What outlines share, such as that of a bonnet below each photo, says nothing.

    Args:
        own (np.ndarray): Places of an outline.
        others (Sequence[np.ndarray]): Of outlines of other photos.
        edges (np.ndarray): float [pixels], how strong the edges of the photo are.

    Returns:
        float | None: Logarithm of the ratio, the mean over the others.
    """
    ratios = []
    for other in others:
        mine, its = (
            np.setdiff1d(one, two, assume_unique=True)
            for one, two in ((own, other), (other, own))
        )
        if min(len(mine), len(its)) < _FEWEST_PIXELS:
            continue
        along, elsewhere = float(edges[mine].mean()), float(edges[its].mean())
        if along > 0 and elsewhere > 0:
            ratios.append(np.log(along / elsewhere))
    return float(np.mean(ratios)) if ratios else None


def same_photos(
    train: DatasetLabelSource, val: DatasetLabelSource
) -> List[Tuple[str, str]]:
    """Finds validation photos that are training photos, too, byte by byte.

    Args:
        train (DatasetLabelSource): The training data.
        val (DatasetLabelSource): The validation data.

    Returns:
        list[tuple[str, str]]: The files: for validation, for training. Photos behind a
        remote file backend are not compared.
    """
    ours, theirs = (
        list(dict.fromkeys(os.path.realpath(path) for path in _local_photos(source)))
        for source in (val, train)
    )
    by_size: Dict[int, List[str]] = defaultdict(list)
    for path in theirs:
        by_size[os.stat(path).st_size].append(path)
    digests: Dict[str, str] = {}

    def digest(path: str) -> str:
        if path not in digests:
            digests[path] = file_digest(path)
        return digests[path]

    found = []
    for path in ours:
        # Of another size, it has other content: few files have to be read.
        for other in by_size.get(os.stat(path).st_size, ()):
            if path == other or digest(path) == digest(other):
                found.append((path, other))
                break
    return found


def _local_photos(source: DatasetLabelSource) -> List[str]:
    paths = (source.photo_name(index) for index in range(len(source)))
    return [p for p in paths if not is_remote(p, None) and Path(p).is_file()]
