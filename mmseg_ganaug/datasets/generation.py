"""Makes the samples of a generated data set, as far as they are missing."""

import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, List, NamedTuple, Optional, Tuple

import numpy as np
from mmengine.dist import barrier, broadcast_object_list, is_main_process
from mmengine.logging import print_log

from mmseg_ganaug.datasets.label_source import DatasetLabelSource
from mmseg_ganaug.datasets.statistics import on_main_process, share_digests
from mmseg_ganaug.recompose import (
    AddMulti,
    AddSingle,
    BalanceReport,
    LabelStatistics,
    Recipe,
    RecomposePlan,
    Recomposer,
)
from mmseg_ganaug.synthesis import (
    Compositing,
    Generator,
    SampleFilter,
    SampleMaker,
    SampleStore,
    filter_table,
    fingerprint_of,
    synthesize,
)
from mmseg_ganaug.synthesis.generator import PlannedSample, trait
from mmseg_ganaug.synthesis.windows import warn_of_statistics


def sample_ids(plan: RecomposePlan, source: DatasetLabelSource) -> List[str]:
    """Names the samples of a plan.

    Args:
        plan (RecomposePlan): The plan.
        source (DatasetLabelSource): The label maps that it recombines.

    Returns:
        list[str]: ``PLAN-NUMBER`` of each: 12 hexadecimal digits that stand for the
        plan, the label files and their scale, and the number of the recipe. Samples of
        one ID have the same label map.
    """
    parts = dict(plan=plan.fingerprint(), labels=source.files_digest())
    name = fingerprint_of(parts)[:12]
    return [f'{name}-{number:06d}' for number in range(len(plan))]


class Estimate(NamedTuple):
    """What making the samples of a plan would take.

    Attributes:
        samples: Their number.
        missing: How many of them the store lacks.
        seconds: To make those, on this machine by one process; 0 where none is missing.
        num_bytes: That they would take on the disk.
        free_bytes: That are free there.
    """

    samples: int
    missing: int
    seconds: float
    num_bytes: int
    free_bytes: int


def check_draws(generator: Any, photos_per_map: int) -> None:
    """Checks that several photos of one label map can differ.

    Args:
        generator (Generator): Paints the photos.
        photos_per_map (int): Samples that share a label map.

    Raises:
        ValueError: When the generator sees nothing that differs between them.
    """
    draws = trait(generator, 'draws')
    if draws is None:
        draws = trait(generator, 'uses_context')
    if photos_per_map > 1 and not draws:
        name = getattr(generator, 'title', type(generator).__name__)
        raise ValueError(
            f'photos_per_map={photos_per_map} would give the same photo so many times: '
            f"{name} draws nothing. Set looks='drawn' for a pix2pixHD with an encoder "
            'or noise, take a generator that draws from the seeds of its context, or '
            'leave photos_per_map out'
        )


def check_holes(generator: Any, recomposer: Recomposer) -> None:
    """Checks that recombinations leave a generator something to paint.

    Args:
        generator (Generator): Paints the photos.
        recomposer (Recomposer): Carries the recipes out.

    Raises:
        ValueError: When it paints holes in photos alone, and there are none.
    """
    if trait(generator, 'paints_shown') or not isinstance(
        recomposer, (AddSingle, AddMulti)
    ):
        return
    name = getattr(generator, 'title', type(generator).__name__)
    raise ValueError(
        f'{name} paints what no photo shows, and under '
        f'{type(recomposer).__name__} base and donors show everything: nothing would '
        "be painted. Set repaint='changed' in generator to paint what differs from "
        "the base, or take recomposer=dict(type='Recon')"
    )


class Generation(NamedTuple):
    """All that makes the samples of a plan.

    Attributes:
        plan: A recipe for each sample.
        recipes: The plan, and the recipes that stand in where a filter drops one.
        ids: ID of each of the recipes.
        recomposer: Carries the recipes out.
        source: The label maps and photos that are recombined.
        statistics: Of the source.
        generator: Paints the photos, see
            :class:`~mmseg_ganaug.synthesis.Generator`.
        compositing: What of a photo is generated.
        filters: Of the samples, in order.
        store: Where the samples are.
        batch_size: Label maps painted at a time.
        cache_dir: Folder in which filters keep what they measure.
    """

    plan: RecomposePlan
    recipes: RecomposePlan
    ids: List[str]
    recomposer: Recomposer
    source: DatasetLabelSource
    statistics: LabelStatistics
    generator: Any
    compositing: Compositing
    filters: List[SampleFilter]
    store: SampleStore
    batch_size: int
    cache_dir: Path

    @classmethod
    def of(
        cls,
        plan: RecomposePlan,
        replacements: Optional[RecomposePlan],
        recomposer: Recomposer,
        source: DatasetLabelSource,
        statistics: LabelStatistics,
        generator: Any,
        compositing: Compositing,
        filters: List[SampleFilter],
        cache_dir: Path,
        photo_suffix: str,
        batch_size: int,
    ) -> 'Generation':
        """Opens the store that all of this names; nothing is loaded or made yet.

        What the generator cannot paint is left out of the plan.

        Args:
            plan (RecomposePlan): A recipe for each sample.
            replacements (RecomposePlan, optional): Recipes that stand in for samples
                that a filter drops, a multiple of their number.
            recomposer (Recomposer): Carries the recipes out.
            source (DatasetLabelSource): What is recombined.
            statistics (LabelStatistics): Of the source.
            generator (Generator): Paints the photos.
            compositing (Compositing): What of a photo is generated.
            filters (list[SampleFilter]): Of the samples, in order.
            cache_dir (Path): Folder of the stores.
            photo_suffix (str): '.png' or '.jpg'.
            batch_size (int): Label maps painted at a time.
        """
        needs_photos = compositing.needs_photo or trait(generator, 'uses_context')
        if needs_photos:
            on_main_process(source.photos_digest)
            share_digests(source)
        planned = list(zip(sample_ids(plan, source), plan))
        spare = []
        if replacements is not None:
            spare = list(zip(sample_ids(replacements, source), replacements))
        planned, spare = _paintable(generator, planned, spare, statistics.sizes)
        if len(planned) < len(plan):
            plan = replace(plan, recipes=tuple(recipe for _, recipe in planned))
        recipes = plan
        if spare:
            recipes = replace(plan, recipes=tuple(r for _, r in planned + spare))
        ids = [sample_id for sample_id, _ in planned + spare]
        parts = dict(
            classes=list(source.class_names),
            compositing=compositing.fingerprint(),
            filters=[item.fingerprint() for item in filters],
            generator=generator.fingerprint(),
            labels=source.files_digest(),
            photos=source.photos_digest() if needs_photos else None,
            plan=recipes.fingerprint(),
            samples=len(plan),
            scale=source.scale,
        )
        if filters and trait(generator, 'uses_context'):
            # Stores of before lack labels of pixels that the generator left as they
            # were: those samples are made again.
            parts['generated'] = 'painted_pixels'
        store = SampleStore(cache_dir, parts, photo_suffix=photo_suffix)
        return cls(
            *(plan, recipes, ids, recomposer, source, statistics, generator),
            *(compositing, filters, store, batch_size, cache_dir),
        )

    def make_missing(self) -> None:
        """Makes the samples that the store lacks; all ranks share the work.

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
            self._generate(missing[0])
        finally:
            self._release()
        if self.filters and is_main_process():
            table = filter_table(self.store.reports(), self.source.class_names)
            print_log(f'Removed by the filters:\n{table}', logger='current')

    def estimate(self) -> Estimate:
        """Makes a first batch, and keeps nothing of it, to see what all would take.

        Returns:
            Estimate: Time and space of the samples that the store lacks.

        Raises:
            CheckpointError: When the generator's weights do not fit.
        """
        missing = self.store.missing(len(self.plan))
        batch = missing[: self.batch_size]
        seconds, num_bytes = 0.0, 0
        if batch:
            try:
                maker = self._maker()
                started = time.monotonic()
                samples = maker.finish(batch, maker.recompose(batch))
                with TemporaryDirectory() as folder:
                    elsewhere = SampleStore(folder, {}, self.store.photo_suffix)
                    elsewhere.prepare('')
                    for index, sample in zip(batch, samples):
                        elsewhere.write(index, sample)
                        num_bytes += elsewhere.sample_bytes(index)
                seconds = time.monotonic() - started
            finally:
                self._release()
        times = len(missing) / max(len(batch), 1)
        return Estimate(
            len(self.plan),
            len(missing),
            seconds * times,
            round(num_bytes * times),
            self.store.free_bytes(),
        )

    def planned_balance(self) -> BalanceReport:
        """Reports the class distribution before, and as the plan expects it.

        Returns:
            BalanceReport: Without what is counted in the samples.
        """
        return BalanceReport.of_plan(
            self.statistics, self.plan, target=self.recomposer.target
        )

    def _maker(self) -> SampleMaker:
        """Loads the generator, and prepares the filters."""
        self.generator.load()
        for sample_filter in self.filters:
            sample_filter.prepare(self.source, self.cache_dir)
        return SampleMaker(
            self.recipes,
            len(self.plan),
            self.recomposer.recompose,
            self.source,
            self.generator,
            self.compositing,
            self.filters,
            self.ids,
        )

    def _release(self) -> None:
        self.generator.release()
        for sample_filter in self.filters:
            sample_filter.release()

    def _generate(self, missing: List[int]) -> None:
        if self.compositing.windows is not None:
            warn_of_statistics(self.generator)
        maker = self._maker()
        plan_text = ''.join(f'{line}\n' for line in self.recipes.lines())
        on_main_process(lambda: self.store.prepare(plan_text))
        if is_main_process():
            print_log(
                f'Generating {len(missing)} of {len(self.plan)} samples in '
                f'{self.store.folder}',
                logger='current',
            )
        barrier()
        synthesize(maker, missing, self.store, self.batch_size)


def _paintable(
    generator: Any,
    planned: List[Tuple[str, Recipe]],
    spare: List[Tuple[str, Recipe]],
    sizes: np.ndarray,
) -> Tuple[List[Tuple[str, Recipe]], List[Tuple[str, Recipe]]]:
    """Leaves out recipes that a generator cannot paint.

    Args:
        generator (Generator): The generator, or what has its methods.
        planned (list): ID and recipe of each sample.
        spare (list): The same of what stands in for dropped ones.
        sizes (np.ndarray): Height and width of each label map of the source.

    Returns:
        tuple[list, list]: What is left of both; of the second a multiple of the first.
    """
    if not isinstance(generator, Generator):
        return planned, spare
    both = planned + spare
    samples = [
        PlannedSample(sample_id, tuple(sizes[recipe.maps[0]].tolist()))
        for sample_id, recipe in both
    ]
    lacking = frozenset(generator.lacking(samples, len(planned)))
    kept = [number for number in range(len(both)) if number not in lacking]
    planned = [both[number] for number in kept if number < len(planned)]
    spare = [both[number] for number in kept[len(planned) :]]
    return planned, spare[: len(spare) // len(planned) * len(planned)]
