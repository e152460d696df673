"""Samplers that hold a ratio of real to generated samples in every batch."""

import math
from itertools import count, islice
from typing import Callable, Iterable, Iterator, List, Optional, Sequence, Tuple

import numpy as np
from mmengine.dataset import ClassBalancedDataset, RepeatDataset
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import ConcatDataset, Dataset, Sampler

from mmseg_ganaug.config_search import has_type
from mmseg_ganaug.datasets.gan_recompose import GANRecomposeDataset
from mmseg_ganaug.option_checks import (
    check_bool,
    check_seed,
    check_share,
    check_whole_numbers,
)
from mmseg_ganaug.registry import DATA_SAMPLERS
from mmseg_ganaug.safe_configs import runner_values

# Fractions are counted in whole units, so that nothing drifts however long the training
# is. The least common multiple of 1..20: n/m is exact for each m up to 20.
_UNITS = 232_792_560
_REAL, _GENERATED = 0, 1
# Longer lists hold samples.
_MOST_PARTS = 64


@DATA_SAMPLERS.register_module()
class RatioSampler(Sampler[int]):
    """Draws real and generated samples at a fixed ratio, for training by epochs.

    Every batch of every rank holds ``generated_fraction`` of generated samples,
    whatever the batch size: where that is no whole number, batches differ by one
    sample, on all ranks together too, and the fraction is met exactly in the long
    run. Real and generated samples are each drawn in random order until all of them
    were, then in a new order; ranks draw different samples.

    The order is one endless sequence that depends on the seed, the rank and the number
    of ranks only. An epoch is the next stretch of it, as long as the data set, so that
    training which is resumed at an epoch goes on as if it had not been interrupted.

    Args:
        dataset (Dataset): A ``ConcatDataset`` of real and generated parts; MMEngine's
            runner fills it in.
        generated_fraction (float): Share of the generated samples, 0..1; for
            real : generated = 3 : 1 it is 0.25.
        generated (Sequence[int], optional): Places of the generated parts in
            ``dataset.datasets``. Defaults to None: those that hold a
            ``GANRecomposeDataset``. To be given where a pipeline makes the samples
            (``RecomposeLabels``).
        shuffle (bool): Whether the order is random. Defaults to True.
        seed (int, optional): Seed of the order, the same on all ranks; MMEngine's
            runner fills in its own. Defaults to None: drawn, and shared by the ranks.

    Raises:
        ValueError: When an option is of the wrong type or outside its range, or real or
            generated samples are asked for and there are none.
    """

    def __init__(
        self,
        dataset: Dataset,
        generated_fraction: float,
        generated: Optional[Sequence[int]] = None,
        shuffle: bool = True,
        seed: Optional[int] = None,
    ) -> None:
        self.rank, self.world_size = get_dist_info()
        seed = sync_random_seed() if seed is None else seed
        self.seed = check_seed(self, 'seed', seed)
        self.shuffle = check_bool(self, 'shuffle', shuffle)
        self.size = len(dataset)
        # num_batch_per_epoch shortens the epoch, not what is drawn from.
        dataset = vars(dataset).get('_dataset', dataset)
        mask = generated_mask(dataset, generated)
        self._indices = (np.flatnonzero(~mask), np.flatnonzero(mask))
        self.generated_fraction = self.check_fraction(generated_fraction)
        self.epoch = 0
        self.num_drawn = 0
        self._schedule: Optional[Callable[[int], float]] = None
        self._batch_size = self._batches_per_epoch = 1

    def check_fraction(self, fraction: float) -> float:
        """Checks that a fraction can be drawn.

        Args:
            fraction (float): Share of the generated samples.

        Returns:
            float: The same.

        Raises:
            ValueError: When it is outside 0..1, or there are no such samples.
        """
        fraction = check_share(self, 'generated_fraction', fraction)
        real, generated = map(len, self._indices)
        if (fraction > 0 and not generated) or (fraction < 1 and not real):
            raise ValueError(
                f'generated_fraction={fraction} cannot be drawn from {real} real and '
                f'{generated} generated samples: train on a ConcatDataset of real and '
                'generated parts. A GANRecomposeDataset is found by itself; list '
                'other generated parts in generated=[index in the ConcatDataset]'
            )
        return fraction

    def set_schedule(
        self,
        schedule: Callable[[int], float],
        batch_size: int,
        batches_per_epoch: int = 1,
    ) -> None:
        """Lets the fraction depend on the iteration, from the next draw on.

        The iteration is that in which a sample will be trained on, not that in which
        it is drawn: batches that workers load ahead follow the schedule exactly.

        Args:
            schedule (callable): Turns an iteration, counted from 0, into a fraction.
            batch_size (int): Samples of a rank in an iteration.
            batches_per_epoch (int): Iterations of an epoch; an endless sampler does
                without.
        """
        self._schedule = schedule
        self._batch_size = batch_size
        self._batches_per_epoch = batches_per_epoch

    def __iter__(self) -> Iterator[int]:
        return islice(self._draw(self.epoch), len(self))

    def __len__(self) -> int:
        """Returns the number of samples of this rank in an epoch."""
        return math.ceil(self.size / self.world_size)

    def set_epoch(self, epoch: int) -> None:
        """Chooses the stretch that is drawn next."""
        self.epoch = epoch

    def _fraction_units(self, iteration: int) -> int:
        fraction = self.generated_fraction
        if self._schedule is not None:
            fraction = self._schedule(iteration)
        return round(fraction * _UNITS)

    def _iterations(self, epoch: int) -> Iterator[Tuple[int, int]]:
        """Yields the iterations of an epoch and how many samples each of them takes."""
        first = epoch * self._batches_per_epoch
        for number, start in enumerate(range(0, len(self), self._batch_size)):
            yield first + number, min(self._batch_size, len(self) - start)

    def _units_before(self, epoch: int) -> int:
        if self._schedule is None:
            return epoch * len(self) * self._fraction_units(0)
        return sum(
            number * self._fraction_units(iteration)
            for earlier in range(epoch)
            for iteration, number in self._iterations(earlier)
        )

    def _draw(self, epoch: int) -> Iterator[int]:
        """Yields the samples of this rank from an epoch on, without end."""
        # A sample is generated where the units, summed up, pass a whole. Ranks start at
        # places spread evenly, so that their sum is rounded to the nearest number.
        start = _UNITS * (2 * self.rank + 1) // (2 * self.world_size)
        before, units = divmod(start + self._units_before(epoch), _UNITS)
        counts = [epoch * len(self) - before, before]
        orders = [_Order(self, kind) for kind in (_REAL, _GENERATED)]
        first = epoch * self._batches_per_epoch
        for drawn in count():
            self.num_drawn = drawn + 1
            iteration = first + drawn // self._batch_size
            units += self._fraction_units(iteration)
            kind = _GENERATED if units >= _UNITS else _REAL
            units -= kind * _UNITS
            place = counts[kind] * self.world_size + self.rank
            counts[kind] += 1
            yield orders[kind][place]


@DATA_SAMPLERS.register_module()
class InfiniteRatioSampler(RatioSampler):
    """A :class:`RatioSampler` without end, for training by iterations.

    Training that is resumed goes on as if it had not been interrupted where MMEngine's
    loop skips what was trained on before (from MMEngine 0.10.3 on).

    Raises:
        ValueError: See :class:`RatioSampler`; when training begins, also where it is by
            epochs, of which the first would never end.
    """

    def __iter__(self) -> Iterator[int]:
        # The runner has left its config by now, other than when the sampler was built.
        loop = runner_values().get('train_cfg') or {}
        if loop.get('by_epoch') or has_type(loop, 'EpochBasedTrainLoop'):
            raise ValueError(
                'InfiniteRatioSampler has no end, and neither would the first epoch of '
                f"train_cfg={loop}: set train_dataloader.sampler.type='mmseg_ganaug."
                "RatioSampler'"
            )
        return self._draw(0)

    def __len__(self) -> int:
        """Returns the size of the data set, as MMEngine's ``InfiniteSampler``."""
        return self.size

    def set_epoch(self, epoch: int) -> None:
        """Does nothing: there are no epochs."""


class _Order:
    """An endless sequence of one kind of samples: one permutation after the other."""

    def __init__(self, sampler: RatioSampler, kind: int) -> None:
        self._indices = sampler._indices[kind]
        self._seed = [sampler.seed, kind]
        self._shuffle = sampler.shuffle
        self._cycle: Optional[int] = None
        self._order: List[int] = []

    def __getitem__(self, place: int) -> int:
        cycle, place = divmod(place, len(self._indices))
        if cycle != self._cycle:
            order = self._indices
            if self._shuffle:
                order = np.random.default_rng([*self._seed, cycle]).permutation(order)
            self._cycle, self._order = cycle, order.tolist()
        return self._order[place]


def generated_parts(dataset: Dataset) -> List[GANRecomposeDataset]:
    """Lists the generated data sets inside a data set.

    Args:
        dataset (Dataset): A data set, or wrappers of some, however nested.

    Returns:
        list[GANRecomposeDataset]: In their order.
    """
    if isinstance(dataset, GANRecomposeDataset):
        return [dataset]
    return [part for inner in _inside(dataset) for part in generated_parts(inner)]


def generated_mask(
    dataset: Dataset, generated: Optional[Sequence[int]] = None
) -> np.ndarray:
    """Marks the generated samples of a data set.

    Args:
        dataset (Dataset): Usually a ``ConcatDataset`` of real and generated parts,
            which may be wrapped themselves (``ConcatDataset``, ``RepeatDataset``,
            ``ClassBalancedDataset``, ``MultiImageMixDataset``).
        generated (Sequence[int], optional): Places of the generated parts in
            ``dataset.datasets``. Defaults to None: the samples of each
            :class:`GANRecomposeDataset`, wherever it is.

    Returns:
        np.ndarray: bool [N], one for each sample.

    Raises:
        ValueError: When ``generated`` names parts that are not there, or a wrapper
            reorders its samples in a way that is not known here.
    """
    if generated is None:
        return _mask(dataset)
    parts = dataset.datasets if isinstance(dataset, ConcatDataset) else []
    if not parts:
        raise ValueError(
            f'generated={generated} must list parts of a ConcatDataset by their '
            f'index, but the data set is a {type(dataset).__name__}'
        )
    who = f'{type(dataset).__name__} of {len(parts)} parts'
    generated = check_whole_numbers(
        who, 'generated', generated, 0, len(parts) - 1, different=True
    )
    return np.concatenate(
        [np.full(len(part), place in generated) for place, part in enumerate(parts)]
    )


def _inside(dataset: Dataset) -> List[Dataset]:
    if isinstance(dataset, ConcatDataset):
        return list(dataset.datasets)
    # The latter: a data set that num_batch_per_epoch of MMEngine has shortened.
    wrapped = (vars(dataset).get(name) for name in ('dataset', '_dataset'))
    return [inner for inner in wrapped if inner is not None]


def _mask(dataset: Dataset) -> np.ndarray:
    if isinstance(dataset, GANRecomposeDataset):
        return np.ones(len(dataset), bool)
    inside = [_mask(inner) for inner in _inside(dataset)]
    if not inside:
        if _holds_generated(dataset):
            raise _unknown(dataset, 'holds real and generated samples')
        return np.zeros(len(dataset), bool)
    mask = np.concatenate(inside)
    if isinstance(dataset, RepeatDataset):
        return np.tile(mask, dataset.times)
    if isinstance(dataset, ClassBalancedDataset):
        return mask[np.asarray(dataset.repeat_indices)]
    if len(mask) != len(dataset) and mask.any():
        raise _unknown(dataset, f'makes {len(dataset)} samples of {len(mask)}')
    return mask if len(mask) == len(dataset) else np.zeros(len(dataset), bool)


def _holds_generated(value: object, depth: int = 4) -> bool:
    """Checks whether a data set of an unknown kind keeps a generated one somewhere."""
    if isinstance(value, GANRecomposeDataset):
        return True
    if depth == 0:
        return False
    inner: Iterable = ()
    if isinstance(value, dict):
        inner = value.values()
    elif isinstance(value, (list, tuple)):
        inner = value if len(value) <= _MOST_PARTS else ()
    elif isinstance(value, Dataset):
        inner = vars(value).values()
    return any(_holds_generated(item, depth - 1) for item in inner)


def _unknown(dataset: Dataset, what: str) -> ValueError:
    return ValueError(
        f'{type(dataset).__name__} {what}, so it is not known which of them are '
        'generated: put this wrapper around the parts inside a ConcatDataset, and '
        'list the generated parts in generated=[...]'
    )
