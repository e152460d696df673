"""The report: one HTML file that needs nothing but itself."""

import base64
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Sequence, Union

from mmseg_ganaug.files import write_atomically
from mmseg_ganaug.shown_text import visible
from mmseg_ganaug.version import __version__
from mmseg_ganaug.visualization.table import Cell, Table

_IMAGE_TYPES = {b'\x89PNG\r\n\x1a\n': 'image/png', b'\xff\xd8\xff': 'image/jpeg'}

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2126; --soft: #59636e; --paper: #ffffff;
  --panel: #f4f6f8; --line: #d5dbe1; --up: #00633f; --down: #a33c00;
  --best: #dcebf7; --warn: #fff4d6; --warn-line: #d99a00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --soft: #9aa5b1;
  --paper: #15191d; --panel: #20262c; --line: #39424b; --up: #5fd3a0;
  --down: #ff9d66; --best: #1d3a52; --warn: #38300f; --warn-line: #d99a00; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 62rem; background: var(--paper);
  color: var(--ink); line-height: 1.5; overflow-wrap: anywhere;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: .5rem 0 1rem; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 2.2rem 0 .6rem; }
p { margin: .6rem 0; max-width: 46rem; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; }
.scroll:focus-visible { outline: 2px solid var(--soft); }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { padding: .35rem .7rem; border-bottom: 1px solid var(--line);
  overflow-wrap: normal; white-space: nowrap; vertical-align: top; }
tbody tr:last-child > * { border-bottom: 0; }
thead th { background: var(--panel); }
th:first-child { position: sticky; left: 0; background: var(--panel); }
tbody th { font-weight: 500; }
.l { text-align: left; } .r { text-align: right; font-variant-numeric: tabular-nums; }
.best { background: var(--best); font-weight: 700; }
.change { display: block; font-size: .85em; font-weight: 400; color: var(--soft); }
@media (min-width: 48rem) {
  .change { display: inline-block; min-width: 3.8em; margin-left: .3em; } }
@media (max-width: 36rem) { table { font-size: .85rem; }
  th, td { padding: .3rem .45rem; } }
.up { color: var(--up); } .down { color: var(--down); }
.note, figcaption, footer { color: var(--soft); font-size: .88rem; }
.note { margin: .4rem 0; }
.notice { background: var(--warn); border-left: 4px solid var(--warn-line);
  padding: .6rem .9rem; margin: 1rem 0; border-radius: 0 6px 6px 0; max-width: 46rem; }
.notice p { margin: .2rem 0; }
figure { margin: 1.2rem 0; } figcaption { margin-top: .4rem; max-width: 46rem; }
img { display: block; max-width: 100%; height: auto; background: #ffffff;
  border-radius: 4px; }
.chart img { width: 38rem; }
.wide img { max-width: none; width: 100%; min-width: 52rem; border-radius: 0; }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: 6px;
  padding: .7rem .9rem; margin: .6rem 0; font-size: .88rem; white-space: pre-wrap; }
footer { margin-top: 2.5rem; padding-top: .6rem; border-top: 1px solid var(--line); }
"""


@dataclass(frozen=True)
class Text:
    """Paragraphs, parted by empty lines, below an optional heading."""

    body: str
    title: str = ''

    def to_html(self) -> str:
        """Renders the section."""
        return _heading(self.title) + _paragraphs(self.body)


@dataclass(frozen=True)
class Notice:
    """Something the reader must not miss, in a coloured box."""

    body: str

    def to_html(self) -> str:
        """Renders the section."""
        return f'<div class="notice" role="note">{_paragraphs(self.body)}</div>'


@dataclass(frozen=True)
class Code:
    """Commands or a config, as they are, below an optional heading."""

    body: str
    title: str = ''

    def to_html(self) -> str:
        """Renders the section."""
        body = escape(self.body.strip('\n'))
        return f'{_heading(self.title)}<pre><code>{body}</code></pre>'


@dataclass(frozen=True)
class Figure:
    """An image with its caption, below an optional heading.

    Args:
        path (str | Path): PNG or JPEG file; it is copied into the report.
        caption (str): What one sees.
        title (str): Heading.
        wide (bool): For contact sheets: fills the page, and on a phone scrolls
            sideways instead of shrinking beyond recognition.
    """

    path: Union[str, Path]
    caption: str
    title: str = ''
    wide: bool = False

    def to_html(self) -> str:
        """Renders the section.

        Raises:
            FileNotFoundError: When there is no such file.
            ValueError: When the file is neither PNG nor JPEG.
        """
        content = Path(self.path).read_bytes()
        kinds = [
            kind for start, kind in _IMAGE_TYPES.items() if content.startswith(start)
        ]
        if not kinds:
            raise ValueError(f'{self.path} is neither a PNG nor a JPEG image')
        source = f'data:{kinds[0]};base64,{base64.b64encode(content).decode("ascii")}'
        caption = escape(self.caption)
        image = f'<img src="{source}" alt="{caption}">'
        if self.wide:
            image = f'<div class="scroll wide" tabindex="0">{image}</div>'
        return (
            f'{_heading(self.title)}<figure{"" if self.wide else _CHART}>{image}'
            f'<figcaption>{caption}</figcaption></figure>'
        )


_CHART = ' class="chart"'
Section = Union[Text, Notice, Code, Figure, Table]


def write_report(
    path: Union[str, Path], title: str, sections: Sequence[Section]
) -> Path:
    """Writes one HTML file that holds everything: style, tables and images.

    It has no scripts and loads nothing, so it can be sent by mail and opened anywhere,
    on a phone too, and follows the reader's light or dark setting.

    Args:
        path (str | Path): The HTML file to write, whole or not at all.
        title (str): Title and first heading.
        sections (Sequence[Text | Notice | Code | Figure | Table]): From top to bottom.

    Returns:
        Path: The file.

    Raises:
        FileNotFoundError: When an image is missing.
        ValueError: When an image is neither PNG nor JPEG.
    """
    body = '\n'.join(
        f'<section>{_table_html(section)}</section>'
        if isinstance(section, Table)
        else f'<section>{section.to_html()}</section>'
        for section in sections
    )
    page = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n'
        f'<main>\n<h1>{escape(title)}</h1>\n{body}\n</main>\n'
        f'<footer>Written by mmseg_ganaug {escape(__version__)}</footer>\n'
        '</body>\n</html>\n'
    )
    return write_atomically(path, visible(page))


def _heading(title: str) -> str:
    return f'<h2>{escape(title)}</h2>' if title else ''


def _paragraphs(body: str) -> str:
    parts = (part.strip() for part in body.split('\n\n'))
    return ''.join(f'<p>{escape(part)}</p>' for part in parts if part)


def _table_html(table: Table) -> str:
    head = ''.join(
        f'<th scope="col" class="{side}">{escape(name)}</th>'
        for name, side in zip(table.header, table.align)
    )
    rows = []
    for first, *others in table.cells():
        cells = [f'<th scope="row" class="{table.align[0]}">{_cell_html(first)}</th>']
        for cell, side in zip(others, table.align[1:]):
            best = ' best' if cell.best else ''
            cells.append(f'<td class="{side}{best}">{_cell_html(cell)}</td>')
        rows.append(f'<tr>{"".join(cells)}</tr>')
    notes = ''.join(f'<p class="note">{escape(note)}</p>' for note in table.notes)
    return (
        f'{_heading(table.title)}<div class="scroll" tabindex="0"><table>'
        f'<thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
        f'{notes}'
    )


def _cell_html(cell: Cell) -> str:
    text = escape(cell.text)
    if not cell.change_text:
        return text
    direction = _direction(cell.change_text)
    return f'{text} <span class="change{direction}">{escape(cell.change_text)}</span>'


def _direction(change: str) -> str:
    # From the text: what rounds to nothing is neither a gain nor a loss.
    if not float(change):
        return ''
    return ' down' if change.startswith('-') else ' up'
