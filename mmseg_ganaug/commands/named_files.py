"""Files that a user names, where something of his own may be."""

import os
from pathlib import Path
from typing import Callable, Optional, Tuple, Union

from mmseg_ganaug.files import write_atomically
from mmseg_ganaug.in_the_way import InTheWayError
from mmseg_ganaug.ownership import WorkFolder, keep_beside, say_kept

_FIGURES = 'figures'


def figures_folder(folder: Union[str, Path], option: str = '--out') -> WorkFolder:
    """Returns a folder in which a command replaces figures of its own alone.

    Args:
        folder (str | Path): The folder.
        option (str): Option that names another one, for messages.
    """
    return WorkFolder(folder, _FIGURES, option)


def figure_file(
    named: Optional[str], default: str
) -> Tuple[Path, Callable[[Union[str, Path], Union[str, bytes]], Path]]:
    """Chooses where a figure goes, and how it is written.

    Args:
        named (str, optional): The file that the user named: another one that is there
            is kept beside.
        default (str): Where it goes otherwise, in a folder of figures: one that this
            package wrote there is replaced.

    Returns:
        tuple[Path, Callable]: The file, and what writes a path and its content.

    Raises:
        InTheWayError: When a folder or, at the default place, something of the user's
            is there.
    """
    path = Path(named or default)
    if named is None:
        folder = figures_folder(path.parent)
        folder.check_free([path])
        return path, folder.write
    if path.is_dir():
        raise InTheWayError([path], 'Give another file.')
    return path, write_named


def write_named(path: Union[str, Path], content: Union[str, bytes]) -> Path:
    """Writes a file; another one that is there is kept beside, which is printed.

    Args:
        path (str | Path): Where it goes; missing folders are made.
        content (str | bytes): The whole content; text is written as UTF-8.

    Returns:
        Path: The path.

    Raises:
        InTheWayError: When a folder is there.
    """
    path = Path(path)
    if path.is_dir():
        raise InTheWayError([path], 'Give another file.')
    if isinstance(content, str):
        content = content.encode()
    if os.path.lexists(path):
        if path.is_file() and path.read_bytes() == content:
            return path
        say_kept(keep_beside(path), f'{path} is written anew')
    return write_atomically(path, content)
