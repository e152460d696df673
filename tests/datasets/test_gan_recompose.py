import copy
import os
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.registry import DefaultScope
from mmseg.registry import DATASETS
from painters import ColourPainter
from small_maps import CLASSES, write_png

from mmseg_ganaug.datasets.gan_recompose import _WORK
from mmseg_ganaug.recompose import AddSingle


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmseg'):
        yield


def contents(folder) -> dict:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(Path(folder).rglob('*'))
        if path.is_file()
    }


def sample_files(folder) -> dict:
    return {k: v for k, v in contents(folder).items() if k.endswith(('png', 'jsonl'))}


def test_it_is_an_ordinary_data_set_with_the_metainfo_of_its_source(generated, source):
    dataset = DATASETS.build(generated)
    real = DATASETS.build(source)
    assert len(dataset) == 10
    assert dataset.metainfo == real.metainfo
    sample = dataset[0]
    assert sample['inputs'].shape == (3, 24, 32)
    labels = sample['data_samples'].gt_sem_seg.data
    assert labels.shape == (1, 24, 32)
    assert set(labels.unique().tolist()) <= {0, 1, 2, 3, 255}


def test_photos_are_painted_from_the_labels_beside_them(generated):
    dataset = DATASETS.build(generated)
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        labels = cv2.imread(info['seg_map_path'], cv2.IMREAD_UNCHANGED)
        photo = cv2.imread(info['img_path'])
        np.testing.assert_array_equal(photo[..., 0], labels * np.uint8(20))


def test_it_concatenates_with_its_source(generated, source):
    both = DATASETS.build(dict(type='ConcatDataset', datasets=[source, generated]))
    assert len(both) == 18


@pytest.mark.parametrize('way', ['AddSingle', 'AddMulti', 'Recon'])
def test_every_way_generates(generated, way):
    dataset = DATASETS.build(dict(generated, recomposer=dict(type=way)))
    assert len(dataset) == 10
    assert 'inputs' in dataset[9]


def test_ratio_counts_relative_to_the_source(generated):
    del generated['num_samples']
    assert len(DATASETS.build(dict(generated, ratio=0.5))) == 4


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(num_samples=None), 'num_samples or ratio'),
        (dict(ratio=1.0), 'num_samples or ratio'),
        (dict(num_samples=0), 'num_samples=0: must be'),
    ],
)
def test_number_of_samples_must_be_clear(generated, change, message):
    with pytest.raises(ValueError, match=message):
        DATASETS.build(dict(generated, **change))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(indices='half'), "indices='half': must be a list"),
        (dict(indices=[]), r'indices=\[\]: must be'),
        (dict(indices=0), 'indices=0: must be a number of samples, not 0'),
        (dict(indices=[3, 10]), r'indices=\[3, 10\]: .* within -10\.\.9'),
        (dict(test_mode='False'), "test_mode='False': must be True or False"),
        (dict(serialize_data=0), 'serialize_data=0: must be True or False'),
        (dict(lazy_init=None), 'lazy_init=None: must be True or False'),
        (dict(max_refetch=-1), 'max_refetch=-1: must be a whole number'),
        (dict(pipeline='train'), "pipeline='train': must be a list of transforms"),
        (dict(source=5), 'the source holds int, which is no BaseSegDataset'),
    ],
)
def test_wrong_options_are_refused_before_anything_is_painted(
    generated, change, message
):
    with pytest.raises(ValueError, match=message):
        DATASETS.build(dict(generated, **change))
    assert ColourPainter.batches == 0


@pytest.mark.parametrize(('indices', 'count'), [(3, 3), (-3, 3), ([1, -1, 1], 3)])
def test_indices_choose_as_mmengine_does(generated, indices, count):
    assert len(DATASETS.build(dict(generated, indices=indices))) == count


def test_second_build_generates_nothing(generated):
    DATASETS.build(generated)
    batches = ColourPainter.batches
    assert batches == 3
    DATASETS.build(generated)
    assert ColourPainter.batches == batches


def test_interrupted_generation_goes_on_and_ends_with_the_same_bytes(
    generated, tmp_path
):
    undisturbed = dict(generated, cache_dir=str(tmp_path / 'undisturbed'))
    DATASETS.build(undisturbed)
    ColourPainter.batches = 0
    ColourPainter.dies_after = 2
    with pytest.raises(KeyboardInterrupt):
        DATASETS.build(generated)
    kept = len(sample_files(generated['cache_dir']))
    assert kept > 1
    ColourPainter.dies_after = None
    ColourPainter.batches = 0
    DATASETS.build(generated)
    assert ColourPainter.batches < 3
    assert sample_files(generated['cache_dir']) == sample_files(
        undisturbed['cache_dir']
    )


def test_other_weights_or_seed_get_another_store(generated):
    first = DATASETS.build(generated).get_data_info(0)['img_path']
    other = dict(generated, generator=dict(type='ColourPainter', name='b'))
    assert DATASETS.build(other).get_data_info(0)['img_path'] != first
    other = dict(generated, seed=1)
    assert DATASETS.build(other).get_data_info(0)['img_path'] != first


@pytest.fixture
def counted(monkeypatch):
    """How often generators were built and released, and samples planned."""
    calls = []
    for owner, name in (
        (ColourPainter, '__init__'),
        (ColourPainter, 'release'),
        (AddSingle, 'plan'),
    ):
        function = getattr(owner, name)

        def noted(*args, _function=function, _name=name, **kwargs):
            calls.append(_name)
            return _function(*args, **kwargs)

        monkeypatch.setattr(owner, name, noted)
    return calls


def test_the_generator_is_read_and_samples_are_planned_once(generated, counted):
    dataset = DATASETS.build(dict(generated, lazy_init=True))
    plan, _ = dataset.plan()
    dataset.balance()
    assert dataset.verify() == []
    made, store = dataset.generate()
    assert made is plan
    assert store.folder == dataset.store().folder
    dataset.full_init()
    assert sorted(counted) == ['__init__', 'plan', 'release']


def test_what_makes_samples_is_dropped_once_they_are_there(generated, counted):
    lazy = DATASETS.build(dict(generated, lazy_init=True))
    lazy.store()
    again = pickle.loads(pickle.dumps(lazy))
    assert not set(_WORK) & set(vars(again))
    dataset = DATASETS.build(generated)
    assert not set(_WORK) & set(vars(dataset))
    assert counted.count('release') == 1
    assert len(pickle.loads(pickle.dumps(dataset))) == 10
    # What comes later is planned as before.
    assert list(dataset.plan()[0].lines()) == list(lazy.plan()[0].lines())


def test_the_generator_is_released_when_painting_fails(generated, counted):
    ColourPainter.dies_after = 1
    with pytest.raises(KeyboardInterrupt):
        DATASETS.build(generated)
    assert counted.count('release') == 1


def test_lazy_init_generates_nothing(generated):
    dataset = DATASETS.build(dict(generated, lazy_init=True))
    assert ColourPainter.batches == 0
    assert dataset.metainfo['classes'] == CLASSES
    assert not os.path.exists(generated['cache_dir'])


def test_reduce_zero_label_of_the_source_holds_for_the_generated_files(
    generated, tmp_path
):
    # Written with 0 for no class, as ADE20K's files are.
    for path in (tmp_path / 'ann').iterdir():
        labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        write_png(path, labels + np.uint8(1))
    generated['source']['reduce_zero_label'] = True
    generated['source']['pipeline'] = copy.deepcopy(generated['source']['pipeline'])
    generated['source']['pipeline'][1]['reduce_zero_label'] = True
    dataset = DATASETS.build(generated)
    found = {
        int(value)
        for index in range(len(dataset))
        for value in dataset[index]['data_samples'].gt_sem_seg.data.unique()
    }
    assert found <= {0, 1, 2, 3, 255}
    assert {0, 1} < found


def test_scale_sets_the_size_of_the_samples(generated):
    dataset = DATASETS.build(dict(generated, scale=(16, 12)))
    assert dataset[0]['inputs'].shape == (3, 12, 16)


def expect_error(generated, *words):
    with pytest.raises((ValueError, OSError)) as error:
        DATASETS.build(generated)
    for word in words:
        assert word in str(error.value)
    assert ColourPainter.batches == 0
    assert sample_files(generated['cache_dir']) == {}


def test_wrong_label_value_names_file_and_value(generated, tmp_path):
    path = tmp_path / 'ann' / '5.png'
    labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    labels[3, 3] = 77
    write_png(path, labels)
    expect_error(generated, str(path), '77')


def test_sixteen_bit_label_map_is_named(generated, tmp_path):
    path = tmp_path / 'ann' / '2.png'
    write_png(path, np.zeros((24, 32), np.uint16) + 300)
    expect_error(generated, str(path), '8-bit')


def test_colour_label_map_is_named(generated, tmp_path):
    path = tmp_path / 'ann' / '2.png'
    write_png(path, np.zeros((24, 32, 3), np.uint8))
    expect_error(generated, str(path), '8-bit single-channel')


def test_photo_of_another_size_names_both_files(generated, tmp_path):
    write_png(tmp_path / 'img' / '4.png', np.zeros((30, 32, 3), np.uint8))
    expect_error(generated, '4.png', '32 x 30', '32 x 24')


def test_truncated_label_map_is_named(generated, tmp_path):
    path = tmp_path / 'ann' / '6.png'
    path.write_bytes(path.read_bytes()[:40])
    expect_error(generated, str(path), 'cannot be read')


def test_missing_label_map_is_named(generated, tmp_path):
    (tmp_path / 'ann' / '6.png').unlink()
    expect_error(generated, '6.png', 'missing')


def test_empty_folder_is_named(generated, tmp_path):
    for path in (tmp_path / 'img').iterdir():
        path.unlink()
    expect_error(generated, str(tmp_path / 'img'), 'no samples')


def test_missing_checkpoint_says_how_to_train_one(generated, tmp_path):
    config = tmp_path / 'generator.py'
    config.write_text('model = dict(label_encoder=dict(num_classes=4))\n')
    generated['generator'] = dict(config=str(config), checkpoint='nowhere.pth')
    expect_error(generated, 'nowhere.pth', 'ganaug train')


def test_generator_for_other_classes_is_an_error(generated, tmp_path):
    config = tmp_path / 'generator.py'
    config.write_text('model = dict(label_encoder=dict(num_classes=19))\n')
    (tmp_path / 'weights.pth').write_bytes(b'')
    generated['generator'] = dict(
        config=str(config), checkpoint=str(tmp_path / 'weights.pth')
    )
    expect_error(generated, '4 classes', '19')


def test_missing_generator_config_is_named(generated):
    generated['generator'] = dict(config='configs/none.py', checkpoint='x.pth')
    expect_error(generated, 'configs/none.py')


def test_it_builds_without_a_default_scope(generated):
    instances = DefaultScope._instance_dict
    try:
        DefaultScope._instance_dict = type(instances)()
        assert 'inputs' in DATASETS.build(generated)[0]
    finally:
        DefaultScope._instance_dict = instances


def test_damaged_statistics_are_collected_again(generated):
    DATASETS.build(generated)
    (path,) = Path(generated['cache_dir']).glob('statistics-*.npz')
    path.write_bytes(path.read_bytes()[:100])
    assert len(DATASETS.build(generated)) == 10
    assert ColourPainter.batches == 3
