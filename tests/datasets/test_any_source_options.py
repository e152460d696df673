"""Wrapped sources, and the options of BaseSegDataset, on GANRecomposeDataset."""

import copy
import os

import cv2
import numpy as np
import own_loaders  # noqa: F401  (registers LoadRGB)
import pytest
from mmengine.dataset import ConcatDataset, RepeatDataset
from mmengine.registry import DefaultScope
from mmseg.datasets import BaseSegDataset
from mmseg.datasets.transforms import LoadAnnotations
from mmseg.registry import DATASETS, TRANSFORMS
from painters import ColourPainter
from PIL import Image
from small_maps import CLASSES, PIPELINE, make_label_map, write_png

from mmseg_ganaug.datasets import CamVidDataset, DatasetLabelSource
from mmseg_ganaug.datasets.paired_folders import PairedFoldersDataset
from mmseg_ganaug.datasets.source_dataset import SourceDataset, build_source


@DATASETS.register_module(force=True)
class BirdsOnlyDataset(BaseSegDataset):
    """Keeps the samples whose names filter_cfg lists."""

    def filter_data(self):
        keep = (self.filter_cfg or {}).get('keep')
        return [
            info
            for info in self.data_list
            if keep is None or info['img_path'].rsplit('/', 1)[-1] in keep
        ]


@TRANSFORMS.register_module(force=True)
class LoadColours(LoadAnnotations):
    """Reads class ids from the red channel of a colour image."""

    def _load_seg_map(self, results):
        results['gt_seg_map'] = cv2.imread(results['seg_map_path'])[..., 2]
        results['seg_fields'].append('gt_seg_map')


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmseg'):
        yield


@pytest.fixture
def other(source, tmp_path):
    """A second data set of three samples with the classes of ``source``."""
    rng = np.random.default_rng(1)
    for index in range(3):
        label_map = make_label_map(rng)
        photo = np.zeros((*label_map.shape, 3), np.uint8)
        write_png(tmp_path / 'img2' / f'{index}.png', photo)
        write_png(tmp_path / 'ann2' / f'{index}.png', label_map)
    return dict(source, data_prefix=dict(img_path='img2', seg_map_path='ann2'))


def repeated(dataset, times=50):
    return dict(type='RepeatDataset', times=times, dataset=dataset)


def joined(*datasets):
    return dict(type='ConcatDataset', datasets=list(datasets))


def test_wrappers_are_taken_off_and_every_map_counts_once(source, other):
    nested = joined(repeated(joined(source, repeated(other))), source)
    first = DATASETS.build(source)
    built = ConcatDataset([first, DATASETS.build(other), first])
    for dataset in (build_source(nested), SourceDataset.of(built)):
        photos = [dataset.locate(index)[1]['img_path'] for index in range(len(dataset))]
        folders = [photo.split('/')[-2] for photo in photos]
        assert folders == ['img'] * 8 + ['img2'] * 3
        with pytest.raises(IndexError, match='no sample 11'):
            dataset.locate(11)
    assert len(SourceDataset.of(RepeatDataset(first, 50))) == 8


def test_samples_are_made_of_all_joined_data_sets(generated, source, other):
    generated['source'] = joined(repeated(source), other)
    dataset = DATASETS.build(dict(generated, num_samples=40))
    plan, _ = dataset.plan()
    assert plan.num_maps == 11
    used = {index for recipe in plan for index in recipe.maps}
    assert min(used) < 8 <= max(used)
    assert dataset[0]['inputs'].shape == (3, 24, 32)


def test_ratio_counts_maps_and_not_repetitions(generated, source):
    del generated['num_samples']
    generated.update(source=repeated(source), ratio=0.5)
    assert len(DATASETS.build(generated)) == 4


def test_generated_samples_in_the_source_are_passed_over(generated, source):
    assert len(build_source(joined(source, generated))) == 8
    with pytest.raises(ValueError, match='no real data set'):
        build_source(generated)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(ignore_index=7), 'differ in ignore_index: 255 .* and 7'),
        (dict(metainfo=dict(classes=['a', 'b'])), r"classes: .*'cup'.* and \['a', 'b'"),
    ],
)
def test_joined_data_sets_must_agree(source, other, change, message):
    with pytest.raises(ValueError, match=message):
        build_source(joined(source, dict(other, **change)))


def test_pipelines_that_differ_are_pointed_out(generated, source, other, logged):
    other['pipeline'] = [*PIPELINE[:2], dict(type='RandomFlip', prob=1.0), PIPELINE[2]]
    generated['source'] = joined(source, other)
    dataset = DATASETS.build(generated)
    assert any('different pipelines' in text for text in logged)
    names = [type(step).__name__ for step in dataset.pipeline.transforms]
    assert names == ['LoadGeneratedSample', 'PackSegInputs']


def test_joined_data_sets_may_differ_in_how_their_files_are_read(
    source, other, tmp_path
):
    for path in (tmp_path / 'ann2').iterdir():
        labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        write_png(path, labels + np.uint8(1))
    other['reduce_zero_label'] = True
    labels = DatasetLabelSource(build_source(joined(source, other)))
    for index in range(11):
        assert set(np.unique(labels.label_map(index))) <= {0, 1, 2, 3, 255}
    rng = np.random.default_rng(1)
    np.testing.assert_array_equal(labels.label_map(8), make_label_map(rng))


def test_a_data_set_of_two_photos_a_sample_is_refused(tmp_path):
    change_detection = dict(
        type='LEVIRCDDataset',
        data_root=str(tmp_path),
        data_prefix=dict(img_path='A', img_path2='B', seg_map_path='label'),
    )
    with pytest.raises(ValueError, match=r'LEVIRCDDataset.* no BaseSegDataset'):
        build_source(change_detection)


def test_indices_of_the_source_limit_what_is_recombined(generated):
    generated['source']['indices'] = [1, 4, 6]
    plan, _ = DATASETS.build(dict(generated, lazy_init=True)).plan()
    assert plan.num_maps == 3
    names = [
        DATASETS.build(dict(generated, lazy_init=True)).label_source().name(index)
        for index in range(3)
    ]
    assert [name[-5] for name in names] == ['1', '4', '6']


def test_filter_cfg_of_the_source_is_applied(generated):
    generated['source'].update(
        type='BirdsOnlyDataset', filter_cfg=dict(keep=['0.png', '3.png', '5.png'])
    )
    plan, _ = DATASETS.build(dict(generated, lazy_init=True)).plan()
    assert plan.num_maps == 3


@pytest.mark.parametrize('serialize_data', [True, False])
def test_options_of_base_seg_dataset_hold(generated, serialize_data):
    dataset = DATASETS.build(
        dict(
            generated,
            test_mode=True,
            serialize_data=serialize_data,
            indices=[7, 2],
            lazy_init=True,
        )
    )
    dataset.full_init()
    assert len(dataset) == 2
    assert [dataset.get_data_info(index)['recipe'] for index in range(2)] == [7, 2]
    assert 'inputs' in dataset[1]


def test_some_classes_of_cityscapes_alone(tmp_path):
    rng = np.random.default_rng(0)
    for name in 'abc':
        label_map = rng.integers(0, 19, (12, 16), dtype=np.uint8)
        stem = tmp_path / 'img' / f'{name}_leftImg8bit.png'
        write_png(stem, np.zeros((12, 16, 3), np.uint8))
        write_png(tmp_path / 'ann' / f'{name}_gtFine_labelTrainIds.png', label_map)
    config = dict(
        type='CityscapesDataset',
        data_root=str(tmp_path),
        data_prefix=dict(img_path='img', seg_map_path='ann'),
        metainfo=dict(classes=('car', 'person')),
        pipeline=PIPELINE,
    )
    generated = DATASETS.build(
        dict(
            type='mmseg_ganaug.GANRecomposeDataset',
            source=config,
            recomposer=dict(type='AddMulti', num_classes=2),
            generator=dict(type='ColourPainter'),
            num_samples=3,
            cache_dir=str(tmp_path / 'cache'),
        )
    )
    real = DATASETS.build(config)
    assert generated.metainfo == real.metainfo
    ids = real[0]['data_samples'].gt_sem_seg.data.unique().tolist()
    for dataset in (real, generated):
        labels = DatasetLabelSource(dataset).label_map(0)
        assert set(np.unique(labels)) == {0, 1, 255} == set(ids)


def camvid_tree(tmp_path):
    label_map = np.repeat(np.arange(12, dtype=np.uint8), 16).reshape(12, 16)
    for index in range(3):
        write_png(tmp_path / 'img' / f'{index}.png', np.zeros((12, 16, 3), np.uint8))
        write_png(tmp_path / 'ann' / f'{index}.png', np.roll(label_map, index))
    return dict(
        type='mmseg_ganaug.CamVidDataset',
        data_root=str(tmp_path),
        data_prefix=dict(img_path='img', seg_map_path='ann'),
        metainfo=dict(classes=('car', 'sky', 'pole')),
        pipeline=PIPELINE,
    )


def test_classes_left_out_become_the_ignore_index_whatever_it_is(tmp_path, logged):
    config = camvid_tree(tmp_path)
    names = CamVidDataset.METAINFO['classes']
    generated = DATASETS.build(
        dict(
            type='mmseg_ganaug.GANRecomposeDataset',
            source=config,
            recomposer=dict(type='AddSingle'),
            generator=dict(type='ColourPainter'),
            num_samples=4,
            cache_dir=str(tmp_path / 'cache'),
        )
    )
    assert '8 of the classes' in logged[0] and 'ignore_index is 11' in logged[0]
    assert generated.ignore_index == 11
    labels = generated.label_source().label_map(0)
    for new, name in enumerate(('car', 'sky', 'pole')):
        assert (labels[names.index(name)] == new).all()
    assert np.isin(labels, [0, 1, 2, 11]).all()
    assert (labels == 11).sum() == 9 * 16
    for index in range(4):
        found = generated[index]['data_samples'].gt_sem_seg.data.unique().tolist()
        assert set(found) <= {0, 1, 2, 11}


def test_statistics_are_read_anew_when_the_labels_are_read_another_way(tmp_path):
    config = camvid_tree(tmp_path)
    digests = set()
    for change in (
        dict(),
        dict(metainfo=dict(classes=('sky', 'car', 'pole'))),
        dict(metainfo=None),
        dict(ignore_index=255),
        dict(reduce_zero_label=True),
        dict(indices=2),
    ):
        source = DatasetLabelSource(build_source(dict(config, **change)))
        digests.add(source.files_digest())
    assert len(digests) == 6


def test_a_loader_of_the_users_own_decides_what_a_file_means(generated, tmp_path):
    wanted = []
    for index in range(8):
        path = tmp_path / 'ann' / f'{index}.png'
        labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        wanted.append(labels)
        write_png(path, np.stack([labels * 0, labels * 0, labels], axis=-1))
    pipeline = copy.deepcopy(PIPELINE)
    pipeline[1] = dict(type='LoadColours')
    generated['source']['pipeline'] = pipeline
    dataset = DATASETS.build(dict(generated, pipeline=PIPELINE))
    for index in range(8):
        found = dataset.label_source().label_map(index)
        np.testing.assert_array_equal(found, wanted[index])
    assert set(DatasetLabelSource(dataset).label_map(0).ravel()) <= {0, 1, 2, 3, 255}


def test_channels_stay_in_the_order_in_which_they_are_loaded(generated, tmp_path):
    generated['source']['pipeline'] = [dict(type='LoadRGB'), *PIPELINE[1:]]
    generated['composite'] = dict(mode='changed', feather=0, match_tone=False)
    dataset = DATASETS.build(generated)
    source = dataset.label_source()
    plan, store = dataset.generate()
    for index, recipe in enumerate(plan):
        base = cv2.imread(str(tmp_path / 'img' / f'{recipe.base}.png'))[..., ::-1]
        photo = source.photo(recipe.base)
        assert photo.flags.c_contiguous
        np.testing.assert_array_equal(photo, base)
        labels = cv2.imread(store.label_path(index), cv2.IMREAD_UNCHANGED)
        kept = labels == source.label_map(recipe.base)
        stored = cv2.imread(store.photo_path(index))
        np.testing.assert_array_equal(stored[kept], base[kept])


def test_a_photo_turned_by_its_exif_tag_has_the_size_as_shown(generated, tmp_path):
    for path in (tmp_path / 'img').iterdir():
        exif = Image.Exif()
        exif[0x0112] = 6  # a quarter turn: stored 24 wide, shown 32 wide
        Image.new('RGB', (24, 32)).save(path.with_suffix('.jpg'), exif=exif)
    generated['source']['img_suffix'] = '.jpg'
    dataset = DATASETS.build(generated)
    assert dataset.label_source().photo(0).shape == (24, 32, 3)
    generated['source']['img_suffix'] = '.png'
    assert len(DATASETS.build(dict(generated, seed=1))) == 10


def test_instance_maps_count_where_all_joined_data_sets_have_them(
    source, other, tmp_path
):
    for folder in ('ann', 'ann2'):
        for path in (tmp_path / folder).iterdir():
            target = tmp_path / folder.replace('ann', 'inst') / path.name
            write_png(target, np.full((24, 32), 700, np.uint16))
    both = build_source(joined(source, other))
    assert DatasetLabelSource(both).instance_map(0) is None
    found = DatasetLabelSource(both, instance_path=('/ann', '/inst')).instance_map(9)
    assert found.dtype == np.int32 and (found == 700).all()


def test_instance_maps_of_a_part_alone_do_not_count(source, other, tmp_path):
    for index in range(8):
        write_png(tmp_path / 'inst' / f'{index}.png', np.ones((24, 32), np.uint16))
    options = {key: source[key] for key in ('data_root', 'img_suffix', 'metainfo')}
    prefix = dict(img_path='img', seg_map_path='ann', inst_map_path='inst')
    having = PairedFoldersDataset(data_prefix=prefix, **options)
    lacking = PairedFoldersDataset(data_prefix=other['data_prefix'], **options)
    for parts, found in (([having], True), ([having, lacking], False)):
        labels = DatasetLabelSource(SourceDataset(parts))
        assert (labels.instance_map(0) is not None) == found == labels.has_instances


def test_class_balanced_data_set_repeats_the_rare(generated):
    dataset = DATASETS.build(dict(generated, num_samples=30))
    shown = []
    for index in range(30):
        values = np.unique(DatasetLabelSource(dataset).label_map(index))
        shown.append([int(v) for v in values if v != 255])
        assert dataset.get_cat_ids(index) == shown[-1]
    with_cup = sum(3 in classes for classes in shown)
    assert 0 < with_cup < 30
    balanced = DATASETS.build(
        dict(
            type='ClassBalancedDataset',
            oversample_thr=0.999,
            dataset=dict(generated, num_samples=30),
        )
    )
    assert len(balanced) > 30
    assert balanced.metainfo['classes'] == CLASSES
    assert 'inputs' in balanced[0]


def test_classes_of_a_sample_are_looked_up_and_not_read_again(generated):
    dataset = DATASETS.build(generated)
    wanted = [dataset.get_cat_ids(index) for index in range(10)]
    subset = dataset.get_subset([8, 3])
    for index in range(10):
        os.remove(dataset.get_data_info(index)['seg_map_path'])
    assert [dataset.get_cat_ids(index) for index in range(10)] == wanted
    assert [subset.get_cat_ids(index) for index in range(2)] == [wanted[8], wanted[3]]


def test_classes_of_a_sample_are_kept_for_the_next_start(generated, monkeypatch):
    first = DATASETS.build(generated)
    wanted = [first.get_cat_ids(index) for index in range(10)]
    second = DATASETS.build(generated)
    # Of the stored label maps; those of the source are no more read either.
    monkeypatch.setattr(DatasetLabelSource, 'label_map', None)
    assert [second.get_cat_ids(index) for index in range(10)] == wanted
    assert ColourPainter.batches == 3
