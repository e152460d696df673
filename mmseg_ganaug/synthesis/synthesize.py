"""Makes the samples of a plan and writes them into a store."""

import errno
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import List, Optional, Sequence

from mmengine.dist import barrier, get_dist_info
from mmengine.logging import print_log

from mmseg_ganaug.progress import Progress
from mmseg_ganaug.synthesis.claims import Claims
from mmseg_ganaug.synthesis.sample_maker import Sample, SampleMaker
from mmseg_ganaug.synthesis.store import SampleStore

# Encoding a photo takes longer than a GPU takes to paint it.
_WRITERS = 4
# Batches that wait to be written, at most: bounds the memory.
_WAITING = 2 * _WRITERS
_POLL_SECONDS = 0.5


def synthesize(
    maker: SampleMaker,
    missing: Sequence[int],
    store: SampleStore,
    batch_size: int = 4,
) -> None:
    """Makes samples of a plan, with a progress bar.

    The plan is cut into batches at fixed places, and a batch is painted whole even if
    only one of its samples is missing: so the bytes do not depend on where an earlier
    run was killed, nor on which process made which batch. The ranks of a distributed
    run, and any other processes on the same store, share the batches: a free process
    claims the next one, and the claims of a process that dies are free again.

    Args:
        maker (SampleMaker): Makes the samples of the plan.
        missing (Sequence[int]): Which of them are to be made; the same on all ranks.
        store (SampleStore): Where the samples go; already prepared.
        batch_size (int): Label maps painted at a time. Defaults to 4.

    Raises:
        OSError: When the disk is full or cannot be written, or samples are removed
            meanwhile. The samples made so far are kept.
    """
    rank, world_size = get_dist_info()
    if missing:
        with store.filling() as claims:
            # Until now, another process could remove what was there.
            lacking = sorted({*missing, *store.missing(len(maker))})
            batches = _Batches(len(maker), lacking, batch_size, store, claims)
            batches.begin_at(rank, world_size)
            progress = _SharedProgress(lacking, store) if rank == 0 else None
            _make(maker, batches, store, claims, progress)
            _check_all_there(lacking, store)
    barrier()


def _make(
    maker: SampleMaker,
    batches: '_Batches',
    store: SampleStore,
    claims: Claims,
    progress: Optional['_SharedProgress'],
) -> None:
    """Makes batches until none is left."""

    def write(batch: List[int], samples: List[Sample]) -> None:
        for index, sample in zip(batch, samples):
            if not store.holds(index):
                store.write(index, sample)
        claims.drop(batch[0])

    # One batch is read ahead and some are written behind while the generator works.
    writing: deque = deque()
    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(_WRITERS) as writers:
        batch = batches.claim()
        reading = None
        while batch or batches.left:
            if batch is None:
                # Other processes have claimed the rest; one of them may die.
                while writing:
                    writing.popleft().result()
                if progress:
                    progress.update()
                time.sleep(_POLL_SECONDS)
                batch, reading = batches.claim(), None
                continue
            maps = (reading or reader.submit(maker.recompose, batch)).result()
            following = batches.claim()
            if following:
                reading = reader.submit(maker.recompose, following)
            samples = maker.finish(batch, maps)
            writing.append(writers.submit(write, batch, samples))
            while writing and (len(writing) > _WAITING or writing[0].done()):
                writing.popleft().result()
            if progress:
                progress.update()
            batch = following
        while writing:
            writing.popleft().result()
    if progress:
        progress.finish()


def _check_all_there(missing: Sequence[int], store: SampleStore) -> None:
    gone = [index for index in missing if not store.holds(index)]
    if gone:
        raise OSError(
            errno.ENOENT,
            f'{len(gone)} samples, such as {store.photo_path(gone[0])}, were removed '
            'while others were made: start again, and they are made again',
        )


class _Batches:
    """Batches that hold missing samples.

    Attributes:
        left: First sample of each batch that is not known to be made.
    """

    def __init__(
        self,
        num_samples: int,
        missing: Sequence[int],
        batch_size: int,
        store: SampleStore,
        claims: Claims,
    ) -> None:
        self._num_samples = num_samples
        self._size = batch_size
        self._store = store
        self._claims = claims
        self._missing = frozenset(missing)
        self.left = deque(sorted({index - index % batch_size for index in missing}))

    def begin_at(self, rank: int, world_size: int) -> None:
        """Rotates the batches, so that ranks begin far from each other."""
        self.left.rotate(-(len(self.left) * rank // world_size))

    def claim(self) -> Optional[List[int]]:
        """Claims a batch; None while other processes have claimed all that are left."""
        for _ in range(len(self.left)):
            start = self.left.popleft()
            batch = list(range(start, min(start + self._size, self._num_samples)))
            if self._is_made(batch):
                continue
            if not self._claims.take(start):
                self.left.append(start)
                continue
            # The process that had claimed it may have finished it in between.
            if not self._is_made(batch):
                return batch
            self._claims.drop(start)
        return None

    def _is_made(self, batch: List[int]) -> bool:
        return all(
            self._store.holds(index) for index in batch if index in self._missing
        )


class _SharedProgress:
    """One progress bar over all processes, and an early report on disk space."""

    def __init__(self, missing: Sequence[int], store: SampleStore) -> None:
        self._missing = missing
        self._store = store
        self._before = len(store.present())
        self._progress = Progress('Generating samples', len(missing)).start()
        self._looked = time.monotonic()
        self._space_reported = False

    def update(self) -> None:
        """Counts the samples that exist, at most once a second."""
        if time.monotonic() - self._looked >= 1:
            self._look()

    def finish(self) -> None:
        """Completes the bar."""
        self._look()
        self._progress.finish()

    def _look(self) -> None:
        self._looked = time.monotonic()
        present = self._store.present()
        done = min(len(present) - self._before, len(self._missing))
        self._progress.update_to(done)
        if present and not self._space_reported:
            self._space_reported = True
            # If the samples are removed meanwhile, the writers report it.
            with suppress(FileNotFoundError):
                self._report_space(len(self._missing) - done, min(present))

    def _report_space(self, left: int, example: int) -> None:
        still = left * self._store.sample_bytes(example)
        free = self._store.free_bytes()
        print_log(
            f'About {still / 2**20:.0f} MiB more will be written; '
            f'{free / 2**20:.0f} MiB are free'
            + (': the disk will be full before the end' if still > free else ''),
            logger='current',
        )
