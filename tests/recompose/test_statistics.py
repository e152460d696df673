import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_ganaug.recompose import LabelStatistics, MemoryLabelSource

ARRAYS = ('pixels', 'ignored', 'sizes', 'positions', 'ignored_positions')


def random_source(seed, count=7, classes=4, ignore=255, instances=False):
    rng = np.random.default_rng(seed)
    maps, ids = [], []
    for _ in range(count):
        size = rng.integers(1, 40, 2)
        maps.append(rng.choice([*range(classes), ignore], size).astype(np.uint8))
        ids.append(rng.integers(0, 5, size).astype(np.int32))
    return MemoryLabelSource(
        maps, classes, ignore, instance_maps=ids if instances else None
    )


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), ignore=st.sampled_from([255, 4, 2]))
def test_pixels_and_ignored_are_counted_exactly(seed, ignore):
    source = random_source(seed, ignore=ignore)
    statistics = LabelStatistics.collect(source)
    for index in range(len(source)):
        label_map = source.label_map(index)
        for class_id in range(4):
            expected = 0 if class_id == ignore else (label_map == class_id).sum()
            assert statistics.pixels[index, class_id] == expected
        assert statistics.ignored[index] == (label_map == ignore).sum()
        assert tuple(statistics.sizes[index]) == label_map.shape
    assert np.array_equal(statistics.presence, statistics.pixels > 0)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_instances_are_counted_by_class_and_mixed_ones_told(seed):
    source = random_source(seed, instances=True)
    statistics = LabelStatistics.collect(source)
    for index in range(len(source)):
        label_map, ids = source.label_map(index), source.instance_map(index)
        pairs = {
            (int(i), int(c))
            for i, c in zip(ids.ravel(), label_map.ravel())
            if i > 0 and c < 4
        }
        counts = np.bincount([c for _, c in pairs], minlength=4)
        assert statistics.instances[index].tolist() == counts.tolist()
        mixed = {i for i, c in pairs if any(j == i and d != c for j, d in pairs)}
        assert statistics.mixed_instances[index] == len(mixed)


def assert_same(one, other):
    for name in (*ARRAYS, 'instances', 'mixed_instances'):
        mine, its = getattr(one, name), getattr(other, name)
        assert (mine is None) == (its is None)
        if mine is not None:
            assert np.array_equal(mine, its) and mine.dtype == its.dtype == np.int64
    assert one.class_names == other.class_names
    assert one.ignore_index == other.ignore_index


@pytest.mark.parametrize('instances', [False, True])
def test_the_number_of_workers_does_not_matter(instances):
    source = random_source(0, count=41, instances=instances)
    alone = LabelStatistics.collect(source)
    for workers in (1, 2, 3):
        assert_same(LabelStatistics.collect(source, num_workers=workers), alone)


def test_progress_ends_at_the_number_of_maps():
    seen = []
    source = random_source(0, count=41)
    LabelStatistics.collect(source, 2, lambda done, total: seen.append((done, total)))
    assert seen[-1] == (41, 41)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})


def test_merged_parts_are_the_whole():
    source = random_source(1, count=9, instances=True)
    parts = [
        MemoryLabelSource(
            [source.label_map(i) for i in range(*cut)],
            4,
            instance_maps=[source.instance_map(i) for i in range(*cut)],
        )
        for cut in ((0, 2), (2, 3), (3, 9))
    ]
    first, *others = (LabelStatistics.collect(part) for part in parts)
    assert_same(first.merge(others), LabelStatistics.collect(source))


def test_statistics_of_other_classes_are_not_merged():
    one = LabelStatistics.collect(random_source(0))
    other = LabelStatistics.collect(random_source(0, classes=5))
    with pytest.raises(ValueError, match='cannot merge: classes'):
        one.merge([other])


@pytest.mark.parametrize('instances', [False, True])
def test_saved_statistics_are_read_back(tmp_path, instances):
    statistics = LabelStatistics.collect(random_source(2, instances=instances))
    statistics.save(tmp_path / 'new' / 's.npz')
    names = statistics.class_names
    assert_same(LabelStatistics.load(tmp_path / 'new' / 's.npz', names), statistics)
    assert [path.name for path in (tmp_path / 'new').iterdir()] == ['s.npz']


def test_statistics_of_other_classes_or_no_statistics_are_refused(tmp_path):
    path = tmp_path / 's.npz'
    LabelStatistics.collect(random_source(2)).save(path)
    with pytest.raises(ValueError, match=r's\.npz holds statistics of 4 classes'):
        LabelStatistics.load(path, ['a', 'b'])
    path.write_bytes(b'nothing of the kind')
    with pytest.raises(ValueError, match=r's\.npz is not a statistics file'):
        LabelStatistics.load(path)
    np.savez(path, format=2, pixels=np.array([object()], dtype=object))
    with pytest.raises(ValueError, match=r's\.npz is not a statistics file'):
        LabelStatistics.load(path)


def test_a_failed_save_leaves_nothing(tmp_path, monkeypatch):
    def fail(file, **arrays):
        file.write(b'half')
        raise OSError('disk full')

    monkeypatch.setattr(np, 'savez_compressed', fail)
    with pytest.raises(OSError, match='disk full'):
        LabelStatistics.collect(random_source(2)).save(tmp_path / 's.npz')
    assert not list(tmp_path.iterdir())


def test_frequencies_are_shares():
    maps = [np.array([[0, 0], [0, 1]], np.uint8), np.array([[0, 255]], np.uint8)]
    statistics = LabelStatistics.collect(MemoryLabelSource(maps, 3))
    assert statistics.frequency.tolist() == [0.8, 0.2, 0]
    assert statistics.image_frequency.tolist() == [1, 0.5, 0]
    assert statistics.absent_classes == [2]


def test_wholly_ignored_maps_and_empty_sources_are_told():
    maps = [np.full((3, 3), 255, np.uint8)] * 2
    statistics = LabelStatistics.collect(MemoryLabelSource(maps, 2))
    assert statistics.empty_maps.tolist() == [0, 1]
    assert statistics.frequency.tolist() == [0, 0]
    with pytest.raises(ValueError, match='no label map'):
        LabelStatistics.collect(MemoryLabelSource([], 2))


def test_the_position_prior_follows_the_maps():
    label_map = np.full((64, 64), 255, np.uint8)
    label_map[:32] = 0
    label_map[32:, 32:] = 1
    statistics = LabelStatistics.collect(
        MemoryLabelSource([label_map] * 2, 2), grid=(4, 4)
    )
    prior = statistics.position_prior()
    expected = np.zeros((2, 4, 4))
    expected[0, :2] = 1
    expected[1, 2:, 2:] = 1
    assert np.array_equal(prior, expected)
    assert (statistics.ignored_positions > 0).tolist() == (
        expected.sum(axis=0) == 0
    ).tolist()


def test_positions_are_sampled_without_a_preference_on_large_maps():
    rng = np.random.default_rng(0)
    maps = [rng.integers(0, 2, (700, 900)).astype(np.uint8) for _ in range(4)]
    statistics = LabelStatistics.collect(MemoryLabelSource(maps, 2))
    total = statistics.positions.sum(axis=0)
    assert total.min() > 50
    assert total.max() < 2.5 * total.min()
    assert abs(statistics.position_prior()[0].mean() - 0.5) < 0.02


def test_classes_are_found_by_name_or_id():
    source = MemoryLabelSource(
        [np.zeros((2, 2), np.uint8)], 3, class_names=['road', 'car', 'sky']
    )
    statistics = LabelStatistics.collect(source)
    assert statistics.class_ids(['sky', 0]) == [2, 0]
    for wrong in (['bus'], [3], [True], [1.0], ['car', 1]):
        with pytest.raises(ValueError, match='classes: '):
            statistics.class_ids(wrong)


class CamVidFolder:
    """The label maps of a folder of CamVid."""

    num_classes, ignore_index = 11, 11
    class_names = tuple(str(i) for i in range(11))

    def __init__(self, folder):
        self.files = sorted(folder.glob('*.png'))

    def __len__(self):
        return len(self.files)

    def label_map(self, index):
        return cv2.imread(str(self.files[index]), cv2.IMREAD_UNCHANGED)

    def instance_map(self, index):
        return None

    def name(self, index):
        return str(self.files[index])


@pytest.mark.real_data
def test_camvid_has_the_shares_of_its_readme(real_data):
    folder = CamVidFolder(real_data / 'camvid/annotations/train')
    statistics = LabelStatistics.collect(folder, num_workers=2)
    share = statistics.pixels.sum(axis=0) / statistics.sizes.prod(axis=1).sum()
    expected = [16.845, 23.259, 0.983, 31.658, 4.486, 9.724, 1.173, 1.127, 5.866]
    assert np.allclose(100 * share, [*expected, 0.639, 0.292], atol=6e-4)
    assert statistics.num_maps == 367


def test_a_file_cut_at_any_byte_is_named_and_never_half_used(tmp_path):
    path = tmp_path / 's.npz'
    LabelStatistics.collect(random_source(0, count=2)).save(path)
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 61), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(
            ValueError, match=r's\.npz is not a statistics file.*delete'
        ):
            LabelStatistics.load(path)


@pytest.mark.parametrize('name', ['pixels', 'positions', 'sizes'])
@pytest.mark.parametrize('change', ['float', 'shape', 'missing'])
def test_a_file_of_other_arrays_is_named(tmp_path, name, change):
    path = tmp_path / 's.npz'
    LabelStatistics.collect(random_source(0, count=2)).save(path)
    with np.load(path) as file:
        arrays = dict(file)
    if change == 'missing':
        del arrays[name]
    else:
        array = arrays[name]
        arrays[name] = array.astype(float) if change == 'float' else array.ravel()
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=r's\.npz is not a statistics file.*delete'):
        LabelStatistics.load(path)


@pytest.mark.parametrize('options', [dict(num_workers=-1), dict(grid=(0, 4))])
def test_an_option_outside_its_range_is_named(options):
    with pytest.raises(ValueError, match=f'LabelStatistics: {next(iter(options))}='):
        LabelStatistics.collect(random_source(0), **options)
