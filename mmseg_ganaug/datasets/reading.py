"""The one reader of real samples: what the pipeline of their data set loads."""

import ast
import copy
import inspect
import json
import logging
import textwrap
from contextlib import suppress
from typing import Any, Iterator, List, Optional, Sequence

import numpy as np
from mmcv.transforms import LoadImageFromFile
from mmengine.dataset import BaseDataset, Compose
from mmengine.logging import print_log
from mmseg.datasets.transforms import LoadAnnotations

from mmseg_ganaug.config_search import type_name
from mmseg_ganaug.datasets.label_files import loading_error
from mmseg_ganaug.datasets.loading_steps import (
    LabelReadingError,
    Transform,
    check_two_sides,
    find_loading_steps,
    is_packer,
    is_stock,
    kept_random_state,
    label_map_of,
    loads_at_random,
    run_steps,
    transform_name,
)
from mmseg_ganaug.files import evenly_spread

_BACKENDS = ('cv2', 'pillow', 'turbojpeg')
_COMPARED = 5


class PipelineReader:
    """Reads samples as the pipeline of their data set does, where loading ends.

    The transforms that load are found on the first sample, see
    :func:`~mmseg_ganaug.datasets.loading_steps.find_loading_steps`; a data set without
    a pipeline is read as MMSeg's stock loading transforms read it.

    Args:
        dataset (BaseSegDataset): Its list of files has been read.
        configs (Sequence, optional): Configs of the transforms of its pipeline, of
            which a fingerprint is made. Defaults to None: not known.

    Attributes:
        loading: Places in the pipeline of the transforms that load.
        stock_labels: Whether MMSeg's own transform reads the label maps, each from one
            file of class ids.
        stock_photos: The same for the photos, as 8-bit colour images.
        eight_bits: Whether photos hold values of 8 bits, be it in another type.
        backends: MMEngine's file backends of the transforms that load.

    Raises:
        LabelReadingError: When labels are loaded at random, or changed where they
            cannot be followed; names the transform or the data set.
    """

    def __init__(self, dataset: Any, configs: Optional[Sequence[Any]] = None) -> None:
        self._name = type(dataset).__name__
        transforms: List[Transform] = list(dataset.pipeline.transforms)
        if not transforms:
            configs = None
            backend = dict(backend_args=dataset.backend_args)
            transforms = [LoadImageFromFile(**backend), LoadAnnotations(**backend)]
        classes = dataset.metainfo.get('classes') or ()
        info = dataset.get_data_info(0)
        try:
            steps = find_loading_steps(
                transforms, info, [*range(min(len(classes), 256)), 255]
            )
        except (OSError, SyntaxError) as error:
            raise loading_error(info['seg_map_path'], error) from error
        self.loading = steps.loading if dataset.pipeline.transforms else []
        self._all = [transforms[place] for place in steps.loading]
        self._labels = [transforms[place] for place in steps.labels]
        self._photo = [transforms[place] for place in steps.photo]
        if not self._photo:  # a pipeline of label maps alone
            self._photo = [LoadImageFromFile(backend_args=dataset.backend_args)]
            self._all = [*self._photo, *self._all]
        self._packers = [t for t in transforms if is_packer(t)]
        self._check_alone(info)
        places = evenly_spread(len(dataset), _COMPARED)
        compared = [dataset.get_data_info(index) for index in places]
        self._check_chance(compared)
        self._check_against(dataset)
        labels: Any = self._labels[0] if len(self._labels) == 1 else None
        self.stock_labels = (
            type(labels) is LoadAnnotations and labels.imdecode_backend in _BACKENDS
        )
        photo: Any = self._photo[0] if len(self._photo) == 1 else None
        self.eight_bits = (
            type(photo) is LoadImageFromFile
            and photo.color_type == 'color'
            and photo.imdecode_backend in _BACKENDS
        )
        self.stock_photos = self.eight_bits and not photo.to_float32
        self.backends = [getattr(step, 'backend_args', None) for step in self._all]
        self._fingerprint = json.dumps(
            [
                _describe(transforms[place], configs[place] if configs else None)
                for place in steps.loading
            ]
        )

    def fingerprint(self) -> str:
        """Describes the loading transforms, their options, and the code of own ones."""
        return self._fingerprint

    def load(self, info: dict) -> dict:
        """Loads photo and label map.

        Args:
            info (dict): Data info of the sample.

        Returns:
            dict: Results of the pipeline where loading ends: ``img`` and a uint8
            ``gt_seg_map`` among them.

        Raises:
            ValueError: Names the file that cannot be loaded.
        """
        results = self._run(self._all, info, info.get('img_path'))
        results['gt_seg_map'] = _to_uint8(results['gt_seg_map'], info['seg_map_path'])
        return results

    def label_map(self, info: dict) -> np.ndarray:
        """Loads a label map alone: uint8 [H, W]; errors as for :meth:`load`."""
        path = info['seg_map_path']
        return _to_uint8(self._run(self._labels, info, path)['gt_seg_map'], path)

    def photo(self, info: dict) -> np.ndarray:
        """Loads a photo alone: [H, W, bands] of any type, BGR where MMSeg's are.

        Raises:
            ValueError: Names the file that cannot be loaded.
        """
        return self._run(self._photo, info, info['img_path'])['img']

    def _run(self, steps: Sequence[Transform], info: dict, path: Any) -> dict:
        try:
            return run_steps(steps, info)
        except (OSError, SyntaxError, AssertionError) as error:
            raise loading_error(path, error) from error
        except LabelReadingError:
            raise
        except Exception as error:
            raise LabelReadingError(
                f'{path}: {self._names(steps)} of {self._name} cannot load it '
                f'({type(error).__name__}: {error})'
            ) from error

    def _check_alone(self, info: dict) -> None:
        """Loads by all steps what some of them do not give by themselves."""
        for steps, key in ((self._labels, 'gt_seg_map'), (self._photo, 'img')):
            try:
                whole = run_steps(self._all, info)[key]
            except Exception:
                continue  # the photo is missing; the label map is read without it
            try:
                enough = np.array_equal(run_steps(steps, info)[key], whole)
            except Exception:
                enough = False
            if not enough:
                steps[:] = self._all

    def _check_chance(self, infos: Sequence[dict]) -> None:
        if all(type(step) is LoadAnnotations for step in self._labels):
            return
        for info in infos:
            with suppress(OSError, SyntaxError):  # raised again on reading
                if not loads_at_random(self._labels, info):
                    continue
                raise LabelReadingError(
                    f'{self._names(self._labels)} of {self._name} gives another label '
                    f'map of {info["seg_map_path"]} each time: load labels without '
                    'randomness, and augment them in later transforms'
                )

    def _check_against(self, dataset: Any) -> None:
        """Compares what is read with what the data set itself gives."""
        kind = type(dataset)
        own = [
            name
            for name in ('__getitem__', 'prepare_data')
            if getattr(kind, name) is not getattr(BaseDataset, name)
        ]
        if not own or not dataset.pipeline.transforms:
            return
        plain = copy.copy(dataset)
        plain.pipeline = Compose([*self._all, *self._packers])
        method = f'{kind.__name__}.{" or ".join(own)}'
        for index in evenly_spread(len(dataset), _COMPARED):
            info = dataset.get_data_info(index)
            try:
                with kept_random_state():
                    given = label_map_of(plain[index])
            except Exception as error:
                given, reason = None, f'{type(error).__name__}: {error}'
            else:
                reason = 'it gives no gt_sem_seg'
            if given is None:
                print_log(
                    f'{method} may change labels, which could not be checked '
                    f'({reason}). Labels are used as the loading transforms give them',
                    logger='current',
                    level=logging.WARNING,
                )
                return
            if not np.array_equal(given, self.label_map(info)):
                raise LabelReadingError(
                    f'{method} changes the labels of {info["seg_map_path"]} after '
                    'they were loaded, which is not supported: move this change into '
                    'a transform of the pipeline, directly after LoadAnnotations'
                )

    @staticmethod
    def _names(steps: Sequence[Transform]) -> str:
        return ', '.join(map(transform_name, steps))


def unify_ignored(label_map: np.ndarray, info: dict, ignore_index: int) -> None:
    """Replaces MMSeg's 255 with the data set's ignore index, in place.

    MMSeg writes 255 for the zero label and for classes that ``metainfo`` leaves out,
    whatever the ignore index is.

    Args:
        label_map (np.ndarray): uint8 ``[H, W]``, as it was loaded.
        info (dict): Data info of the sample.
        ignore_index (int): Of the data set.
    """
    names = info.get('label_map') or {}
    left_out = info.get('reduce_zero_label') or 255 in names.values()
    if left_out and ignore_index != 255:
        label_map[label_map == 255] = ignore_index


def _to_uint8(label_map: Any, path: str) -> np.ndarray:
    """Turns what PackSegInputs would cast to int64 into uint8, if it fits."""
    labels = np.asarray(label_map)
    check_two_sides(labels, path)
    if labels.dtype == np.uint8:
        return labels
    whole = labels.astype(np.int64)
    if whole.size and not 0 <= whole.min() <= whole.max() <= 255:
        wrong = whole.min() if whole.min() < 0 else whole.max()
        raise LabelReadingError(
            f'{path}: the loading transforms give the label value {wrong}; class ids '
            'and the ignore index must be 0..255: load 255 for pixels of no class, '
            'and set ignore_index=255'
        )
    return whole.astype(np.uint8)


def _describe(transform: Transform, config: Any) -> List[Any]:
    """Describes a transform: class, options, and code if it is no stock one."""
    kind = type(transform)
    code = '' if is_stock(transform) else '\n'.join(_sources(transform))
    if config is None:
        # MMCV's convention: an option is kept under its name.
        names = inspect.signature(kind).parameters
        config = {n: getattr(transform, n) for n in names if hasattr(transform, n)}
        if kind is LoadAnnotations:
            config.pop('reduce_zero_label')  # set by the first sample, as it has it
    return [kind.__name__, _plain(config), code]


def _sources(transform: Transform) -> Iterator[str]:
    """Returns the code of a transform's classes, without layout and comments."""
    kinds = [transform] if inspect.isfunction(transform) else type(transform).__mro__
    for kind in kinds:
        if kind.__module__.split('.')[0] in ('builtins', 'mmcv', 'mmseg', 'abc'):
            continue
        try:
            yield ast.unparse(ast.parse(textwrap.dedent(inspect.getsource(kind))))
        except (OSError, TypeError, SyntaxError):  # made in an interactive session
            yield kind.__qualname__
    for inner in getattr(transform, 'transforms', None) or ():
        for item in inner if isinstance(inner, (list, tuple)) else [inner]:
            if callable(item) and not is_stock(item):
                yield from _sources(item)


def _plain(value: Any) -> Any:
    """Turns an option into JSON values."""
    if isinstance(value, dict):
        if isinstance(value.get('type'), (str, type)):
            # One and the same by its name, its path, or itself.
            value = dict(value, type=type_name(value))
        return {str(key): _plain(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if inspect.isclass(value) or inspect.isroutine(value):
        return getattr(value, '__qualname__', str(value))
    text = repr(value)
    return type(value).__qualname__ if ' at 0x' in text else text
