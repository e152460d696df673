"""Pairs of label map and photo, to train a generator."""

import copy
from typing import List, Optional, Sequence, Tuple, Union

import numpy as np
from mmengine.dataset import Compose, force_full_init
from mmengine.registry import DefaultScope
from mmseg.datasets import BaseSegDataset
from torch import Tensor

from mmseg_ganaug.datasets.holes import HOLE_OPTIONS, Holes
from mmseg_ganaug.datasets.label_files import check_instance_path
from mmseg_ganaug.datasets.label_source import DatasetLabelSource
from mmseg_ganaug.datasets.photo_form import check_colour, stored_photo
from mmseg_ganaug.datasets.reading import unify_ignored
from mmseg_ganaug.datasets.source_dataset import build_source
from mmseg_ganaug.datasets.statistics import check_label_values
from mmseg_ganaug.datasets.transforms.formatting import to_tensor
from mmseg_ganaug.datasets.transforms.loading import LoadInstanceMap
from mmseg_ganaug.option_checks import (
    check_bool,
    check_choice,
    check_mapping,
    check_size,
)
from mmseg_ganaug.recompose import LabelStatistics
from mmseg_ganaug.recompose.source import check_label_map
from mmseg_ganaug.registry import DATASETS, RECOMPOSERS

_INTERPOLATIONS = ('nearest', 'bilinear', 'bicubic', 'area', 'lanczos')


@DATASETS.register_module()
class LabelToImageDataset:
    """The training data of a generator, from any MMSeg data set.

    Of data sets joined or repeated by wrappers every sample counts once. Photos and
    label maps are what the source's own pipeline loads, see
    :class:`~mmseg_ganaug.datasets.reading.PipelineReader`; the rest of that pipeline is
    not used.

    Args:
        source (dict | BaseSegDataset): An MMSeg data set or its config.
        scale (tuple[int, int], optional): Width and height in pixels to which samples
            are resized: label and instance maps nearest, photos by ``interpolation``.
            Defaults to None: as they are.
        interpolation (str): mmcv's interpolation of the photos. ``'area'`` keeps thin
            objects where photos get much smaller. Defaults to ``'bicubic'``.
        pipeline (Sequence[dict], optional): MMSeg transforms between loading (with
            resizing) and packing. Defaults to None: horizontal flips of every other
            sample.
        with_instances (bool): Whether instance maps are loaded. Defaults to False.
        instance_path (tuple[str, str], optional): What to replace in ``seg_map_path``,
            and by what, to get the instance map, where the source gives no
            ``inst_map_path``. Defaults to None.
        recomposer (dict, optional): Config of ``AddSingle``, ``AddMulti`` or ``Recon``:
            each sample then also has a recombined label map, for which there is no
            photo and which the generator meets in the adversarial loss alone. Defaults
            to None.
        holes (dict, optional): ``share``, ``own_prob`` and ``rim`` of
            :class:`~mmseg_ganaug.datasets.holes.Holes`: each sample then also has
            ``img_hole`` (uint8 [1, H, W], 1 in the holes), for a model with
            ``context``. Defaults to None.
        verify (bool): Whether all photos and label maps, every label value included,
            are checked before the first sample is asked for. Defaults to True.
        lazy_init (bool): Whether the source is read later. Defaults to False.

    Raises:
        ValueError: When the source is empty or, with ``verify``, a label file is
            missing, holds a wrong value or differs in size from its photo; names the
            file and the value.
    """

    def __init__(
        self,
        source: Union[dict, BaseSegDataset],
        scale: Optional[Tuple[int, int]] = None,
        interpolation: str = 'bicubic',
        pipeline: Optional[Sequence[dict]] = None,
        with_instances: bool = False,
        instance_path: Optional[Tuple[str, str]] = None,
        recomposer: Optional[dict] = None,
        holes: Optional[dict] = None,
        verify: bool = True,
        lazy_init: bool = False,
    ) -> None:
        if scale is not None:
            scale = check_size(self, 'scale', scale, order='(width, height)')
        self._scale = scale
        self._with_instances = check_bool(self, 'with_instances', with_instances)
        path = check_instance_path(self, instance_path)
        self._instance_path = path if with_instances else None
        if recomposer is not None:
            check_mapping(self, 'recomposer', recomposer, needed=('type',))
        self._recomposer = recomposer
        self._holes: Optional[Holes] = None
        if holes is not None:
            check_mapping(self, 'holes', holes, known=HOLE_OPTIONS)
            self._holes = Holes(**holes)
        self._verify = check_bool(self, 'verify', verify)
        check_choice(self, 'interpolation', interpolation, _INTERPOLATIONS)
        # The default scope is MMagic's while a generator trains.
        with DefaultScope.overwrite_default_scope('mmseg'):
            self.source = build_source(source)
            self._instances = [
                LoadInstanceMap(self._instance_path, part.backend_args)
                for part in self.source.parts
            ]
            self._transform = Compose(self._processing(interpolation, pipeline))
        self._recomposed: Optional[RecomposedLabels] = None
        self._fully_initialized = False
        if not lazy_init:
            self.full_init()

    def _processing(
        self, interpolation: str, pipeline: Optional[Sequence[dict]]
    ) -> List[dict]:
        transforms = []
        if self._scale is not None:
            transforms.append(
                {
                    'type': 'Resize',
                    'scale': self._scale,
                    'keep_ratio': False,
                    'interpolation': interpolation,
                }
            )
        if pipeline is None:
            pipeline = [{'type': 'RandomFlip', 'prob': 0.5}]
        return [*transforms, *pipeline, {'type': 'mmseg_ganaug.PackLabelToImage'}]

    @property
    def metainfo(self) -> dict:
        """Returns classes, palette and the like: those of the source."""
        return copy.deepcopy(self.source.metainfo)

    def label_source(self) -> DatasetLabelSource:
        """Returns label maps and photos of the source, at the size of the samples."""
        return DatasetLabelSource(self.source, self._scale, self._instance_path)

    def full_init(self) -> None:
        """Reads the list of the source and checks its label files."""
        if self._fully_initialized:
            return
        self.source.full_init()
        self._fully_initialized = True
        labels = self.label_source()
        self._labels = labels
        if self._verify:
            labels.require_photos()
            labels.files_digest()
            check_label_values(labels)
            labels.check_photos()
            check_colour(labels.photo(0), labels.photo_name(0))
        if self._recomposer is not None:
            self._recomposed = RecomposedLabels(
                labels.verified(need_photos=True),
                self._recomposer,
                num_recipes=2 * len(labels),
            )

    @force_full_init
    def get_data_info(self, idx: int) -> dict:
        """Returns the data info of a sample of the source."""
        return self.source.locate(idx)[1]

    @force_full_init
    def __len__(self) -> int:
        return len(self.source)

    @force_full_init
    def __getitem__(self, idx: int) -> dict:
        """Loads one sample; see :class:`PackLabelToImage` for what it holds.

        Raises:
            ValueError: Names the file where the label map holds a wrong value, or
                photo, label map and instance map differ in size.
        """
        number, info = self.source.locate(idx)
        reader = self.source.reader(number)
        sample = reader.load(info)
        if self._with_instances:
            sample = self._instances[number](sample)
        path = info['img_path']
        sample['img'] = stored_photo(sample['img'], path, reader.eight_bits)
        check_colour(sample['img'], path)
        unify_ignored(sample['gt_seg_map'], info, self.source.ignore_index)
        label_map, path = sample['gt_seg_map'], info['seg_map_path']
        num_classes = len(self.source.metainfo['classes'])
        check_label_map(label_map, num_classes, self.source.ignore_index, path)
        if sample['img'].shape[:2] != label_map.shape:
            raise ValueError(
                f'{info["img_path"]} is {sample["img"].shape[:2]}, but its label map '
                f'{path} is {label_map.shape} (height, width): the two must have one '
                'size'
            )
        sample['palette'] = self.source.metainfo['palette']
        packed = self._transform(sample)
        if self._recomposed is not None:
            packed['inputs'].update(self._draw_recomposed(packed['inputs']))
        if self._holes is not None:
            packed['inputs']['img_hole'] = self._draw_holes(packed['inputs'])
        return packed

    def _draw_holes(self, inputs: dict) -> Tensor:
        ids = inputs.get('img_instance')
        holes = self._holes.draw(
            inputs['img_label'][0].numpy(),
            None if ids is None else ids[0].numpy(),
            self._labels,
            _drawn_rng(),
        )
        return to_tensor(holes.astype(np.uint8))

    def _draw_recomposed(self, inputs: dict) -> dict:
        rng = _drawn_rng()
        number = int(rng.integers(len(self._recomposed)))
        size = tuple(inputs['img_label'].shape[-2:])
        label_map, instance_map = self._recomposed.load(number, size, rng)
        drawn = {'img_recomposed_label': to_tensor(label_map)}
        if self._with_instances:
            drawn['img_recomposed_instance'] = to_tensor(instance_map)
        return drawn

    def __repr__(self) -> str:
        name = type(self).__name__
        parts = ', '.join(type(part).__name__ for part in self.source.parts)
        return f'{name}({parts}, {len(self)} pairs)'


def _drawn_rng() -> np.random.Generator:
    # From the worker's own generator, as MMSeg's transforms draw.
    return np.random.default_rng(np.random.randint(2**31))  # noqa: NPY002


class RecomposedLabels:
    """Label maps that a recomposer makes of a data set.

    Args:
        source (DatasetLabelSource): The label maps to recombine.
        recomposer (dict): Config of ``AddSingle``, ``AddMulti`` or ``Recon``.
        num_recipes (int): Number of different recombinations.
        seed (int): Seed of their plan.
    """

    def __init__(
        self,
        source: DatasetLabelSource,
        recomposer: dict,
        num_recipes: int,
        seed: int = 0,
    ) -> None:
        self._source = source
        self._recomposer = RECOMPOSERS.build(recomposer)
        statistics = LabelStatistics.collect(source)
        self._plan = self._recomposer.plan(statistics, num_recipes, seed)

    def __len__(self) -> int:
        return len(self._plan)

    def load(
        self, index: int, size: Tuple[int, int], rng: np.random.Generator
    ) -> Tuple[np.ndarray, Optional[np.ndarray]]:
        """Makes one recombination.

        Args:
            index (int): Number of the recipe.
            size (tuple[int, int]): Height and width; of a larger map a window is
                taken that holds something new.
            rng (np.random.Generator): Draws the window.

        Returns:
            tuple[np.ndarray, np.ndarray | None]: uint8 and int32 [height, width].

        Raises:
            ValueError: When the map is smaller than ``size``.
        """
        made = self._recomposer.recompose(self._plan[index], self._source)
        shape = made.label_map.shape
        if shape[0] < size[0] or shape[1] < size[1]:
            raise ValueError(
                f'a recombined map is {shape}, smaller than the photo beside it, '
                f'{size} (height, width): set scale, so that all have one size'
            )
        changed = np.flatnonzero(made.changed)
        aim = rng.choice(changed) if len(changed) else rng.integers(made.changed.size)
        sides = []
        for at, have, want in zip(np.unravel_index(aim, shape), shape, size):
            # The pixel lies anywhere in the window, not always in its middle.
            start = int(np.clip(at - rng.integers(want), 0, have - want))
            sides.append(slice(start, start + want))
        window = tuple(sides)
        instance_map = made.instance_map
        return (
            made.label_map[window],
            None if instance_map is None else instance_map[window],
        )
