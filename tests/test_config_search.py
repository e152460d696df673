"""Data sets are found in configs of every form."""

import pytest
from mmengine.config import Config

from mmseg_ganaug.config_search import dataset_of, find_generated, find_real, has_type
from mmseg_ganaug.datasets import GANRecomposeDataset

REAL = dict(type='BaseSegDataset', data_root='here')
GENERATED = dict(type=GANRecomposeDataset, source=REAL)


@pytest.mark.parametrize(
    'kind',
    [
        'GANRecomposeDataset',
        'mmseg_ganaug.GANRecomposeDataset',
        GANRecomposeDataset,  # as in configs in pure Python
    ],
)
def test_a_type_may_be_a_name_or_a_class(kind):
    assert has_type(dict(type=kind), 'GANRecomposeDataset')


def test_generated_and_real_data_sets_are_told_apart():
    both = dict(
        type='RepeatDataset',
        times=2,
        dataset=dict(type='ConcatDataset', datasets=[REAL, GENERATED]),
    )
    assert find_generated(both) == [GENERATED]
    assert find_real(both) == [REAL]


@pytest.mark.parametrize('loader', [None, {}, dict(batch_size=1)])
def test_a_split_that_the_config_lacks_is_named(loader):
    config = Config(dict(train_dataloader=dict(dataset=REAL), val_dataloader=loader))
    assert dataset_of(config) == REAL
    for split in ('val', 'test'):
        with pytest.raises(ValueError, match=rf'has no {split}_dataloader\.dataset'):
            dataset_of(config, split)


def test_the_place_of_a_wrapper_that_is_not_known_is_named():
    wrapper = dict(type='SemiDataset', labelled=REAL, unlabelled=REAL)
    joined = dict(type='ConcatDataset', datasets=[REAL, wrapper])
    with pytest.raises(ValueError, match=r'SemiDataset.*datasets\[1\]\.labelled'):
        find_real(joined)


def test_an_option_that_holds_no_data_set_makes_no_wrapper():
    own = dict(REAL, type='OwnDataset', encoder=dict(type='Encoder', depth=3))
    assert find_real(own) == [own]
