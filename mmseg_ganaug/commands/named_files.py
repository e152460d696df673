"""Files that a user names, where something of his own may be."""

import os
from pathlib import Path
from typing import Union

from mmseg_ganaug.files import write_atomically
from mmseg_ganaug.in_the_way import InTheWayError
from mmseg_ganaug.ownership import keep_beside, say_kept


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
