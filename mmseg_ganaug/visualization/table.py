"""A table that the terminal, Markdown and the HTML report render from one source."""

import math
import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, List, Optional, Sequence, Union

from mmseg_ganaug.shown_text import (
    markdown,
    markdown_paragraph,
    one_line,
    signed,
    visible,
)

if TYPE_CHECKING:
    from prettytable import PrettyTable

ABSENT = '–'  # noqa: RUF001 (an en dash is what a table shows for "no value")


@dataclass(frozen=True)
class Cell:
    """One cell.

    Args:
        text (str): What it shows.
        change (float, optional): Difference to the row's reference, in the unit of
            the text; shown with its sign beside the text.
        best (bool): Whether to mark it as the best of those it competes with.
        markdown (str): What Markdown shows in place of the text, such as a link; no
            character of it is escaped.
    """

    text: str
    change: Optional[float] = None
    best: bool = False
    markdown: str = ''

    @property
    def change_text(self) -> str:
        """Returns the change with its sign and two decimals, '' where there is none."""
        return '' if self.change is None else signed(self.change, 2)

    def __str__(self) -> str:
        return f'{self.text} ({self.change_text})' if self.change_text else self.text


@dataclass(frozen=True)
class Table:
    """Header, rows and notes.

    Args:
        header (Sequence[str]): Column headings, each a different one.
        rows (Sequence[Sequence[str | Cell]]): As many cells a row as headings.
        title (str): Heading over the table.
        notes (Sequence[str]): Sentences below it.
        align (str): 'l' or 'r' per column; by default the first column is aligned
            to the left and all others, which hold numbers, to the right.

    Raises:
        ValueError: When a row or ``align`` does not have one entry per heading, or a
            heading comes twice.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[Union[str, Cell]]]
    title: str = ''
    notes: Sequence[str] = field(default_factory=tuple)
    align: str = ''

    def __post_init__(self) -> None:
        columns = len(self.header)
        if len(set(self.header)) != columns:
            raise ValueError(
                f'headings of table {self.title!r} are not unique: {list(self.header)}'
            )
        for number, row in enumerate(self.rows):
            if len(row) != columns:
                raise ValueError(
                    f'row {number} of table {self.title!r} has {len(row)} cells, '
                    f'but the header has {columns}'
                )
        if not self.align:
            object.__setattr__(self, 'align', 'l' + 'r' * (columns - 1))
        if len(self.align) != columns or set(self.align) - {'l', 'r'}:
            raise ValueError(
                f'align of table {self.title!r} is {self.align!r}; it takes one "l" or '
                f'"r" for each of the {columns} columns'
            )

    def cells(self) -> List[List[Cell]]:
        """Returns all rows, with plain strings made cells."""
        return [
            [cell if isinstance(cell, Cell) else Cell(str(cell)) for cell in row]
            for row in self.rows
        ]

    def to_markdown(self) -> str:
        """Renders it for Markdown, the best cells in bold."""

        def line(texts: Sequence[str]) -> str:
            return '| ' + ' | '.join(texts) + ' |'

        def shown(cell: Cell) -> str:
            text = cell.markdown or markdown(str(cell))
            return f'**{text}**' if cell.best else text

        lines = [f'### {markdown(self.title)}', ''] if self.title else []
        lines.append(line([markdown(name) for name in self.header]))
        lines.append(line(['---' if side == 'l' else '---:' for side in self.align]))
        lines += [line([shown(cell) for cell in row]) for row in self.cells()]
        for note in self.notes:
            lines += ['', markdown_paragraph(note)]
        return '\n'.join(lines) + '\n'

    def to_text(self, width: int = 80) -> str:
        """Renders it for a terminal, the best cells with an asterisk.

        Args:
            width (int): Columns of the terminal. A wider table is split into blocks,
                each of which begins with the first column.
        """
        table = self._pretty_table()
        first, *others = table.field_names
        blocks = [[first]]
        for name in others:
            longer = table.get_string(fields=[*blocks[-1], name])
            if len(blocks[-1]) > 1 and len(longer.split('\n', 1)[0]) > width:
                blocks.append([first])
            blocks[-1].append(name)
        return '\n'.join(
            [
                *([one_line(self.title)] if self.title else []),
                *(table.get_string(fields=block) for block in blocks),
                *(textwrap.fill(visible(note), width) for note in self.notes),
            ]
        )

    def _pretty_table(self) -> 'PrettyTable':
        from prettytable import PrettyTable

        table = PrettyTable()
        rows = self.cells()
        for place, (heading, side) in enumerate(zip(self.header, self.align)):
            column = [row[place] for row in rows]
            # Numbers line up only if unmarked ones have a space for the asterisk.
            marked = any(cell.best for cell in column)
            pad = ' ' if marked and side == 'r' else ''
            name = f'{one_line(heading)}{pad}'
            while name in table.field_names:  # other names may be shown alike
                name += ' '
            texts = [f'{one_line(str(c))}{"*" if c.best else pad}' for c in column]
            table.add_column(name, texts, 'r' if side == 'r' else 'l')
        return table


def mark_best(values: Sequence[Optional[float]]) -> List[bool]:
    """Finds the highest of some competing values.

    Args:
        values (Sequence[float | None]): None and NaN do not compete; values that are
            equal at two decimals share the mark.

    Returns:
        list[bool]: All False where fewer than two values compete, or all are equal.
    """
    rounded = [
        None if value is None or math.isnan(value) else round(value, 2)
        for value in values
    ]
    competing = {value for value in rounded if value is not None}
    if len(competing) < 2:
        return [False] * len(values)
    best = max(competing)
    return [value == best for value in rounded]
