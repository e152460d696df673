"""Which transforms of a pipeline load a sample, and which augment it."""

import copy
import logging
import random
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence

import mmcv.transforms
import mmseg.datasets.transforms
import numpy as np
import torch
from mmcv.transforms import LoadImageFromFile
from mmengine.logging import print_log

Transform = Callable[[dict], Optional[dict]]

# What these packages call so neither loads nor changes what a label value means.
_LIBRARIES = ('mmcv', 'mmengine', 'mmseg', 'mmseg_ganaug')
_STOCK = {*mmcv.transforms.__all__, *mmseg.datasets.transforms.__all__}
_REPEATS = 4
_UNKNOWN_LABEL = 255


class LabelReadingError(ValueError):
    """The labels of a data set cannot be read as its pipeline reads them."""


@dataclass(frozen=True)
class LoadingSteps:
    """The transforms of a pipeline that load.

    Attributes:
        loading: Places of all transforms that load, in order.
        labels: Those that the label map alone needs.
        photo: Those that the photo alone needs.
    """

    loading: List[int]
    labels: List[int]
    photo: List[int]


@dataclass
class _Probe:
    """A sample within the pipeline, and what was found so far."""

    results: dict
    loading: List[int] = field(default_factory=list)
    labels: List[int] = field(default_factory=list)
    photo: List[int] = field(default_factory=list)
    photo_failed: bool = False
    augmented: Optional[str] = None
    packed: bool = False

    @property
    def complete(self) -> bool:
        return 'gt_seg_map' in self.results and 'img' in self.results


def transform_name(transform: Transform) -> str:
    """Returns the name under which a user knows a transform."""
    return getattr(transform, '__name__', type(transform).__name__)


def is_stock(transform: Transform) -> bool:
    """Checks whether MMSeg, MMCV or this package define a transform, and all in it."""
    kind = type(transform)
    known = kind.__module__.split('.')[0] in _LIBRARIES
    # A class that a user added to a checkout of MMSeg is no stock one.
    known &= kind.__module__.startswith('mmseg_ganaug.') or kind.__name__ in _STOCK
    return known and all(is_stock(inner) for inner in _inside(transform))


def is_loader(transform: Transform) -> bool:
    """Checks whether a stock transform loads, or holds one that does."""
    name = type(transform).__name__
    return name.startswith('Load') or any(map(is_loader, _inside(transform)))


def is_packer(transform: Transform) -> bool:
    """Checks whether a transform packs a sample for a model."""
    return type(transform).__name__.startswith('Pack')


def find_loading_steps(
    transforms: Sequence[Transform], info: dict, values: Sequence[int]
) -> LoadingSteps:
    """Finds where loading ends, by running a pipeline on a real sample.

    The loading steps are all transforms up to the one that completes photo and label
    map, without stock augmentations between them (test pipelines resize first), and
    later transforms that change what a label value means (thresholds, tables of ids),
    or those that change the type or the number of the photo's channels.
    A transform is known to change labels if it changes label maps of one value.

    Args:
        transforms (Sequence[callable]): Of the data set's pipeline.
        info (dict): Data info of a sample.
        values (Sequence[int]): Label values to try, beside those of the sample.

    Returns:
        LoadingSteps: Places in ``transforms``.

    Raises:
        LabelReadingError: When no transform gives a label map, or a transform that may
            be an augmentation changes labels; names it.
        Exception: What a loading transform raises, for a missing file say.
    """
    probe = _Probe(copy.deepcopy(info))
    with kept_random_state():
        for place, transform in enumerate(transforms):
            augments = is_stock(transform) and not is_loader(transform)
            if not probe.complete:
                if not augments:
                    _load(probe, place, transform)
            elif augments:
                _augment(probe, transform)
            elif not probe.packed:
                _examine(probe, place, transform, values)
    if 'gt_seg_map' not in probe.results and not probe.labels:
        raise LabelReadingError(
            'no transform of the pipeline gives a label map (gt_seg_map) of '
            f'{info.get("seg_map_path")}; the pipeline has '
            f'{", ".join(map(transform_name, transforms)) or "none"}: add '
            'LoadAnnotations, or your own loading transform'
        )
    return LoadingSteps(probe.loading, probe.labels, probe.photo)


def run_steps(steps: Sequence[Transform], info: dict) -> dict:
    """Runs loading transforms on a copy of a data info.

    Raises:
        LabelReadingError: When one of them gives nothing; names it.
    """
    results = copy.deepcopy(info)
    for step in steps:
        given = step(results)
        if given is None:
            raise LabelReadingError(
                f'{transform_name(step)} gives None for {info.get("seg_map_path")}: '
                'take this sample out of the data set, since it cannot be loaded'
            )
        results = given
    return results


def check_two_sides(labels: Any, path: Any) -> None:
    """Checks that a label map is no line.

    Raises:
        LabelReadingError: When it has one axis or none: LoadAnnotations takes away an
            axis that is one pixel long.
    """
    if np.ndim(labels) < 2:
        raise LabelReadingError(
            f'{path} is one pixel wide or high, and MMSeg cannot load it as a label '
            'map [H, W]: take the sample out of the data set, or pad photo and label '
            'map'
        )


def loads_at_random(steps: Sequence[Transform], info: dict) -> bool:
    """Checks whether loading a label map twice gives two different ones."""
    with kept_random_state():
        maps = []
        for seed in range(_REPEATS):
            _set_random_state(seed)
            maps.append(run_steps(steps, info)['gt_seg_map'])
    return any(not np.array_equal(maps[0], other) for other in maps[1:])


def label_map_of(sample: Any) -> Optional[np.ndarray]:
    """Finds the label map in a sample, packed or not: [H, W], or None."""
    if not isinstance(sample, dict):
        return None
    if 'gt_seg_map' in sample:
        return np.asarray(sample['gt_seg_map'])
    labels = getattr(sample.get('data_samples'), 'gt_sem_seg', None)
    if labels is None:
        return None
    array = np.asarray(labels.data)
    return array[0] if array.ndim == 3 and len(array) == 1 else array


def _inside(transform: Transform) -> List[Transform]:
    """Lists the transforms inside a wrapper such as RandomChoice."""
    inner = getattr(transform, 'transforms', None)
    if not isinstance(inner, (list, tuple)):
        return []
    flat: List[Transform] = []
    for item in inner:
        flat += item if isinstance(item, (list, tuple)) else [item]
    return [item for item in flat if callable(item)]


def _load(probe: _Probe, place: int, transform: Transform) -> None:
    before = probe.results
    try:
        given = transform(copy.deepcopy(before))
        if given is None and isinstance(transform, LoadImageFromFile):
            raise OSError('no photo in it')
        if given is None:
            return  # a filter, which training runs as well
        results = given
    except Exception as error:
        if isinstance(transform, LoadImageFromFile):
            # Statistics need no photos; reading a photo raises this error.
            results, probe.photo_failed = before, True
        elif isinstance(error, (OSError, SyntaxError, LabelReadingError)):
            raise
        else:
            raise LabelReadingError(
                f'{transform_name(transform)} cannot load {before.get("seg_map_path")} '
                f'({type(error).__name__}: {error})'
            ) from error
    changed = [
        key
        for key in ('img', 'gt_seg_map')
        if key in results and not _same(before.get(key), results[key])
    ]
    probe.results = results
    if (
        changed == ['img']
        and 'img' in before
        and not is_stock(transform)
        and not _changes_type(before['img'], results['img'])
    ):
        return  # an augmentation of the photo between the loading transforms
    probe.loading.append(place)
    if 'img' in changed or isinstance(transform, LoadImageFromFile):
        probe.photo.append(place)
    if 'gt_seg_map' in changed:
        probe.labels.append(place)
        check_two_sides(results['gt_seg_map'], before.get('seg_map_path'))
    labels = results.get('gt_seg_map')
    if probe.photo_failed and labels is not None and 'img' not in results:
        # A stand-in, so that the next transforms are tested, too.
        results['img'] = np.zeros((*labels.shape[:2], 3), np.uint8)


def _augment(probe: _Probe, transform: Transform) -> None:
    """Runs a stock augmentation, so that later transforms find what they need."""
    probe.augmented = transform_name(transform)
    if probe.packed or is_packer(transform):
        return
    try:
        results = transform(copy.deepcopy(probe.results))
    except Exception:
        return  # the next transforms are tested without it
    if results is not None and 'gt_seg_map' in results:
        probe.results = results


def _examine(
    probe: _Probe, place: int, transform: Transform, values: Sequence[int]
) -> None:
    """Decides what a transform of the user's own, after the loading ones, does."""
    try:
        runs = [_run(transform, probe.results, seed) for seed in range(_REPEATS)]
    except Exception as error:
        print_log(
            f'{transform_name(transform)} could not be tested '
            f'({type(error).__name__}: {error}): it is treated as an augmentation '
            'that changes no label value',
            logger='current',
            level=logging.WARNING,
        )
        return
    name, first = transform_name(transform), runs[0]
    maps = [label_map_of(run) for run in runs]
    if first is None or any(labels is None for labels in maps):
        return
    packed = 'gt_seg_map' not in first
    if all(_same(maps[0], other) for other in maps[1:]):
        table = _label_table(transform, probe.results, values)
        changes = table is None or any(old != new for old, new in table.items())
        # Without a table the labels come from elsewhere: another file, say.
        if changes and (packed or (table is None and probe.augmented)):
            raise LabelReadingError(
                f'{name} changes label values after {probe.augmented or "loading"}, so '
                'their meaning before it is not known: put it directly after the '
                'transform that loads the label map'
            )
        if changes or _changes_type(probe.results['img'], first.get('img')):
            probe.loading.append(place)
            if changes:
                probe.labels.append(place)
            else:
                probe.photo.append(place)
    elif _always_changes(transform, probe.results):
        raise LabelReadingError(
            f'{name} changes label values and also draws at random: split it into two '
            'transforms, and put the one that changes values directly after the '
            'transform that loads the label map'
        )
    probe.packed = packed
    if not packed:
        probe.results = first


def _always_changes(transform: Transform, results: dict) -> bool:
    """Checks whether a label value becomes another one, whatever is drawn."""
    labels = results['gt_seg_map']
    for value in {*np.unique(labels).tolist(), _UNKNOWN_LABEL}:
        constant = dict(results, gt_seg_map=np.full_like(labels, value))
        maps = [label_map_of(_run(transform, constant, s)) for s in range(_REPEATS)]
        found = [
            set() if m is None else set(np.unique(m).tolist()) - {_UNKNOWN_LABEL}
            for m in maps
        ]
        if all(there and value not in there for there in found):
            return True
    return False


def _label_table(
    transform: Transform, results: dict, values: Sequence[int]
) -> Optional[Dict[int, int]]:
    """Finds the new value of each label value; None if it depends on more."""
    labels = results['gt_seg_map']
    table: Dict[int, int] = {}
    for value in sorted({*values, *np.unique(labels).tolist()}):
        constant = dict(results, gt_seg_map=np.full_like(labels, value))
        found = label_map_of(_run(transform, constant, 0))
        if found is None:
            return None
        there = set(np.unique(found).tolist())
        if value in there:  # all else is border that the geometry filled in
            table[value] = value
            continue
        there = there - {_UNKNOWN_LABEL} or there
        if len(there) != 1:
            return None
        table[value] = there.pop()
    if all(old == new for old, new in table.items()):
        return table
    changed = label_map_of(_run(transform, results, 0))
    there, places = np.unique(labels, return_inverse=True)
    expected = np.array([table[value] for value in there.tolist()])[places]
    return table if _same(expected.reshape(labels.shape), changed) else None


def _run(transform: Transform, results: dict, seed: int) -> Optional[dict]:
    _set_random_state(seed)
    return transform(copy.deepcopy(results))


def _changes_type(photo: Any, changed: Any) -> bool:
    if changed is None:
        return False
    one, other = np.asarray(photo), np.asarray(changed)
    return (one.dtype, one.shape[2:]) != (other.dtype, other.shape[2:])


def _same(one: Any, other: Any) -> bool:
    return one is not None and other is not None and np.array_equal(one, other)


@contextmanager
def kept_random_state() -> Iterator[None]:
    """Leaves the global generators as they were: training draws from them."""
    # There is no other generator that transforms draw from.
    numpy_state = np.random.get_state()  # noqa: NPY002
    python_state, torch_state = random.getstate(), torch.get_rng_state()
    try:
        yield
    finally:
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)
        torch.set_rng_state(torch_state)


def _set_random_state(seed: int) -> None:
    np.random.seed(seed)  # noqa: NPY002
    random.seed(seed)
    torch.default_generator.manual_seed(seed)  # that of the CPU alone
