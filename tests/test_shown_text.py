"""Names of users are shown as they are, and never obeyed, wherever they are shown."""

import html
import re
import unicodedata
from html.parser import HTMLParser
from xml.etree import ElementTree

import matplotlib
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from mmseg_ganaug.shown_text import markdown, one_line, shortened, signed, visible
from mmseg_ganaug.visualization import (
    GalleryRow,
    ReportFigure,
    class_frequency_chart,
    class_iou_chart,
    frequency_against_iou_chart,
    gain_chart,
    recomposition_gallery,
    write_report,
)
from mmseg_ganaug.visualization.table import Cell, Table

NASTY = [
    '$TOKEN',
    '$x^{$',
    r'\frac{1}{',
    '100 %',
    '{{$HOME:x}}',
    '{0}',
    'a\x00b\x1b[31mred\x07',
    '<!-- x -- y -->',
    '<script>alert(1)</script>',
    'a|b\\|c',
    'two\nlines',
    '`code`',
    '*bold* _it_ ~~no~~',
    '[x](javascript:1)',
    '&amp; &lt;',
    '\N{PILE OF POO}\N{ZERO WIDTH JOINER}\N{DOG FACE}',
    '路面',
    'שלום',
    'zero\N{ZERO WIDTH SPACE}width',
    'half \ud83d',
    ' spaces ',
    '_begins with an underscore',
    '_nolegend_',
    'x' * 300,
    '\uffff\ufffe',
    '\x85\u2028',
]
ANY_TEXT = st.one_of(
    st.sampled_from(NASTY),
    st.text(
        st.characters(exclude_categories=()) | st.sampled_from('$\\{}|<>&`*_[]\n\r\t#'),
        min_size=1,
        max_size=30,
    ),
)
NAMES = st.lists(ANY_TEXT, min_size=2, max_size=4, unique=True)
few = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@given(ANY_TEXT)
@settings(deadline=None)
def test_what_is_shown_has_no_control_character_and_is_utf8(text):
    for shown in (one_line(text), visible(text).replace('\n', ' ').replace('\t', ' ')):
        shown.encode()
        assert not any(unicodedata.category(c) in ('Cc', 'Cs') for c in shown)
    assert len(shortened(text, 20)) <= 20


@pytest.mark.parametrize(
    ('value', 'digits', 'text'),
    [
        (-0.04, 1, '+0.0'),
        (0.04, 1, '+0.0'),
        (-0.06, 1, '-0.1'),
        (-0.004, 2, '+0.00'),
        (-0.4, 0, '+0'),
        (12.34, 1, '+12.3'),
        (float('nan'), 1, '+nan'),
    ],
)
def test_nothing_lost_has_no_minus(value, digits, text):
    assert signed(value, digits) == text


def test_what_can_be_shown_is_left_alone():
    for text in ('路面', 'שלום', 'traffic light', '$TOKEN', '{{$HOME:x}}', 'a_b', 'ß'):
        assert visible(text) == one_line(text) == text
    assert visible('a\x1bb\ud83d') == 'a\\x1bb\\ud83d'
    assert shortened('road ' * 30 + 'end', 20) == 'road road roa…ad end'


class _Cells(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.data = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_comment(self, data):
        self.tags.append('comment')

    def handle_data(self, data):
        self.data.append(data)


def tags_of(page):
    parser = _Cells()
    parser.feed(page)
    return parser.tags, ''.join(parser.data)


@given(NAMES)
@few
def test_a_report_shows_the_names_and_has_no_tag_of_theirs(tmp_path, names):
    Image.new('RGB', (4, 4)).save(tmp_path / 'p.png')

    def sections(words):
        first, second = words[:2]
        return [
            Table(['class', first], [[second, Cell('1', 0.5)]], title=first),
            ReportFigure(tmp_path / 'p.png', first, second),
        ]

    path = write_report(tmp_path / 'r.html', names[0], sections(names))
    plain = write_report(tmp_path / 'p.html', 'a', sections(['a', 'b']))
    tags, shown = tags_of(path.read_text(encoding='utf-8'))
    expected = tags_of(plain.read_text(encoding='utf-8'))[0]
    blank = [not name.strip() for name in names[:2]]
    if not any(blank):
        assert [t for t in tags if t != 'p'] == [t for t in expected if t != 'p']
    for name in names[:2]:
        assert visible(name).strip() in shown


CELL = re.compile(r'(?:[^|\\]|\\.)+')


@given(NAMES)
@settings(deadline=None)
def test_a_markdown_table_keeps_its_columns_and_has_no_html(names):
    rows = [[name, Cell(name, 0.5, best=True), 'x'] for name in names]
    table = Table(['class', names[0] + '1', names[1] + '2'], rows, title=names[0])
    lines = table.to_markdown().split('\n')
    assert len(lines) == 5 + len(names)
    for line in lines[2:-1]:
        assert len(CELL.findall(line.strip('|'))) == 3, line
        assert not re.search(r'(?<!\\)(?:\\\\)*[<>`\[]', line)


@given(ANY_TEXT)
@settings(deadline=None)
def test_markdown_undoes_to_the_text_that_a_line_can_show(text):
    undone = re.sub(r'\\([!-/:-@\[-`{-~])', r'\1', markdown(text))
    assert undone == one_line(text)


@given(NAMES)
@settings(deadline=None)
def test_a_terminal_table_writes_no_control_character(names):
    rows = [[name, Cell(name, best=True)] for name in names]
    shown = Table(['class', names[0]], rows, title=names[1], notes=names).to_text()
    shown.encode()
    assert not any(unicodedata.category(c) == 'Cc' and c != '\n' for c in shown)


def test_headings_that_are_shown_alike_are_two_columns():
    text = Table(['class', 'a\x1b', 'a\\x1b'], [['c', '1', '2']]).to_text()
    assert text.count('a\\x1b') == 2


@given(NAMES)
@few
def test_charts_are_drawn_whatever_the_names_are(tmp_path, names):
    count = len(names)
    shares = [1 / (i + 1) / count for i in range(count)]
    iou = {name: 10.0 * i for i, name in enumerate(names)}
    paths = [
        class_frequency_chart(names, dict.fromkeys(names, shares), tmp_path / 'a.png'),
        class_iou_chart(names, dict.fromkeys(names, iou), tmp_path / 'b.png'),
    ]
    frequency_against_iou_chart(names, shares, iou, tmp_path / 'c.png')
    paths.append(tmp_path / 'c.png')
    for path in paths:
        with Image.open(path) as image:
            image.load()


@given(NAMES)
@few
def test_an_svg_is_xml_and_shows_the_names(tmp_path, names):
    gains = {name: {**dict.fromkeys(names, 1.0), 'mIoU': 2.0} for name in names}
    share = dict.fromkeys(names, 0.1)
    path = gain_chart(gains, share, tmp_path / 'g.svg', baseline=names[0])
    root = ElementTree.fromstring(path.read_text(encoding='utf-8'))
    shown = ''.join(root.itertext())
    for name in names:
        assert shortened(name, 28) in shown


@pytest.mark.parametrize('name', ['_hidden', '$x^{$', '<!--', 'x' * 300, '路'])
def test_the_legend_names_each_series(tmp_path, monkeypatch, name):
    from mmseg_ganaug.visualization import figure_files

    seen = []
    save = figure_files.save_png

    def noted(figure, dpi):
        content = save(figure, dpi)
        seen.extend(text.get_text() for text in figure.legends[0].get_texts())
        return content

    monkeypatch.setattr(figure_files, 'save_png', noted)
    class_iou_chart(['a'], {name: {'a': 1.0}, 'plain': {'a': 2.0}}, tmp_path / 'x.png')
    assert seen == [shortened(name, 60), 'plain']


def test_a_gallery_shows_nasty_names(tmp_path):
    import numpy as np

    label_map = np.arange(len(NASTY), dtype=np.uint8)[None].repeat(4, 0)
    row = GalleryRow({NASTY[1]: label_map}, caption=' '.join(NASTY))
    palette = [[i, i, i] for i in range(len(NASTY))]
    path = recomposition_gallery([row], palette, 255, NASTY, tmp_path / 'g.png')
    with Image.open(path) as image:
        assert image.width == 256 + 32


def test_the_settings_of_the_caller_are_left_alone(tmp_path):
    before = dict(matplotlib.rcParams)
    class_iou_chart(['$a$'], {'m': {'$a$': 1.0}}, tmp_path / 'x.png')
    assert dict(matplotlib.rcParams) == before


def test_a_script_in_a_name_is_text():
    shown = html.escape(visible('<script>'))
    assert shown == '&lt;script&gt;'
    assert markdown('<script>') == '\\<script\\>'
