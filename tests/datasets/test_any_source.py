"""GANRecomposeDataset around the data set configs that MMSeg ships, as they stand."""

import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmseg.registry import DATASETS
from PIL import Image

from mmseg_ganaug.config_search import find_generated
from mmseg_ganaug.datasets import DatasetLabelSource
from mmseg_ganaug.recompose import LabelStatistics

NUM_MAPS = 4

EXAMPLE = """
_base_ = ['mmseg::_base_/datasets/{name}.py']
custom_imports = dict(imports=['mmseg_ganaug'])
real = _base_.train_dataloader.dataset
generated = dict(
    type='mmseg_ganaug.GANRecomposeDataset',
    source=real,
    recomposer=dict(type='AddSingle'),
    generator=dict(type='GreyPainter'),
    ratio=1.0,
    cache_dir='data/ganaug/{name}',
)
train_dataloader = dict(
    dataset=dict(_delete_=True, type='ConcatDataset', datasets=[real, generated])
)
"""


@dataclass
class Family:
    """Where the files of a stock config lie, and what is in them.

    ``{}`` stands for the sample's name; ``zero`` says that files hold 0 for no class
    and class ids from 1 on; ``lists`` are split files.
    """

    root: str
    photo: str
    label: str
    num_classes: int
    zero: bool = False
    palette: bool = False
    lists: Dict[str, str] = field(default_factory=dict)
    second_label: str = ''


FAMILIES = {
    'cityscapes': Family(
        'cityscapes',
        'leftImg8bit/train/ulm/ulm_{}_leftImg8bit.png',
        'gtFine/train/ulm/ulm_{}_gtFine_labelTrainIds.png',
        19,
    ),
    'ade20k': Family(
        'ade/ADEChallengeData2016',
        'images/training/ADE_train_{}.jpg',
        'annotations/training/ADE_train_{}.png',
        150,
        zero=True,
    ),
    'pascal_voc12': Family(
        'VOCdevkit/VOC2012',
        'JPEGImages/2007_{}.jpg',
        'SegmentationClass/2007_{}.png',
        21,
        palette=True,
        lists={'ImageSets/Segmentation/train.txt': '2007_{}'},
    ),
    'pascal_voc12_aug': Family(
        'VOCdevkit/VOC2012',
        'JPEGImages/2007_{}.jpg',
        'SegmentationClass/2007_{}.png',
        21,
        lists={
            'ImageSets/Segmentation/train.txt': '2007_{}',
            'ImageSets/Segmentation/aug.txt': '2007_{}',
        },
        second_label='SegmentationClassAug/2007_{}.png',
    ),
    'loveda': Family(
        'loveDA', 'img_dir/train/{}.png', 'ann_dir/train/{}.png', 7, zero=True
    ),
    'potsdam': Family(
        'potsdam',
        'img_dir/train/2_10_{}_512.png',
        'ann_dir/train/2_10_{}_512.png',
        6,
        zero=True,
    ),
    'isaid': Family(
        'iSAID',
        'img_dir/train/P{}_0_896_0_896.png',
        'ann_dir/train/P{}_0_896_0_896_instance_color_RGB.png',
        16,
    ),
    'coco-stuff164k': Family(
        'coco_stuff164k',
        'images/train2017/{}.jpg',
        'annotations/train2017/{}_labelTrainIds.png',
        171,
    ),
    'coco-stuff10k': Family(
        'coco_stuff10k',
        'images/train2014/COCO_train2014_{}.jpg',
        'annotations/train2014/COCO_train2014_{}_labelTrainIds.png',
        171,
        zero=True,
    ),
    'bdd100k': Family(
        'bdd100k', 'images/10k/train/{}.jpg', 'labels/sem_seg/masks/train/{}.png', 19
    ),
    'mapillary_v1': Family(
        'mapillary',
        'training/images/{}.jpg',
        'training/v1.2/labels/{}.png',
        66,
        palette=True,
    ),
    # RepeatDataset(times=40000)
    'drive': Family(
        'DRIVE', 'images/training/{}.png', 'annotations/training/{}_manual1.png', 2
    ),
}


def make_map(index: int, num_classes: int) -> np.ndarray:
    """The first class, a block of the last one, a border of no class."""
    label_map = np.zeros((24, 32), np.uint8)
    label_map[12:] = min(1, num_classes - 2)
    label_map[4 + index : 10 + index, 6:16] = num_classes - 1
    label_map[:, :2] = 255
    return label_map


def write_tree(root: Path, family: Family) -> list:
    """Writes the samples; returns the label maps as they are to be read."""
    rng = np.random.default_rng(0)
    names = [f'{index:06d}' for index in range(NUM_MAPS)]
    label_maps = []
    for label_path in filter(None, (family.label, family.second_label)):
        for name in names:
            label_map = make_map(len(label_maps), family.num_classes)
            label_maps.append(label_map)
            photo = rng.integers(0, 256, (*label_map.shape, 3), dtype=np.uint8)
            stored = label_map + np.uint8(1) if family.zero else label_map
            image = Image.fromarray(stored)
            if family.palette:
                image.putpalette(rng.integers(0, 256, 768, dtype=np.uint8).tobytes())
                assert image.mode == 'P'
            for path, picture in (
                (family.photo, Image.fromarray(photo)),
                (label_path, image),
            ):
                path = root / path.format(name)
                path.parent.mkdir(parents=True, exist_ok=True)
                picture.save(path)
    for path, line in family.lists.items():
        path = root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(''.join(line.format(name) + '\n' for name in names))
    return label_maps


@pytest.fixture(params=list(FAMILIES))
def example(request, tmp_path, monkeypatch):
    """Name, config file with the lines that a user adds, label maps of the tree."""
    monkeypatch.chdir(tmp_path)  # stock configs say data_root='data/...'
    family = FAMILIES[request.param]
    label_maps = write_tree(tmp_path / 'data' / family.root, family)
    path = tmp_path / f'{request.param}_with_generated.py'
    path.write_text(EXAMPLE.format(name=request.param))
    with DefaultScope.overwrite_default_scope('mmseg'):
        yield Config.fromfile(path), label_maps, family


def test_five_lines_add_generated_pairs_to_a_stock_config(example):
    cfg, label_maps, family = example
    both = DATASETS.build(cfg.train_dataloader.dataset)
    generated = both.datasets[1]
    assert len(generated) == len(label_maps)
    assert len(both) == len(both.datasets[0]) + len(label_maps)
    allowed = {0, 1, family.num_classes - 1, 255}
    drawn = DatasetLabelSource(generated)
    for index in range(len(generated)):
        label_map = drawn.label_map(index)
        photo = np.array(Image.open(generated.get_data_info(index)['img_path']))
        np.testing.assert_array_equal(photo[..., 0], label_map)
        assert family.num_classes - 1 in label_map
        assert set(np.unique(label_map)) <= allowed
    for index in (0, len(both) - 1):  # a real and a generated one
        sample = both[index]
        assert sample['inputs'].dtype.is_floating_point is False
        labels = sample['data_samples'].gt_sem_seg.data
        assert labels.shape[-2:] == sample['inputs'].shape[-2:]
        assert set(labels.unique().tolist()) <= allowed


def test_label_maps_are_read_as_mmseg_reads_them_by_any_process(example):
    cfg, label_maps, _ = example
    (config,) = find_generated(cfg.train_dataloader.dataset)
    dataset = DATASETS.build(dict(config, lazy_init=True))
    source = pickle.loads(pickle.dumps(dataset.label_source()))
    assert len(source) == len(label_maps)
    for index, label_map in enumerate(label_maps):
        np.testing.assert_array_equal(source.label_map(index), label_map)
    one, two = (LabelStatistics.collect(source.verified(), n) for n in (0, 2))
    np.testing.assert_array_equal(one.pixels, two.pixels)
    wanted = [np.bincount(m.ravel(), minlength=256) for m in label_maps]
    np.testing.assert_array_equal(one.pixels, np.array(wanted)[:, : source.num_classes])
