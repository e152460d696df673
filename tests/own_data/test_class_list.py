"""The list of classes is read in all its forms, or the line that is wrong is named."""

import pytest

from mmseg_ganaug.own_data.class_list import read_class_list
from mmseg_ganaug.own_data.masks import MaskForm


def read(tmp_path, text):
    path = tmp_path / 'classes.csv'
    path.write_text(text, encoding='utf-8')
    return [item[:3] for item in read_class_list(path).lines]


@pytest.mark.parametrize(
    'text',
    [
        'sky 128 0 1\ntraffic light 0 0 9\n',
        'name,r,g,b\nsky,128,0,1\ntraffic light, 0, 0, 9\n',
        '# mine\n\nsky;128;0;1  # blue\ntraffic light;0;0;9',
        '128 0 1\tsky\n0 0 9\ttraffic light'.replace(' ', '\t').replace(
            'traffic\tlight', 'traffic light'
        ),
        '\ufeff128 0 1 sky\n0 0 9 traffic light',
    ],
)
def test_colours_are_read(tmp_path, text):
    assert read(tmp_path, text) == [
        ('sky', 0x800001, MaskForm.COLOURS),
        ('traffic light', 0x000009, MaskForm.COLOURS),
    ]


def test_ids_and_names_alone_are_read(tmp_path):
    expected = [('sky', 7, MaskForm.IDS), ('street light', 9, MaskForm.IDS)]
    assert read(tmp_path, 'id,name\n'.join(['', 'sky,7\nstreet light,9'])) == expected
    in_order = [('0 sky', None, None), ('1 car', None, None)]
    assert read(tmp_path, '0 sky\n1 car\n') == in_order
    assert len(read(tmp_path, '2 wheeler\ncar\n')) == 2
    assert read(tmp_path, 'sky\nstreet light\n') == [
        ('sky', None, None),
        ('street light', None, None),
    ]


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('', ['lists no class']),
        ('sky 1 2\n', ['line 1', 'cannot be read']),
        ('sky 7\ncar 256\n', ['line 2', "'car 256'"]),
        ('sky 7\ncar\n', ['line 1 (sky)', 'line 2 (car)', 'differ']),
        ('sky 7\ncar 7\n', ['7 stands in line 1 and in line 2']),
        ('sky 1 2 3\ncar 1 2 3\n', ['1 2 3 stands in line 1']),
        ('sky\nsky\n', ['sky stands in line 1']),
        ('7 8\n', ['line 1', 'no name']),
        # By their order, these would be 0, 1 and 2.
        ('id,name\n0,road\n2,sky\n3,car\n', ["'0 road'", 'name: road, 0']),
        ('1: car\n0: side walk\n', ["'1: car'", 'name: car, 1']),
    ],
)
def test_wrong_lines_are_named(tmp_path, text, words):
    with pytest.raises(ValueError) as raised:
        read(tmp_path, text)
    for word in ['classes.csv', *words]:
        assert word in str(raised.value)


def test_a_missing_list_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'none\.txt'):
        read_class_list(tmp_path / 'none.txt')


@pytest.mark.parametrize('name', ['ignore', 'Void', 'unlabelled', 'unlabeled'])
def test_some_names_stand_for_no_class(tmp_path, name):
    path = tmp_path / 'classes.txt'
    path.write_text(f'{name} 0\nvoids 1\n')
    assert [item.ignored for item in read_class_list(path).lines] == [True, False]


NAMES = [
    '{{$HOME:x}}',
    '$TOKEN',
    'c#',
    '100%',
    r'back\slash',
    '<!-- x -->',
    '路面',
    'שלום',
    '\N{DOG FACE}',
    'zero\N{ZERO WIDTH SPACE}width',
    '`a|b`',
    'x' * 300,
]


@pytest.mark.parametrize('name', NAMES)
@pytest.mark.parametrize(
    'line', ['{}, 0\nb, 1\n', '{}\r\nb\r\n', '{}, 1, 2, 3\nb, 1, 2, 4']
)
def test_names_are_read_as_they_are(tmp_path, name, line):
    path = tmp_path / 'classes.txt'
    path.write_bytes(b'\xef\xbb\xbf' + line.format(name).encode())
    assert [item.name for item in read_class_list(path).lines] == [name, 'b']


@pytest.mark.parametrize(
    ('content', 'words'),
    [
        ('Straße, 0\nb, 1\n'.encode('latin-1'), ['line 1', '0xdf', 'UTF-8']),
        ('a, 0\nb, 1\n'.encode('utf-16'), ['line 1', '0xff', 'UTF-8']),
        (b'a, 0\nb\0, 1\n', ['line 2', 'control character']),
        (b'a, 0\nb\x1b[31m, 1\n', ['line 2', 'control character', r'\x1b']),
        (b'a, 0\nb\xe2\x80\xa8c, 1\n', ['line 2', 'control character']),
    ],
)
def test_other_encodings_and_control_characters_are_named(tmp_path, content, words):
    path = tmp_path / 'classes.txt'
    path.write_bytes(content)
    with pytest.raises(ValueError) as raised:
        read_class_list(path)
    for word in ['classes.txt', *words]:
        assert word in str(raised.value)
    assert str(raised.value).isprintable()


@pytest.mark.parametrize('ending', ['json', 'yaml', 'yml', 'YAML', 'xlsx'])
def test_lists_of_other_formats_are_refused(tmp_path, ending):
    path = tmp_path / f'classes.{ending}'
    path.write_text('["road", "sky"]')
    with pytest.raises(ValueError, match='that is a text file'):
        read_class_list(path)


def test_a_comment_begins_a_line_or_follows_a_space(tmp_path):
    text = '#1 is the first\nc#, 0 # the language\n\td, 1\t# d\n'
    assert read(tmp_path, text) == [('c#', 0, MaskForm.IDS), ('d', 1, MaskForm.IDS)]
