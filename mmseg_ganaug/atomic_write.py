"""Files that exist whole or not at all."""

import os
import socket
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Iterator, Union

_PREFIX = '.tmp-'


@contextmanager
def written_whole(path: Union[str, os.PathLike]) -> Iterator[BinaryIO]:
    """Opens a file that takes the place of ``path`` when all is written.

    Args:
        path (str | Path): Where the file goes; missing folders are made.

    Yields:
        The file, open for writing bytes. When the block fails, it is removed and what
        was at ``path`` stays.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    owner = f'{socket.gethostname()}-{os.getpid()}'
    temporary = path.with_name(f'{_PREFIX}{owner}-{path.name}')
    try:
        with open(temporary, 'wb') as file:
            yield file
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_atomically(path: Union[str, Path], content: Union[str, bytes]) -> Path:
    """Writes a file beside its place and renames it there.

    Args:
        path (str | Path): Where the file goes; missing folders are made.
        content (str | bytes): The whole content; text is written as UTF-8.

    Returns:
        Path: The path, for the caller's message.
    """
    if isinstance(content, str):
        content = content.encode('utf-8')
    with written_whole(path) as file:
        file.write(content)
    return Path(path)


def remove_leftovers(folder: Union[str, Path]) -> None:
    """Removes what killed processes of this host left half-written in a folder.

    Args:
        folder (str | Path): Files of processes that still run, or of other hosts, are
            kept.
    """
    mine = f'{_PREFIX}{socket.gethostname()}-'
    for path in Path(folder).glob(f'{mine}*'):
        try:
            os.kill(int(path.name[len(mine) :].split('-')[0]), 0)
        except ProcessLookupError:
            path.unlink(missing_ok=True)
        except PermissionError:  # alive, and somebody else's
            continue
