import base64
import re
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from mmseg_ganaug.evaluation import RunResult, comparison_table
from mmseg_ganaug.visualization import (
    Cell,
    ReportFigure,
    Table,
    write_report,
)

NASTY = '<script>alert("1")</script> & \'x\''
_VOID = {'meta', 'img'}


class _Page(HTMLParser):
    """Collects tags and text, and checks that every tag is closed in order."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.texts, self._open = [], [], []
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] != 'style':
            self.texts.append(data)


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / 'picture.png'
    cv2.imwrite(str(path), np.zeros((4, 6, 3), np.uint8))
    return path


def _page(tmp_path, *sections, title='Title'):
    path = write_report(tmp_path / 'report.html', title, sections)
    html = path.read_text(encoding='utf-8')
    return html, _Page(html)


def test_the_report_is_one_file_that_loads_nothing(tmp_path, picture):
    html, page = _page(
        tmp_path, ReportFigure(picture, 'one'), ReportFigure(picture, 'two', wide=True)
    )
    picture.unlink()

    images = [attrs for tag, attrs in page.tags if tag == 'img']
    assert [image['alt'] for image in images] == ['one', 'two']
    for image in images:
        head, content = image['src'].split(',')
        assert head == 'data:image/png;base64'
        assert base64.b64decode(content).startswith(b'\x89PNG')
    assert not {'script', 'link', 'iframe', 'object'} & {tag for tag, _ in page.tags}
    assert not re.search(r'https?:|@import|url\(', html)


def test_every_text_is_escaped(tmp_path, picture):
    sections = [
        ReportFigure(picture, NASTY, title=NASTY),
        Table([NASTY, 'b'], [[NASTY, Cell(NASTY)]], title=NASTY, notes=[NASTY]),
    ]
    _, page = _page(tmp_path, *sections, title=NASTY)

    assert 'script' not in {tag for tag, _ in page.tags}
    # Title and h1, then 2 + 5 times in the sections.
    assert page.texts.count(NASTY) == 9
    assert [a['alt'] for tag, a in page.tags if tag == 'img'] == [NASTY]


def test_it_is_made_for_phones_and_dark_screens(tmp_path, picture):
    table = Table(['a', 'b'], [['1', '2']])
    html, page = _page(tmp_path, table, ReportFigure(picture, 'sheet', wide=True))

    assert (
        'meta',
        {'name': 'viewport', 'content': 'width=device-width, initial-scale=1'},
    ) in page.tags
    assert 'prefers-color-scheme: dark' in html
    tags = [tag for tag, _ in page.tags]
    before = page.tags[tags.index('table') - 1]
    assert before[1]['class'] == 'scroll'
    assert 'scroll' in page.tags[tags.index('img') - 1][1]['class']


def test_a_comparison_shows_every_class_its_change_and_the_best(tmp_path):
    names = ['road', 'traffic sign', 'rider']
    runs = [
        RunResult('plain', 0, 40.0, 80.0, dict(zip(names, (50, 30, None))), 'toy'),
        RunResult('Recon', 0, 41.0, 79.5, dict(zip(names, (50, 32.25, None))), 'toy'),
    ]
    table = comparison_table(runs, names, title='Results')
    _, page = _page(tmp_path, table)

    assert all(name in page.texts for name in (*names, 'plain', 'Recon', 'Results'))
    assert all(note in page.texts for note in table.notes)
    assert 'nan' not in ' '.join(page.texts).lower()
    changes = [a['class'] for tag, a in page.tags if tag == 'span']
    assert changes == ['change up', 'change down', 'change', 'change up']
    assert {'+1.00', '-0.50', '+0.00', '+2.25'} <= set(page.texts)
    best = [a['class'] for tag, a in page.tags if tag == 'td' and 'best' in a['class']]
    assert len(best) == 3
    aligned = [a['class'] for tag, a in page.tags if tag == 'th']
    assert aligned == ['l', 'r', 'r'] + ['l'] * 5


def test_a_missing_or_foreign_image_is_named_and_the_old_report_stays(tmp_path):
    path = write_report(tmp_path / 'report.html', 'old', [])
    with pytest.raises(FileNotFoundError, match=r'gone\.png'):
        write_report(path, 'new', [ReportFigure(tmp_path / 'gone.png', 'x')])
    (tmp_path / 'text.png').write_text('not an image')
    with pytest.raises(ValueError, match=r'text\.png is neither'):
        write_report(path, 'new', [ReportFigure(tmp_path / 'text.png', 'x')])
    assert '<h1>old</h1>' in path.read_text(encoding='utf-8')
    assert sorted(p.name for p in tmp_path.iterdir()) == ['report.html', 'text.png']
