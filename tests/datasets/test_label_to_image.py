import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import DATASETS as MMENGINE_DATASETS
from mmengine.registry import DefaultScope
from mmseg.registry import DATASETS as MMSEG_DATASETS
from PIL import Image

from mmseg_ganaug.datasets import LabelToImageDataset
from mmseg_ganaug.datasets.transforms.formatting import unpack_photo

METAINFO = dict(
    classes=('road', 'car', 'sign'),
    palette=[[128, 64, 128], [0, 0, 142], [220, 220, 0]],
)


def write_pair(root, name, label_map, photo=None, instance_map=None):
    if photo is None:
        photo = np.zeros((*label_map.shape, 3), np.uint8)
    for folder, array in (
        ('images', photo),
        ('annotations', label_map),
        ('instances', instance_map),
    ):
        if array is not None:
            (root / folder).mkdir(exist_ok=True)
            Image.fromarray(array).save(root / folder / f'{name}.png')


def source(root, **kwargs):
    config = dict(
        type='BaseSegDataset',
        data_root=str(root),
        data_prefix=dict(img_path='images', seg_map_path='annotations'),
        img_suffix='.png',
        metainfo=METAINFO,
    )
    config.update(kwargs)
    return config


@pytest.fixture
def pairs(tmp_path):
    rng = np.random.default_rng(0)
    for name in ('a', 'b'):
        label_map = rng.integers(0, 3, (6, 8), dtype=np.uint8)
        label_map[0, 0] = 255
        photo = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        instance_map = rng.integers(0, 2**16, (6, 8)).astype(np.uint16)
        write_pair(tmp_path, name, label_map, photo, instance_map)
    return tmp_path


def read(root, folder, name='a'):
    return np.array(Image.open(root / folder / f'{name}.png'))


INSTANCES = dict(with_instances=True, instance_path=('annotations', 'instances'))


def test_sample_holds_what_the_files_hold(pairs):
    dataset = LabelToImageDataset(source(pairs), pipeline=[], **INSTANCES)
    sample = dataset[0]
    inputs = sample['inputs']
    assert inputs['img_label'].dtype == torch.uint8
    assert (inputs['img_label'][0].numpy() == read(pairs, 'annotations')).all()
    assert inputs['img_photo'].dtype == torch.uint8
    rgb = inputs['img_photo'].permute(1, 2, 0).numpy()
    assert (rgb == read(pairs, 'images')).all()
    bgr = unpack_photo(inputs['img_photo']).permute(1, 2, 0).numpy()
    assert (bgr == cv2.imread(str(pairs / 'images' / 'a.png'))).all()
    assert inputs['img_instance'].dtype == torch.int32
    assert (inputs['img_instance'][0].numpy() == read(pairs, 'instances')).all()
    assert inputs['img_instance'].max() > 2**15  # int16 would have overflowed
    metainfo = sample['data_samples'].metainfo
    assert metainfo['seg_map_path'].endswith('a.png')
    assert metainfo['palette'] == METAINFO['palette']
    assert len(dataset) == 2


def test_photo_maps_and_instances_are_flipped_together(pairs):
    flip = [dict(type='RandomFlip', prob=1.0)]
    plain = LabelToImageDataset(source(pairs), pipeline=[], **INSTANCES)
    flipped = LabelToImageDataset(source(pairs), pipeline=flip, **INSTANCES)
    wanted, found = plain[1]['inputs'], flipped[1]['inputs']
    assert {k: v.flip(-1).tolist() for k, v in wanted.items()} == {
        k: v.tolist() for k, v in found.items()
    }


def test_every_other_sample_is_flipped_by_default(pairs):
    dataset = LabelToImageDataset(source(pairs))
    seen = {str(dataset[0]['inputs']['img_label'].tolist()) for _ in range(20)}
    assert len(seen) == 2


def test_resizing_invents_no_labels_and_no_instances(pairs):
    dataset = LabelToImageDataset(
        source(pairs), scale=(12, 10), pipeline=[], **INSTANCES
    )
    inputs = dataset[0]['inputs']
    assert {k: tuple(v.shape) for k, v in inputs.items()} == dict(
        img_label=(1, 10, 12), img_photo=(3, 10, 12), img_instance=(1, 10, 12)
    )
    for key, folder in (('img_label', 'annotations'), ('img_instance', 'instances')):
        assert set(inputs[key].unique().tolist()) <= set(read(pairs, folder).flatten())


def test_it_builds_in_the_scope_of_mmagic(pairs):
    config = dict(type='LabelToImageDataset', source=source(pairs))
    with DefaultScope.overwrite_default_scope('mmagic'):
        dataset = MMENGINE_DATASETS.build(config)
        assert len(dataset[0]['inputs']) == 2
        assert DefaultScope.get_current_instance().scope_name == 'mmagic'
    assert dataset.metainfo['classes'] == METAINFO['classes']


def test_label_handling_of_the_source_applies(tmp_path):
    label_map = np.full((4, 4), 2, np.uint8)
    label_map[0] = 0
    write_pair(tmp_path, 'a', label_map)
    dataset = LabelToImageDataset(source(tmp_path, reduce_zero_label=True))
    assert sorted(dataset[0]['inputs']['img_label'].unique().tolist()) == [1, 255]


def test_a_built_dataset_may_be_given(pairs):
    built = MMSEG_DATASETS.build(source(pairs))
    assert len(LabelToImageDataset(built)) == 2


def test_data_loader_and_model_take_the_samples(pairs):
    from mmengine.dataset import pseudo_collate

    from mmseg_ganaug.registry import MODELS

    dataset = LabelToImageDataset(source(pairs), pipeline=[], **INSTANCES)
    model = MODELS.build(
        dict(
            type='Pix2PixHD',
            label_encoder=dict(num_classes=3, edges=True),
            generator=dict(
                type='Pix2PixHDGlobalGenerator',
                base_channels=2,
                num_downsamples=1,
                num_blocks=1,
            ),
        )
    )
    data = pseudo_collate([dataset[0], dataset[1]])
    inputs = model.data_preprocessor(data, True)['inputs']
    photo = torch.from_numpy(read(pairs, 'images', 'b')).permute(2, 0, 1)
    torch.testing.assert_close(inputs['img_photo'][1], photo / 127.5 - 1)
    assert inputs['img_label'].dtype == torch.uint8
    assert inputs['img_instance'].dtype == torch.int32
    assert len(model.val_step(pseudo_collate([dataset[0], dataset[1]]))) == 2


@pytest.mark.parametrize('verify', [True, False])
def test_wrong_label_value_names_file_and_value(pairs, verify):
    label_map = np.full((6, 8), 7, np.uint8)
    write_pair(pairs, 'b', label_map)
    with pytest.raises(ValueError, match=r'b\.png') as error:
        LabelToImageDataset(source(pairs), verify=verify)[1]
    assert '7' in str(error.value)


@pytest.mark.parametrize('verify', [True, False])
def test_photo_of_another_size_names_both_files(pairs, verify):
    write_pair(pairs, 'b', np.zeros((6, 8), np.uint8), np.zeros((5, 8, 3), np.uint8))
    with pytest.raises(ValueError, match=r'images/b\.png.*annotations/b\.png'):
        LabelToImageDataset(source(pairs), scale=(8, 6), verify=verify)[1]


def test_instance_map_of_another_size_names_both_files(pairs):
    Image.fromarray(np.zeros((5, 8), np.uint16)).save(pairs / 'instances' / 'a.png')
    dataset = LabelToImageDataset(source(pairs), **INSTANCES)
    with pytest.raises(ValueError, match=r'instances/a\.png.*annotations/a\.png'):
        dataset[0]


def test_missing_instance_map_says_what_to_do(pairs):
    dataset = LabelToImageDataset(source(pairs), with_instances=True)
    with pytest.raises(ValueError, match=r'a\.png has no instance map.*instance_path'):
        dataset[0]


@pytest.mark.parametrize('exists', [True, False])
def test_empty_source_is_refused(tmp_path, exists):
    if exists:
        (tmp_path / 'images').mkdir()
        (tmp_path / 'annotations').mkdir()
    with pytest.raises(ValueError, match=r'no samples|does not exist'):
        LabelToImageDataset(source(tmp_path))


def test_joined_and_repeated_sources_give_every_pair_once(pairs, tmp_path):
    (tmp_path / 'other').mkdir()
    write_pair(tmp_path / 'other', 'c', np.full((6, 8), 2, np.uint8))
    write_pair(tmp_path / 'other', 'd', np.zeros((6, 8), np.uint8))
    other = source(tmp_path / 'other', reduce_zero_label=True)
    both = dict(
        type='ConcatDataset',
        datasets=[dict(type='RepeatDataset', times=9, dataset=source(pairs)), other],
    )
    dataset = LabelToImageDataset(both, pipeline=[])
    assert len(dataset) == 4
    first = dataset[0]['inputs']['img_label'].numpy()
    assert (first == read(pairs, 'annotations')).all()
    assert dataset[2]['inputs']['img_label'].unique().tolist() == [1]
    assert dataset[3]['inputs']['img_label'].unique().tolist() == [255]


def test_classes_left_out_become_the_ignore_index(tmp_path):
    write_pair(tmp_path, 'a', np.arange(12, dtype=np.uint8).reshape(3, 4))
    config = source(
        tmp_path,
        type='mmseg_ganaug.CamVidDataset',
        metainfo=dict(classes=('car', 'sky')),
    )
    labels = LabelToImageDataset(config, pipeline=[])[0]['inputs']['img_label']
    assert labels.unique().tolist() == [0, 1, 11]


@pytest.mark.real_data
def test_camvid_samples_load(real_data):
    names = [f'class {i}' for i in range(11)]
    config = source(
        real_data / 'camvid',
        metainfo=dict(classes=names, palette=[[i, i, i] for i in range(11)]),
        data_prefix=dict(img_path='images/val', seg_map_path='annotations/val'),
        ignore_index=11,
    )
    dataset = LabelToImageDataset(config, scale=(192, 144), interpolation='area')
    inputs = dataset[0]['inputs']
    assert inputs['img_photo'].shape == (3, 144, 192)
    assert inputs['img_label'].max() <= 11


def test_recombined_maps_come_along_where_asked(pairs):
    dataset = LabelToImageDataset(
        source(pairs), recomposer=dict(type='AddSingle'), pipeline=[], **INSTANCES
    )
    np.random.seed(0)  # noqa: NPY002 (the loader's workers draw from it)
    drawn = [dataset[0]['inputs'] for _ in range(6)]
    for inputs in drawn:
        assert inputs['img_recomposed_label'].dtype == torch.uint8
        assert inputs['img_recomposed_label'].shape == inputs['img_label'].shape
        assert inputs['img_recomposed_instance'].dtype == torch.int32
        assert inputs['img_recomposed_instance'].shape == inputs['img_label'].shape
    assert len({str(inputs['img_recomposed_label']) for inputs in drawn}) > 1
    files = [read(pairs, 'annotations', name) for name in 'ab']
    new = [
        all((inputs['img_recomposed_label'][0].numpy() != f).any() for f in files)
        for inputs in drawn
    ]
    assert any(new)


def test_recombined_maps_are_cut_to_the_crop_of_the_photo(pairs):
    crop = [dict(type='mmseg_ganaug.RandomClassCrop', crop_size=(4, 6))]
    dataset = LabelToImageDataset(
        source(pairs), recomposer=dict(type='AddSingle'), pipeline=crop
    )
    inputs = dataset[0]['inputs']
    assert inputs['img_photo'].shape == (3, 4, 6)
    assert inputs['img_recomposed_label'].shape == (1, 4, 6)


def test_window_of_a_recombined_map_holds_what_was_pasted(tmp_path):
    base = np.zeros((40, 60), np.uint8)
    donor = base.copy()
    donor[3:6, 4:7] = 2  # a sign in a corner
    for index, label_map in enumerate((base, base, donor)):
        write_pair(tmp_path, str(index), label_map)
    dataset = LabelToImageDataset(
        source(tmp_path),
        recomposer=dict(type='AddSingle', classes=['sign']),
        pipeline=[dict(type='RandomCrop', crop_size=(16, 16))],
    )
    np.random.seed(0)  # noqa: NPY002 (the loader's workers draw from it)
    windows = [dataset[0]['inputs']['img_recomposed_label'] for _ in range(12)]
    assert all(window.shape == (1, 16, 16) for window in windows)
    assert sum(bool((window == 2).any()) for window in windows) > 6
