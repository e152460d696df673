"""Locks on files, which the operating system releases when their process ends."""

import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Iterator, Optional, Union

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from mmseg_ganaug.files import temporary_path

# A file that is new and unlocked may be locked by a process that clears leftovers.
_PROBES = 5


@contextmanager
def locked(path: Union[str, os.PathLike]) -> Iterator[None]:
    """Keeps other processes waiting that come here with the same path.

    On a file system without locks, as some of clusters are, nobody waits: who writes
    last wins then.

    Args:
        path (str | Path): File of the lock; stays as an empty file.
    """
    with locked_unless_held(path, -1):
        yield


@contextmanager
def locked_unless_held(
    path: Union[str, os.PathLike], timeout: float = 0
) -> Iterator[bool]:
    """Takes a lock, and says whether another process holds it.

    Args:
        path (str | Path): File of the lock; stays as an empty file.
        timeout (float): Seconds to wait for it; -1 waits without end. Defaults to 0.

    Yields:
        bool: False where another process holds it; True also on a file system without
        locks.
    """
    path = Path(path)
    lock, is_ours = None, True
    # What cannot be written there is reported by whoever writes.
    with suppress(OSError):
        if grants_locks(path.parent):
            lock = take_lock(path, timeout)
            is_ours = lock is not None
    try:
        yield is_ours
    finally:
        drop_lock(lock)


def grants_locks(folder: Path) -> bool:
    """Returns whether the file system grants locks: on one of a few new files.

    Args:
        folder (Path): Where the files go; it is made where it is missing.
    """
    return any(_probe(folder) for _ in range(_PROBES))


def take_lock(path: Path, timeout: float = 0) -> Optional[BaseFileLock]:
    """Takes a lock.

    Args:
        path (Path): Its file.
        timeout (float): Seconds to wait for it; -1 waits without end.

    Returns:
        BaseFileLock | None: None if another process still holds it then.

    Raises:
        OSError: When the file system has no locks, or the file cannot be opened.
    """
    # Batches are claimed in one thread and dropped in another.
    lock = FileLock(str(path), thread_local=False)
    try:
        lock.acquire(timeout=timeout)
    except Timeout:
        return None
    except NotImplementedError as error:  # from older releases of filelock
        raise OSError(str(error)) from error
    if isinstance(lock, SoftFileLock):
        # What newer ones fall back to outlives a process that is killed.
        lock.release()
        raise OSError(f'the file system grants no lock on {path}')
    return lock


def drop_lock(lock: Optional[BaseFileLock]) -> None:
    """Releases a lock; None is none."""
    if lock is not None:
        lock.release()


def remove_lock(path: Path, lock: Optional[BaseFileLock]) -> None:
    """Removes the file of a lock while it is held, then releases the lock.

    Args:
        path (Path): The file.
        lock (BaseFileLock, optional): The lock; None is none.
    """
    with suppress(OSError):
        path.unlink()
    drop_lock(lock)


def _probe(folder: Path) -> bool:
    path = temporary_path(folder)
    lock = None
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        lock = take_lock(path)
    remove_lock(path, lock)
    return lock is not None
