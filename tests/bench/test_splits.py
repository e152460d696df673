"""Half of the validation photos choose, the others evaluate; sequences stay whole."""

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from mmseg_ganaug.bench.splits import halve, keep_photos, sequence_of, split_photos


@pytest.mark.parametrize(
    ('name', 'sequence'),
    [
        ('0006R0_f00930', '0006R0_f'),
        ('town/town_000001_000019', 'town/town_000001_'),
        ('frame', 'frame'),
        ('007', ''),
    ],
)
def test_a_sequence_is_what_stands_before_the_number_at_the_end(name, sequence):
    assert sequence_of(name) == sequence


def test_halves_hold_whole_sequences_and_classes_evenly():
    rng = np.random.default_rng(0)
    sequences = [f'drive{n}_' for n in range(30) for _ in range(1 + n % 5)]
    shown = rng.random((len(sequences), 6)) < [1, 1, 0.5, 0.3, 0.2, 0.1]
    first, text = halve(sequences, shown)
    halves = [{s for s, is_first in zip(sequences, first) if is_first == half}
              for half in (True, False)]  # fmt: skip
    assert not halves[0] & halves[1]
    assert abs(first.sum() - (~first).sum()) <= 5
    for kind in range(6):
        held = shown[first, kind].sum(), shown[~first, kind].sum()
        assert min(held) >= 0.3 * sum(held)
    assert (
        text
        == 'By their names they are of 30 sequences, each of them whole in one half.'
    )
    again, _ = halve(sequences, shown)
    assert np.array_equal(first, again)


def test_one_long_sequence_is_cut_in_the_middle_and_that_is_stated():
    first, text = halve(['drive_'] * 9, np.ones((9, 2), bool))
    assert np.flatnonzero(np.diff(first.astype(int))).size == 1
    assert first.sum() in (4, 5)
    assert 'cut in the middle' in text
    _, text = halve(['long_'] * 7 + ['short_'] * 3, np.ones((10, 2), bool))
    assert "'long_', more than half, is cut" in text


def test_names_without_sequences_count_each_photo():
    first, text = halve(['a', 'b', 'c', 'd'], np.eye(4, dtype=bool))
    assert first.sum() == 2
    assert text.startswith('Names tell no sequences')


@pytest.fixture
def cfg(tmp_path):
    """A config with 4 photos to train on and 10 of two drives to validate on."""
    names = {
        'train': [f'old_{n}' for n in range(4)],
        'val': [f'{d}_{n:02d}' for d in 'ab' for n in range(5)],
        'second': [f'c_{n}' for n in range(3)],
    }
    rng = np.random.default_rng(0)
    for split, listed in names.items():
        for name in listed:
            for kind in ('photos', 'labels'):
                path = tmp_path / kind / f'{name}.png'
                path.parent.mkdir(exist_ok=True)
                image = rng.integers(0, 2, (8, 8), np.uint8)
                cv2.imwrite(str(path), image)
        (tmp_path / f'{split}.txt').write_text('\n'.join(listed))

    def data(split):
        return dict(
            type='BaseSegDataset',
            metainfo=dict(classes=['ground', 'box']),
            data_prefix=dict(
                img_path=str(tmp_path / 'photos'), seg_map_path=str(tmp_path / 'labels')
            ),
            img_suffix='.png',
            ann_file=str(tmp_path / f'{split}.txt'),
            pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')],
        )

    loaders = {
        f'{split}_dataloader': dict(dataset=data(split)) for split in ('train', 'val')
    }
    return Config(loaders)


def shown_by(loader):
    from mmengine.registry import DefaultScope
    from mmseg.registry import DATASETS

    with DefaultScope.overwrite_default_scope('mmseg'):
        dataset = DATASETS.build(loader.dataset)
    infos = [dataset.get_data_info(i) for i in range(len(dataset))]
    return [info['img_path'].split('/')[-1][:-4] for info in infos]


def test_the_validation_data_are_halved_by_drives(cfg, tmp_path):
    split = split_photos(cfg, tmp_path / 'cache')
    assert split.photos == dict(train=4, choose=5, evaluate=5)
    drives = [{name[0] for name in shown_by(loader)}
              for loader in (cfg.val_dataloader, cfg.test_dataloader)]  # fmt: skip
    assert sorted(map(sorted, drives)) == [['a'], ['b']]
    assert '5 choose between treatments and the other 5 evaluate' in split.text


def test_what_the_config_leaves_out_stays_out(cfg, tmp_path):
    cfg.val_dataloader.dataset.indices = [1, 3, 5, 7, 9]
    split_photos(cfg, tmp_path / 'cache')
    found = shown_by(cfg.val_dataloader) + shown_by(cfg.test_dataloader)
    assert sorted(found) == ['a_01', 'a_03', 'b_00', 'b_02', 'b_04']


@pytest.mark.parametrize(('indices', 'count'), [(-4, 4), (-99, 10)])
def test_the_last_photos_alone_are_halved(cfg, tmp_path, indices, count):
    cfg.val_dataloader.dataset.indices = indices
    split_photos(cfg, tmp_path / 'cache')
    found = shown_by(cfg.val_dataloader) + shown_by(cfg.test_dataloader)
    names = [f'{drive}_{number:02d}' for drive in 'ab' for number in range(5)]
    assert sorted(found) == names[-count:]


def test_joined_data_sets_are_halved_together(cfg, tmp_path):
    one = cfg.val_dataloader.dataset
    first, second = dict(one, indices=5), dict(one, indices=[5, 6, 7, 8, 9])
    cfg.val_dataloader.dataset = dict(type='ConcatDataset', datasets=[first, second])
    split = split_photos(cfg, tmp_path / 'cache')
    assert split.photos['choose'] == split.photos['evaluate'] == 5
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        assert len({name[0] for name in shown_by(loader)}) == 1


def test_a_second_split_evaluates(cfg, tmp_path):
    split = split_photos(cfg, tmp_path, [str(tmp_path / 'second.txt')])
    assert split.photos == dict(train=4, choose=10, evaluate=3)
    assert shown_by(cfg.test_dataloader) == ['c_0', 'c_1', 'c_2']
    assert len(shown_by(cfg.val_dataloader)) == 10
    split = split_photos(cfg, tmp_path, [f'ann_file={tmp_path / "second.txt"}'])
    assert split.photos['evaluate'] == 3


@pytest.mark.parametrize('taken', ['train', 'val'])
def test_photos_with_a_part_in_the_choice_do_not_evaluate(cfg, tmp_path, taken):
    with pytest.raises(
        ValueError, match=r'photos of the .* would evaluate, too: .*png'
    ):
        split_photos(cfg, tmp_path, [str(tmp_path / f'{taken}.txt')])


def test_too_few_photos_name_the_remedy(cfg, tmp_path):
    cfg.val_dataloader.dataset.indices = 3
    with pytest.raises(ValueError, match=r'have 3 photos: 4 are .*--judge-on'):
        split_photos(cfg, tmp_path)


def test_a_loader_shows_the_wanted_photos_alone(cfg):
    keep_photos(cfg.val_dataloader, [0, 9])
    assert shown_by(cfg.val_dataloader) == ['a_00', 'b_04']
