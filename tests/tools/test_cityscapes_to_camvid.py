"""Label maps of CamVid's classes, made of those of Cityscapes."""

import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from tiny_data import make_cityscapes

TOOL = Path(__file__).parents[2] / 'tools/dataset_converters/cityscapes_to_camvid.py'
# CamVid's classes by Cityscapes' training ids: road, sidewalk, building, wall, ...
BY_TRAINING_ID = (3, 4, 1, 1, 7, 2, 6, 6, 5, 255, 0, 9, 10, 8, 8, 8, 8, 10, 10)


def convert(monkeypatch, *arguments):
    monkeypatch.setattr(sys, 'argv', [TOOL.name, *map(str, arguments)])
    runpy.run_path(str(TOOL), run_name='__main__')


@pytest.fixture
def folders(tmp_path):
    make_cityscapes(tmp_path)
    return (tmp_path / 'leftImg8bit', tmp_path / 'gtFine', tmp_path / 'out')


def test_every_class_becomes_that_of_camvid(folders, monkeypatch, capsys):
    convert(monkeypatch, *folders)
    assert (
        f'5 label maps lie in {folders[2] / "annotations"}' in capsys.readouterr().out
    )
    made = sorted((folders[2] / 'annotations').rglob('*.png'))
    trained = sorted(folders[1].rglob('*_labelTrainIds.png'))
    photos = sorted((folders[2] / 'images').rglob('*.png'))
    assert len(made) == len(trained) == len(photos) == 5
    table = np.full(256, 255, np.uint8)
    table[:19] = BY_TRAINING_ID
    for label_map, training_ids, photo in zip(made, trained, photos):
        expected = table[cv2.imread(str(training_ids), cv2.IMREAD_UNCHANGED)]
        found = cv2.imread(str(label_map), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(found, expected)
        key = label_map.relative_to(folders[2] / 'annotations')
        assert key == photo.relative_to(folders[2] / 'images')
        assert photo.resolve().name == training_ids.name.replace(
            '_gtFine_labelTrainIds', '_leftImg8bit'
        )
    # Again, on what is there.
    convert(monkeypatch, *folders)


def test_a_mask_of_other_ids_is_named(folders, monkeypatch):
    wrong = sorted(folders[1].rglob('*_labelIds.png'))[2]
    cv2.imwrite(str(wrong), np.full((128, 256), 34, np.uint8))
    with pytest.raises(SystemExit, match=f'{wrong} shows 34, which is no label id'):
        convert(monkeypatch, *folders)
    assert not (folders[2] / 'annotations').exists()


def test_all_files_of_others_are_named_and_left_alone(folders, monkeypatch, capsys):
    out = folders[2]
    convert(monkeypatch, *folders)
    first, second, *_ = sorted((out / 'images').rglob('*.png'))
    first.unlink()
    first.write_bytes(b'mine')
    second.unlink()
    second.symlink_to('elsewhere.png')
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        convert(monkeypatch, *folders)
    assert caught.value.code == 2
    printed = capsys.readouterr().err
    assert str(first) in printed and str(second) in printed
    assert first.read_bytes() == b'mine'
    assert str(second.readlink()) == 'elsewhere.png'
    for name in ('masks.json', 'annotations/mine.png'):
        other = out.with_name('other')
        path = other / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'mine')
    with pytest.raises(SystemExit) as caught:
        convert(monkeypatch, *folders[:2], other)
    assert caught.value.code == 2
    printed = capsys.readouterr().err
    assert f'{other}/masks.json' in printed and f'{other}/annotations' in printed
    assert sorted(p.name for p in other.rglob('*') if p.is_file()) == [
        'masks.json',
        'mine.png',
    ]
