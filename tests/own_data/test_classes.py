"""Classes are found in masks of every format, and masks become label maps."""

import re

import numpy as np
import pytest
from mask_folders import Folder
from PIL import Image

from mmseg_ganaug.own_data.class_list import read_class_list
from mmseg_ganaug.own_data.classes import (
    find_classes,
    match_classes,
    tabulate_classes,
    write_found_classes,
)
from mmseg_ganaug.own_data.convert import write_label_maps
from mmseg_ganaug.own_data.masks import MaskForm, read_mask_values


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
    assert classes.form is MaskForm.COLOURS
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
    table = tabulate_classes(survey, classes, survey.pairs, ['0'], 'note')
    assert table.header[2] == 'value in the masks'
    assert [row[:3] for row in table.rows] == [
        ['road', '0', '3'],
        ['car', '1', '5; 7'],
        ['ignored', '-', '255'],
    ]
    assert sum(float(row[3]) for row in table.rows) == pytest.approx(100, abs=0.01)
    assert table.rows[1][4] == '100.0'
    assert table.notes == ['note']


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
    mask = read_mask_values(folder.pairs()[0].mask, classes.form)
    assert set(np.unique(mask)) == {1, 2, 255}
    assert classes.to_label_map(np.array([[2, 255]])).tolist() == [[1, 255]]
    # They are stored as colours, so that they are converted.
    assert not classes.are_ids


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
def test_a_list_of_ids_is_completed_as_the_message_says(folder, values, text):
    folder.make(values)
    with pytest.raises(ValueError, match='does not list it') as raised:
        folder.match(text)
    message = str(raised.value)
    assert ('stand for the ids 0 to 3: write these' in message) == (', ' not in text)
    if '"a, 0"' in message:
        text = 'a, 0\nb, 1\nc, 2\nd, 3\n'
    classes = folder.match(text + ADDED.search(message)[1])
    assert classes.names == ['a', 'b', 'c', 'd', 'name']


def test_a_list_of_colours_is_completed_as_the_message_says(folder):
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
    listed = read_class_list(path)
    assert match_classes(folder.survey(listed), listed) == found


def test_the_list_of_found_classes_names_values_and_shares(folder):
    survey = folder.make([RED, BLUE]).survey()
    path = write_found_classes(folder.path / 'l.txt', survey, find_classes(survey))
    lines = path.read_text().split('\n')
    share = 100 * survey.shares([0x0000FF])[0]
    assert lines[2] == f'rgb_0_0_255, 0, 0, 255  # {share:.3f} % of the pixels'
    assert [line[:2] for line in lines] == ['# ', '# ', 'rg', 'rg', '']


def test_masks_of_one_value_are_named_as_such_whatever_the_list(folder):
    folder.make([3])
    with pytest.raises(ValueError, match=r'show 1 class: class_3 \(values .*: 3;'):
        folder.match('a\nb\n')


def test_more_classes_than_label_maps_hold_are_refused(folder):
    folder.make([0, 1])
    lines = [f'class {number}, {number}\n' for number in range(256)]
    with pytest.raises(ValueError, match='256 classes are listed, but 255'):
        folder.match(''.join(lines))
    joined = [*lines[:-1], 'class 0, 255\n']
    assert len(folder.match(''.join(joined)).names) == 255
