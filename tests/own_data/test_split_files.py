"""A split is drawn once, and read as the user leaves it."""

import pytest

from mmseg_ganaug.own_data.split_files import draw_split, read_split

NAMES = ['a', 'b', 'c', 'd e', '#f', 'x\x85y']


@pytest.fixture
def paths(tmp_path):
    return [tmp_path / 'train.txt', tmp_path / 'val.txt']


def write(paths, train, val):
    for path, content in zip(paths, (train, val)):
        path.write_bytes(content)


def test_what_is_drawn_is_read_again(paths):
    split = draw_split(NAMES, 0.4, 0)
    write(paths, *('\n'.join(part).encode() for part in split))
    assert read_split(paths, [set(NAMES)] * 2) == split


def test_lists_of_other_editors_are_read(paths):
    write(paths, b'\xef\xbb\xbfa\r\n  b \r\n\r\na', b'd e\r\n#f')
    assert read_split(paths, [set(NAMES)] * 2) == (['a', 'b'], ['d e', '#f'])


def test_folders_of_their_own_may_use_the_same_names(paths):
    write(paths, b'a\nb', b'a')
    assert read_split(paths, [set('ab'), set('ac')]) == (['a', 'b'], ['a'])


@pytest.mark.parametrize(
    ('train', 'val', 'words'),
    [
        (b'a\nz', b'b', ["train.txt lists 'z'", 'no photo here']),
        (b'a', b'', ['val.txt lists no photo']),
        (b'a\nb', b'b', ["val.txt lists 'b', as ", 'train.txt does']),
        (b'a\n\xff', b'b', ['train.txt is no UTF-8 text']),
        (b'a\n\x1b', b'b', [r"train.txt lists '\x1b'"]),
    ],
)
def test_wrong_lists_are_named_and_never_told_to_be_removed(paths, train, val, words):
    write(paths, train, val)
    with pytest.raises(ValueError) as raised:
        read_split(paths, [set(NAMES)] * 2)
    for word in [*words, 'move']:
        assert word in str(raised.value)


def test_a_list_without_the_other_is_named(paths):
    paths[0].write_text('a')
    with pytest.raises(ValueError, match=r'val\.txt is missing'):
        read_split(paths, [set(NAMES)] * 2)
