"""The painter of ToyStreets."""

import numpy as np
import pytest

from mmseg_ganaug.toy_streets import CLASSES, IGNORE_INDEX, PALETTE, paint_scene

SIZE = (64, 128)
RARE = ('pole', 'traffic sign', 'person', 'rider')
WITH_INSTANCES = {CLASSES.index(name) for name in (*RARE, 'car')}


@pytest.fixture(scope='module')
def scenes():
    return [paint_scene(np.random.default_rng(seed), SIZE) for seed in range(60)]


@pytest.fixture(scope='module')
def pixels(scenes):
    """Pixels of each label value in each scene, [60, 256]."""
    return np.array(
        [np.bincount(scene.label_map.ravel(), minlength=256) for scene in scenes]
    )


def test_arrays_have_the_promised_types_and_shapes(scenes):
    for scene in scenes[:5]:
        assert scene.image.shape == (*SIZE, 3) and scene.image.dtype == np.uint8
        assert scene.label_map.shape == SIZE and scene.label_map.dtype == np.uint8
        assert scene.instance_map.shape == SIZE
        assert scene.instance_map.dtype == np.int32


def test_every_class_occurs_and_no_other_value(pixels):
    values = np.flatnonzero(pixels.sum(0))
    assert values.tolist() == [*range(len(CLASSES)), IGNORE_INDEX]


@pytest.mark.parametrize('name', RARE)
def test_rare_class_has_few_pixels_but_many_images(pixels, name):
    class_id = CLASSES.index(name)
    assert 0.0003 < pixels[:, class_id].sum() / pixels.sum() < 0.01
    assert (pixels[:, class_id] > 0).mean() >= 0.15


def test_rider_is_the_rarest_class(pixels):
    assert pixels.sum(0)[: len(CLASSES)].argmin() == CLASSES.index('rider')


def test_frequent_classes_are_frequent(pixels):
    shares = dict(zip(CLASSES, pixels.sum(0) / pixels.sum()))
    for name in ('road', 'building', 'vegetation', 'sky', 'car'):
        assert shares[name] > 0.04, name
    assert sum(shares[name] for name in RARE) < 0.03


def test_ignore_occurs_but_little(pixels):
    assert 0.01 < pixels[:, IGNORE_INDEX].sum() / pixels.sum() < 0.035


def test_instance_ids_are_consecutive_and_each_has_one_class(scenes):
    for scene in scenes:
        ids = np.unique(scene.instance_map)
        assert np.array_equal(ids[ids > 0], np.arange(1, ids.max() + 1))
        for instance in ids[ids > 0]:
            classes = np.unique(scene.label_map[scene.instance_map == instance])
            assert len(classes) == 1 and classes[0] in WITH_INSTANCES


def test_every_pixel_of_a_thing_has_an_instance_and_no_other_pixel(scenes):
    for scene in scenes:
        things = np.isin(scene.label_map, list(WITH_INSTANCES))
        assert np.array_equal(things, scene.instance_map > 0)


def test_a_scene_holds_several_instances_of_a_class(scenes):
    car = CLASSES.index('car')
    counts = [
        len(np.unique(scene.instance_map[scene.label_map == car])) for scene in scenes
    ]
    assert max(counts) >= 4


def test_same_generator_state_gives_the_same_bytes(scenes):
    again = paint_scene(np.random.default_rng(3), SIZE)
    for painted, expected in zip(again, scenes[3]):
        assert np.array_equal(painted, expected)
    assert not np.array_equal(again.label_map, scenes[4].label_map)


def test_global_random_state_is_neither_used_nor_changed(scenes):
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    again = paint_scene(np.random.default_rng(5), SIZE)
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    assert np.array_equal(again.image, scenes[5].image)


def test_another_size_shows_the_same_scene(scenes):
    for seed in range(4):
        large = paint_scene(np.random.default_rng(seed), (128, 256))
        same = large.label_map[::2, ::2] == scenes[seed].label_map
        assert same.mean() > 0.9


@pytest.mark.parametrize('size', [(96, 96), (32, 200), (160, 64)])
def test_odd_shapes_are_painted_whole(size):
    scene = paint_scene(np.random.default_rng(0), size)
    assert scene.image.shape == (*size, 3)
    # Road, sidewalk, car or the own bonnet: never sky at the feet of the camera.
    assert not (scene.label_map[-2:] == CLASSES.index('sky')).any()


def test_too_small_a_size_is_an_error_that_names_it():
    with pytest.raises(ValueError, match=r'\(31, 64\).*32'):
        paint_scene(np.random.default_rng(0), (31, 64))


@pytest.mark.parametrize('name', ['car', 'person', 'building', 'traffic sign'])
def test_colour_alone_does_not_tell_the_class(scenes, name):
    """The mean colour of a class differs from scene to scene by more than noise."""
    class_id = CLASSES.index(name)
    means = [
        scene.image[scene.label_map == class_id].mean(0)
        for scene in scenes
        if (scene.label_map == class_id).sum() > 5
    ]
    assert np.std(means, axis=0).min() > 15


def test_palette_has_a_colour_of_its_own_for_each_class():
    assert len({tuple(colour) for colour in PALETTE}) == len(CLASSES) == 11
