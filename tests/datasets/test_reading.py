"""Labels are read as the project reads them, everywhere and exactly once."""

import copy
import os
import shutil

import cv2
import numpy as np
import own_loaders
import pytest
from mmengine.fileio import LocalBackend, register_backend
from mmengine.registry import DefaultScope
from mmseg.registry import DATASETS
from painters import GreyPainter
from small_maps import write_png

from mmseg_ganaug.datasets import (
    DatasetLabelSource,
    LabelToImageDataset,
    build_source,
    file_records,
)
from mmseg_ganaug.datasets.loading_steps import LabelReadingError
from mmseg_ganaug.experiments.fidelity import real_pairs

IMAGE = dict(type='LoadImageFromFile')
PACK = dict(type='PackSegInputs')
FLIP = dict(type='RandomFlip', prob=0.5)


def true_map(rng):
    """Classes 0 and, in a box, 1: what the project means by its label files."""
    labels = np.zeros((24, 32), np.uint8)
    y, x = rng.integers(0, 14), rng.integers(0, 20)
    labels[y : y + 8, x : x + 9] = 1
    return labels


@pytest.fixture
def project(tmp_path):
    """Makes a project whose label files hold ``encode`` of the true maps."""

    def make(encode, loading, behind=(), kind='BaseSegDataset', classes=2):
        rng = np.random.default_rng(0)
        truth = []
        for index in range(8):
            labels = true_map(rng)
            truth.append(labels)
            noise = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
            write_png(tmp_path / 'img' / f'{index}.png', noise)
            write_png(tmp_path / 'ann' / f'{index}.png', encode(labels))
        names = ('ground', 'defect', 'other')[:classes]
        source = dict(
            type=kind,
            data_root=str(tmp_path),
            data_prefix=dict(img_path='img', seg_map_path='ann'),
            img_suffix='.png',
            metainfo=dict(classes=names, palette=[[9 * i] * 3 for i in range(classes)]),
            pipeline=[IMAGE, *loading, *behind, PACK],
        )
        return source, truth

    return make


def generated_of(source, tmp_path, **options):
    return dict(
        type='mmseg_ganaug.GANRecomposeDataset',
        source=source,
        recomposer=dict(type='AddSingle', classes=['defect']),
        generator=dict(type='GreyPainter'),
        num_samples=6,
        cache_dir=str(tmp_path / 'cache'),
        **options,
    )


def times_255(labels):
    return labels * 255


def as_ids(labels):
    return own_loaders.IDS[labels]


def as_colours(labels):
    return own_loaders.COLOURS[labels]


def swapped(labels):
    return 1 - labels


def load(name, **options):
    return dict(type=name, **options)


STOCK = load('LoadAnnotations')
PROJECTS = {
    'threshold': (times_255, [load('LoadThreshold')], []),
    'divided': (times_255, [load('LoadDivided')], []),
    'table of ids': (as_ids, [load('LoadTable')], []),
    'colours': (as_colours, [load('LoadColoursOfClasses')], []),
    'swapped': (swapped, [load('LoadSwapped')], []),
    'inside RandomChoice': (
        times_255,
        [dict(type='RandomChoice', transforms=[[load('LoadThreshold')]])],
        [],
    ),
    'behind the loader': (times_255, [STOCK, load('RemapLabels')], []),
    'behind a flip': (times_255, [STOCK], [FLIP, load('RemapLabels')]),
    'behind an own flip': (times_255, [STOCK], [load('OwnFlip'), load('RemapLabels')]),
    'reloaded': (times_255, [STOCK, load('ReloadLabels')], []),
    'labels first': (times_255, [], []),
    'stock': (lambda labels: labels, [STOCK], []),
}


def source_of(project, name):
    encode, loading, behind = PROJECTS[name]
    source, truth = project(encode, loading, [*behind, FLIP])
    if name == 'labels first':
        source['pipeline'] = [load('LoadThreshold'), IMAGE, FLIP, PACK]
    return source, truth


@pytest.mark.parametrize('name', PROJECTS)
def test_recombination_generator_and_fidelity_read_the_same(project, name):
    source, truth = source_of(project, name)
    labels = DatasetLabelSource(build_source(source))
    pairs = LabelToImageDataset(source, pipeline=[])
    measured = real_pairs(GreyPainter(), source)
    for index, wanted in enumerate(truth):
        assert np.array_equal(labels.label_map(index), wanted)
        for dataset in (pairs, measured):
            pair = dataset[index]['inputs']['img_label']
            assert np.array_equal(pair[0], wanted)


@pytest.mark.parametrize('name', PROJECTS)
def test_objects_of_generated_pairs_are_where_the_recipe_says(project, name, tmp_path):
    source, truth = source_of(project, name)
    dataset = DATASETS.build(generated_of(source, tmp_path))
    plan, store = dataset.generate()
    dataset.pipeline.transforms = [
        t for t in dataset.pipeline.transforms if 'Flip' not in type(t).__name__
    ]
    assert any(truth[recipe.base].sum() < 144 for recipe in plan)
    for index in range(len(dataset)):
        recipe = plan[index]
        wanted = truth[recipe.base].copy()
        for donor in recipe.donors:
            wanted[truth[donor] == 1] = 1
        sample = dataset[index]
        assert np.array_equal(sample['data_samples'].gt_sem_seg.data[0], wanted)
        stored = cv2.imread(store.label_path(index), cv2.IMREAD_UNCHANGED)
        assert np.array_equal(stored, wanted)


def test_what_two_files_give_is_read_and_both_are_watched(
    project, tmp_path, monkeypatch
):
    # Files that were just written are relied on, as old ones are.
    monkeypatch.setattr(file_records, '_SETTLED_SECONDS', 0)
    source, truth = project(times_255, [load('LoadTwoFiles')])
    for index in range(8):
        void = np.zeros((24, 32), np.uint8)
        void[:, :2] = 255
        write_png(tmp_path / 'void' / f'{index}.png', void)
    labels = DatasetLabelSource(build_source(source))
    for index, wanted in enumerate(truth):
        wanted[:, :2] = 255
        assert np.array_equal(labels.label_map(index), wanted)
    before = labels.files_digest()
    # Not one of the few that are tried again at each start.
    write_png(tmp_path / 'void' / '3.png', np.zeros((24, 32), np.uint8))
    assert DatasetLabelSource(build_source(source)).files_digest() != before


def test_an_option_of_the_loader_is_part_of_what_statistics_depend_on(
    project, tmp_path, logged
):
    source, _ = project(times_255, [load('LoadThreshold')])
    digests = set()
    for threshold in (127, 254, 255):
        source['pipeline'][1]['threshold'] = threshold
        digests.add(DatasetLabelSource(build_source(source)).files_digest())
    assert len(digests) == 3


def test_the_code_of_an_own_loader_is_part_of_what_statistics_depend_on(
    project, monkeypatch
):
    source, _ = project(times_255, [load('LoadThreshold')])
    before = DatasetLabelSource(build_source(source)).files_digest()

    class LoadThreshold(own_loaders.LoadThreshold):
        def _load_seg_map(self, results):
            super()._load_seg_map(results)
            results['gt_seg_map'] = 1 - results['gt_seg_map']

    source['pipeline'][1]['type'] = LoadThreshold
    assert DatasetLabelSource(build_source(source)).files_digest() != before


@pytest.mark.parametrize('kind', ['RemapsInGetItem', 'ReadsOtherFiles'])
def test_a_data_set_that_changes_labels_itself_is_named(project, tmp_path, kind):
    source, _ = project(times_255, [load('LoadThreshold')], kind=kind)
    for index in range(8):
        void = np.full((24, 32), 255 * (index % 2), np.uint8)
        write_png(tmp_path / 'void' / f'{index}.png', void)
    with pytest.raises(LabelReadingError, match=f'{kind}.*changes the labels of .*png'):
        DATASETS.build(generated_of(source, tmp_path))
    with pytest.raises(LabelReadingError, match=kind):
        LabelToImageDataset(source)


def test_a_data_set_with_methods_of_its_own_that_leave_labels_alone_works(
    project, tmp_path
):
    source, truth = project(times_255, [load('LoadThreshold')], kind='HarmlessDataset')
    labels = DatasetLabelSource(build_source(source))
    assert np.array_equal(labels.label_map(5), truth[5])


def test_a_data_set_that_knows_its_own_options_alone_is_a_source(project, tmp_path):
    project(lambda labels: labels, [STOCK])
    source = dict(
        type='StrictDataset', data_root=str(tmp_path), pipeline=[IMAGE, STOCK, PACK]
    )
    assert len(DATASETS.build(generated_of(source, tmp_path))) == 6


def test_labels_read_at_random_are_refused_by_name(project):
    source, _ = project(times_255, [load('LoadAtRandom')])
    with pytest.raises(LabelReadingError, match=r'LoadAtRandom.*each time'):
        DatasetLabelSource(build_source(source)).label_map(0)


def test_a_loader_behind_an_augmentation_is_named(project):
    source, _ = project(times_255, [STOCK], [FLIP, load('ReloadLabels')])
    with pytest.raises(
        LabelReadingError, match=r'ReloadLabels.*RandomFlip.*directly after'
    ):
        DatasetLabelSource(build_source(source)).label_map(0)


def test_a_pipeline_without_labels_is_named(project):
    source, _ = project(times_255, [])
    with pytest.raises(LabelReadingError, match='gt_seg_map'):
        DatasetLabelSource(build_source(source)).label_map(0)


@pytest.mark.parametrize(
    ('behind', 'named'),
    [
        ([load('LoadDepth'), load('NeedsDepth')], 'LoadDepth'),
        ([load('LoadInstanceMap', instance_path=('/ann', '/inst'))], 'LoadInstanceMap'),
    ],
)
def test_a_transform_that_generated_samples_do_not_suit_is_named_before_all(
    project, tmp_path, behind, named
):
    source, _ = project(times_255, [load('LoadThreshold')], behind)
    for index in range(8):
        for folder in ('depth', 'inst'):
            write_png(tmp_path / folder / f'{index}.png', np.ones((24, 32), np.uint8))
    with pytest.raises(ValueError, match=f'{named}.*fails on a generated sample'):
        DATASETS.build(generated_of(source, tmp_path))
    assert not list((tmp_path / 'cache').glob('*/images/*'))
    works = generated_of(
        source, tmp_path, pipeline=[IMAGE, load('LoadThreshold'), PACK]
    )
    assert len(DATASETS.build(works)) == 6


def test_a_mosaic_around_the_source_alone_is_refused_with_what_to_write(
    project, tmp_path
):
    source, _ = project(lambda labels: labels, [STOCK])
    source['pipeline'] = source['pipeline'][:-1]
    mosaic = dict(type='RandomMosaic', prob=1.0, img_scale=(24, 32))
    wrapped = dict(type='MultiImageMixDataset', dataset=source, pipeline=[mosaic, PACK])
    with pytest.raises(ValueError, match=r'MultiImageMixDataset.*ConcatDataset'):
        DATASETS.build(generated_of(wrapped, tmp_path))
    inside = dict(
        type='ConcatDataset', datasets=[source, generated_of(source, tmp_path)]
    )
    with DefaultScope.overwrite_default_scope('mmseg'):
        both = DATASETS.build(dict(wrapped, dataset=inside))
        assert {'inputs', 'data_samples'} <= set(both[10])


def test_photos_of_sixteen_bits_that_a_loader_gives_are_named(project, tmp_path):
    source, _ = project(lambda labels: labels, [STOCK])
    for index in range(8):
        deep = np.full((24, 32, 3), 40000, np.uint16)
        write_png(tmp_path / 'img' / f'{index}.png', deep)
    source['pipeline'][0] = dict(IMAGE, color_type='unchanged')
    with pytest.raises(ValueError, match=r'uint16'):
        DATASETS.build(generated_of(source, tmp_path))
    with pytest.raises(ValueError, match=r'0\.png.*uint16 with 3 bands'):
        LabelToImageDataset(source)


def test_an_online_recombination_whose_source_reads_otherwise_is_refused(
    project, tmp_path
):
    source, _ = project(swapped, [load('LoadSwapped')])
    bare = {key: value for key, value in source.items() if key != 'pipeline'}
    online = dict(
        type='RecomposeLabels',
        source=bare,
        recomposer=dict(type='AddSingle', classes=['defect']),
        cache_dir=str(tmp_path / 'cache'),
        paste_pixels=True,
        prob=1.0,
    )
    config = dict(source, pipeline=[*source['pipeline'][:2], online, PACK])
    with DefaultScope.overwrite_default_scope('mmseg'):
        dataset = DATASETS.build(copy.deepcopy(config))
        with pytest.raises(ValueError, match='png with other labels than Recompose'):
            dataset[0]
        online['source'] = dict(bare, pipeline=source['pipeline'][:2])
        dataset = DATASETS.build(config)
        shown = [dataset[i]['data_samples'].gt_sem_seg.data for i in range(8)]
    assert all(0 < (labels == 1).sum() <= 144 for labels in shown)


def test_looking_at_a_pipeline_leaves_the_random_generators_alone(project):
    source, _ = project(times_255, [STOCK], [load('OwnFlip'), load('RemapLabels')])
    np.random.seed(3)  # noqa: NPY002
    DatasetLabelSource(build_source(source)).label_map(0)
    drawn = np.random.rand()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    assert drawn == np.random.rand()  # noqa: NPY002


def test_overlapping_splits_count_a_file_once(project, tmp_path):
    source, _ = project(lambda labels: labels, [STOCK])
    for name, numbers in (('a', range(6)), ('b', range(3, 8))):
        lines = ''.join(f'{number}\n' for number in numbers)
        (tmp_path / f'{name}.txt').write_text(lines)
    parts = [dict(source, ann_file=f'{name}.txt') for name in 'ab']
    joined = build_source(dict(type='ConcatDataset', datasets=parts))
    assert len(joined) == 8
    names = {joined.locate(i)[1]['seg_map_path'] for i in range(8)}
    assert len(names) == 8


@pytest.mark.parametrize(
    ('wrap', 'named'),
    [
        (
            lambda d: dict(type='SubsetOf', datasets=[d], subset_ratios=[0.5]),
            'SubsetOf',
        ),
        (lambda d: dict(type='SubsetOf', datasets=dict(a=d, b=d)), 'SubsetOf'),
        (lambda d: dict(type='UDADataset', source=d, target=d, cfg=dict(x=1)), 'UDA'),
        (lambda d: dict(type='SemiDataset', labeled=d, unlabeled=d), 'labeled'),
        (
            lambda d: dict(type='RepeatDataset', times=2, dataset=d, indices=[0]),
            'indices',
        ),
        (lambda d: dict(type='ConcatDataset', datasets=[d], ratio=[1]), 'ratio'),
    ],
)
def test_a_wrapper_or_option_that_is_not_known_is_refused_by_name(
    project, tmp_path, wrap, named
):
    source, _ = project(lambda labels: labels, [STOCK])
    with pytest.raises(ValueError, match=f'{named}.*is not known|not known.*{named}'):
        DATASETS.build(generated_of(wrap(source), tmp_path))


def test_the_digest_is_one_of_contents_not_of_places_or_times(project, tmp_path):
    source, _ = project(lambda labels: labels, [STOCK])
    before = DatasetLabelSource(build_source(source)).files_digest()
    shutil.copytree(tmp_path, tmp_path.with_name('elsewhere'))
    moved = dict(source, data_root=str(tmp_path.with_name('elsewhere')))
    assert DatasetLabelSource(build_source(moved)).files_digest() == before
    path = tmp_path / 'ann' / '2.png'
    status, content = path.stat(), path.read_bytes()
    labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    write_png(path, labels[::-1].copy())
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert DatasetLabelSource(build_source(source)).files_digest() != before
    path.write_bytes(content)
    assert DatasetLabelSource(build_source(source)).files_digest() == before


def test_arrays_that_an_own_loader_reads_are_a_source(project, tmp_path):
    source, truth = project(lambda labels: labels, [STOCK])
    for path in [*(tmp_path / 'img').iterdir(), *(tmp_path / 'ann').iterdir()]:
        image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        deep = image.astype(np.uint16) << 8 if image.ndim == 3 else image
        np.save(path.with_suffix('.npy'), deep)
        path.unlink()
    arrays = dict(source, img_suffix='.npy', seg_map_suffix='.npy')
    arrays['pipeline'] = [load('LoadArrays'), FLIP, PACK]
    dataset = DATASETS.build(generated_of(arrays, tmp_path))
    assert np.array_equal(dataset.label_source().label_map(3), truth[3])
    assert dataset[0]['inputs'].shape == (3, 24, 32)
    assert len(LabelToImageDataset(arrays)) == 8


def test_files_that_another_decoder_reads_are_a_source(project, tmp_path):
    pytest.importorskip('tifffile')
    source, truth = project(lambda labels: labels, [STOCK])
    for path in (tmp_path / 'ann').iterdir():
        labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        options = [cv2.IMWRITE_TIFF_COMPRESSION, 1]
        cv2.imwrite(str(path.with_suffix('.tif')), labels, options)
        path.unlink()
    source['seg_map_suffix'] = '.tif'
    source['pipeline'][1] = dict(STOCK, imdecode_backend='tifffile')
    dataset = DATASETS.build(generated_of(source, tmp_path))
    assert np.array_equal(dataset.label_source().label_map(3), truth[3])
    assert set(dataset[0]['data_samples'].gt_sem_seg.data.unique().tolist()) == {0, 1}


class Vault(LocalBackend):
    """A store of the project's own, whose paths the local disk does not know."""

    root = None

    def get(self, filepath):
        return super().get(self.root / str(filepath).split('vault://')[1])


def test_files_in_a_store_of_the_projects_own_are_a_source(project, tmp_path):
    register_backend('vault', Vault, force=True)
    Vault.root = tmp_path
    source, truth = project(lambda labels: labels, [STOCK])
    (tmp_path / 'all.txt').write_text(''.join(f'{n}\n' for n in range(8)))
    vault = dict(backend_args=dict(backend='vault'))
    remote = dict(
        source,
        data_root=None,
        data_prefix=dict(img_path='vault://img', seg_map_path='vault://ann'),
        ann_file=str(tmp_path / 'all.txt'),
        pipeline=[dict(IMAGE, **vault), dict(STOCK, **vault), FLIP, PACK],
    )
    dataset = DATASETS.build(generated_of(remote, tmp_path))
    assert np.array_equal(dataset.label_source().label_map(3), truth[3])
    assert dataset[0]['inputs'].shape == (3, 24, 32)


def test_a_remap_behind_an_augmentation_that_fails_on_a_sample_is_found(project):
    mosaic = dict(type='RandomMosaic', prob=1.0, img_scale=(24, 32))  # wants four
    source, truth = project(times_255, [STOCK], [mosaic, load('RemapLabels')])
    labels = DatasetLabelSource(build_source(source))
    assert np.array_equal(labels.label_map(2), truth[2])


def test_a_remap_that_also_draws_at_random_is_refused_by_name(project):
    source, _ = project(times_255, [STOCK, load('RemapAndFlip')])
    with pytest.raises(LabelReadingError, match=r'RemapAndFlip.*two transforms'):
        DatasetLabelSource(build_source(source)).label_map(0)


def test_a_transform_that_cannot_be_tried_is_named(project, logged):
    source, _ = project(lambda labels: labels, [STOCK], [load('NeedsDepth')])
    DatasetLabelSource(build_source(source)).label_map(0)
    assert any('NeedsDepth could not be tested' in text for text in logged)
