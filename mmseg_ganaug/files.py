"""Files that exist whole or not at all, their digests, and samples of many."""

import errno
import hashlib
import io
import os
import re
import secrets
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, Callable, Iterator, List, Union

import numpy as np

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

# Random, since two containers may share process numbers and host names.
_PREFIX = '.tmp-'
_TEMPORARY = re.compile(re.escape(_PREFIX) + r'[0-9a-f]{32}')
# A file is written in far less; matters only where the file system has no locks.
_ABANDONED_SECONDS = 3600
_ATTEMPTS = 10
_HELD = (errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK)
_NO_FSYNC = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)


@contextmanager
def written_whole(path: Union[str, os.PathLike]) -> Iterator[BinaryIO]:
    """Opens a file that takes the place of ``path`` when all is written.

    Args:
        path (str | Path): Where the file goes; missing folders are made.

    Yields:
        BinaryIO: The file, open for writing bytes, which are kept in memory until the
        block ends. When the block fails, what was at ``path`` stays.
    """
    content = io.BytesIO()
    yield content
    write_atomically(path, content.getvalue())


def write_atomically(path: Union[str, os.PathLike], content: Union[str, bytes]) -> Path:
    """Writes a file beside its place, flushes it to the disk, and renames it.

    Args:
        path (str | Path): Where the file goes; missing folders are made.
        content (str | bytes): The whole content; text is written as UTF-8.

    Returns:
        Path: The path, for the caller's message.
    """
    path = Path(path)
    if isinstance(content, str):
        content = content.encode('utf-8')
    for attempt in range(_ATTEMPTS):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = temporary_path(path.parent)
        try:
            _write(temporary, content, path)
            break
        except FileNotFoundError:
            # Taken for a leftover: just before the rename, or without locks.
            if attempt == _ATTEMPTS - 1:
                raise
    _flush_folder(path.parent)
    return path


@contextmanager
def unless_read_only() -> Iterator[None]:
    """Passes over that something cannot be written, for caches that can do without.

    ::

        with unless_read_only():
            write_atomically(cache_path, content)
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise


def temporary_path(folder: Union[str, os.PathLike]) -> Path:
    """Draws a name for a file that is soon renamed or removed.

    Args:
        folder (str | Path): Where the file is to be.

    Returns:
        Path: Of a file that no other process uses.
    """
    return Path(folder) / f'{_PREFIX}{secrets.token_hex(16)}'


def is_temporary(name: str) -> bool:
    """Returns whether a file has a name as only unfinished files of this module have.

    Args:
        name (str): Its name, without folders.
    """
    return _TEMPORARY.fullmatch(name) is not None


def remove_leftovers(folder: Union[str, os.PathLike]) -> None:
    """Removes what killed processes left half-written in a folder.

    Args:
        folder (str | Path): Which may be missing. A writer holds a lock on its
            unfinished file, whatever host or container it runs in; such files are kept.
            Where the file system has no locks, files are kept for an hour.
    """
    for path in Path(folder).glob(f'{_PREFIX}*'):
        if is_temporary(path.name):
            # Read-only, or removed by another process at the same time.
            with suppress(OSError):
                _remove_unless_held(path)


def file_digest(path: Union[str, os.PathLike], prefix: bytes = b'') -> str:
    """Computes the digest of a file of any size.

    Args:
        path (str | Path): The file.
        prefix (bytes): What the digest begins with. Defaults to nothing.

    Returns:
        str: sha256 of prefix and content, in hexadecimal.
    """
    digest = hashlib.sha256(prefix)
    with open(path, 'rb') as file:
        for block in iter(lambda: file.read(1 << 20), b''):
            digest.update(block)
    return digest.hexdigest()


def evenly_spread(total: int, most: int) -> List[int]:
    """Picks some of many, evenly spread from the first to the last.

    Args:
        total (int): How many there are.
        most (int): How many to pick, if there are as many.

    Returns:
        list[int]: Indices, in order.
    """
    picked = np.linspace(0, total - 1, min(most, total)).round()
    return picked.astype(int).tolist()


def _write(temporary: Path, content: bytes, path: Path) -> None:
    file = os.open(
        temporary,
        os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, 'O_BINARY', 0),
        0o666,
    )
    try:
        with open(file, 'wb') as stream:
            with suppress(OSError):
                _lock(file)
            stream.write(content)
            stream.flush()
            _flush(file)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _remove_unless_held(path: Path) -> None:
    file = os.open(path, os.O_RDWR)
    try:
        try:
            _lock(file)
        except OSError as error:
            age = time.time() - os.fstat(file).st_mtime
            if error.errno in _HELD or age < _ABANDONED_SECONDS:
                return
        os.unlink(path)
    finally:
        os.close(file)


def _lock(file: int) -> None:
    """Locks an open file for this process; raises OSError where that fails."""
    if fcntl is None:
        raise OSError(errno.ENOSYS, 'no locks here')
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _flush(file: int) -> None:
    try:
        os.fsync(file)
    except OSError as error:  # some network file systems know no fsync
        if error.errno not in _NO_FSYNC:
            raise


def _flush_folder(folder: Path) -> None:
    """Has the disk keep a rename; not every system opens folders."""
    with suppress(OSError):
        file = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)


@contextmanager
def drawn_by(
    write: Callable[[Path, bytes], Path], path: Union[str, Path]
) -> Iterator[Path]:
    """Gives a function that draws a file by itself a path for it.

    Args:
        write (Callable[[Path, bytes], Path]): Writes the content, at the end.
        path (str | Path): Where to.

    Yields:
        Path: Of a temporary file with the same name.
    """
    path = Path(path)
    with TemporaryDirectory() as elsewhere:
        temporary = Path(elsewhere) / path.name
        yield temporary
        write(path, temporary.read_bytes())
