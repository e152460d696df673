import numpy as np
import pytest
from hypothesis import given, settings
from random_maps import SEEDS, random_source
from streets import BIKE, CAR, NAMES, RIDER, SIGN, streets

from mmseg_ganaug.recompose.objects import (
    GRID,
    SceneCounts,
    class_at,
    find_objects,
    object_layer,
)


def test_components_are_objects_where_there_are_no_instances():
    label_map = np.zeros((20, 30), np.uint8)
    label_map[2:6, 3:8] = 1
    label_map[10:15, 20:30] = 1
    label_map[18, 0] = 1
    objects, touching, spread = find_objects(label_map, None, 2)
    boxes = [
        tuple(int(item[name]) for name in ('top', 'left', 'height', 'width', 'area'))
        for item in objects[objects['class_id'] == 1]
    ]
    # The single pixel is too small to be one.
    assert boxes == [(2, 3, 4, 5, 20), (10, 20, 5, 10, 50)]
    assert len(touching) == 2  # each touches what is around it
    shares = np.array([20, 50, 1]) / 600
    roots = np.sqrt(shares)
    assert spread[1] / 2**30 == pytest.approx(
        [roots.sum(), (roots * shares).sum(), roots[1:].sum()]
    )


def test_instances_are_objects_and_the_rest_of_their_class_is_none():
    label_map = np.zeros((20, 30), np.uint8)
    label_map[5:15, 5:25] = 1
    ids = np.zeros((20, 30), np.int32)
    ids[5:15, 5:12] = 900
    ids[5:15, 12:20] = 17
    objects, _, _ = find_objects(label_map, ids, 2)
    found = objects[objects['class_id'] == 1]
    assert sorted(found['area'].tolist()) == [70, 80]
    assert object_layer(label_map, ids, 1, (6, 22)) is None


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_an_object_is_found_again_by_its_pixel(seed):
    source = random_source(seed, count=2, size=(24, 32))
    for index in range(2):
        label_map, ids = source.label_map(index), source.instance_map(index)
        for item in find_objects(label_map, ids, 5).objects:
            layer = object_layer(
                label_map,
                ids,
                int(item['class_id']),
                (int(item['row']), int(item['column'])),
            )
            assert (layer.top, layer.left) == (item['top'], item['left'])
            assert layer.mask.shape == (item['height'], item['width'])
            assert layer.area == item['area']
            assert (label_map[layer.box][layer.mask] == item['class_id']).all()


@pytest.mark.parametrize('pixel', [(0, 0), (500, 3), (3, 500)])
def test_no_object_where_the_class_is_not(pixel):
    label_map = np.zeros((20, 30), np.uint8)
    label_map[5:15, 5:25] = 1
    assert object_layer(label_map, None, 1, pixel) is None


def test_touching_objects_are_of_two_classes_and_a_small_gap_is_none():
    label_map = np.full((20, 40), 255, np.uint8)
    label_map[5:10, 2:8] = 0
    label_map[5:10, 10:16] = 1  # two pixels away
    label_map[5:10, 26:32] = 1  # too far
    objects, touching, _ = find_objects(label_map, None, 2)
    assert len(objects) == 3
    assert touching.tolist() == [[0, 1]]


def test_counts_join_as_if_counted_at_once():
    source = streets(6)
    single = [
        SceneCounts.of_map(source.label_map(i), None, len(NAMES), 255) for i in range(6)
    ]
    whole = SceneCounts.join(single)
    nested = SceneCounts.join(
        [SceneCounts.join(single[:2]), SceneCounts.join(single[2:])]
    )
    for name in ('objects', 'touching', 'spread', 'thumbnails'):
        assert np.array_equal(getattr(whole, name), getattr(nested, name)), name
    assert set(whole.objects['map']) == set(range(6))
    touching = whole.objects[whole.touching]
    assert (touching['map'][:, 0] == touching['map'][:, 1]).all()
    pairs = {tuple(sorted(p)) for p in touching['class_id'].tolist()}
    assert (RIDER, BIKE) in pairs and (CAR, SIGN) not in pairs


def test_small_copies_show_the_class_in_the_middle_of_each_cell():
    source = streets(1)
    label_map = source.label_map(0)
    counts = SceneCounts.of_map(label_map, None, len(NAMES), 255)
    assert counts.thumbnails.shape == (1, *GRID)
    # The maps are as large as the grid.
    expected = np.where(label_map == 255, len(NAMES), label_map)
    assert np.array_equal(counts.thumbnails[0], expected)
    found = class_at(
        counts.thumbnails,
        np.array([0]),
        np.array([[0.0, 0.999]]),
        np.array([[0.0, 0.1]]),
    )
    assert found.tolist() == [[len(NAMES), label_map[95, 12]]]
