"""Batches hold the ratio of real to generated samples that was asked for."""

import collections
from itertools import chain

import numpy as np
import pytest
import torch
from mmengine.dataset import BaseDataset, ConcatDataset, RepeatDataset
from mmengine.registry import DATA_SAMPLERS, DefaultScope
from mmengine.runner import Runner
from mmseg.registry import DATASETS
from ranks import run_ranks
from torch.utils.data import Dataset

from mmseg_ganaug.datasets import (
    InfiniteRatioSampler,
    RatioSampler,
    generated_mask,
    generated_parts,
)

REAL, GENERATED = 30, 20


class Plain(BaseDataset):
    """As many samples as asked for; a sample is its own number."""

    def __init__(self, number, start=0):
        self._numbers = range(start, start + number)
        super().__init__(serialize_data=False)

    def load_data_list(self):
        return [dict(number=number) for number in self._numbers]


@pytest.fixture
def mixed():
    return ConcatDataset([Plain(REAL), Plain(GENERATED)])


def sampler_of(dataset, fraction, kind=InfiniteRatioSampler, **options):
    options = dict(dict(generated=[1], seed=0), **options)
    return kind(dataset, generated_fraction=fraction, **options)


def batches_of(sampler, size, number):
    stream = iter(sampler)
    return [[next(stream) for _ in range(size)] for _ in range(number)]


def counts(batches):
    return [sum(index >= REAL for index in batch) for batch in batches]


@pytest.mark.parametrize(
    ('fraction', 'size', 'each'),
    [(0.5, 8, 4), (0.25, 4, 1), (1 / 3, 6, 2), (2 / 7, 7, 2), (1, 3, 3), (0, 3, 0)],
)
def test_every_batch_holds_exactly_the_stated_number(mixed, fraction, size, each):
    found = counts(batches_of(sampler_of(mixed, fraction), size, 400))
    assert set(found) == {each}


@pytest.mark.parametrize('fraction', [0.1, 0.3, 1 / 7, 0.613])
@pytest.mark.parametrize('size', [1, 4, 8])
def test_fractional_numbers_are_met_within_one_and_exactly_in_the_long_run(
    mixed, fraction, size
):
    found = counts(batches_of(sampler_of(mixed, fraction), size, 1000))
    assert all(abs(count - fraction * size) < 1 for count in found)
    sums = np.cumsum(found)
    wanted = fraction * size * np.arange(1, 1001)
    assert np.abs(sums - wanted).max() <= 0.5 + 1e-3


def test_all_samples_of_a_kind_are_drawn_before_one_comes_again(mixed):
    drawn = np.ravel(batches_of(sampler_of(mixed, 0.25), 4, 120))
    real, made = drawn[drawn < REAL], drawn[drawn >= REAL]
    for part, number in ((real, REAL), (made, GENERATED)):
        passes = [part[at : at + number] for at in range(0, len(part), number)]
        assert len(passes) >= 6
        for one in passes:
            assert len(set(one.tolist())) == len(one)
        assert passes[0].tolist() != passes[1].tolist()


def test_order_depends_on_the_seed_only(mixed):
    first, again, other = (
        batches_of(sampler_of(mixed, 0.5, seed=seed), 4, 20) for seed in (3, 3, 4)
    )
    assert first == again != other
    sampler = sampler_of(mixed, 0.5)
    assert batches_of(sampler, 4, 9) == batches_of(sampler, 4, 9)


def test_without_shuffling_the_order_is_that_of_the_data(mixed):
    assert batches_of(sampler_of(mixed, 0.5, shuffle=False), 6, 1)[0] == [
        *(REAL, 0, REAL + 1, 1, REAL + 2, 2)
    ]


@pytest.mark.parametrize('fraction', [0.5, 0.3])
def test_epochs_are_stretches_of_one_sequence(mixed, fraction):
    sampler = sampler_of(mixed, fraction, RatioSampler)
    assert len(sampler) == len(mixed)
    epochs = []
    for epoch in range(5):
        sampler.set_epoch(epoch)
        epochs += [list(sampler)]
        assert len(epochs[-1]) == len(sampler)
    endless = iter(sampler_of(mixed, fraction))
    assert list(chain(*epochs)) == [next(endless) for _ in range(5 * len(mixed))]
    sampler.set_epoch(2)
    assert list(sampler) == epochs[2]


@pytest.mark.parametrize('kind', [RatioSampler, InfiniteRatioSampler])
@pytest.mark.parametrize('fraction', [0.5, 0.3])
def test_ranks_draw_different_samples_at_the_same_ratio(
    mixed, monkeypatch, kind, fraction
):
    ranks = []
    for rank in range(3):
        monkeypatch.setattr(
            'mmseg_ganaug.datasets.samplers.get_dist_info', lambda rank=rank: (rank, 3)
        )
        ranks.append(batches_of(sampler_of(mixed, fraction, kind), 4, 4))
    for rank in ranks:
        assert all(abs(count - 4 * fraction) < 1 for count in counts(rank))
    together = np.array(ranks).swapaxes(0, 1).reshape(4, 12)
    # All ranks together are within one, too, and not within one each.
    assert all(abs(count - 12 * fraction) < 1 for count in counts(together))
    # 48 draws: no kind has been through all of its samples twice.
    repeats = collections.Counter(together.ravel().tolist())
    assert max(repeats.values()) <= 2
    first = together[:2].ravel().tolist()
    assert len(set(first)) == len(first)


def test_a_schedule_is_followed_to_the_iteration_in_either_kind(mixed):
    def falling(iteration):
        return 0.5 if iteration < 10 else 0.25 if iteration < 20 else 0.0

    endless = sampler_of(mixed, 0.5)
    endless.set_schedule(falling, batch_size=4)
    found = counts(batches_of(endless, 4, 30))
    assert found == [2] * 10 + [1] * 10 + [0] * 10
    epochs = sampler_of(mixed, 0.5, RatioSampler)
    epochs.set_schedule(falling, batch_size=4, batches_per_epoch=13)
    found = []
    for epoch in (0, 1):
        epochs.set_epoch(epoch)
        drawn = list(epochs)
        found += counts([drawn[at : at + 4] for at in range(0, 50, 4)])
    assert found[:12] == [2] * 10 + [1] * 2
    assert found[13:25] == [1] * 7 + [0] * 5
    assert found[12] <= 1  # the last batch of an epoch holds two samples


def test_a_schedule_with_fractional_numbers_keeps_the_sum(mixed):
    endless = sampler_of(mixed, 0.7)
    endless.set_schedule(lambda iteration: 0.7 * (1 - iteration / 100), 4)
    found = counts(batches_of(endless, 4, 100))
    wanted = np.cumsum([4 * 0.7 * (1 - iteration / 100) for iteration in range(100)])
    assert np.abs(np.cumsum(found) - wanted).max() <= 0.5 + 1e-3
    epochs = sampler_of(mixed, 0.7, RatioSampler)
    epochs.set_schedule(lambda iteration: 0.7 * (1 - iteration / 100), 4, 13)
    drawn = []
    for epoch in range(3):
        epochs.set_epoch(epoch)
        drawn += list(epochs)
    seen = [index for index in drawn if index >= REAL]
    # Epochs that are sought one by one go on in one sequence of generated samples.
    whole = [seen[at : at + GENERATED] for at in range(0, len(seen), GENERATED)]
    assert [len(set(one)) for one in whole] == [len(one) for one in whole]


@pytest.fixture
def loaders(source, generated):
    def build(kind, fraction, dataset=None, **options):
        config = dict(
            dataset=dataset
            or dict(
                type='ConcatDataset',
                datasets=[
                    dict(type='RepeatDataset', dataset=source, times=3),
                    generated,
                ],
            ),
            batch_size=4,
            num_workers=2,
            persistent_workers=True,
            multiprocessing_context='forkserver',
            sampler=dict(
                type=f'mmseg_ganaug.{kind}', generated_fraction=fraction, **options
            ),
        )
        return Runner.build_dataloader(config, seed=1)

    with DefaultScope.overwrite_default_scope('mmseg'):
        yield build


def is_generated(sample):
    return 'cache' in sample.img_path


def test_batches_of_a_loader_with_workers_hold_it(loaders):
    loader = loaders('InfiniteRatioSampler', 0.25)
    for _, batch in zip(range(12), loader):
        assert sum(map(is_generated, batch['data_samples'])) == 1
    loader = loaders('RatioSampler', 0.5)
    # 24 real and 10 generated.
    assert len(loader) == 9
    for epoch in range(2):
        loader.sampler.set_epoch(epoch)
        found = [sum(map(is_generated, b['data_samples'])) for b in loader]
        assert found == [2] * 8 + [1]


def test_generated_parts_are_found_however_they_are_wrapped(source, generated):
    repeated = dict(type='RepeatDataset', dataset=generated, times=2)
    inner = dict(type='ConcatDataset', datasets=[source, repeated])
    with DefaultScope.overwrite_default_scope('mmseg'):
        dataset = DATASETS.build(
            dict(type='ConcatDataset', datasets=[inner, generated, source])
        )
    mask = generated_mask(dataset)
    found = ['cache' in dataset.get_data_info(i)['img_path'] for i in range(46)]
    assert mask.tolist() == found
    assert sum(found) == 30
    assert len(generated_parts(dataset)) == 2
    assert generated_mask(dataset, [0]).tolist() == [i < 28 for i in range(46)]


def test_num_batch_per_epoch_shortens_the_epoch_only(loaders, source, generated):
    mixed = dict(type='ConcatDataset', datasets=[source, generated])
    config = dict(
        dataset=mixed,
        batch_size=2,
        num_workers=0,
        num_batch_per_epoch=3,
        sampler=dict(type='mmseg_ganaug.RatioSampler', generated_fraction=0.5),
    )
    loader = Runner.build_dataloader(config, seed=0)
    assert len(generated_parts(loader.dataset)) == 1
    for _ in range(2):
        found = [sum(map(is_generated, batch['data_samples'])) for batch in loader]
        assert found == [1, 1, 1]


def test_bare_names_are_found():
    assert DATA_SAMPLERS.get('RatioSampler') is RatioSampler


@pytest.mark.parametrize(
    ('fraction', 'generated', 'message'),
    [
        (1.5, [1], r'1\.5.*0\.\.1'),
        (0.5, None, '50 real and 0 generated.*generated='),
        (0.5, [0, 1], '0 real and 50'),
        (0.5, [2], r'generated=\[2\].*0\.\.1'),
        (0.5, [], r'generated=\[\]'),
    ],
)
def test_what_cannot_be_drawn_is_said_at_once(mixed, fraction, generated, message):
    with pytest.raises(ValueError, match=message):
        sampler_of(mixed, fraction, generated=generated)


def test_places_of_parts_need_a_concatenation():
    with pytest.raises(ValueError, match='the data set is a RepeatDataset'):
        sampler_of(RepeatDataset(Plain(3), 2), 0.5)


def draw(rank, folder):
    found = {}
    for kind in ('InfiniteRatioSampler', 'RatioSampler'):
        # Without a seed, the ranks have to agree on one.
        loader = Runner.build_dataloader(
            dict(
                dataset=ConcatDataset([Plain(REAL), Plain(GENERATED, REAL)]),
                batch_size=4,
                num_workers=0,
                sampler=dict(
                    type=f'mmseg_ganaug.{kind}', generated_fraction=0.375, generated=[1]
                ),
            )
        )
        found[kind] = [batch['number'] for _, batch in zip(range(6), loader)]
    torch.save(found, folder / f'{rank}.pth')


def test_two_processes_share_the_samples(tmp_path):
    assert run_ranks(draw, 2, tmp_path, tmp_path) == [0, 0]
    ranks = [torch.load(tmp_path / f'{rank}.pth') for rank in range(2)]
    for kind in ('InfiniteRatioSampler', 'RatioSampler'):
        first, second = ranks[0][kind], ranks[1][kind]
        assert {len(batch) for batch in first + second} == {4}
        for own in (first, second):
            assert set(counts(own)) == {1, 2}
        # 3/8 of 4 is a fraction, of both ranks' 8 it is three.
        together = [one + two for one, two in zip(first, second)]
        assert counts(together) == [3] * 6
        drawn = list(chain(*together))
        assert len(set(drawn)) == len(drawn)


class MixedDataset(Dataset):
    """A wrapper of somebody's own around real and generated samples."""

    def __init__(self, parts):
        self.parts = parts

    def __len__(self):
        return 10


@pytest.mark.parametrize('hold', [lambda made: [made], lambda made: dict(a=made)])
def test_generated_samples_in_an_unknown_wrapper_do_not_count_as_real(generated, hold):
    wrapper = MixedDataset(hold(DATASETS.build(generated)))
    with pytest.raises(ValueError, match='MixedDataset holds real and generated'):
        generated_mask(wrapper)
