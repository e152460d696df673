"""Who makes which samples, where several processes share a store."""

import errno
import os
from pathlib import Path
from typing import Union

try:
    import fcntl
except ImportError:  # Windows has no record locks
    fcntl = None


class Claims:
    """Claims to numbered pieces of work, dropped by themselves when a process dies.

    They are POSIX record locks, one byte of a file for each piece, which the kernel
    takes back from dead processes, and which most network file systems keep too. Where
    a file system has none, every claim is granted: work is then done twice, with the
    same outcome.

    Args:
        path (str | Path): The file; made where it is missing. A process may open it
            once only: closing any handle of it drops all of the process's claims.
    """

    def __init__(self, path: Union[str, Path]) -> None:
        self._file = os.open(str(path), os.O_RDWR | os.O_CREAT, 0o666)

    def take(self, number: int) -> bool:
        """Claims a piece of work.

        Args:
            number (int): Which, from 0 on.

        Returns:
            bool: False while another process holds it.
        """
        if fcntl is None:
            return True
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN):
                return False
            if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
                raise
        return True

    def drop(self, number: int) -> None:
        """Gives a piece of work up, or tells that it is done."""
        if fcntl is not None:
            try:
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, number)
            except OSError as error:
                if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
                    raise

    def close(self) -> None:
        """Drops all claims."""
        os.close(self._file)
