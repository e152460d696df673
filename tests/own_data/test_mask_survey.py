"""Photos and masks are read once, until one of them changes in any way."""

import os
import shutil

import numpy as np
import pytest
from mask_folders import Folder
from PIL import Image

from mmseg_ganaug.datasets import file_records
from mmseg_ganaug.own_data import mask_survey
from mmseg_ganaug.own_data.class_list import read_class_list
from mmseg_ganaug.own_data.classes import find_classes, match_classes
from mmseg_ganaug.own_data.mask_survey import survey_masks
from mmseg_ganaug.own_data.masks import MaskForm, read_mask_values
from mmseg_ganaug.own_data.pairs import pair_folders


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def test_files_are_read_once(folder, monkeypatch):
    first = folder.make([0, 1]).survey()
    monkeypatch.setattr(mask_survey, '_inspect', None)
    again = folder.survey()
    assert (again.contents, again.digest) == (first.contents, first.digest)


def test_photos_are_checked_too(folder):
    folder.make([0, 1])
    folder.save('photos', 2, Image.new('RGB', (21, 16)))
    with pytest.raises(ValueError, match=r'2\.png is 21 x 16, but its label map'):
        folder.survey()
    path = folder.path / 'photos' / '2.jpg'
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (16, 20, 3), np.uint8)).save(path)
    (folder.path / 'photos' / '2.png').unlink()
    folder.survey()
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match=r'2\.jpg cannot be read'):
        folder.survey()


OTHERS = [
    b'',
    b'null',
    b'[]',
    b'{"version": 2}',
    b'{"version": 1, "masks": {}}',
    b'{"version": 2, "pairs": {"x": 1}, "contents": {}}',
    b'{"version": 2, "pairs": {"x": ["", "d"]}, "contents": {}}',
    b'{"version": 2, "pairs": {}, "contents": {"d": ["L", [2, 2], {"0": 3}, {}, []]}}',
    b'{"version": 2, "pairs": {}, "contents": {"d": ["L", 4, {"0": 4}, {}, []]}}',
    b'\xff\xfe',
    b'[' * 100000,
]


@pytest.mark.parametrize('other', OTHERS)
def test_what_is_kept_is_read_again_where_it_is_of_another_kind(folder, other):
    first = folder.make([0, 1]).survey()
    (folder.path / 'kept.json').write_bytes(other)
    again = folder.survey()
    assert (again.contents, again.digest) == (first.contents, first.digest)


def test_what_is_kept_may_be_cut_at_any_byte(folder):
    first = folder.make([0, 1]).survey()
    whole = (folder.path / 'kept.json').read_bytes()
    for cut in {*range(40), *range(40, len(whole), 31), len(whole) - 1}:
        (folder.path / 'kept.json').write_bytes(whole[:cut])
        again = folder.survey()
        assert (again.contents, again.digest) == (first.contents, first.digest)


def test_an_edit_with_the_same_size_and_time_is_noticed(folder, monkeypatch):
    # Not compressed, masks of one size have files of one size.
    folder.make([0, 1])
    path = folder.path / 'masks' / '2.png'
    image = Image.open(path)
    image.save(path, compress_level=0)
    monkeypatch.setattr(file_records, '_SETTLED_SECONDS', -1)
    first = folder.survey()
    status = path.stat()
    edited = np.array(image)
    edited[:] = 1 - edited
    Image.fromarray(edited).save(path, compress_level=0)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    again = folder.survey()
    assert again.digest != first.digest
    assert again.contents[2].pixels[0] == first.contents[2].pixels[1]


def test_the_same_contents_elsewhere_are_not_inspected_again(folder, monkeypatch):
    first = folder.make([0, 1]).survey()
    for kind in ('photos', 'masks'):
        shutil.copytree(folder.path / kind, folder.path / 'copy' / kind)
    pairs = pair_folders(folder.path / 'copy/photos', folder.path / 'copy/masks').pairs
    monkeypatch.setattr(mask_survey, '_inspect', None)
    again = survey_masks(pairs, folder.path / 'kept.json')
    assert (again.contents, again.digest) == (first.contents, first.digest)


def test_all_files_that_cannot_be_used_are_named_up_to_a_number(folder):
    folder.make([0, 1])
    for index in (1, 2):
        path = folder.path / 'photos' / f'{index}.png'
        path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(ValueError, match=r'1\.png cannot be read') as raised:
        folder.survey()
    assert f'(1 other pairs cannot be used: {path})' in str(raised.value)


@pytest.mark.parametrize('size', [(1, 40), (40, 1), (1, 1)])
def test_a_mask_one_pixel_wide_or_high_is_named(folder, size):
    folder.make([0, 1])
    folder.save('masks', 2, Image.new('L', size))
    folder.save('photos', 2, Image.new('RGB', size))
    with pytest.raises(ValueError, match=rf'masks/2\.png is {size[0]} x {size[1]} '):
        folder.survey()


def test_a_mask_two_pixels_wide_is_read(folder):
    for kind, mode in (('masks', 'L'), ('photos', 'RGB')):
        for index in range(4):
            image = Image.new(mode, (2, 40))
            image.paste(3 if mode == 'L' else (1, 2, 3), (0, 0, 1, 9))
            folder.save(kind, index, image)
    assert find_classes(folder.survey()).names == ['class_0', 'class_3']


RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.mark.parametrize(
    ('values', 'palettes', 'text', 'form'),
    [
        ([0, 1], None, '', MaskForm.IDS),
        ([0, 1], [[*RED, *BLUE]], '', MaskForm.IDS),
        ([0, 1], [[*RED, *BLUE]], 'a 0\nb 1\n', MaskForm.IDS),
        ([0, 1], [[*RED, *BLUE]], 'a 255 0 0\nb 0 0 255\n', MaskForm.COLOURS),
        ([0, 1], [[*RED, *BLUE], [*BLUE, *RED]], '', MaskForm.COLOURS),
        ([0, 1], None, 'a 0 0 0\nb 1 1 1\n', MaskForm.COLOURS),
        ([(0,) * 3, (1,) * 3], None, '', MaskForm.COLOURS),
        ([(0,) * 3, (1,) * 3], None, 'a\nb\n', MaskForm.GREYS),
        ([(0,) * 3, BLUE], None, 'a\nb\n', MaskForm.COLOURS),
    ],
)
def test_files_and_the_list_decide_what_a_value_is(
    folder, values, palettes, text, form
):
    folder.make(values, palettes=palettes)
    listed = None
    if text:
        path = folder.path / 'list.txt'
        path.write_text(text)
        listed = read_class_list(path)
    survey = folder.survey(listed)
    assert survey.form is form
    assert len(survey.values) == 2
    for pair, pixels in zip(survey.pairs, survey.pixels):
        mask = read_mask_values(pair.mask, form)
        assert pixels == dict(zip(*map(np.ndarray.tolist, _counted(mask))))


def _counted(mask):
    return np.unique(mask, return_counts=True)


@pytest.mark.parametrize('palette', [False, True])
@pytest.mark.parametrize('text', ['', 'sky\nbird\n', 'sky 0\nbird 255\n'])
def test_white_is_one_class_whatever_the_bits_of_a_file(folder, palette, text):
    before = folder.make([0, 255]).survey()
    path = folder.path / 'masks' / '1.png'
    with Image.open(path) as image:
        white = image.point(lambda value: value // 255)
        if palette:
            white.putpalette([0, 0, 0, 255, 255, 255])
        else:
            white = image.convert('1')
    white.save(path)
    listed = None
    if text:
        (folder.path / 'list.txt').write_text(text)
        listed = read_class_list(folder.path / 'list.txt')
    survey = folder.survey(listed)
    assert survey.contents[1].mode == ('P' if palette else '1')
    assert survey.pixels == before.pixels
    classes = match_classes(survey, listed) if listed else find_classes(survey)
    assert (classes.values, list(classes.ignored)) == ([[0], [255]], [])
    ids = classes.to_label_map(read_mask_values(path, survey.form))
    assert dict(zip(*map(np.ndarray.tolist, _counted(ids)))) == {
        value // 255: count for value, count in before.pixels[1].items()
    }


def test_ids_of_one_bit_are_those_of_eight(folder):
    folder.make([0, 1])
    path = folder.path / 'masks' / '1.png'
    with Image.open(path) as image:
        ones = image.point(lambda value: 255 * value).convert('1')
    ones.save(path)
    survey = folder.survey()
    assert (survey.form, survey.values) == (MaskForm.IDS, {0, 1})
