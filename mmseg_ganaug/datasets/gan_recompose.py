"""Generated pairs as an ordinary MMSeg data set."""

import math
from pathlib import Path
from typing import Callable, List, Optional, Sequence, Tuple, Union

import numpy as np
from mmengine.dataset import force_full_init
from mmengine.logging import print_log
from mmengine.registry import DefaultScope
from mmseg.datasets import BaseSegDataset

from mmseg_ganaug.datasets.finished_samples import (
    recall_samples,
    record_path,
    remember_samples,
)
from mmseg_ganaug.datasets.generated_pipeline import pipeline_of_samples
from mmseg_ganaug.datasets.label_files import check_instance_path
from mmseg_ganaug.datasets.label_source import DatasetLabelSource
from mmseg_ganaug.datasets.sample_plan import PlansSamples
from mmseg_ganaug.datasets.source_dataset import build_source
from mmseg_ganaug.datasets.statistics import on_main_process, read_statistics
from mmseg_ganaug.option_checks import (
    check_bool,
    check_choice,
    check_mapping,
    check_number,
    check_path,
    check_seed,
    check_size,
    check_whole,
    check_whole_numbers,
    items_of,
    refuse,
)
from mmseg_ganaug.recompose import RecomposePlan
from mmseg_ganaug.registry import DATASETS
from mmseg_ganaug.synthesis import SampleStore
from mmseg_ganaug.synthesis.compositing import check_composite
from mmseg_ganaug.synthesis.harmonized_pixels import paints
from mmseg_ganaug.synthesis.store import PHOTO_SUFFIXES

# Needed to plan and make samples, not to load them.
_WORK = ('_painter', '_planned', '_way', 'generation')


@DATASETS.register_module()
class GANRecomposeDataset(PlansSamples, BaseSegDataset):
    """Recombines the label maps of a data set and has a generator paint their photos.

    When it is initialised, in the main process, it collects the label statistics of
    the source, plans the samples, generates those that its store lacks, frees the GPU,
    and from then on is an ordinary MMSeg data set of files. All ranks of a distributed
    run share the work. Classes, palette, ``reduce_zero_label`` and ``ignore_index``
    are those of the source.

    Method: Liu et al., "Pixel Level Data Augmentation for Semantic Image Segmentation
    using Generative Adversarial Networks", ICASSP 2019 (arXiv 1811.00174).

    Args:
        source (dict): Config of any MMSeg data set, unchanged, or a built one. Wrappers
            that join or repeat data sets are allowed; every sample counts once, see
            :class:`~mmseg_ganaug.datasets.source_dataset.SourceDataset`. Samples are
            read as its own pipeline loads them.
        recomposer (dict): Config of ``AddSingle``, ``AddMulti`` or ``Recon``.
        generator (dict, optional): ``config`` and ``checkpoint`` of the trained
            generator, see :class:`~mmseg_ganaug.synthesis.MMagicGenerator`, or ``type``
            and options of any :class:`~mmseg_ganaug.synthesis.Generator`. None: real
            pixels are pasted, nothing is painted, and MMagic is not needed;
            with ``type='HarmonizedPixels'``, a harmonizer fits them into the photo.
        cache_dir (str): Folder for statistics and samples. Each combination of source,
            plan, weights and options has a store of its own in it.
        num_samples (int, optional): Number of samples; either this or ``ratio``.
        ratio (float, optional): Number of samples relative to that of the source,
            repetitions not counted.
        pipeline (list, optional): Training pipeline. Defaults to None: that of the
            source, of its first data set where it joins several. Generated samples
            enter it after the loading transforms.
        scale (tuple[int, int], optional): Width and height in pixels at which maps are
            recombined and painted. Defaults to None: the ``scale`` of the generator's
            config, if it has one, else the size of the label maps.
        instance_path (tuple[str, str], optional): Text in the path of a label file, and
            its replacement in the path of the instance map. Defaults to None.
        seed (int): Seed of the plan. Defaults to 0.
        batch_size (int): Label maps painted at a time. Defaults to 4.
        num_workers (int): Processes that collect the statistics. Defaults to 0: the
            main process does it.
        photo_suffix (str): '.png', or '.jpg' for a fraction of the disk space.
            Defaults to '.png'.
        composite (str | dict, optional): What of a photo is generated: 'full',
            'changed', 'auto' or 'real', or these with options, such as
            ``dict(mode='auto', fidelity='fidelity.json', min_fidelity=0.5)``, see
            :func:`~mmseg_ganaug.synthesis.build_compositing`. Defaults to 'full', and
            to 'real' without a generator.
        filters (Sequence[dict]): Configs of filters of the samples, in order, such as
            ``LossFilter`` and ``IgnoredShareFilter``. Defaults to none.
        photos_per_map (int): Samples that share a label map, each with a photo of its
            own, for generators that draw from the seed of a sample. Defaults to 1.
        lazy_init (bool): Does nothing before ``full_init``. Defaults to False.
        max_redraws (int): Recipes tried, one after the other, to replace a sample that
            a filter drops. Defaults to 3.
        test_mode (bool): As all data sets of MMSeg have it. Defaults to False.
        serialize_data (bool): The same. Defaults to True.
        max_refetch (int): The same. Defaults to 1000.
        indices (int | Sequence[int], optional): Chooses among the samples; all of them
            are made. Defaults to None: all are used.

    Raises:
        FileNotFoundError: When the source, the generator's config or its checkpoint is
            missing.
        ValueError: When a label file holds a wrong value, differs in size from its
            photo, or the generator does not fit the source. Raised before anything is
            generated.
    """

    def __init__(
        self,
        source: dict,
        recomposer: dict,
        generator: Optional[dict],
        cache_dir: str,
        num_samples: Optional[int] = None,
        ratio: Optional[float] = None,
        pipeline: Optional[List[Union[dict, Callable]]] = None,
        scale: Optional[Tuple[int, int]] = None,
        instance_path: Optional[Tuple[str, str]] = None,
        seed: int = 0,
        batch_size: int = 4,
        num_workers: int = 0,
        photo_suffix: str = '.png',
        composite: Optional[Union[str, dict]] = None,
        filters: Sequence[dict] = (),
        max_redraws: int = 3,
        photos_per_map: int = 1,
        lazy_init: bool = False,
        test_mode: bool = False,
        serialize_data: bool = True,
        max_refetch: int = 1000,
        indices: Optional[Union[int, Sequence[int]]] = None,
    ) -> None:
        if (num_samples is None) == (ratio is None):
            raise ValueError(
                f'GANRecomposeDataset: give num_samples or ratio, not both or neither '
                f'(num_samples={num_samples}, ratio={ratio})'
            )
        if num_samples is not None:
            check_whole(self, 'num_samples', num_samples, 1)
        if ratio is not None:
            check_number(self, 'ratio', ratio, above=0)
        if scale is not None:
            scale = check_size(self, 'scale', scale, order='(width, height)')
        for item in items_of(self, 'filters', filters, 'a list of dicts', fewest=0):
            check_mapping(self, 'filters', item, needed=('type',))
        self._recomposer = check_mapping(
            self, 'recomposer', recomposer, needed=('type',)
        )
        generator = dict(type='RealPixels') if generator is None else generator
        self._generator = check_mapping(self, 'generator', generator)
        self._composite = check_composite(composite, paints(generator, recomposer))
        self._cache_dir = Path(check_path(self, 'cache_dir', cache_dir))
        self._num_samples = num_samples
        self._ratio = ratio
        self._scale = scale
        self._instance_path = check_instance_path(self, instance_path)
        self._seed = check_seed(self, 'seed', seed)
        self._batch_size = check_whole(self, 'batch_size', batch_size, 1)
        self._num_workers = check_whole(self, 'num_workers', num_workers)
        self._photo_suffix = check_choice(
            self, 'photo_suffix', photo_suffix, PHOTO_SUFFIXES
        )
        self._filters = filters
        self._photos_per_map = check_whole(self, 'photos_per_map', photos_per_map, 1)
        self._max_redraws = check_whole(self, 'max_redraws', max_redraws)
        if pipeline is not None:
            pipeline = items_of(
                self, 'pipeline', pipeline, 'a list of transforms', fewest=0
            )
        self._given_pipeline = pipeline
        # MMEngine would look at these when all samples are made.
        lazy_init = check_bool(self, 'lazy_init', lazy_init)
        test_mode = check_bool(self, 'test_mode', test_mode)
        serialize_data = check_bool(self, 'serialize_data', serialize_data)
        max_refetch = check_whole(self, 'max_refetch', max_refetch)
        if indices is not None:
            self._check_indices(indices)
        #: What decides about the samples; see finished_samples.py.
        self._stated = dict(
            recomposer=recomposer,
            generator=generator,
            composite=self._composite,
            filters=list(filters),
            num_samples=num_samples,
            ratio=ratio,
            photos_per_map=photos_per_map,
            max_redraws=max_redraws,
            scale=scale,
            instance_path=instance_path,
            seed=seed,
            photo_suffix=photo_suffix,
        )
        self._source_config = source
        self._labels: Optional[DatasetLabelSource] = None
        # Without a runner there is no default scope to find MMSeg's transforms in.
        scope = None if DefaultScope.get_current_instance() else 'mmseg'
        with DefaultScope.overwrite_default_scope(scope):
            self._source = build_source(source)
            metainfo = self._source.metainfo
            super().__init__(
                metainfo={key: metainfo[key] for key in ('classes', 'palette')},
                img_suffix=photo_suffix,
                ignore_index=self._source.ignore_index,
                reduce_zero_label=self._source.reduce_zero_label,
                pipeline=[],  # known when a sample of the source can be read
                lazy_init=True,
                test_mode=test_mode,
                serialize_data=serialize_data,
                max_refetch=max_refetch,
                indices=indices,
            )
        # To be joined with its source, both need the same metainfo.
        self._metainfo = metainfo
        self._presence: Optional[np.ndarray] = None
        if not lazy_init:
            self.full_init()

    def load_data_list(self) -> List[dict]:
        """Plans, generates what is missing, and lists the samples.

        Returns:
            list[dict]: Data infos as of any MMSeg data set, with the ``recipe`` number.
        """
        try:
            plan, store = self.generate()
            count = len(plan)
        except FileNotFoundError as error:
            found = recall_samples(self._record())
            if found is None:
                raise
            store, count = found
            print_log(
                f'{error}: not needed, as all {count} samples are in {store.folder}',
                logger='current',
            )
            self._build_pipeline(self._stated_source())
        infos = [
            dict(
                img_path=store.photo_path(index),
                seg_map_path=store.label_path(index),
                # The files hold final class ids.
                label_map=None,
                reduce_zero_label=False,
                seg_fields=[],
                recipe=index,
            )
            for index in range(count)
        ]
        for name in _WORK:
            self.__dict__.pop(name, None)
        return infos

    def __getstate__(self) -> dict:
        """Returns the state without what makes samples, for copies and workers."""
        return {key: value for key, value in vars(self).items() if key not in _WORK}

    @force_full_init
    def get_cat_ids(self, idx: int) -> List[int]:
        """Lists a sample's classes, for MMEngine's ``ClassBalancedDataset``.

        At the first call the label maps of all samples are read, once: what they hold
        is kept in ``cache_dir``.

        Args:
            idx (int): Index of the sample.

        Returns:
            list[int]: Class ids in rising order; pixels of no class do not count.
        """
        if self._presence is None:
            # A subset has the same recipe numbers, so it can share this.
            recipes = [
                self.get_data_info(index)['recipe'] for index in range(len(self))
            ]
            # No rank waits for another here: others may not call this.
            statistics = read_statistics(
                DatasetLabelSource(self), self._cache_dir, self._num_workers
            )
            self._presence = np.zeros((max(recipes) + 1, statistics.num_classes), bool)
            self._presence[recipes] = statistics.presence
        return np.flatnonzero(
            self._presence[self.get_data_info(idx)['recipe']]
        ).tolist()

    def store(self) -> SampleStore:
        """Opens the store of the samples; its folder may not exist yet."""
        return self.generation.store

    def verify(self) -> List[str]:
        """Reads all samples and removes damaged ones, which :meth:`generate` replaces.

        All ranks of a distributed run have to call it; the main process reads.

        Returns:
            list[str]: What was wrong with each of them; names the file.
        """
        source, store = self._source, self.store()
        num_classes = len(source.metainfo['classes'])
        problems = on_main_process(
            lambda: store.discard_damaged(num_classes, source.ignore_index)
        )
        return problems or []

    def generate(self) -> Tuple[RecomposePlan, SampleStore]:
        """Makes the samples that the store lacks.

        Returns:
            tuple[RecomposePlan, SampleStore]: The plan and the store that holds all of
            its samples.
        """
        generation = self.generation
        # Training reads all photos, however many samples are there already.
        on_main_process(generation.source.check_photos)
        self._build_pipeline(generation.source)
        if self._indices is not None:
            self._check_indices(self._indices, len(generation.plan))
        generation.make_missing()
        remember_samples(self._record(), generation.store, len(generation.plan))
        return generation.plan, generation.store

    def _check_indices(
        self, indices: Union[int, Sequence[int]], count: Optional[int] = None
    ) -> None:
        """Checks what is chosen among the samples, as soon as their number is known."""
        if isinstance(indices, int) and not isinstance(indices, bool):
            # MMEngine takes so many of the first ones, with a minus of the last ones.
            if not indices:
                raise refuse(self, 'indices', indices, 'a number of samples, not 0')
            return
        low, high = (-math.inf, math.inf) if count is None else (-count, count - 1)
        check_whole_numbers(self, 'indices', indices, low, high)

    def _build_pipeline(self, labels: DatasetLabelSource) -> None:
        self.pipeline = pipeline_of_samples(
            self._source, labels, self._given_pipeline, self._source_config
        )

    def _stated_source(self) -> DatasetLabelSource:
        """Returns the label maps at the stated scale, without the generator's."""
        return DatasetLabelSource(self._source, self._scale, self._instance_path)

    def _record(self) -> Optional[Path]:
        return record_path(self._cache_dir, self._stated, self._stated_source())
