"""The plan of a generated data set, and what carries it out."""

from functools import cached_property
from pathlib import Path
from typing import Any, Optional, Sequence, Tuple, Union

import numpy as np
from mmengine.logging import print_log

from mmseg_ganaug.datasets.generation import Generation, check_draws, check_holes
from mmseg_ganaug.datasets.label_source import DatasetLabelSource
from mmseg_ganaug.datasets.photo_form import check_colour
from mmseg_ganaug.datasets.source_dataset import SourceDataset
from mmseg_ganaug.datasets.statistics import collect_statistics, count_unpaired
from mmseg_ganaug.progress import Progress
from mmseg_ganaug.recompose import (
    AddMulti,
    AddSingle,
    BalanceReport,
    LabelStatistics,
    RecomposePlan,
    Recomposer,
    Recon,
)
from mmseg_ganaug.registry import FILTERS, RECOMPOSERS
from mmseg_ganaug.synthesis import build_compositing
from mmseg_ganaug.synthesis.generator import Generator, build_generator

for _recomposer in (AddSingle, AddMulti, Recon):
    RECOMPOSERS.register_module(module=_recomposer)


class PlansSamples:
    """Plans the samples of :class:`GANRecomposeDataset`, whose options it reads.

    Each step is done when it is first asked for: the generator's config is read, label
    maps are counted, the samples are planned.
    """

    _source: SourceDataset
    _recomposer: dict
    _generator: dict
    _composite: Union[str, dict]
    _filters: Sequence[dict]
    _cache_dir: Path
    _num_samples: Optional[int]
    _ratio: Optional[float]
    _scale: Optional[Tuple[int, int]]
    _instance_path: Optional[Tuple[str, str]]
    _labels: Optional[DatasetLabelSource]
    _photo_suffix: str
    _photos_per_map: int
    _max_redraws: int
    _seed: int
    _batch_size: int
    _num_workers: int

    def label_source(self) -> DatasetLabelSource:
        """Returns the label maps that are recombined, at the size in which they are.

        Returns:
            DatasetLabelSource: Over the source data set.

        Raises:
            FileNotFoundError: When the source holds no samples.
        """
        if self._labels is None:
            self._source.full_init()
            scale = self._scale or self._painter.scale
            self._labels = DatasetLabelSource(self._source, scale, self._instance_path)
        return self._labels

    def plan(self) -> Tuple[RecomposePlan, Recomposer]:
        """Plans the samples, from the label statistics of the source.

        Returns:
            tuple[RecomposePlan, Recomposer]: The plan, and what carries it out.
        """
        return self._planned[:2]

    def balance(self) -> BalanceReport:
        """Counts how the samples move the class distribution; paints no photos.

        Returns:
            BalanceReport: Class frequencies before, as planned, and as counted in the
            label maps of all samples.
        """
        source = self.label_source()
        plan, recomposer, statistics = self._planned
        pixels = np.zeros((len(plan), source.num_classes), np.int64)
        with Progress('Recombining label maps', len(plan)) as progress:
            for row, recipe in zip(pixels, plan):
                label_map = recomposer.recompose(recipe, source).label_map
                row[:] = np.bincount(label_map.ravel(), minlength=256)[: len(row)]
                progress.update()
        return BalanceReport.of_plan(statistics, plan, pixels, recomposer.target)

    @cached_property
    def _way(self) -> Recomposer:
        """Builds the recomposer."""
        return RECOMPOSERS.build(self._recomposer)

    @cached_property
    def _planned(self) -> Tuple[RecomposePlan, Recomposer, LabelStatistics]:
        """Returns plan, recomposer and statistics of the source."""
        source = self.label_source()
        recomposer = self._way
        options = (self._cache_dir, self._num_workers, recomposer.needs_scene)
        statistics = collect_statistics(source, *options)
        if (moved := recomposer.moved) is not None:
            print_log(moved.found(statistics, recomposer.min_area), 'current')
        unpaired = 0 if recomposer.resize_donors else count_unpaired(statistics)
        if unpaired:
            print_log(
                f'{unpaired} of {len(source)} label maps are left out: no other has '
                'their size. Set scale, or resize_donors=True in the recomposer, to '
                'combine all',
                logger='current',
            )
        count = self._num_samples or max(1, round((self._ratio or 0) * len(source)))
        each = self._photos_per_map
        plan = recomposer.plan(statistics, -(-count // each), self._seed)
        return plan.repeated(each, count), recomposer, statistics

    @cached_property
    def _painter(self) -> Any:
        """Builds the generator: its config is read, its weights are not."""
        painter = build_generator(self._generator)
        # What has the methods without inheriting has no use for classes.
        if isinstance(painter, Generator):
            metainfo = self._source.metainfo
            painter.use_classes(metainfo['classes'], metainfo['palette'])
        return painter

    @cached_property
    def generation(self) -> Generation:
        """All that makes the samples; nothing is loaded or made yet."""
        source = self.label_source()
        generator = self._painter
        check_draws(generator, self._photos_per_map)
        generator.check(source.num_classes, has_instances=source.has_instances)
        compositing = build_compositing(self._composite, source.class_names)
        if compositing.paints:
            check_holes(generator, self._way)
        any_photo = getattr(generator, 'takes_any_photo', compositing.mode == 'real')
        if not source.missing_photos():
            photo = source.photo(0)
            title = getattr(generator, 'title', type(generator).__name__)
            if not any_photo:
                check_colour(photo, source.photo_name(0), title)
        filters = [FILTERS.build(config) for config in self._filters]
        plan, recomposer, statistics = self._planned
        replacements = None
        if filters and self._max_redraws:
            count = len(plan) * self._max_redraws
            replacements = recomposer.plan(statistics, count, self._seed + 1)
        return Generation.of(
            plan,
            replacements,
            recomposer,
            source,
            statistics,
            generator,
            compositing,
            filters,
            self._cache_dir,
            self._photo_suffix,
            self._batch_size,
        )
