"""Classes are found in masks of every format, and masks become label maps."""

import os
import re
import socket
import subprocess

import numpy as np
import pytest
from PIL import Image

from mmseg_ganaug.datasets import label_conversion, mask_survey
from mmseg_ganaug.datasets.class_list import read_class_list
from mmseg_ganaug.datasets.folder_pairs import pair_folders
from mmseg_ganaug.datasets.label_conversion import write_label_maps
from mmseg_ganaug.datasets.mask_classes import (
    describe_classes,
    find_classes,
    match_classes,
    write_found_classes,
)
from mmseg_ganaug.datasets.mask_survey import survey_masks


class Folder:
    """Four masks with rectangles of the given values, and photos beside them."""

    def __init__(self, path):
        self.path = path

    def make(self, values, mode='L', palettes=None):
        rng = np.random.default_rng(0)
        for index in range(4):
            ids = np.repeat(np.repeat(rng.integers(0, len(values), (4, 5)), 4, 0), 4, 1)
            ids[0:4, 0 : 4 * len(values)] = np.arange(len(values)).repeat(4)[:20]
            array = np.array(values, np.uint8)[ids]
            image = Image.fromarray(array)
            if palettes:
                image = Image.frombytes('P', image.size, image.tobytes())
                image.putpalette(palettes[index % len(palettes)])
            self.save('masks', index, image)
            photo = rng.integers(0, 256, (*ids.shape, 3), np.uint8)
            self.save('photos', index, Image.fromarray(photo))
        return self

    def save(self, kind, index, image):
        path = self.path / kind / f'{index}.png'
        path.parent.mkdir(exist_ok=True)
        image.save(path)

    def pairs(self):
        return pair_folders(self.path / 'photos', self.path / 'masks').pairs

    def survey(self):
        return survey_masks(self.pairs(), self.path / 'kept.json')

    def match(self, text):
        path = self.path / 'list.txt'
        path.write_text(text)
        return match_classes(self.survey(), read_class_list(path), path)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


RED, BLUE, GREY = (255, 0, 0), (0, 0, 255), (128, 128, 128)


@pytest.mark.parametrize(
    ('values', 'names', 'ignored', 'are_ids'),
    [
        ([0, 1, 2], ['class_0', 'class_1', 'class_2'], [], True),
        ([0, 1, 255], ['class_0', 'class_1'], [255], True),
        ([1, 2, 3], ['class_1', 'class_2', 'class_3'], [], False),
        ([0, 255], ['class_0', 'class_255'], [], False),
        ([0, 128, 255], ['class_0', 'class_128', 'class_255'], [], False),
        ([0, 1, 15, 255], ['class_0', 'class_1', 'class_15'], [255], False),
    ],
)
def test_grey_values_are_found(folder, values, names, ignored, are_ids):
    classes = find_classes(folder.make(values).survey())
    assert classes.names == names
    assert classes.ignored == ignored
    assert classes.are_ids == are_ids
    assert len(set(classes.palette)) == len(names)


def test_colours_are_found_and_become_ids(folder):
    folder.make([RED, BLUE, GREY])
    survey = folder.survey()
    classes = find_classes(survey)
    assert classes.names == ['rgb_0_0_255', 'rgb_128_128_128', 'rgb_255_0_0']
    assert classes.palette == [BLUE, GREY, RED]
    write_label_maps(survey.pairs, classes, survey.digest, folder.path / 'out')
    for pair in survey.pairs:
        label_map = np.asarray(Image.open(folder.path / 'out' / f'{pair.key}.png'))
        mask = np.asarray(Image.open(pair.mask))
        assert label_map.dtype == np.uint8
        assert np.array_equal(np.array(classes.palette)[label_map], mask)


def test_palettes_are_ids_unless_they_differ(folder):
    one = [*RED, *BLUE]
    classes = find_classes(folder.make([0, 1], palettes=[one]).survey())
    assert classes.are_ids
    assert classes.palette == [RED, BLUE]
    other = [*BLUE, *RED]
    classes = find_classes(folder.make([0, 1], palettes=[one, other]).survey())
    assert classes.by_colour
    assert classes.palette == [BLUE, RED]


def test_listed_ids_give_names_and_what_is_ignored(folder):
    folder.make([0, 1, 2, 11])
    classes = folder.match(
        'sky\nroad\ncar\n' + ''.join(f'c{i}\n' for i in range(8)) + 'void'
    )
    assert classes.names[:3] == ['sky', 'road', 'car']
    assert classes.are_ids
    assert classes.ignore_index == 11


def test_names_alone_follow_the_values_where_these_are_no_ids(folder):
    classes = folder.make([0, 255]).match('background\nthing\n')
    assert (classes.names, classes.values) == (['background', 'thing'], [[0], [255]])


def test_lines_of_one_name_make_one_class(folder):
    folder.make([3, 5, 7, 255])
    survey = folder.survey()
    classes = folder.match('car 5\nroad 3\ncar 7\n')
    assert classes.names == ['road', 'car']
    mask = np.array([[3, 5], [7, 255]])
    assert classes.to_label_map(mask).tolist() == [[0, 1], [1, 255]]
    rows = describe_classes(survey, classes)
    assert [row.name for row in rows] == ['road', 'car', 'ignored']
    assert rows[1].values == ['5', '7']
    assert sum(row.pixel_share for row in rows) == pytest.approx(1)
    assert rows[1].mask_share == 1


def test_listed_colours_keep_their_order_and_may_be_ignored(folder):
    folder.make([RED, BLUE, GREY])
    classes = folder.match('r 255 0 0\nvoid 128 128 128\nb 0 0 255\n')
    assert classes.names == ['r', 'b']
    mask = np.array([[0xFF0000, 0x808080, 0x0000FF]], np.uint32)
    assert classes.to_label_map(mask).tolist() == [[0, 255, 1]]


def test_ids_in_three_equal_channels_are_read_as_ids(folder):
    folder.make([(1, 1, 1), (2, 2, 2), (255, 255, 255)])
    classes = folder.match('a 1\nb 2\n')
    assert classes.names == ['a', 'b']
    assert classes.to_label_map(np.array([[0x020202, 0xFFFFFF]])).tolist() == [[1, 255]]


@pytest.mark.parametrize(
    ('values', 'text', 'words'),
    [
        ([0, 1, 7], 'a\nb\nc\nd\n', ['0.png', 'shows 7', 'list.txt', '"name, 7"']),
        ([RED, BLUE], 'a 1\nb 2\n', ['0.png', 'lists ids', 'name R G B']),
        ([RED, BLUE], 'a\nb\n', ['names alone', 'without --classes']),
        ([RED, BLUE], 'a 255 0 0\nb 9 9 9\n', ['0 0 255', 'list.txt']),
        ([0, 1], 'a 0\nvoid 1\n', ['show 1 class', 'a', 'Two or more']),
    ],
)
def test_a_list_that_does_not_fit_is_named(folder, values, text, words):
    folder.make(values)
    with pytest.raises(ValueError) as raised:
        folder.match(text)
    for word in words:
        assert word in str(raised.value)


ADDED = re.compile(r'"(name, [\d, ]+)"')


@pytest.mark.parametrize('values', [[0, 1, 7], [(0,) * 3, (1,) * 3, (7,) * 3]])
@pytest.mark.parametrize('text', ['a, 0\nb, 1\nc, 2\nd, 3\n', 'a\nb\nc\nd\n'])
def test_a_list_of_ids_is_mended_as_the_message_says(folder, values, text):
    folder.make(values)
    with pytest.raises(ValueError, match='does not list it') as raised:
        folder.match(text)
    message = str(raised.value)
    assert ('stand for the ids 0 to 3: write these' in message) == (', ' not in text)
    if '"a, 0"' in message:
        text = 'a, 0\nb, 1\nc, 2\nd, 3\n'
    classes = folder.match(text + ADDED.search(message)[1])
    assert classes.names == ['a', 'b', 'c', 'd', 'name']


def test_a_list_of_colours_is_mended_as_the_message_says(folder):
    folder.make([RED, BLUE])
    text = 'a 255 0 0\nb 9 9 9\n'
    with pytest.raises(ValueError, match='does not list it') as raised:
        folder.match(text)
    assert folder.match(text + ADDED.search(str(raised.value))[1]).names[-1] == 'name'


@pytest.mark.parametrize('values', [[0, 1, 255], [0, 255], [RED, BLUE, GREY]])
def test_the_list_of_found_classes_gives_the_same_classes(folder, values):
    survey = folder.make(values).survey()
    found = find_classes(survey)
    path = write_found_classes(folder.path / 'list.txt', survey, found)
    assert match_classes(survey, read_class_list(path), path) == found


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


def test_an_interrupted_conversion_goes_on_and_other_classes_begin_anew(
    folder, monkeypatch
):
    survey = folder.make([0, 255]).survey()
    classes = find_classes(survey)
    out = folder.path / 'out'
    write = label_conversion.write_atomically

    def dies_at_third(path, content):
        if path.name == '2.png':
            raise KeyboardInterrupt
        return write(path, content)

    monkeypatch.setattr(label_conversion, 'write_atomically', dies_at_third)
    with pytest.raises(KeyboardInterrupt):
        write_label_maps(survey.pairs, classes, survey.digest, out)
    monkeypatch.setattr(label_conversion, 'write_atomically', write)
    kept = (out / '0.png').stat().st_mtime_ns
    write_label_maps(survey.pairs, classes, survey.digest, out)
    assert (out / '0.png').stat().st_mtime_ns == kept
    assert len(list(out.glob('*.png'))) == 4
    swapped = folder.match('thing 255\nbackground 0\nignore 9\nthird 1\n')
    write_label_maps(survey.pairs, swapped, survey.digest, out)
    assert (out / '0.png').stat().st_mtime_ns != kept


def test_what_a_killed_conversion_left_in_a_subfolder_is_removed(folder):
    survey = folder.make([0, 255]).survey()
    classes, out = find_classes(survey), folder.path / 'out'
    pairs = [pair._replace(key=f'rome/{pair.key}') for pair in survey.pairs]
    write_label_maps(pairs, classes, survey.digest, out)
    # Of a process that has ended, and of one that runs.
    command = ['sh', '-c', 'echo $$']
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    host = socket.gethostname()
    left, kept = (
        out / 'rome' / f'.tmp-{host}-{pid}-9.png'
        for pid in (int(ended.stdout), os.getpid())
    )
    for path in (left, kept):
        path.write_bytes(b'half')
    (out / 'rome' / '1.png').unlink()
    write_label_maps(pairs, classes, survey.digest, out)
    assert (out / 'rome' / '1.png').is_file()
    assert kept.exists() and not left.exists()


def test_a_folder_of_others_is_not_written_to(folder):
    survey = folder.make([0, 255]).survey()
    with pytest.raises(ValueError, match='--work-dir'):
        write_label_maps(
            survey.pairs, find_classes(survey), survey.digest, folder.path / 'photos'
        )
    assert len(list((folder.path / 'photos').iterdir())) == 4
