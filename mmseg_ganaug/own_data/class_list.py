"""Reads the file in which a user lists classes."""

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Union

from mmseg_ganaug.own_data.masks import MaskForm, pack_colour

IGNORED_NAMES = ('ignore', 'ignored', 'void', 'unlabelled', 'unlabeled')
_HEADINGS = {
    *('name', 'class', 'label', 'id', 'value', 'index'),
    *('r', 'g', 'b', 'red', 'green', 'blue'),
}
_COMMENT = re.compile(r'(?:^|\s)#')
_ID_IN_FRONT = re.compile(r'(\d+)[\s:=.)-]+(\S.*)')
_OTHER_FORMS = ('.json', '.yaml', '.yml', '.xml', '.xlsx', '.xls', '.py')
_FORMS = (
    'A line is "name id", "name R G B" (0 to 255 each), or, in the order of the ids, '
    'a name alone'
)


class ListedClass(NamedTuple):
    """A line of the file.

    Attributes:
        name: Of the class.
        value: Id, or colour 0xRRGGBB; None where the name stands alone.
        form: What ``value`` is; None where the name stands alone.
        line: Its number.
    """

    name: str
    value: Optional[int]
    form: Optional[MaskForm]
    line: int

    @property
    def ignored(self) -> bool:
        """Checks whether its pixels belong to no class."""
        return self.name.lower() in IGNORED_NAMES


@dataclass(frozen=True)
class ClassList:
    """The lines of a list of classes, which are all of one form.

    Args:
        path (str | Path): The file.
        lines (Sequence[ListedClass]): One or more.
    """

    path: Union[str, Path]
    lines: Sequence[ListedClass]

    @property
    def has_colours(self) -> bool:
        """Checks whether the lines have colours."""
        return self.lines[0].form is MaskForm.COLOURS

    @property
    def has_names_alone(self) -> bool:
        """Checks whether the lines have neither ids nor colours."""
        return self.lines[0].form is None


def read_class_list(path: Union[str, Path]) -> ClassList:
    """Reads a list of classes from a text or CSV file.

    A line is ``name id``, ``name R G B`` or ``R G B name``, parted by spaces or, where
    names have spaces, by commas; or all lines are names in the order of their ids, from
    0. Lines of one name make one class. ``ignore``, ``void`` and ``unlabelled`` stand
    for no class. What follows ``#`` at the beginning of a line, or behind a space, is a
    comment; a heading such as ``name,r,g,b`` is passed over.

    Args:
        path (str | Path): The file.

    Returns:
        ClassList: Its lines; all with an id, all with a colour, or all with neither.

    Raises:
        FileNotFoundError: When there is no such file.
        ValueError: When a line is none of these, lines differ in their form, all have
            ids in front of names, or an id, a colour or, alone, a name stands twice.
            Names file, line and value.
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
    _check_no_ids_in_front(listed, path)
    return ClassList(path, listed)


def _check_characters(line: str, number: int, path: Union[str, Path]) -> None:
    """Refuses characters that cannot be seen and would break lines elsewhere."""
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
    if not numbers:
        return ListedClass(name, None, None, number)
    if len(numbers) == 1:
        return ListedClass(name, numbers[0], MaskForm.IDS, number)
    return ListedClass(name, pack_colour(*numbers), MaskForm.COLOURS, number)


def _check_no_ids_in_front(
    listed: Sequence[ListedClass], path: Union[str, Path]
) -> None:
    """Refuses "3 car" for each line: by their order, the ids would be other ones."""
    found = [_ID_IN_FRONT.fullmatch(item.name) for item in listed if item.form is None]
    ids = [int(match[1]) for match in found if match]
    if len(ids) == len(listed) and ids != list(range(len(ids))):
        number, name = found[0].groups()  # type: ignore[union-attr]
        raise ValueError(
            f'{path}: all lines begin with a number, such as {listed[0].name!r}. Where '
            f'that is the id, write it behind the name: {name}, {number}'
        )


def _check_alike(listed: Sequence[ListedClass], path: Union[str, Path]) -> None:
    first = listed[0]
    seen: Dict[str, int] = {}
    for item in listed:
        if item.form is not first.form:
            raise ValueError(
                f'{path}: line {first.line} ({first.name}) and line {item.line} '
                f'({item.name}) differ in their form. {_FORMS}; all lines alike'
            )
        value = item.name
        if item.form is not None and item.value is not None:
            value = item.form.describe(item.value)
        if value in seen:
            raise ValueError(
                f'{path}: {value} stands in line {seen[value]} and in line '
                f'{item.line}: take one of them out'
            )
        seen[value] = item.line
