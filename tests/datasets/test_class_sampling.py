"""Data sets that are sampled by class: balanced by MMEngine, and by rare classes."""

import cv2
import numpy as np
import pytest
from mmengine.registry import DefaultScope
from mmengine.runner import set_random_seed
from mmseg.datasets import MultiImageMixDataset
from mmseg.registry import DATASETS, TRANSFORMS
from small_maps import write_png

from mmseg_ganaug.engine.mixed_samples import SampleReader


def test_photos_of_rare_classes_are_repeated(source, tmp_path):
    for index in range(8):
        labels = np.zeros((24, 32), np.uint8)
        labels[:8] = 1
        if index == 7:
            labels[18:22, 25:30] = 2
        write_png(tmp_path / 'ann' / f'{index}.png', labels)
    counted = dict(
        type='mmseg_ganaug.ClassPresenceDataset',
        dataset=source,
        cache_dir=str(tmp_path / 'cache'),
    )
    with DefaultScope.overwrite_default_scope('mmseg'):
        balanced = DATASETS.build(
            dict(type='ClassBalancedDataset', oversample_thr=0.5, dataset=counted)
        )
    # One of eight photos shows the bird: it is repeated sqrt(0.5 * 8) = 2 times.
    assert len(balanced) == 9
    birds = [
        bool((balanced[i]['data_samples'].gt_sem_seg.data == 2).any()) for i in range(9)
    ]
    assert birds == [False] * 7 + [True] * 2
    assert balanced.dataset.get_cat_ids(7) == [0, 1, 2]
    assert balanced.metainfo['classes'] == balanced.dataset.metainfo['classes']


@TRANSFORMS.register_module(force=True)
class DropFirstPhotos:
    """Gives None, as transforms do for samples that cannot be used."""

    def __call__(self, results):
        return None if results['img_path'].endswith('0.png') else results


def test_where_the_pipeline_gives_none_another_sample_is_taken(source, tmp_path):
    dropping = [dict(type='DropFirstPhotos'), *source['pipeline']]
    # Two data sets, the first repeated: each sample counts once.
    first = dict(type='RepeatDataset', times=5, dataset=dict(source, indices=[1, 4]))
    second = dict(source, indices=[0, 2, 3], pipeline=dropping)
    with DefaultScope.overwrite_default_scope('mmseg'):
        counted = DATASETS.build(
            dict(
                type='mmseg_ganaug.ClassPresenceDataset',
                dataset=dict(type='ConcatDataset', datasets=[first, second]),
                cache_dir=str(tmp_path / 'cache'),
            )
        )
    given = [counted[i]['data_samples'].img_path[-5:] for i in range(len(counted))]
    assert given[:2] == ['1.png', '4.png']
    assert given[2] in ('2.png', '3.png')
    assert given[3:] == ['2.png', '3.png']


@pytest.fixture
def build(source, tmp_path):
    """Eight maps of which the last alone shows a bird, in 20 of 24 x 32 pixels."""
    for index in range(8):
        labels = np.zeros((24, 32), np.uint8)
        labels[:8] = 1
        if index == 7:
            labels[18:22, 25:30] = 2
        write_png(tmp_path / 'ann' / f'{index}.png', labels)

    def built(crop=None, **options):
        pipeline = list(source['pipeline'])
        if crop:
            pipeline.insert(2, dict(type='RandomCrop', crop_size=crop))
        with DefaultScope.overwrite_default_scope('mmseg'):
            return DATASETS.build(
                dict(
                    type='mmseg_ganaug.RareClassSamplingDataset',
                    dataset=dict(source, pipeline=pipeline),
                    cache_dir=str(tmp_path / 'cache'),
                    **options,
                )
            )

    set_random_seed(0)
    return built


def shows_birds(sample):
    return bool((sample['data_samples'].gt_sem_seg.data == 2).any())


def test_the_rare_class_is_drawn_most_often(build):
    dataset = build(temperature=0.1)
    assert len(dataset) == 8
    birds = sum(shows_birds(dataset[0]) for _ in range(60))
    assert birds > 50
    even = build(temperature=1e6)
    birds = sum(shows_birds(even[0]) for _ in range(90))
    # One of three classes that occur, and now and then by chance.
    assert 20 < birds < 55


def test_crops_are_drawn_until_they_show_the_class(build):
    many = build(crop=(8, 8), max_tries=50, temperature=0.01)
    once = build(crop=(8, 8), max_tries=1, temperature=0.01)
    found = [sum(shows_birds(d[0]) for _ in range(60)) for d in (many, once)]
    assert found[0] == 60
    assert found[1] < 45


def test_workers_that_begin_anew_draw_other_samples_in_each_epoch(build):
    dataset = build(temperature=1e6)
    epochs = []
    for order in ([0, 1, 2, 3, 4, 5, 6, 7], [5, 2, 7, 0, 6, 1, 4, 3]):
        # As MMEngine seeds a worker that is not persistent, in every epoch.
        set_random_seed(0)
        epochs.append([dataset[i]['data_samples'].img_path for i in order])
    assert epochs[0] != epochs[1]
    assert dataset[-1]


def test_a_class_that_is_too_small_everywhere_is_never_drawn(build):
    dataset = build(min_area=0.05, temperature=0.01)
    assert sum(shows_birds(dataset[0]) for _ in range(40)) < 20


def test_it_is_joined_and_classified_as_its_source(build, tmp_path):
    dataset = build()
    assert dataset.metainfo['classes'] == ('ground', 'wall', 'bird', 'cup')
    labels = dataset[3]['data_samples'].gt_sem_seg.data[0].numpy()
    files = [cv2.imread(str(tmp_path / 'ann' / f'{i}.png'), -1) for i in range(8)]
    assert any((labels == file).all() for file in files)


def test_photos_that_are_mixed_are_drawn_by_their_classes(build, source, tmp_path):
    build()
    drawn = dict(
        type='mmseg_ganaug.RareClassSamplingDataset',
        dataset=dict(source, pipeline=source['pipeline'][:-1]),
        cache_dir=str(tmp_path / 'cache'),
    )
    with DefaultScope.overwrite_default_scope('mmseg'):
        mixed = MultiImageMixDataset(
            drawn,
            [
                dict(type='RandomMosaic', prob=1.0, img_scale=(24, 32)),
                dict(type='PackSegInputs'),
            ],
        )
    assert any(shows_birds(mixed[0]) for _ in range(10))


def test_a_pipeline_without_label_maps_is_named(build):
    dataset = build()
    dataset._source.parts[0].pipeline.transforms.clear()
    with pytest.raises(ValueError, match='gives no label map'):
        dataset[0]


def test_its_samples_are_shown_as_those_of_its_source(build):
    dataset = build()
    reader = SampleReader(dataset)
    assert (reader.ignore_index, reader.class_names[2]) == (255, 'bird')
    packed = dataset[0]
    sample = reader.read(packed['inputs'], packed['data_samples'])
    assert (sample.kind, sample.label_map.shape) == ('real', (24, 32))


def test_wrong_options_are_refused(build):
    with pytest.raises(ValueError, match='max_tries'):
        build(max_tries=0)
    with pytest.raises(ValueError, match='lower min_area'):
        build(min_area=1.0)
