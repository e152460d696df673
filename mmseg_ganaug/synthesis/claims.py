"""Locks by which several processes share the filling of a store."""

import glob
import os
import secrets
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional, Union

from filelock import BaseFileLock
from mmengine.logging import print_log

from mmseg_ganaug.file_locks import drop_lock, grants_locks, remove_lock, take_lock

_SECONDS_BEFORE_MESSAGE = 5


class StoreLocks:
    """Locks on a store, which the operating system releases when their process ends.

    They are on empty files beside the store, so that they outlive its removal:
    ``.NAME.lock`` while the store is created or removed, ``.NAME.filling-X.lock`` of
    each process that fills it, and ``.NAME.N.lock`` of each batch that is being made. A
    file that exists but is not locked means nothing. On a file system without locks
    each is granted: work is then done twice, with the same result.

    Args:
        store (str | Path): Folder of the store, which need not exist.
    """

    def __init__(self, store: Union[str, os.PathLike]) -> None:
        # A store that is reached in two ways has one set of locks.
        place = Path(os.path.realpath(store))
        self._folder = place.parent
        self._name = f'.{place.name}'

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keeps other processes from creating or removing the store meanwhile."""
        path = self._folder / f'{self._name}.lock'
        lock = None
        if self._have_locks:
            with suppress(OSError):  # the file may belong to another user
                lock = take_lock(path, _SECONDS_BEFORE_MESSAGE)
                if lock is None:
                    print_log(f'Waiting for the lock {path}', logger='current')
                    lock = take_lock(path, -1)
        try:
            yield
        finally:
            drop_lock(lock)

    @contextmanager
    def filling(self, lay_out: Callable[[], None]) -> Iterator['Claims']:
        """Shows other processes that this one fills the store.

        Args:
            lay_out (Callable): Creates what the store needs before samples; called
                while no process can remove it.

        Yields:
            Claims: Of its batches.
        """
        own = self._path_of(f'filling-{secrets.token_hex(8)}')
        have_locks = self._have_locks
        lock = None
        with self.alone():
            lay_out()
            with suppress(OSError):
                own.touch()  # without locks, it is all that others can see
                lock = take_lock(own) if have_locks else None
        claims = Claims(self._path_of if have_locks else None)
        try:
            yield claims
        finally:
            claims.close()
            remove_lock(own, lock)
            with self.alone():
                self.clear()

    def holders(self) -> List[Path]:
        """Finds the locks that processes hold.

        Returns:
            list[Path]: Their files; all lock files on a file system without locks,
            where it is unknown whether a process holds them.
        """
        have_locks = self._have_locks
        held = []
        for path in self._paths():
            lock = None
            with suppress(OSError):
                lock = take_lock(path) if have_locks else None
            if lock is None:
                held.append(path)
            drop_lock(lock)
        return held

    def clear(self) -> None:
        """Removes lock files that no process holds; only within :meth:`alone`."""
        for path in self._paths() if self._have_locks else ():
            with suppress(OSError):
                lock = take_lock(path)
                if lock is not None:
                    remove_lock(path, lock)

    def _path_of(self, what: Union[int, str]) -> Path:
        return self._folder / f'{self._name}.{what}.lock'

    def _paths(self) -> List[Path]:
        return sorted(self._folder.glob(f'{glob.escape(self._name)}.*.lock'))

    @cached_property
    def _have_locks(self) -> bool:
        """True if the file system grants locks."""
        return grants_locks(self._folder)


class Claims:
    """Claims of numbered batches; they end when the process does.

    Args:
        path_of (Callable, optional): Returns the lock file of a batch. Defaults to
            None: there are no locks, and every claim is granted.
    """

    def __init__(self, path_of: Optional[Callable[[int], Path]] = None) -> None:
        self._path_of = path_of
        self._held: Dict[int, BaseFileLock] = {}

    def take(self, number: int) -> bool:
        """Claims a batch.

        Args:
            number (int): Number of the batch, from 0 on.

        Returns:
            bool: False while this or another process holds it.
        """
        if self._path_of is None:
            return True
        try:
            lock = take_lock(self._path_of(number))
        except OSError:  # such as a full disk, which writing the samples will report
            return True
        if lock is not None:
            self._held[number] = lock
        return lock is not None

    def drop(self, number: int) -> None:
        """Releases a claim, whether or not the batch was made.

        Args:
            number (int): Number of the batch.
        """
        lock = self._held.pop(number, None)
        if lock is not None and self._path_of is not None:
            # A process that has already opened the file gets a lock that excludes
            # nobody; the batch is made by now, or at worst it is made twice.
            remove_lock(self._path_of(number), lock)

    def close(self) -> None:
        """Drops all claims."""
        for number in list(self._held):
            self.drop(number)
