"""Reads and writes the file in which a user lists classes."""

import re
import unicodedata
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Union

from mmseg_ganaug.files import write_atomically
from mmseg_ganaug.own_data.masks import describe_colour, pack_colour

IGNORED_NAMES = ('ignore', 'ignored', 'void', 'unlabelled', 'unlabeled')
_HEADINGS = {
    *('name', 'class', 'label', 'id', 'value', 'index'),
    *('r', 'g', 'b', 'red', 'green', 'blue'),
}
_COMMENT = re.compile(r'(?:^|\s)#')
_OTHER_FORMS = ('.json', '.yaml', '.yml', '.xml', '.xlsx', '.xls', '.py')
_FORMS = (
    'A line is "name id", "name R G B" (0 to 255 each), or, in the order of the ids, '
    'a name alone'
)


class ListedClass(NamedTuple):
    """A line of the file.

    Attributes:
        name: Of the class.
        id: Label value, where the line has one number.
        colour: 0xRRGGBB, where it has three.
        line: Its number.
    """

    name: str
    id: Optional[int]
    colour: Optional[int]
    line: int

    @property
    def ignored(self) -> bool:
        """Whether its pixels belong to no class."""
        return self.name.lower() in IGNORED_NAMES


def read_class_list(path: Union[str, Path]) -> List[ListedClass]:
    """Reads a list of classes from a text or CSV file.

    A line is ``name id``, ``name R G B`` or ``R G B name``, parted by spaces or, where
    names have spaces, by commas; or all lines are names in the order of their ids, from
    0. Lines of one name make one class. ``ignore``, ``void`` and ``unlabelled`` stand
    for no class. What follows ``#`` at the beginning of a line, or behind a space, is a
    comment; a heading such as ``name,r,g,b`` is passed over.

    Args:
        path (str | Path): The file.

    Returns:
        list[ListedClass]: Its lines; all with an id, all with a colour, or all with
        neither.

    Raises:
        FileNotFoundError: When there is no such file.
        ValueError: When a line is none of these, lines differ in their form, or an id,
            a colour or, alone, a name stands twice. Names file, line and value.
    """
    if Path(path).suffix.lower() in _OTHER_FORMS:
        raise ValueError(f'{path} is no list of classes: that is a text file. {_FORMS}')
    try:
        text = Path(path).read_text(encoding='utf-8-sig')
    except (FileNotFoundError, IsADirectoryError) as error:
        raise FileNotFoundError(
            f'there is no file {path}: give a list of classes by --classes, or leave '
            'it out and have one written'
        ) from error
    except UnicodeDecodeError as error:
        number = error.object[: error.start].count(b'\n') + 1
        byte = error.object[error.start]
        raise ValueError(
            f'{path}, line {number}: byte {byte:#04x} is no UTF-8: save the list as '
            'a text file in UTF-8'
        ) from error
    except OSError as error:
        raise ValueError(f'{path} cannot be read ({error.strerror})') from error
    listed: List[ListedClass] = []
    for number, line in enumerate(text.split('\n'), 1):
        line = _COMMENT.split(line, maxsplit=1)[0].strip()
        _check_characters(line, number, path)
        if line and not (not listed and _is_heading(line)):
            listed.append(_parse(line, number, path))
    if not listed:
        raise ValueError(f'{path} lists no class. {_FORMS}')
    _check_alike(listed, path)
    return listed


def write_class_list(
    path: Union[str, Path],
    names: Sequence[str],
    values: Sequence[str],
    notes: Sequence[str],
    write: Callable[[Path, str], Path] = write_atomically,
) -> Path:
    """Writes a list of classes that can be corrected and read again.

    Args:
        path (str | Path): The file.
        names (Sequence[str]): A name for each line.
        values (Sequence[str]): Its id, or its ``R G B``.
        notes (Sequence[str]): Its comment.
        write (callable): Writes a text to a path. Defaults to
            :func:`~mmseg_ganaug.files.write_atomically`.

    Returns:
        Path: The file.
    """
    lines = [
        '# The classes found in the masks, one a line. Correct the names, and start '
        'again:',
        '# lines of one name make one class, and "ignore" stands for no class.',
    ]
    for name, value, note in zip(names, values, notes):
        lines.append(f'{name}, {", ".join(value.split())}  # {note}')
    return write(Path(path), '\n'.join(lines) + '\n')


def _check_characters(line: str, number: int, path: Union[str, Path]) -> None:
    """Refuses what cannot be seen and would break lines elsewhere."""
    for character in line:
        if character != '\t' and unicodedata.category(character) in ('Cc', 'Zl', 'Zp'):
            raise ValueError(
                f'{path}, line {number}: {line!a} holds the control character '
                f'{character!a}: take it out'
            )


def _fields(line: str) -> List[str]:
    parts = re.split(r'[,;\t]', line) if re.search(r'[,;\t]', line) else line.split()
    return [part.strip() for part in parts if part.strip()]


def _is_heading(line: str) -> bool:
    fields = [field.lower() for field in _fields(line)]
    return len(fields) > 1 and set(fields) <= _HEADINGS


def _parse(line: str, number: int, path: Union[str, Path]) -> ListedClass:
    fields = _fields(line)
    # Where colours come first, as in CamVid's label_colors.txt, numbers are moved.
    if len(fields) > 3 and all(field.isdigit() for field in fields[:3]):
        fields = fields[3:] + fields[:3]
    split = len(fields)
    while split > 1 and re.fullmatch(r'-?\d+', fields[split - 1]):
        split -= 1
    name, numbers = ' '.join(fields[:split]), [int(field) for field in fields[split:]]
    if len(numbers) not in (0, 1, 3) or not all(0 <= n <= 255 for n in numbers):
        raise ValueError(f'{path}, line {number}: {line!r} cannot be read. {_FORMS}')
    if re.fullmatch(r'[\d ]+', name):
        raise ValueError(f'{path}, line {number}: {line!r} has no name. {_FORMS}')
    colour = pack_colour(*numbers) if len(numbers) == 3 else None
    return ListedClass(name, numbers[0] if len(numbers) == 1 else None, colour, number)


def _check_alike(listed: Sequence[ListedClass], path: Union[str, Path]) -> None:
    first = listed[0]
    seen: Dict[Union[int, str], int] = {}
    for item in listed:
        form = (item.id is None, item.colour is None)
        if form != (first.id is None, first.colour is None):
            raise ValueError(
                f'{path}: line {first.line} ({first.name}) and line {item.line} '
                f'({item.name}) differ in their form. {_FORMS}; all lines alike'
            )
        value = item.name
        if item.id is not None:
            value = str(item.id)
        elif item.colour is not None:
            value = describe_colour(item.colour)
        if value in seen:
            raise ValueError(
                f'{path}: {value} stands in line {seen[value]} and in line '
                f'{item.line}: take one of them out'
            )
        seen[value] = item.line
