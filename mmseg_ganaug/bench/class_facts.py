"""What is known of each class before anything is trained."""

from dataclasses import dataclass
from typing import List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from mmseg_ganaug.bench.network_input import PipelineViews, Stride, View
from mmseg_ganaug.bench.parts import mean_widths, object_parts
from mmseg_ganaug.bench.val_evidence import Predicted
from mmseg_ganaug.datasets.label_source import DatasetLabelSource
from mmseg_ganaug.files import evenly_spread
from mmseg_ganaug.progress import Progress
from mmseg_ganaug.recompose import LabelStatistics
from mmseg_ganaug.recompose.weighting import asked_classes

# Runs of the training pipeline, and photos at least that show a class.
_RUNS = 100
_PHOTOS_OF_A_CLASS = 10
# An object of which a crop leaves out more is cut off, as a share of its box.
_CUT_FROM = 0.1
# Less is not worth a name.
_CONFUSED_FROM = 0.01
_MOST_CONFUSED = 3


class TakenFor(NamedTuple):
    """A class that another one is taken for.

    Attributes:
        name: The wrong class.
        share: Of the pixels of the true class, 0..1.
    """

    name: str
    share: float


@dataclass(frozen=True)
class ClassFacts:
    """What is known of a class.

    Attributes:
        name: Its name.
        pixels: Share of the labelled training pixels, 0..1.
        photos: Share of the training photos that show it, 0..1.
        train_photos: Number of these.
        objects: Number of objects in the training photos: instances or connected parts.
        median_object_pixels: Side of a square as large as the median object, in pixels
            of the network's input; half of the pixels of the class lie in larger
            objects. None where there is none.
        median_object_cells: The same in cells of the network's output.
        median_width_cells: How wide the median object is (area over longer side), in
            cells: for a pole, less than the above.
        cut_off: Share (0..1) of the objects in the crops of the training pipeline of
            which more than a tenth is left out; None where that is not known.
        val_photos: Number of validation photos that show it.
        val_objects: Number of objects in these.
        interval: Half the width of the 95 % interval of its IoU that these allow, in
            points; None where none shows it.
        taken_for: What its pixels are predicted as instead, most frequent first; None
            where no network was tried.
    """

    name: str
    pixels: float
    photos: float
    train_photos: int
    objects: int
    median_object_pixels: Optional[float]
    median_object_cells: Optional[float]
    median_width_cells: Optional[float]
    cut_off: Optional[float]
    val_photos: int
    val_objects: int
    interval: Optional[float]
    taken_for: Optional[List[TakenFor]]


@dataclass(frozen=True)
class Split:
    """The label maps of a split, counted.

    Attributes:
        source: The label maps.
        statistics: Pixels and presence.
        parts: Their :data:`~mmseg_ganaug.bench.parts.PART`.
        palette: C RGB triples, 0..255.
    """

    source: DatasetLabelSource
    statistics: LabelStatistics
    parts: np.ndarray
    palette: Sequence[Sequence[int]]

    @property
    def objects(self) -> np.ndarray:
        """Returns the parts that are objects."""
        return self.parts[object_parts(self.parts, self.statistics.num_classes)]


@dataclass(frozen=True)
class Shown:
    """What the training pipeline shows.

    Attributes:
        maps: int [R], the sample of each run.
        views: What the run shows; empty where the pipeline cannot be run.
        note: Why there is none, else ''.
    """

    maps: np.ndarray
    views: List[View]
    note: str = ''


def try_pipeline(views: PipelineViews, train: Split) -> Shown:
    """Runs the training pipeline on some photos, on several of each class.

    Args:
        views (PipelineViews): Of the training data.
        train (Split): The same data.
    """
    total = train.statistics.num_maps
    chosen = set(evenly_spread(total, _RUNS))
    for shows in train.statistics.presence.T:
        maps = np.flatnonzero(shows)
        chosen |= {int(maps[at]) for at in evenly_spread(len(maps), _PHOTOS_OF_A_CLASS)}
    runs = [
        (index, number)
        for index in sorted(chosen)
        for number in range(max(1, _RUNS // len(chosen)))
    ]
    found = []
    try:
        with Progress('Trying the training pipeline', len(runs)) as progress:
            for seed, (index, number) in enumerate(runs):
                if not number:
                    label_map = train.source.label_map(index)
                found.append(views.draw(index, label_map, 1000 * seed))
                progress.update()
    except ValueError as error:
        return Shown(np.zeros(0, int), [], str(error))
    return Shown(np.array([index for index, _ in runs]), found)


class Sizes(NamedTuple):
    """Sizes of the objects of a class, in each run of the pipeline.

    Attributes:
        sides: float64 [K], side of a square as large, in pixels of the network's input.
        widths: float64 [K], area over longer side, in the same pixels.
        areas: float64 [K], in pixels of the label map.
    """

    sides: np.ndarray
    widths: np.ndarray
    areas: np.ndarray

    def median(self, values: np.ndarray) -> Optional[float]:
        """Returns the value that half of the pixels exceed; None without objects."""
        if not len(values):
            return None
        order = np.argsort(values, kind='stable')
        below = np.cumsum(self.areas[order])
        return float(values[order][np.searchsorted(below, below[-1] / 2)])


def sizes_in_view(train: Split, shown: Shown) -> List[Sizes]:
    """Returns the sizes of the objects of each class, as the network is shown them.

    Args:
        train (Split): The training data.
        shown (Shown): What its pipeline shows; where it was not run, sizes are those
            in the label maps.
    """
    objects = train.objects
    scales = np.ones(len(objects))
    if shown.views:
        picked, runs = _objects_of_runs(objects, shown)
        scales = np.array([view.scale for view in shown.views])[runs]
        objects = objects[picked]
    areas = objects['area'].astype(float)
    sizes = Sizes(np.sqrt(areas) * scales, mean_widths(objects) * scales, areas)
    return [
        Sizes(*(values[objects['class_id'] == class_id] for values in sizes))
        for class_id in range(train.statistics.num_classes)
    ]


def cut_off_shares(train: Split, shown: Shown) -> List[Optional[float]]:
    """Returns how often the crops cut off objects of each class, see ClassFacts."""
    num_classes = train.statistics.num_classes
    if not shown.views:
        return [None] * num_classes
    objects = train.objects
    picked, runs = _objects_of_runs(objects, shown)
    objects = objects[picked]
    window = np.array([view[:4] for view in shown.views])[runs]
    start = np.stack([objects['top'], objects['left']], axis=1)
    sides = np.stack([objects['height'], objects['width']], axis=1)
    inside = np.minimum(start + sides, window[:, 2:]) - np.maximum(start, window[:, :2])
    share = np.maximum(inside, 0).prod(axis=1) / sides.prod(axis=1)
    in_view = share > 0
    cut = in_view & (share < 1 - _CUT_FROM)
    seen, lost = (
        np.bincount(objects['class_id'][kept], minlength=num_classes)
        for kept in (in_view, cut)
    )
    return [float(c / n) if n else None for c, n in zip(lost, seen)]


def rare_classes(statistics: LabelStatistics) -> List[int]:
    """Finds the rare classes as ``classes='rare'`` of the recomposers does.

    Args:
        statistics (LabelStatistics): Of the training data.

    Returns:
        list[int]: Their ids; empty where no class is rare by that rule.
    """
    try:
        return asked_classes(dict(rare='share'), statistics)
    except ValueError:  # No class is.
        return []


def class_facts(
    train: Split,
    val: Split,
    sizes: List[Sizes],
    cut_off: List[Optional[float]],
    stride: Stride,
    margins: np.ndarray,
    predicted: Optional[Predicted] = None,
) -> List[ClassFacts]:
    """Puts together what is known of each class.

    Args:
        train (Split): The training data.
        val (Split): The validation data.
        sizes (list[Sizes]): See :func:`sizes_in_view`.
        cut_off (list[float | None]): See :func:`cut_off_shares`.
        stride (Stride): Of the network.
        margins (np.ndarray): float [C], half the widths of intervals, NaN for none.
        predicted (Predicted, optional): Of a network that was tried.
    """
    names = train.statistics.class_names
    objects, val_objects = (
        np.bincount(split.objects['class_id'], minlength=len(names))
        for split in (train, val)
    )
    facts = []
    for class_id, name in enumerate(names):
        side, width = (sizes[class_id].median(values) for values in sizes[class_id][:2])
        margin = float(margins[class_id])
        facts.append(
            ClassFacts(
                name=name,
                pixels=float(train.statistics.frequency[class_id]),
                photos=float(train.statistics.image_frequency[class_id]),
                train_photos=int(train.statistics.presence[:, class_id].sum()),
                objects=int(objects[class_id]),
                median_object_pixels=side,
                median_object_cells=None if side is None else side / stride.pixels,
                median_width_cells=None if width is None else width / stride.pixels,
                cut_off=cut_off[class_id],
                val_photos=int(val.statistics.presence[:, class_id].sum()),
                val_objects=int(val_objects[class_id]),
                interval=None if np.isnan(margin) else margin,
                taken_for=_taken_for(predicted, class_id, names),
            )
        )
    return facts


def _taken_for(
    predicted: Optional[Predicted], class_id: int, names: List[str]
) -> Optional[List[TakenFor]]:
    if predicted is None:
        return None
    row = predicted.confusion[class_id]
    shares = row / max(row.sum(), 1)
    order = [c for c in np.argsort(-shares, kind='stable').tolist() if c != class_id]
    return [
        TakenFor(names[other], float(shares[other]))
        for other in order[:_MOST_CONFUSED]
        if shares[other] >= _CONFUSED_FROM
    ]


def _objects_of_runs(
    objects: np.ndarray, shown: Shown
) -> Tuple[np.ndarray, np.ndarray]:
    """Returns the objects in the samples of all runs, by place, and the run of each."""
    # Objects are sorted by their maps.
    first, end = (
        np.searchsorted(objects['map'], shown.maps, side=side)
        for side in ('left', 'right')
    )
    picked = [np.arange(start, stop) for start, stop in zip(first, end)]
    runs = np.repeat(np.arange(len(picked)), end - first)
    return np.concatenate([np.zeros(0, int), *picked]), runs
