"""From a plan to samples on disk."""

from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Callable, List, Optional, Sequence

import numpy as np
from mmengine.dist import barrier, get_dist_info
from mmengine.utils import ProgressBar

from mmseg_ganaug.recompose import LabelSource, Recipe, RecomposedMap
from mmseg_ganaug.synthesis.store import SampleStore


def synthesize(
    recipes: Sequence[Recipe],
    missing: Sequence[int],
    recompose: Callable[[Recipe, LabelSource], RecomposedMap],
    source: LabelSource,
    generator,
    store: SampleStore,
    batch_size: int = 4,
) -> None:
    """Makes samples of a plan, with a progress bar.

    The plan is cut into batches at fixed places, and a batch is painted whole even if
    only one of its samples is missing: so the bytes depend neither on where an earlier
    run was killed nor on the number of ranks, which share the batches.

    Args:
        recipes (Sequence[Recipe]): The plan, one recipe per sample.
        missing (Sequence[int]): Which of them are to be made; the same on all ranks.
        recompose (callable): Turns a recipe into a label map, such as
            ``AddSingle().recompose``.
        source (LabelSource): Where the layers come from.
        generator: Paints label maps, see
            :class:`~mmseg_ganaug.synthesis.MMagicGenerator`.
        store (SampleStore): Where the samples go; already prepared.
        batch_size (int): Label maps painted at a time. Defaults to 4.

    Raises:
        OSError: When the disk is full. The samples made so far are kept.
    """
    rank, world_size = get_dist_info()
    wanted = set(missing)
    starts = sorted({index - index % batch_size for index in wanted})
    batches = [
        list(range(start, min(start + batch_size, len(recipes))))
        for start in starts[rank::world_size]
    ]

    def prepare(batch: List[int]) -> List[RecomposedMap]:
        return [recompose(recipes[index], source) for index in batch]

    def write(batch: List[int], maps: List[RecomposedMap], photos: List) -> int:
        for index, recomposed, photo in zip(batch, maps, photos):
            if index in wanted:
                store.write(index, photo, recomposed.label_map)
        return len(wanted.intersection(batch))

    own = len(wanted.intersection(chain.from_iterable(batches)))
    bar = ProgressBar(own) if rank == 0 and own else None

    def finish(writing) -> None:
        count = writing.result()
        if bar:
            bar.update(count)

    # One batch is read ahead and one is written behind while the generator works.
    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as writer:
        reading = writing = None
        for number, batch in enumerate(batches):
            maps = (reading or reader.submit(prepare, batch)).result()
            if number + 1 < len(batches):
                reading = reader.submit(prepare, batches[number + 1])
            photos = _paint(maps, source.ignore_index, generator)
            if writing:
                finish(writing)
            writing = writer.submit(write, batch, maps, photos)
        if writing:
            finish(writing)
    if bar:
        bar.file.write('\n')
    barrier()


def _paint(
    maps: Sequence[RecomposedMap], ignore_index: int, generator
) -> List[np.ndarray]:
    """Paints label maps of any sizes, those of one size together."""
    photos: List[Optional[np.ndarray]] = [None] * len(maps)
    for shape in dict.fromkeys(m.label_map.shape for m in maps):
        members = [i for i, m in enumerate(maps) if m.label_map.shape == shape]
        labels = np.stack([maps[i].label_map for i in members])
        if ignore_index != generator.ignore_index:
            labels[labels == ignore_index] = generator.ignore_index
        instances = None
        if generator.uses_instances:
            instances = np.stack([maps[i].instance_map for i in members])
        for i, photo in zip(members, generator.paint(labels, instances)):
            photos[i] = photo
    return photos
