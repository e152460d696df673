"""ToyStreets on disk: its maker, its reader and its config."""

import json
import runpy
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import DefaultScope

import mmseg_ganaug.toy_streets.make as toy_streets
from mmseg_ganaug.datasets.toy_streets import ToyStreetsDataset
from mmseg_ganaug.in_the_way import InTheWayError
from mmseg_ganaug.registry import DATASETS
from mmseg_ganaug.toy_streets import CLASSES, PALETTE, make_toy_streets

REPOSITORY = Path(__file__).resolve().parents[2]
ARGUMENTS = dict(num_train=5, num_val=2, seed=7, size=(32, 64), progress=False)


def contents(folder):
    """All files below a folder, name -> bytes."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob('*'))
        if path.is_file()
    }


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp('toy_streets')
    make_toy_streets(folder, **ARGUMENTS)
    return folder


def prefixes(split):
    return dict(
        img_path=f'images/{split}',
        seg_map_path=f'annotations/{split}',
        inst_map_path=f'instances/{split}',
    )


def test_layout_and_formats(made):
    names = set(contents(made))
    assert names == {'toy_streets.json'} | {
        f'{kind}/{split}/{split}_{index:05d}.png'
        for kind in ('images', 'annotations', 'instances')
        for split, count in (('train', 5), ('val', 2))
        for index in range(count)
    }
    formats = {
        'images': (np.uint8, (32, 64, 3)),
        'annotations': (np.uint8, (32, 64)),
        'instances': (np.uint16, (32, 64)),
    }
    for kind, (dtype, shape) in formats.items():
        path = made / kind / 'train' / 'train_00000.png'
        array = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert array.dtype == dtype and array.shape == shape


def test_files_do_not_depend_on_the_number_of_workers(made, tmp_path):
    # OpenCV's own threads are running, as they may be where this is called from.
    num_threads = cv2.getNumThreads()
    cv2.resize(np.zeros((1000, 1000, 3), np.uint8), (3000, 3000))
    make_toy_streets(tmp_path, **ARGUMENTS, num_workers=2)
    assert contents(tmp_path) == contents(made)
    assert cv2.getNumThreads() == num_threads


def test_a_sample_does_not_depend_on_how_many_there_are(made, tmp_path):
    make_toy_streets(tmp_path, **dict(ARGUMENTS, num_train=2, num_val=1))
    few, many = contents(tmp_path), contents(made)
    few.pop('toy_streets.json')
    assert few.items() <= many.items()


def test_samples_differ_by_number_split_and_seed(made, tmp_path):
    make_toy_streets(tmp_path, **dict(ARGUMENTS, seed=8))
    photos = [
        content
        for folder in (made, tmp_path)
        for name, content in contents(folder).items()
        if name.startswith('images/')
    ]
    assert len(set(photos)) == 14


def test_statistics_of_the_manifest_count_the_files(made):
    statistics = json.loads((made / 'toy_streets.json').read_text())['statistics']
    label_maps = [
        cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        for path in sorted((made / 'annotations' / 'train').iterdir())
    ]
    for class_id, name in [*enumerate(CLASSES), (255, 'ignore')]:
        pixels = [int((label_map == class_id).sum()) for label_map in label_maps]
        assert statistics['train']['pixels'][name] == sum(pixels)
        assert statistics['train']['images'][name] == np.count_nonzero(pixels)


def test_same_arguments_again_do_nothing_and_say_so(made, monkeypatch, capsys):
    monkeypatch.setattr(toy_streets, 'paint_scene', None)
    manifest = make_toy_streets(made, **dict(ARGUMENTS, progress=True))
    assert manifest == json.loads((made / 'toy_streets.json').read_text())
    assert 'nothing to do' in capsys.readouterr().out


def test_other_arguments_are_an_error_that_tells_the_difference(made):
    before = contents(made)
    with pytest.raises(FileExistsError) as error:
        make_toy_streets(made, **dict(ARGUMENTS, num_train=6, seed=1))
    for words in ('num_train 5, not 6', 'seed 7, not 1', '--overwrite', str(made)):
        assert words in str(error.value)
    assert 'num_val' not in str(error.value)
    assert contents(made) == before


def test_overwrite_replaces_the_set_and_leaves_nothing_of_it(made, tmp_path):
    make_toy_streets(tmp_path, **dict(ARGUMENTS, num_train=6, num_val=3, seed=1))
    make_toy_streets(tmp_path, **ARGUMENTS, overwrite=True)
    assert contents(tmp_path) == contents(made)


def test_interrupted_run_is_unfinished_and_can_be_started_again(
    made, tmp_path, monkeypatch
):
    painted = []

    def die(*args):
        painted.append(args)
        if len(painted) == 3:
            raise KeyboardInterrupt
        return paint(*args)

    paint = toy_streets.paint_scene
    with monkeypatch.context() as patch:
        patch.setattr(toy_streets, 'paint_scene', die)
        with pytest.raises(KeyboardInterrupt):
            make_toy_streets(tmp_path, **ARGUMENTS)
    assert 'statistics' not in json.loads((tmp_path / 'toy_streets.json').read_text())
    # What a kill in the middle of a write leaves.
    (tmp_path / 'images' / 'train' / f'.tmp-{"0" * 32}').write_bytes(b'half')
    make_toy_streets(tmp_path, **ARGUMENTS)
    assert contents(tmp_path) == contents(made)


def test_folder_with_files_of_something_else_is_left_alone(tmp_path):
    photo = tmp_path / 'images' / 'train' / 'holiday.png'
    photo.parent.mkdir(parents=True)
    photo.write_bytes(b'precious')
    with pytest.raises(FileExistsError, match=r'holiday\.png'):
        make_toy_streets(tmp_path, **ARGUMENTS, overwrite=True)
    assert list(contents(tmp_path)) == ['images/train/holiday.png']


def test_a_file_of_the_user_with_a_name_of_ours_is_left_alone(tmp_path):
    photos = [tmp_path / 'images' / 'train' / f'train_0000{n}.png' for n in (0, 9)]
    photos[0].parent.mkdir(parents=True)
    for photo in photos:
        photo.write_bytes(b'precious')
    with pytest.raises(InTheWayError) as error:
        make_toy_streets(tmp_path, **ARGUMENTS, overwrite=True)
    assert error.value.paths == photos
    assert set(contents(tmp_path).values()) == {b'precious'}


def test_a_damaged_manifest_is_named_and_kept_when_all_is_painted_again(
    made, tmp_path, capsys
):
    make_toy_streets(tmp_path, **ARGUMENTS)
    path = tmp_path / 'toy_streets.json'
    whole = path.read_bytes()
    for damaged in (b'', whole[:1], whole[:200], whole[:-3], b'[]', b'{}', b'\xff'):
        path.write_bytes(damaged)
        with pytest.raises(FileExistsError, match=r'toy_streets\.json is damaged'):
            make_toy_streets(tmp_path, **ARGUMENTS)
        assert path.read_bytes() == damaged
    make_toy_streets(tmp_path, **ARGUMENTS, overwrite=True)
    (kept,) = tmp_path.glob('toy_streets.json.before-*')
    assert kept.read_bytes() == b'\xff'
    assert str(kept) in capsys.readouterr().out
    kept.unlink()
    assert contents(tmp_path) == contents(made)


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        (dict(num_train=0), 'num_train is 0'),
        (dict(num_val=0), 'num_val is 0'),
        (dict(num_workers=0), 'num_workers is 0'),
        (dict(seed=-1), 'seed is -1'),
        (dict(size=(31, 64)), 'height is 31'),
        (dict(size=(64, 31)), 'width is 31'),
    ],
)
def test_number_out_of_range_is_an_error_that_names_it(tmp_path, wrong, message):
    with pytest.raises(ValueError, match=message):
        make_toy_streets(tmp_path / 'out', **dict(ARGUMENTS, **wrong))
    assert not (tmp_path / 'out').exists()


def test_tool_prints_the_class_frequencies(tmp_path, monkeypatch, capsys):
    tool = REPOSITORY / 'tools' / 'dataset_converters' / 'toy_streets.py'
    arguments = [str(tmp_path), '--num-train', '2', '--num-val', '1']
    monkeypatch.setattr(sys, 'argv', [str(tool), *arguments, '--size', '64', '32'])
    runpy.run_path(str(tool), run_name='__main__')
    printed = capsys.readouterr().out
    assert '100.00' in printed
    for name in CLASSES:
        assert name in printed
    monkeypatch.setattr(sys, 'argv', [str(tool), str(tmp_path), '--num-train', '3'])
    with pytest.raises(SystemExit, match='num_train 2, not 3'):
        runpy.run_path(str(tool), run_name='__main__')


def test_data_set_lists_photos_label_maps_and_instance_maps(made):
    dataset = ToyStreetsDataset(data_root=str(made), data_prefix=prefixes('train'))
    assert len(dataset) == 5
    assert dataset.metainfo['classes'] == CLASSES
    assert dataset.metainfo['palette'] == PALETTE
    assert not dataset.reduce_zero_label and dataset.ignore_index == 255
    for index in range(5):
        info = dataset.get_data_info(index)
        for key, kind in (
            ('img_path', 'images'),
            ('seg_map_path', 'annotations'),
            ('inst_map_path', 'instances'),
        ):
            expected = made / kind / 'train' / f'train_{index:05d}.png'
            assert Path(info[key]) == expected and expected.is_file()


def test_without_the_prefix_there_is_no_instance_map(made):
    prefix = prefixes('val')
    prefix.pop('inst_map_path')
    dataset = ToyStreetsDataset(data_root=str(made), data_prefix=prefix)
    assert len(dataset) == 2
    assert 'inst_map_path' not in dataset.get_data_info(0)


@pytest.mark.parametrize('key', ['img_path', 'seg_map_path', 'inst_map_path'])
def test_missing_folder_is_an_error_that_names_it_and_the_tool(made, key):
    prefix = dict(prefixes('train'), **{key: 'nowhere'})
    with pytest.raises(FileNotFoundError) as error:
        ToyStreetsDataset(data_root=str(made), data_prefix=prefix)
    assert str(made / 'nowhere') in str(error.value)
    assert f'ganaug toy-streets {made}' in str(error.value)


def test_empty_folder_is_an_error_that_names_it_and_the_tool(tmp_path):
    for folder in prefixes('train').values():
        (tmp_path / folder).mkdir(parents=True)
    with pytest.raises(FileNotFoundError) as error:
        ToyStreetsDataset(data_root=str(tmp_path), data_prefix=prefixes('train'))
    assert str(tmp_path / 'images' / 'train') in str(error.value)
    assert 'ganaug toy-streets' in str(error.value)


def test_lazy_data_set_raises_when_it_is_first_used():
    dataset = ToyStreetsDataset(
        data_root='nowhere', data_prefix=prefixes('train'), lazy_init=True
    )
    with pytest.raises(FileNotFoundError, match='nowhere'):
        dataset.full_init()


def test_config_builds_data_sets_whose_samples_have_the_crop_size(made, tmp_path):
    cfg = Config.fromfile(
        REPOSITORY / 'configs' / '_base_' / 'datasets' / 'toy_streets_128x256.py'
    )
    make_toy_streets(tmp_path, num_train=1, num_val=1, progress=False)
    for loader in ('train_dataloader', 'val_dataloader'):
        config = dict(cfg[loader].dataset, data_root=str(tmp_path))
        with DefaultScope.overwrite_default_scope('mmseg'):
            dataset = DATASETS.build(config)
        assert 'inst_map_path' in dataset.get_data_info(0)
        sample = dataset[0]
        height, width = sample['inputs'].shape[-2:]
        assert height <= 128 and width <= 256
        assert sample['data_samples'].gt_sem_seg.shape == (height, width)


def test_a_crowd_has_more_people_and_signs_on_the_same_street(made, tmp_path):
    few = json.loads((made / 'toy_streets.json').read_text())
    many = make_toy_streets(tmp_path / 'crowd', **ARGUMENTS, crowd=6)

    pixels = {
        key: found['statistics']['train']['pixels']
        for key, found in (('few', few), ('many', many))
    }
    for name in ('person', 'rider', 'traffic sign'):
        assert pixels['many'][name] > 2 * pixels['few'][name]
    assert pixels['many']['sky'] == pytest.approx(pixels['few']['sky'], rel=0.2)
    with pytest.raises(FileExistsError, match='crowd 6, not 1'):
        make_toy_streets(tmp_path / 'crowd', **ARGUMENTS)


def test_a_manifest_of_before_crowds_is_of_ordinary_streets(made, tmp_path):
    folder = tmp_path / 'old'
    shutil.copytree(made, folder)
    path = folder / 'toy_streets.json'
    manifest = json.loads(path.read_text())
    del manifest['crowd']
    path.write_text(json.dumps(manifest))

    assert make_toy_streets(folder, **ARGUMENTS)['crowd'] == 1
