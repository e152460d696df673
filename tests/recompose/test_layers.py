import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_ganaug.recompose import Layer, split_layers
from mmseg_ganaug.recompose.layers import (
    InstanceCanvas,
    bands,
    class_layer,
    count_class,
    paint_class,
    renumber,
)


def random_map(seed, size=(13, 17), classes=4):
    rng = np.random.default_rng(seed)
    label_map = rng.choice([*range(classes), 255], size).astype(np.uint8)
    return label_map, rng.integers(0, 4, size).astype(np.int32)


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    with_instances=st.booleans(),
    components=st.booleans(),
)
def test_layers_cover_every_labelled_pixel_once(seed, with_instances, components):
    label_map, ids = random_map(seed)
    layers = split_layers(
        label_map, instance_map=ids if with_instances else None, components=components
    )
    count = np.zeros(label_map.shape, int)
    for layer in layers:
        mask = layer.full_mask(label_map.shape)
        count += mask
        assert (label_map[mask] == layer.class_id).all()
        assert layer.area == mask.sum() > 0
        # The mask is cut to its box.
        assert layer.mask.any(axis=1)[[0, -1]].all()
        assert layer.mask.any(axis=0)[[0, -1]].all()
        if with_instances:
            assert (ids[mask] == layer.instance_id).all()
    assert np.array_equal(count, label_map != 255)
    assert len({(layer.class_id, layer.instance_id) for layer in layers}) == len(layers)


def test_connected_components_stand_in_for_instances():
    label_map = np.zeros((6, 9), np.uint8)
    label_map[1:3, 1:3] = label_map[4:, 6:] = 1
    layers = split_layers(label_map, classes=[1], components=True)
    assert [layer.area for layer in layers] == [4, 6]


def test_small_layers_are_left_out_by_their_share_of_the_map():
    label_map = np.zeros((10, 10), np.uint8)
    label_map[0, :4] = 1
    assert len(split_layers(label_map, min_area=0.04)) == 2
    assert len(split_layers(label_map, min_area=0.041)) == 1


def test_a_class_that_is_not_there_has_no_layer():
    label_map = np.full((4, 4), 255, np.uint8)
    assert class_layer(label_map, 3) is None
    assert split_layers(label_map, classes=[3]) == []
    assert split_layers(label_map) == []


@pytest.mark.parametrize('shape', [(1, 1), (7, 300000), (5000, 3), (1024, 2048)])
@pytest.mark.parametrize('step', [1, 3])
def test_bands_cover_every_row_once(shape, step):
    cut = bands(shape, step)
    assert cut[0].start == 0 and cut[-1].stop == shape[0]
    for one, following in zip(cut, cut[1:]):
        assert one.stop == following.start
        assert (one.stop - one.start) % step == 0


def test_painting_a_class_changes_its_pixels_only():
    rng = np.random.default_rng(0)
    label_map = rng.integers(0, 3, (700, 900)).astype(np.uint8)
    target = np.full_like(label_map, 9)
    assert paint_class(target, label_map, 2)
    assert np.array_equal(target, np.where(label_map == 2, 2, 9))
    assert count_class(label_map, 2) == (label_map == 2).sum()
    assert not paint_class(target, label_map, 7)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), large=st.booleans())
def test_renumbered_ids_are_dense_and_keep_order_and_regions(seed, large):
    rng = np.random.default_rng(seed)
    values = rng.choice(2**31 - 1 if large else 100, 6, replace=False)
    values[0] = 0
    ids = rng.choice(values[rng.integers(2) :], (5, 6)).astype(np.int32)
    dense = renumber(ids)
    assert dense.dtype == np.int32
    present = np.unique(ids[ids > 0])
    assert np.array_equal(dense > 0, ids > 0)
    for number, value in enumerate(present, start=1):
        assert (dense[ids == value] == number).all()


def test_equal_ids_of_two_maps_stay_two_instances():
    canvas = InstanceCanvas(np.array([[2**31 - 1, 0, 0]], np.int32))
    mask = np.array([[True, True]])
    canvas.paste(Layer(1, mask, 0, 1, ids=np.array([[2**31 - 1, 5]], np.int32)))
    assert canvas.finished().tolist() == [[1, 3, 2]]
    canvas.paste(Layer(1, mask, 0, 0))
    assert canvas.finished().tolist() == [[0, 0, 1]]
