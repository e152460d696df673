"""Public data sets, in made-up trees of their layouts, become those of the configs."""

import random
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg_ganaug.own_data.public_layouts import LAYOUTS, lay_out_published
from mmseg_ganaug.ownership import InTheWayError

DRIVES = ('0001TP', '0006R0', '0016E5')
FRAMES = [f'{drive}_{number:05d}' for drive in DRIVES for number in (30, 60)]


def blocks(values):
    """A mask of squares, each of one of the values: uint8 [16, 4 * values]."""
    return np.repeat(np.repeat(np.array([values], np.uint8), 16, 0), 4, 1)


def photo_like(mask):
    return np.random.default_rng(mask.size).integers(0, 256, (*mask.shape, 3), np.uint8)


def write(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)


def make_camvid(root):
    mask = blocks(range(12))
    for part in ('train', 'val'):
        for frame in FRAMES:
            write(root / part / f'{frame}.png', photo_like(mask))
            write(root / f'{part}annot' / f'{frame}.png', mask)
    return mask


def make_idd_lite(root):
    mask = blocks([*range(7), 255])
    for drive in range(14):
        stem = f'{drive}/{drive}00'
        write(root / f'leftImg8bit/train/{stem}_image.jpg', photo_like(mask))
        write(root / f'gtFine/train/{stem}_label.png', mask)
        write(root / f'gtFine/train/{stem}_inst_label.png', mask * 0 + 9)
    return mask


def make_facades(root):
    mask = blocks(range(1, 13))
    for number, part in enumerate(('base', 'extended')):
        for name in 'ab':
            write(root / part / f'cmp_{name}.jpg', photo_like(mask))
            image = Image.frombytes('P', mask.shape[::-1], mask.tobytes())
            # Their colours say nothing: palettes differ.
            image.putpalette([(7 * i + number) % 256 for i in range(768)])
            image.save(root / part / f'cmp_{name}.png')
            (root / part / f'cmp_{name}.xml').write_text('<annotation/>')
    return mask - 1


MAKERS = {'camvid': make_camvid, 'idd-lite': make_idd_lite, 'facades': make_facades}
KEYS = {
    'camvid': [f'{part}/{frame}' for part in ('train', 'val') for frame in FRAMES],
    'idd-lite': [f'train/{drive:03d}_{drive}00' for drive in range(14)],
    'facades': [f'{part}/cmp_{name}' for part in ('train', 'val') for name in 'ab'],
}


@pytest.fixture(params=sorted(MAKERS))
def name(request):
    return request.param


def contents(folder):
    return {
        path: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob('*'))
        if path.is_file() and not path.name.startswith('.')
    }


def test_photos_are_linked_and_label_maps_hold_class_ids(name, tmp_path, capsys):
    source, out = tmp_path / 'source', tmp_path / 'out'
    expected = MAKERS[name](source)
    before = contents(source)
    lay_out_published(name, source, out)
    assert f'{len(KEYS[name])} label maps lie in' in capsys.readouterr().out
    label_maps = sorted((out / 'annotations').rglob('*.png'))
    found = [p.relative_to(out / 'annotations').with_suffix('') for p in label_maps]
    assert list(map(str, found)) == KEYS[name]
    for key, path in zip(KEYS[name], label_maps):
        written = Image.open(path)
        assert written.mode == 'L'
        np.testing.assert_array_equal(np.asarray(written), expected)
        photos = list((out / 'images' / key).parent.glob(f'{Path(key).name}.*'))
        assert len(photos) == 1 and source in photos[0].resolve().parents
    # Again: nothing is written.
    first = contents(out)
    lay_out_published(name, source, out)
    assert contents(out) == first
    assert contents(source) == before


def test_lists_of_camvid_are_by_drive(tmp_path):
    make_camvid(tmp_path / 'source')
    lay_out_published('camvid', tmp_path / 'source', tmp_path / 'out')
    splits = {
        p.stem: p.read_text().split() for p in (tmp_path / 'out/splits').iterdir()
    }
    assert splits == {
        'train': FRAMES,
        'dev_train': FRAMES[:2] + FRAMES[4:],
        'dev_val': FRAMES[2:4],
    }


def test_lists_of_idd_lite_are_a_seventh_of_the_drives_and_the_rest(tmp_path):
    make_idd_lite(tmp_path / 'source')
    lay_out_published('idd-lite', tmp_path / 'source', tmp_path / 'out')
    splits = {
        p.stem: p.read_text().split() for p in (tmp_path / 'out/splits').iterdir()
    }
    drives = [f'{drive:03d}' for drive in range(14)]
    random.Random(0).shuffle(drives)
    assert {frame[:3] for frame in splits['dev_val']} == set(drives[:2])
    # In the order of the published folders: 0, 1, 10, 11, 12, 13, 2, ...
    published = sorted(range(14), key=str)
    names = [f'{drive:03d}_{drive}00' for drive in published]
    assert splits['dev_train'] == [n for n in names if n[:3] not in drives[:2]]
    assert splits['dev_val'] == [n for n in names if n[:3] in drives[:2]]


def test_another_value_is_named_and_nothing_is_written(name, tmp_path):
    source, out = tmp_path / 'source', tmp_path / 'out'
    MAKERS[name](source)
    part = next(iter(LAYOUTS[name].parts.values()))
    wrong = sorted((source / part.masks).rglob(f'*[0-9ab]{part.mask_suffix}'))[1]
    write(wrong, blocks([77, 1, 2, 3, 4, 5, 6, 6, 6, 6, 6, 6])[:, : _width(wrong)])
    with pytest.raises(ValueError, match=f'{wrong} shows 77, which is no label of'):
        lay_out_published(name, source, out)
    assert not (out / 'annotations').exists() and not (out / 'images').exists()


def _width(path):
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED).shape[1]


def test_a_photo_without_a_mask_is_named(name, tmp_path):
    MAKERS[name](tmp_path)
    part = next(iter(LAYOUTS[name].parts.values()))
    missing = sorted((tmp_path / part.masks).rglob(f'*[0-9ab]{part.mask_suffix}'))[0]
    missing.unlink()
    with pytest.raises(ValueError, match=f'there is no {missing}'):
        lay_out_published(name, tmp_path, tmp_path / 'out')


def test_what_a_mac_adds_to_every_file_is_passed_over(name, tmp_path):
    MAKERS[name](tmp_path)
    for path in [path for path in tmp_path.rglob('*') if path.is_file()]:
        path.with_name(f'._{path.name}').write_bytes(b'\0\5\x16\7')
    lay_out_published(name, tmp_path, tmp_path / 'out')
    written = (tmp_path / 'out/annotations').rglob('*.png')
    assert len(list(written)) == len(KEYS[name])


def test_another_folder_is_refused_with_what_it_should_hold(name, tmp_path):
    (tmp_path / 'images').mkdir()
    with pytest.raises(FileNotFoundError, match='as it is published: there is no file'):
        lay_out_published(name, tmp_path, tmp_path / 'out')


def test_camvid_without_a_drive_is_refused(tmp_path):
    make_camvid(tmp_path)
    for path in tmp_path.rglob('0006R0*'):
        path.unlink()
    with pytest.raises(ValueError, match=r'splits/dev_val\.txt would be empty'):
        lay_out_published('camvid', tmp_path, tmp_path / 'out')


def test_files_of_others_are_named_and_left(tmp_path):
    source, out = tmp_path / 'source', tmp_path / 'out'
    make_camvid(source)
    mine = [out / 'splits/dev_val.txt', out / 'images/train' / f'{FRAMES[0]}.png']
    for path in mine:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'mine')
    with pytest.raises(InTheWayError) as caught:
        lay_out_published('camvid', source, out)
    assert sorted(caught.value.paths) == sorted(mine)
    assert sorted(contents(out)) == sorted(mine)
    assert {path.read_bytes() for path in mine} == {b'mine'}


def test_an_interrupted_run_goes_on(tmp_path, monkeypatch):
    from mmseg_ganaug.own_data import convert

    source, out = tmp_path / 'source', tmp_path / 'out'
    make_camvid(source)
    whole = convert.write_atomically

    def dies_in_val(path, content):
        if path.parent.name == 'val':
            raise KeyboardInterrupt
        return whole(path, content)

    monkeypatch.setattr(convert, 'write_atomically', dies_in_val)
    with pytest.raises(KeyboardInterrupt):
        lay_out_published('camvid', source, out)
    first = sorted((out / 'annotations/train').iterdir())[0]
    before = first.stat().st_mtime_ns
    monkeypatch.setattr(convert, 'write_atomically', whole)
    lay_out_published('camvid', source, out)
    assert first.stat().st_mtime_ns == before
    assert len(list((out / 'annotations').rglob('*.png'))) == 2 * len(FRAMES)


@pytest.mark.real_data
def test_real_frames_come_out_as_they_are_documented(real_data, tmp_path):
    for part in ('train', 'val'):
        for kind, folder in (('images', part), ('annotations', f'{part}annot')):
            (tmp_path / 'source').mkdir(exist_ok=True)
            (tmp_path / 'source' / folder).symlink_to(
                real_data / 'camvid' / kind / part
            )
    lay_out_published('camvid', tmp_path / 'source', tmp_path / 'out')
    for path in (tmp_path / 'out/splits').iterdir():
        assert path.read_text() == (real_data / 'camvid/splits' / path.name).read_text()
    for path in (tmp_path / 'out/annotations').rglob('*.png'):
        there = real_data / 'camvid' / path.relative_to(tmp_path / 'out')
        np.testing.assert_array_equal(
            cv2.imread(str(path), cv2.IMREAD_UNCHANGED),
            cv2.imread(str(there), cv2.IMREAD_UNCHANGED),
        )
