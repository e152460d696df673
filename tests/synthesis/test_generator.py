"""The interface of generators: what they are given, and what they may give."""

import numpy as np
import pytest
import torch

from mmseg_ganaug.recompose import AddSingle, LabelStatistics, MemoryLabelSource, Recon
from mmseg_ganaug.synthesis import Compositing, Generator, PaintContext, SampleMaker
from mmseg_ganaug.synthesis.generator import paint_maps, paint_photos, seed_of, trait
from mmseg_ganaug.synthesis.windows import Windows, paint_windows


class Echo:
    """Paints what it is asked for: labels in red, instances in green."""

    ignore_index = 7

    def __init__(self, uses_instances):
        self.uses_instances = uses_instances

    def paint(self, label_maps, instance_maps=None):
        assert (instance_maps is not None) == self.uses_instances
        instances = 0 * label_maps if instance_maps is None else instance_maps
        return np.stack([label_maps, instances, 0 * label_maps], -1).astype(np.uint8)


@pytest.mark.parametrize('uses_instances', [False, True])
def test_maps_of_several_sizes_are_painted_each_with_the_generators_ignore_index(
    uses_instances,
):
    sizes = (2, 3), (4, 2), (2, 3)
    maps = [np.full(size, i, np.uint8) for i, size in enumerate(sizes)]
    maps[1][0] = 255
    before = [one.copy() for one in maps]
    instances = [np.full(size, 5 + i, np.int32) for i, size in enumerate(sizes)]
    photos = paint_maps(Echo(uses_instances), maps, instances, ignore_index=255)
    for i, photo in enumerate(photos):
        # BGR
        np.testing.assert_array_equal(photo[..., 2], np.where(maps[i] == 255, 7, i))
        assert not photo[..., 0].any()
        assert (photo[..., 1] == (5 + i if uses_instances else 0)).all()
        np.testing.assert_array_equal(maps[i], before[i])


class Collage(Generator):
    """Gives the photos of its context, inverted where it has to paint."""

    uses_context = True
    num_classes = 3

    def __init__(self):
        self.contexts = []

    def fingerprint(self):
        return 'collage'

    def paint(self, labels, instances=None, context=None):
        assert instances is None
        assert context.photos.shape == (*labels.shape, 3)
        assert context.shown.shape == context.changed.shape == labels.shape
        self.contexts.append(context)
        inverted = 255 - context.photos
        return np.where(context.changed[..., None], inverted, context.photos)


def maps_of(count=6, size=(40, 56)):
    rng = np.random.default_rng(0)
    maps, photos = [], []
    for _ in range(count):
        labels = np.zeros(size, np.uint8)
        labels[:12] = 1
        y, x = rng.integers(0, 30), rng.integers(0, 48)
        labels[y : y + 6, x : x + 6] = 2
        maps.append(labels)
        photos.append(rng.integers(1, 200, (*size, 3), dtype=np.uint8))
    return MemoryLabelSource(maps, 3, photos=photos)


def maker_of(source, painter, way=None, number=4, **options):
    way = way or AddSingle(classes=[2])
    plan = way.plan(LabelStatistics.collect(source), number, 0)
    ids = [f'0123456789ab-{i:06d}' for i in range(number)]
    compositing = Compositing(options.pop('mode', 'full'), **options)
    return SampleMaker(
        list(plan), number, way.recompose, source, painter, compositing, ids=ids
    )


def test_a_painter_sees_the_photo_with_the_donors_pixels_and_what_changed():
    source, painter = maps_of(), Collage()
    maker = maker_of(source, painter)
    maps = maker.recompose(range(4))
    samples = maker.finish(range(4), maps)
    (context,) = painter.contexts
    assert context.ids == tuple(f'0123456789ab-00000{i}' for i in range(4))
    assert len(set(context.seeds)) == 4
    assert all(0 <= seed < 2**32 for seed in context.seeds)
    for made, sample, photo, shown, changed in zip(
        maps, samples, context.photos, context.shown, context.changed
    ):
        np.testing.assert_array_equal(photo, made.photo[..., ::-1])
        assert shown.all()
        np.testing.assert_array_equal(changed, made.label_map != made.base)
        assert changed.any() and not changed.all()
        wanted = np.where(changed[..., None], 255 - made.photo, made.photo)
        np.testing.assert_array_equal(sample.photo, wanted)
        np.testing.assert_array_equal(sample.label_map, made.label_map)


def test_what_no_photo_shows_is_black_and_not_shown():
    source, painter = maps_of(), Collage()
    maker = maker_of(source, painter, Recon(things=[2]))
    maps = maker.recompose(range(4))
    maker.finish(range(4), maps)
    (context,) = painter.contexts
    assert not context.shown.all()
    assert context.changed.all()
    assert not context.photos[~context.shown].any()
    for made, shown in zip(maps, context.shown):
        np.testing.assert_array_equal(shown, made.shown)


def test_auto_has_only_those_classes_painted_that_the_generator_paints():
    painter = Collage()
    maker = maker_of(maps_of(), painter, mode='auto', paintable=(True, True, False))
    maps = maker.recompose(range(4))
    maker.finish(range(4), maps)
    for made, changed in zip(maps, painter.contexts[0].changed):
        assert not changed[made.label_map == 2].any()


def test_context_and_seed_of_a_sample_do_not_depend_on_its_batch():
    source, together, alone = maps_of(), Collage(), Collage()
    maker = maker_of(source, together)
    maker.finish(range(4), maker.recompose(range(4)))
    maker = maker_of(source, alone)
    for number in range(4):
        maker.finish([number], maker.recompose([number]))
    (batch,) = together.contexts
    for number, single in enumerate(alone.contexts):
        part = batch[number : number + 1]
        assert (part.ids, part.seeds) == (single.ids, single.seeds)
        np.testing.assert_array_equal(part.photos, single.photos)
        np.testing.assert_array_equal(part.changed, single.changed)
    assert seed_of('a', 1) != seed_of('a', 2) != seed_of('b', 2)


@pytest.mark.parametrize('size', [(40, 56), (41, 57)])
def test_windows_show_the_same_context_as_the_whole_photo(size):
    source = maps_of(size=size)
    options = dict(mode='changed', feather=1, match_tone=False)
    photos = []
    for windows in (None, Windows(margin=4)):
        painter = Collage()
        painter.stride = 4
        maker = maker_of(source, painter, **options, windows=windows)
        photos.append(maker.finish(range(4), maker.recompose(range(4))))
        shapes = {context.shown.shape[1:] for context in painter.contexts}
        assert (size in shapes) == (windows is None)
    for whole, parts in zip(*photos):
        np.testing.assert_array_equal(whole.photo, parts.photo)


def test_each_window_of_a_sample_gets_its_own_part_of_the_context():
    painter = Collage()
    rng = np.random.default_rng(0)
    photos = rng.integers(0, 256, (1, 40, 56, 3), dtype=np.uint8)
    changed = np.zeros((1, 40, 56), bool)
    changed[0, 2:5, 3:6] = changed[0, 30:36, 44:50] = True
    context = PaintContext(photos, ~changed, changed, ('a',), (1,))
    labels = np.zeros((40, 56), np.uint8)
    (found,) = paint_windows(
        painter, [labels], [None], 255, [changed[0]], Windows(margin=2), [context]
    )
    assert sum(map(len, painter.contexts)) == 2
    assert found.seen[changed[0]].all() and not found.seen.all()
    wanted = np.where(changed[0][..., None], 255 - photos[0], photos[0])[..., ::-1]
    np.testing.assert_array_equal(found.photo[found.seen], wanted[found.seen])


def test_a_window_beyond_the_border_repeats_the_last_pixels():
    shown = np.arange(6).reshape(1, 2, 3) % 2 == 0
    photos = np.arange(18, dtype=np.uint8).reshape(1, 2, 3, 3)
    context = PaintContext(photos, shown, ~shown, ('a',), (1,))
    part = context.window(slice(1, 4), slice(2, 5))
    assert part.photos.shape == (1, 3, 3, 3)
    assert (part.photos == photos[0, 1, 2]).all()
    assert (part.shown == shown[0, 1, 2]).all()
    assert (part.ids, part.seeds) == (('a',), (1,))
    both = PaintContext.stacked([context, context])
    assert len(both) == 2 and both.photos.shape == (2, 2, 3, 3)
    assert both[1:].seeds == (1,)


class Giving(Collage):
    """Gives what a test wants."""

    uses_context = False

    def __init__(self, photos):
        self.photos = photos

    def paint(self, labels, instances=None, context=None):
        return self.photos


@pytest.mark.parametrize(
    ('photos', 'error', 'message'),
    [
        (np.zeros((1, 4, 6, 3), np.uint8), ValueError, r'\(1, 4, 6, 3\).*\(2, 4, 6\)'),
        (np.zeros((2, 6, 4, 3), np.uint8), ValueError, r'return .*\(2, 4, 6, 3\), RGB'),
        (np.zeros((2, 3, 4, 6), np.uint8), ValueError, r'\(2, 3, 4, 6\)'),
        (np.zeros((2, 4, 6, 3), np.float32), TypeError, 'float32: paint .*uint8'),
        (torch.zeros((2, 4, 6, 3)), ValueError, 'a NumPy array'),
        (None, ValueError, 'gave NoneType'),
    ],
)
def test_other_photos_than_those_asked_for_are_an_error(photos, error, message):
    with pytest.raises(error, match='generator Giving gave') as caught:
        paint_photos(Giving(photos), np.zeros((2, 4, 6), np.uint8))
    assert caught.match(message)


def test_without_a_context_it_says_which_samples_have_one():
    with pytest.raises(ValueError, match='Collage uses a context, which recombined'):
        paint_photos(Collage(), np.zeros((2, 4, 6), np.uint8))


def test_the_number_of_classes_and_instance_maps_are_checked():
    painter = Collage()
    painter.check(3, has_instances=False)
    with pytest.raises(ValueError, match='has 4 classes, but the generator Collage'):
        painter.check(4, has_instances=False)
    painter.num_classes, painter.uses_instances = None, True
    painter.check(4, has_instances=True)
    with pytest.raises(ValueError, match=r'instance maps.*set instance_path'):
        painter.check(4, has_instances=False)


def test_what_does_not_inherit_has_the_defaults():
    painter = Echo(False)
    assert trait(painter, 'stride') == 1
    assert trait(painter, 'uses_context') is False
    painter.stride = 8
    assert trait(painter, 'stride') == 8


def test_tensors_are_painted_by_way_of_arrays():
    painter = Giving(np.arange(2 * 4 * 6 * 3, dtype=np.uint8).reshape(2, 4, 6, 3))
    painted = painter.paint_on_device(torch.zeros((2, 1, 4, 6), dtype=torch.uint8))
    assert painted.shape == (2, 3, 4, 6) and painted.dtype == torch.uint8
    np.testing.assert_array_equal(painted.permute(0, 2, 3, 1).numpy(), painter.photos)
