"""The config of a data set inherits the shipped one, and changes what differs."""

from pathlib import Path

import pytest
from mmengine.config import Config

from mmseg_ganaug.own_data.configs import OwnDataConfigs, SplitFiles, dataset_path
from mmseg_ganaug.ownership import WorkFolder

SHIPPED = Path(__file__).resolve().parents[2] / 'configs/_base_/datasets/own_data.py'


def values_in(config):
    """All values, wherever they are in lists and dicts, by their place."""
    if not isinstance(config, (dict, list)):
        return {(): config}
    items = config.items() if isinstance(config, dict) else enumerate(config)
    return {
        (key, *place): value
        for key, inner in items
        for place, value in values_in(inner).items()
    }


@pytest.fixture
def written(tmp_path):
    train = SplitFiles('photos', 'maps', '.jpg', '_gt.png', 'train.txt')
    val = SplitFiles('others', 'val_maps', '.bmp', '_id.png', 'val.txt')
    OwnDataConfigs(
        WorkFolder(tmp_path / 'out', 'bench'),
        names=['sky', "it's"],
        palette=[(1, 2, 3), (4, 5, 6)],
        ignore_index=7,
        size=(96, 64),
        train=train,
        val=val,
        num_pairs=8,
        split_note='Drawn.',
        seed=0,
    ).write(['recon'])
    return dataset_path(tmp_path / 'out')


def test_what_is_written_reaches_every_place_that_depends_on_it(written):
    cfg = Config.fromfile(written)
    load, annotate, resize, crop, *_ = cfg.train_pipeline
    assert (load.type, annotate.type) == ('LoadImageFromFile', 'LoadAnnotations')
    assert (resize.type, tuple(resize.scale)) == ('RandomResize', (96, 64))
    assert (crop.type, crop.ignore_index) == ('RandomCrop', 7)
    assert tuple(crop.crop_size) == tuple(cfg.crop_size) == (64, 96)
    resize = cfg.test_pipeline[1]
    assert (resize.type, tuple(resize.scale)) == ('Resize', (96, 64))
    train, val = cfg.train_dataloader.dataset, cfg.val_dataloader.dataset
    assert train.pipeline == cfg.train_pipeline
    assert val.pipeline == cfg.test_pipeline
    assert train.data_prefix == dict(img_path='photos', seg_map_path='maps')
    assert val.data_prefix == dict(img_path='others', seg_map_path='val_maps')
    assert (train.img_suffix, val.img_suffix) == ('.jpg', '.bmp')
    assert (train.seg_map_suffix, val.seg_map_suffix) == ('_gt.png', '_id.png')
    assert (train.ann_file, val.ann_file) == ('train.txt', 'val.txt')
    for part in (cfg, train, val, cfg.val_evaluator):
        assert part.ignore_index == 7
    metainfo = dict(classes=['sky', "it's"], palette=[[1, 2, 3], [4, 5, 6]])
    assert cfg.metainfo == train.metainfo == val.metainfo == metainfo
    assert cfg.num_classes == 2
    assert cfg.test_dataloader == cfg.val_dataloader
    assert cfg.test_evaluator == cfg.val_evaluator


def test_all_else_is_that_of_the_shipped_config(written):
    shipped = values_in(Config.fromfile(SHIPPED).to_dict())
    values = values_in(Config.fromfile(written).to_dict())
    assert set(values) == set(shipped)
    differ = {place[-1] for place in values if values[place] != shipped[place]}
    # Numbers are places in a list of classes or colours.
    assert {name for name in differ if isinstance(name, str)} == {
        *('scale', 'crop_size', 'ignore_index', 'img_path', 'seg_map_path'),
        *('img_suffix', 'seg_map_suffix', 'ann_file'),
    }
