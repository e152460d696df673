"""From a recipe to the pair that is stored: painting, compositing, filters, redraws."""

import numpy as np
import pytest
from painters import GreyPainter

from mmseg_ganaug.recompose import (
    AddSingle,
    LabelStatistics,
    MemoryLabelSource,
    Recon,
)
from mmseg_ganaug.registry import FILTERS
from mmseg_ganaug.synthesis.compositing import Compositing
from mmseg_ganaug.synthesis.filters import (
    IgnoredClassesFilter,
    IgnoredShareFilter,
    LossFilter,
)
from mmseg_ganaug.synthesis.generator import Generator
from mmseg_ganaug.synthesis.sample_maker import SampleMaker


class TracelessPainter(GreyPainter):
    """Paints each class in a grey, but class 2, of which it leaves no trace."""

    ignore_index = 200

    def __init__(self):
        self.batches = []

    def paint(self, label_maps, instance_maps=None):
        assert not (label_maps == 255).any()
        self.batches.append(len(label_maps))
        seen = np.where(label_maps == 2, 0, label_maps)
        return np.repeat(seen[..., None] * 20 + 7, 3, axis=-1).astype(np.uint8)


class GreySegmenter:
    """Its loss is 3 where the grey is not the label's, else 0.5."""

    num_classes = 3

    def losses(self, photos, label_maps, ignore_index):
        return [
            np.where(photo[..., 0] // 20 == labels, 0.5, 3.0)
            for photo, labels in zip(photos, label_maps)
        ]


@pytest.fixture
def source():
    rng = np.random.default_rng(0)
    maps = []
    for _ in range(6):
        label_map = np.zeros((16, 24), np.uint8)
        label_map[:6] = 1
        y, x = rng.integers(0, 10), rng.integers(0, 18)
        label_map[y : y + 5, x : x + 5] = 2
        label_map[15] = 255
        maps.append(label_map)
    photos = [np.repeat(np.minimum(m, 9)[..., None] * 20 + 3, 3, 2) for m in maps]
    return MemoryLabelSource(maps, 3, photos=photos)


def make(source, num_samples=4, spares=0, **options):
    way = AddSingle(classes=[2])
    plan = way.plan(LabelStatistics.collect(source), num_samples * (1 + spares), 0)
    painter = TracelessPainter()
    maker = SampleMaker(
        list(plan), num_samples, way.recompose, source, painter, **options
    )
    return maker, painter


@pytest.fixture
def loss_filter(source, tmp_path, monkeypatch):
    checkpoint = tmp_path / 'segmenter.pth'
    checkpoint.write_bytes(b'weights')
    segmenter = dict(config='a.py', checkpoint=str(checkpoint))
    built = FILTERS.build(dict(type='LossFilter', segmenter=segmenter, factor=2.0))
    monkeypatch.setattr(LossFilter, '_load', lambda self: GreySegmenter())
    source.files_digest = lambda: 'these files'
    built.prepare(source, tmp_path)
    return built


def test_a_sample_is_the_painted_map(source):
    maker, painter = make(source)
    maps = maker.recompose([0, 1, 2])
    samples = maker.finish([0, 1, 2], maps)
    assert painter.batches == [3]
    for made, sample in zip(maps, samples):
        np.testing.assert_array_equal(sample.label_map, made.label_map)
        assert (sample.photo[made.label_map == 1] == 27).all()
        assert sample.report is None


def test_pixels_that_do_not_show_their_label_are_ignored(source, loss_filter):
    maker, _ = make(source, filters=[loss_filter])
    maps = maker.recompose([0, 1])
    for made, sample in zip(maps, maker.finish([0, 1], maps)):
        absent = made.label_map == 2
        assert absent.any()
        assert (sample.label_map[absent] == 255).all()
        kept = ~absent
        np.testing.assert_array_equal(sample.label_map[kept], made.label_map[kept])
        assert sample.report['ignored'] == [0, 0, int(absent.sum())]
        assert sample.report['pixels'][2] == int(absent.sum())
        assert sample.report['passed'] and sample.report['dropped'] == 0


def test_real_pixels_are_not_filtered(source, loss_filter):
    # Nothing of class 2 is to be seen, but only the left half was painted.
    labels = np.full((16, 24), 2, np.uint8)
    photo = np.zeros((16, 24, 3), np.uint8)
    generated = np.arange(24) < np.full((16, 1), 12)
    filtered = loss_filter.apply(photo, labels, generated)
    assert (filtered[generated] == 255).all()
    assert (filtered[~generated] == 2).all()


def test_donors_pixels_reach_the_filter_as_real_ones(source, loss_filter):
    joined = Compositing('auto', paintable=(True, True, False))
    maker, _ = make(source, compositing=joined, filters=[loss_filter])
    maps = maker.recompose([0])
    (sample,) = maker.finish([0], maps)
    np.testing.assert_array_equal(sample.label_map, maps[0].label_map)
    assert (sample.photo[maps[0].label_map == 2] == 43).all()


class HolePainter(Generator):
    """Leaves all of a photo but the holes of Recon as it is."""

    uses_context = True

    def fingerprint(self):
        return 'holes'

    def paint(self, labels, instances=None, context=None):
        return np.where(context.shown[..., None], context.photos, np.uint8(0))

    def painted_pixels(self, labels, context):
        return ~context.shown


@pytest.mark.parametrize('mode', ['full', 'changed'])
def test_pixels_that_the_generator_leaves_as_they_are_are_not_filtered(source, mode):
    taken = IgnoredClassesFilter(source.class_names)
    taken.prepare(source, 'nowhere')
    way = Recon(things=[2])
    recipes = list(way.plan(LabelStatistics.collect(source), 4, 0))
    maker = SampleMaker(
        *(recipes, 4, way.recompose, source, HolePainter(), Compositing(mode)),
        filters=[taken],
        ids=[f'a-{number:06d}' for number in range(4)],
    )
    maps = maker.recompose(range(4))
    holes = 0
    for made, sample in zip(maps, maker.finish(range(4), maps)):
        holes += np.count_nonzero(~made.shown)
        wanted = np.where(made.shown, made.label_map, 255)
        np.testing.assert_array_equal(sample.label_map, wanted)
    assert holes


def test_mean_losses_are_measured_once_and_stored(source, loss_filter, tmp_path):
    (kept,) = tmp_path.glob('class-losses-*.json')
    # The greys of the real photos tell every class: the mean loss is 0.5.
    assert '"class 2": 0.5' in kept.read_text()
    before = kept.stat().st_mtime_ns
    loss_filter.prepare(source, tmp_path)
    assert kept.stat().st_mtime_ns == before
    source.files_digest = lambda: 'other files'
    loss_filter.prepare(source, tmp_path)
    assert len(list(tmp_path.glob('class-losses-*.json'))) == 2


class Picky:
    """Drops the samples of the recipes it is given."""

    def __init__(self, *dropped):
        self.dropped = dropped
        self.asked = 0

    def apply(self, photo, label_map, generated):
        self.asked += 1
        return None if self.asked in self.dropped else label_map


def test_another_recipe_takes_the_place_of_a_dropped_sample(source):
    maker, painter = make(source, num_samples=3, spares=2, filters=[Picky(2, 4)])
    samples = maker.finish([0, 1, 2], maker.recompose([0, 1, 2]))
    # The second is dropped, and so is what takes its place first.
    assert [s.report['recipe'] for s in samples] == [0, 1 + 2 * 3, 2]
    assert [s.report['dropped'] for s in samples] == [0, 2, 0]
    assert all(s.report['passed'] for s in samples)
    assert painter.batches == [3, 1, 1]
    (expected,) = maker.recompose([7])
    np.testing.assert_array_equal(samples[1].label_map, expected.label_map)


def test_when_no_recipe_passes_the_last_is_kept_and_marked(source):
    maker, _ = make(source, num_samples=2, spares=1, filters=[Picky(*range(9))])
    samples = maker.finish([0, 1], maker.recompose([0, 1]))
    assert [s.report['recipe'] for s in samples] == [2, 3]
    assert not any(s.report['passed'] for s in samples)


def test_a_share_of_ignored_pixels_drops_a_sample(source):
    built = FILTERS.build(dict(type='IgnoredShareFilter', max_ignored=0.3))
    built.prepare(source, 'nowhere')
    labels = np.zeros((10, 10), np.uint8)
    labels[:3] = 255
    assert built.apply(None, labels, None) is labels
    labels[3, 0] = 255
    assert built.apply(None, labels, None) is None


def test_generated_pixels_of_named_classes_teach_nothing(source):
    built = FILTERS.build(
        dict(type='IgnoredClassesFilter', classes=[source.class_names[1]])
    )
    built.prepare(source, 'nowhere')
    labels = np.array([[0, 1, 1, 2, 255]], np.uint8)
    generated = np.array([[True, True, False, True, True]])
    kept = built.apply(None, labels, generated)
    assert kept.tolist() == [[0, 255, 1, 2, 255]]
    with pytest.raises(ValueError, match='no class lawn; there are'):
        FILTERS.build(dict(type='IgnoredClassesFilter', classes=['lawn'])).prepare(
            source, 'nowhere'
        )


SEGMENTER = dict(config='a.py', checkpoint='a.pth')


@pytest.mark.parametrize(
    'config',
    [
        dict(type='IgnoredClassesFilter', classes=[]),
        dict(type='IgnoredClassesFilter', classes='road'),
        dict(type='LossFilter', segmenter=SEGMENTER, factor=0),
        dict(type='LossFilter', segmenter=SEGMENTER, num_real=0),
        dict(type='IgnoredShareFilter', max_ignored=1.5),
    ],
)
def test_wrong_options_are_refused(config):
    with pytest.raises(ValueError, match=r'factor=|num_real=|max_ignored=|classes='):
        FILTERS.build(config)


def test_fingerprints_tell_options_and_weights_apart(tmp_path):
    checkpoint = tmp_path / 'a.pth'
    checkpoint.write_bytes(b'1')
    segmenter = dict(config='a.py', checkpoint=str(checkpoint))
    names = {LossFilter(segmenter, factor=2.0).fingerprint()}
    names.add(LossFilter(segmenter, factor=3.0).fingerprint())
    checkpoint.write_bytes(b'2')
    names.add(LossFilter(segmenter, factor=3.0).fingerprint())
    names.add(IgnoredShareFilter(0.1).fingerprint())
    names.add(IgnoredShareFilter(0.2).fingerprint())
    names.add(IgnoredClassesFilter(['road']).fingerprint())
    names.add(IgnoredClassesFilter(['road', 'pole']).fingerprint())
    assert len(names) == 7
