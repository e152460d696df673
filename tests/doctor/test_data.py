"""The doctor looks at the data of a config."""

import argparse
import json
import sys

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from mmseg_ganaug.doctor import __main__ as doctor
from mmseg_ganaug.doctor.check import OK, PROBLEM, WARNING
from mmseg_ganaug.doctor.data import check_data

CLASSES = ('ground', 'wall', 'bird')


@pytest.fixture
def project(tmp_path):
    """A sound data set and its config; what is given is written over it."""

    def write(label_maps=(), photos=(), classes=CLASSES, **options):
        rng = np.random.default_rng(0)
        for index in range(4):
            label_map = rng.integers(0, len(CLASSES), (20, 30)).astype(np.uint8)
            photo = rng.integers(0, 256, (20, 30, 3)).astype(np.uint8)
            for folder, array in (('ann', label_map), ('img', photo)):
                (tmp_path / folder).mkdir(exist_ok=True)
                cv2.imwrite(str(tmp_path / folder / f'{index}.png'), array)
        (tmp_path / 'all.txt').write_text('0\n1\n2\n3\n')
        for folder, changes in (('ann', label_maps), ('img', photos)):
            for index, content in changes:
                path = tmp_path / folder / f'{index}.png'
                if isinstance(content, np.ndarray):
                    cv2.imwrite(str(path), content)
                elif content is None:
                    path.unlink()
                else:
                    path.write_bytes(content)
        dataset = dict(
            type='BaseSegDataset',
            data_root=str(tmp_path),
            data_prefix=dict(img_path='img', seg_map_path='ann'),
            img_suffix='.png',
            metainfo=dict(classes=classes),
            pipeline=[
                dict(type='LoadImageFromFile'),
                dict(type='LoadAnnotations'),
                dict(type='PackSegInputs'),
            ],
            **options,
        )
        config = Config(dict(train_dataloader=dict(batch_size=2, dataset=dataset)))
        config.dump(tmp_path / 'config.py')
        return str(tmp_path / 'config.py')

    return write


def found_in(checks):
    return [(check.name, check.status) for check in checks]


ALL_WELL = [('data set', OK), ('label maps', OK), ('photos', OK)]


def test_sound_data_are_all_well_and_statistics_are_kept_where_said(project, tmp_path):
    config = project()
    checks = check_data(config)
    assert found_in(checks) == ALL_WELL
    assert checks[0].message.startswith('4 samples, 3 classes (ground, wall, bird)')
    assert not list(tmp_path.rglob('statistics-*.npz'))
    assert found_in(check_data(config, str(tmp_path / 'cache'))) == ALL_WELL
    assert len(list((tmp_path / 'cache').glob('statistics-*.npz'))) == 1


def test_the_pairs_of_a_generator_are_read_too(project, tmp_path):
    loader = Config.fromfile(project()).train_dataloader
    dataset = dict(type='LabelToImageDataset', source=loader.dataset, scale=(8, 8))
    config = dict(default_scope='mmagic', train_dataloader=dict(dataset=dataset))
    Config(config).dump(tmp_path / 'generator.py')
    assert found_in(check_data(str(tmp_path / 'generator.py'))) == ALL_WELL


def map_of(*values):
    return np.resize(np.repeat(np.uint8(values), 30), (20, 30))


EMPTY = map_of(255)


@pytest.mark.parametrize(
    ('changes', 'name', 'status', 'words'),
    [
        (dict(label_maps=[(2, b'')]), 'label maps', PROBLEM, ['2.png']),
        (dict(label_maps=[(1, map_of(0, 77))]), 'label maps', PROBLEM, ['1.png', '77']),
        (dict(photos=[(3, b'no photo')]), 'photos', PROBLEM, ['3.png']),
        (
            dict(photos=[(0, None)], ann_file='all.txt'),
            'photos',
            PROBLEM,
            ['1 of 4', '0.png'],
        ),
        (dict(classes=(*CLASSES, 'cup')), 'label maps', WARNING, ["'cup'"]),
        (
            dict(
                label_maps=[(index, map_of(0, 0, 255)) for index in range(4)],
                classes=('background', 'object'),
            ),
            'label maps',
            WARNING,
            ['255', 'ignore_index', 'is left out'],
        ),
        (dict(label_maps=[(0, EMPTY)]), 'label maps', WARNING, ['1 of 4', '0.png']),
    ],
    ids=[
        'unreadable label map',
        'wrong value',
        'unreadable photo',
        'missing photo',
        'class without a pixel',
        'ignore_index that is a class',
        'label map without a label',
    ],
)
def test_what_is_wrong_is_named_with_its_remedy(project, changes, name, status, words):
    checks = check_data(project(**changes))
    found = [check for check in checks if (check.name, check.status) == (name, status)]
    assert any(all(word in check.message for word in words) for check in found), checks
    assert all(check.remedy for check in checks if check.status != OK)
    assert '\n' not in ''.join(check.message for check in checks)


def test_a_data_set_that_cannot_be_built_is_the_only_problem(project, tmp_path):
    config = project(ann_file='split.txt')
    (check,) = check_data(config)
    assert (check.name, check.status) == ('data set', PROBLEM)
    assert 'split.txt' in check.message
    (tmp_path / 'empty.py').write_text('model = dict()\n')
    (check,) = check_data(str(tmp_path / 'empty.py'))
    assert 'has no train_dataloader.dataset' in check.message
    (check,) = check_data(str(tmp_path / 'nowhere.py'))
    assert check.status == PROBLEM and 'nowhere.py' in check.message


def test_the_doctor_reads_the_data_in_a_process_of_its_own(
    project, monkeypatch, capsys
):
    config = project(label_maps=[(1, map_of(0, 77))])
    monkeypatch.setattr(doctor, 'check_installed', list)
    monkeypatch.setattr(doctor, 'check_machine', lambda cache_dir: [])
    monkeypatch.setattr(doctor, 'LIBRARIES', {})
    monkeypatch.setattr(doctor, 'SELF_TESTS', {})
    parser = argparse.ArgumentParser()
    doctor.add_arguments(parser)
    assert doctor.run(parser.parse_args(['--json', config])) == 1
    report = json.loads(capsys.readouterr().out)
    assert [(check['section'], check['name']) for check in report['checks']] == [
        ('Data', 'data set'),
        ('Data', 'label maps'),
        ('Data', 'photos'),
    ]
    assert '77' in report['checks'][1]['message']


def test_data_that_take_too_long_are_given_up(monkeypatch):
    command = (sys.executable, '-c', 'import time; time.sleep(60)')
    monkeypatch.setattr(doctor, '_COMMAND', command)
    (check,) = doctor.run_data('config.py', patience=1)
    assert (check.name, check.status) == ('data', PROBLEM)
    assert '--patience' in check.message
