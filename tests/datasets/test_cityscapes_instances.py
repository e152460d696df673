"""Instance maps as Cityscapes has them: the class where there is no instance."""

import cv2
import numpy as np
import pytest
from mmengine.registry import DefaultScope
from mmseg.registry import DATASETS
from small_maps import write_png

from mmseg_ganaug.datasets import label_files
from mmseg_ganaug.datasets.label_source import DatasetLabelSource
from mmseg_ganaug.recompose import AddMulti, AddSingle, LabelStatistics, Recon

CLASSES = ('sky', 'road', 'pole', 'car')
SKY, ROAD, POLE, CAR = range(4)
# Of cityscapesScripts; those from 24 on have instances.
LABEL_IDS = np.array([23, 7, 17, 26])


def street(rng):
    """Two poles and three cars, of which two touch."""
    labels = np.zeros((96, 128), np.uint8)
    labels[40:] = ROAD
    for left in rng.integers([30, 60], [50, 80]):
        labels[20:45, left : left + 3] = POLE
    ids = LABEL_IDS[labels]
    down, left = rng.integers([55, 10], [75, 80])
    for number, right in enumerate((0, 12, 30)):
        box = slice(down, down + 10), slice(left + right, left + right + 12)
        labels[box], ids[box] = CAR, 26000 + number
    return labels, ids.astype(np.uint16)


@pytest.fixture
def source(tmp_path):
    rng = np.random.default_rng(0)
    for index in range(8):
        labels, ids = street(rng)
        photo = np.zeros((*labels.shape, 3), np.uint8)
        write_png(tmp_path / f'img/{index}.png', photo)
        write_png(tmp_path / f'ann/{index}_labelTrainIds.png', labels)
        write_png(tmp_path / f'ann/{index}_instanceIds.png', ids)
    return read(tmp_path)


def read(folder, ending='_instanceIds.png'):
    cfg = dict(
        type='BaseSegDataset',
        data_root=str(folder),
        data_prefix=dict(img_path='img', seg_map_path='ann'),
        img_suffix='.png',
        seg_map_suffix='_labelTrainIds.png',
        metainfo=dict(classes=CLASSES),
    )
    with DefaultScope.overwrite_default_scope('mmseg'):
        dataset = DATASETS.build(cfg)
    return DatasetLabelSource(dataset, instance_path=('_labelTrainIds.png', ending))


def test_ground_and_poles_have_no_instances(source):
    statistics = LabelStatistics.collect(source, with_scene=True)
    assert statistics.instances.tolist() == [[0, 0, 0, 3]] * 8
    assert not statistics.mixed_instances.any()
    objects = statistics.scene.objects
    counts = np.bincount(objects['class_id'], minlength=4)
    # Each pole is an object, though all of a map have one id; each car is one.
    assert counts[POLE] == 16
    assert counts[CAR] == 24
    moved = AddMulti(objects=dict()).moved
    assert 'things are pole, car' in moved.found(statistics, 0)


def test_cars_are_moved_one_by_one_and_the_ground_may_grow(source):
    statistics = LabelStatistics.collect(source, with_scene=True)
    options = dict(grow=['road'], min_plausibility=0, num_objects=1)
    recomposer = AddSingle(classes=['car'], objects=options, min_area=0)
    for recipe in recomposer.plan(statistics, 12, 0):
        assert all(len(parts) == 1 for parts in recipe.parts)
        made = recomposer.recompose(recipe, source)
        assert 0 < np.count_nonzero(made.laid) < 2 * 120
        assert made.pasted == recipe.donors


def test_recon_finds_a_background(source):
    statistics = LabelStatistics.collect(source)
    recomposer = Recon()
    assert SKY in recomposer.background_classes(statistics)
    assert len(recomposer.plan(statistics, 4, 0)) == 4


def test_few_objects_are_kept_by_instance_or_connected_part(source):
    statistics = LabelStatistics.collect(source)
    for name, largest in (('car', 120), ('pole', 75)):
        recomposer = AddSingle(classes=[name], max_objects=1, min_area=0)
        for recipe in recomposer.plan(statistics, 12, 0):
            made = recomposer.recompose(recipe, source)
            assert made.changed.sum() <= largest


def test_areas_keep_their_borders_for_the_edges_of_a_painter(source):
    statistics = LabelStatistics.collect(source)
    recomposer = AddSingle(classes=['car'])
    made = recomposer.recompose(recomposer.plan(statistics, 1, 0)[0], source)
    ids = made.instance_map
    areas = [set(np.unique(ids[made.label_map == c]).tolist()) for c in (SKY, ROAD)]
    assert all(len(area) == 1 and 0 not in area for area in areas)
    assert areas[0] != areas[1]


def test_other_names_are_read_as_they_are(source, tmp_path):
    for path in (tmp_path / 'ann').glob('*_instanceIds.png'):
        path.rename(str(path).replace('instanceIds', 'objects'))
    found = read(tmp_path, '_objects.png')
    assert found.first_instance(0) == 1
    assert LabelStatistics.collect(found).instances.tolist() == [[1, 1, 1, 3]] * 8


def test_the_digest_tells_the_two_readings_apart(source, tmp_path):
    before = source.files_digest()
    for path in (tmp_path / 'ann').glob('*_instanceIds.png'):
        content = cv2.imread(str(path), -1)
        write_png(path.with_name(path.name.replace('instanceIds', 'objects')), content)
    assert read(tmp_path, '_objects.png').files_digest() != before
    assert read(tmp_path).files_digest() == before


def test_joined_data_of_which_some_have_instances_say_so(monkeypatch):
    said = []
    monkeypatch.setattr(label_files, 'print_log', lambda text, **_: said.append(text))
    infos = [{'inst_map_path': 'a.png'}, {'seg_map_path': 'b.png'}]
    assert not label_files.have_instances(infos, None)
    assert len(said) == 1
    assert said[0].startswith('1 of 2 joined data sets have instance maps')
    assert label_files.have_instances(infos[:1], None)
    assert not label_files.have_instances(infos[1:], None)
    assert len(said) == 1
