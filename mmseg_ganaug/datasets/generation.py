"""Makes the samples of a generated data set, as far as they are missing."""

from pathlib import Path
from typing import List, NamedTuple

from mmengine.dist import barrier, broadcast_object_list, is_main_process
from mmengine.logging import print_log

from mmseg_ganaug.datasets.label_source import DatasetLabelSource
from mmseg_ganaug.datasets.statistics import on_main_process
from mmseg_ganaug.recompose import RecomposePlan, Recomposer
from mmseg_ganaug.synthesis import (
    Compositing,
    MMagicGenerator,
    SampleFilter,
    SampleMaker,
    SampleStore,
    filter_table,
    synthesize,
)
from mmseg_ganaug.synthesis.windows import warn_of_statistics


class Generation(NamedTuple):
    """All that makes the samples of a plan.

    Attributes:
        plan: A recipe for each sample.
        recipes: The plan, and the recipes that stand in where a filter drops one.
        recomposer: Carries the recipes out.
        source: The label maps and photos that are recombined.
        generator: Paints the photos.
        compositing: What of a photo is generated.
        filters: Of the samples, in order.
        store: Where the samples are.
    """

    plan: RecomposePlan
    recipes: RecomposePlan
    recomposer: Recomposer
    source: DatasetLabelSource
    generator: MMagicGenerator
    compositing: Compositing
    filters: List[SampleFilter]
    store: SampleStore

    def make_missing(self, batch_size: int, cache_dir: Path) -> None:
        """Makes the samples that the store lacks; all ranks share the work.

        Args:
            batch_size (int): Label maps painted at a time.
            cache_dir (Path): Folder in which filters keep what they measure.

        Raises:
            CheckpointError: When the generator's weights do not fit, before anything
                is written.
            OSError: When the store cannot be written. The samples made so far are kept.
        """
        # All ranks must know the same list, whatever each of them sees on the disk.
        missing = [self.store.missing(len(self.plan))]
        broadcast_object_list(missing)
        if not missing[0]:
            return
        try:
            self._generate(missing[0], batch_size, cache_dir)
        finally:
            self.generator.release()
            for sample_filter in self.filters:
                sample_filter.release()
        if self.filters and is_main_process():
            table = filter_table(self.store.reports(), self.source.class_names)
            print_log(f'Removed by the filters:\n{table}', logger='current')

    def _generate(self, missing: List[int], batch_size: int, cache_dir: Path) -> None:
        if self.compositing.windows is not None:
            warn_of_statistics(self.generator)
        self.generator.load()
        for sample_filter in self.filters:
            sample_filter.prepare(self.source, cache_dir)
        plan_text = ''.join(f'{line}\n' for line in self.recipes.lines())
        on_main_process(lambda: self.store.prepare(plan_text))
        if is_main_process():
            print_log(
                f'Generating {len(missing)} of {len(self.plan)} samples in '
                f'{self.store.folder}',
                logger='current',
            )
        barrier()
        maker = SampleMaker(
            self.recipes,
            len(self.plan),
            self.recomposer.recompose,
            self.source,
            self.generator,
            self.compositing,
            self.filters,
        )
        synthesize(maker, missing, self.store, batch_size)
