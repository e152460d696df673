"""From a plan to samples on disk."""

from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import List, Sequence

from mmengine.dist import barrier, get_dist_info
from mmengine.utils import ProgressBar

from mmseg_ganaug.synthesis.sample_maker import Sample, SampleMaker
from mmseg_ganaug.synthesis.store import SampleStore


def synthesize(
    maker: SampleMaker,
    missing: Sequence[int],
    store: SampleStore,
    batch_size: int = 4,
) -> None:
    """Makes samples of a plan, with a progress bar.

    The plan is cut into batches at fixed places, and a batch is painted whole even if
    only one of its samples is missing: so the bytes depend neither on where an earlier
    run was killed nor on the number of ranks, which share the batches.

    Args:
        maker (SampleMaker): Makes the samples of the plan.
        missing (Sequence[int]): Which of them are to be made; the same on all ranks.
        store (SampleStore): Where the samples go; already prepared.
        batch_size (int): Label maps painted at a time. Defaults to 4.

    Raises:
        OSError: When the disk is full. The samples made so far are kept.
    """
    rank, world_size = get_dist_info()
    wanted = set(missing)
    starts = sorted({index - index % batch_size for index in wanted})
    batches = [
        list(range(start, min(start + batch_size, len(maker))))
        for start in starts[rank::world_size]
    ]

    def write(batch: List[int], samples: List[Sample]) -> int:
        for index, sample in zip(batch, samples):
            if index in wanted:
                store.write(index, sample)
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
            maps = (reading or reader.submit(maker.recompose, batch)).result()
            if number + 1 < len(batches):
                reading = reader.submit(maker.recompose, batches[number + 1])
            samples = maker.finish(batch, maps)
            if writing:
                finish(writing)
            writing = writer.submit(write, batch, samples)
        if writing:
            finish(writing)
    if bar:
        bar.file.write('\n')
    barrier()
