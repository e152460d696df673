"""What was found in files, kept on this machine so that they are not read again."""

import json
import os
import sqlite3
import sys
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Set

import cv2

_VERSION = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS files (
    reader TEXT, name TEXT, state TEXT, digest TEXT, PRIMARY KEY (reader, name));
CREATE TABLE IF NOT EXISTS contents (
    reader TEXT, digest TEXT, facts TEXT, PRIMARY KEY (reader, digest));
"""
_CHUNK = 500
_SECONDS_TO_WAIT = 20
# A file that was just written may change again within one tick of its clock.
_SETTLED_SECONDS = 2


class Content(NamedTuple):
    """Content of a file, or of a sample of several files.

    Attributes:
        digest: Names the content.
        facts: What was found in it, as JSON values.
    """

    digest: str
    facts: dict


class Finding(NamedTuple):
    """A content, and the state of the files in which it was found.

    Attributes:
        name: Path of the sample's main file.
        state: See :func:`state_of`; '' where it is not to be relied on.
        content: What it holds.
    """

    name: str
    state: str
    content: Content


class FileRecords:
    """Contents of files by their state, and findings by content.

    A record is used while name, size, times of change and inode of all files of a
    sample are those recorded; the findings also for equal contents elsewhere. Inodes
    and times mean nothing on another machine, so the records are no part of a cache
    folder: they are in ``$XDG_CACHE_HOME/mmseg_ganaug`` or
    ``~/.cache/mmseg_ganaug``. Where that cannot be written, or is damaged, files are
    read each time.

    Args:
        reader (str): Names how the files are read.
    """

    def __init__(self, reader: str) -> None:
        self._reader = reader

    def known(self, names: Sequence[str]) -> Dict[str, Content]:
        """Looks up the samples whose files have not changed.

        Args:
            names (Sequence[str]): Paths of their main files.

        Returns:
            dict[str, Content]: Those that are known.
        """
        rows = self._select('name, state, digest', 'files', 'name', names)
        same = {n: digest for n, state, digest in rows if _is_current(state)}
        contents = self.contents(list(same.values()))
        return {n: contents[d] for n, d in same.items() if d in contents}

    def contents(self, digests: Sequence[str]) -> Dict[str, Content]:
        """Looks up what was found in contents, wherever they were."""
        rows = self._select('digest, facts', 'contents', 'digest', digests)
        return {d: Content(d, json.loads(facts)) for d, facts in rows}

    def keep(self, findings: Sequence[Finding]) -> None:
        """Adds findings."""
        files = [
            (self._reader, f.name, f.state, f.content.digest)
            for f in findings
            if f.state
        ]
        contents = [
            (self._reader, f.content.digest, json.dumps(f.content.facts))
            for f in findings
        ]
        try:
            try:
                self._insert(files, contents)
            except sqlite3.OperationalError:
                raise  # locked, or no place to write
            except sqlite3.DatabaseError:
                _path().unlink()  # damaged: what it held costs a pass over the files
                self._insert(files, contents)
        except (OSError, sqlite3.Error, RuntimeError, UnicodeError):
            return

    def _insert(self, files: Sequence[tuple], contents: Sequence[tuple]) -> None:
        path = _path()
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(_connect(path)) as database, database:
            database.executescript(_TABLES)
            database.executemany(
                'INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)', files
            )
            database.executemany(
                'INSERT OR REPLACE INTO contents VALUES (?, ?, ?)', contents
            )

    def forget(self) -> None:
        """Removes all records of this reader."""
        try:
            with closing(_connect(_path())) as database, database:
                for table in ('files', 'contents'):
                    database.execute(
                        f'DELETE FROM {table} WHERE reader = ?', (self._reader,)
                    )
        except (OSError, sqlite3.Error, RuntimeError):
            return

    def _select(
        self, columns: str, table: str, key: str, values: Sequence[str]
    ) -> List[tuple]:
        found: List[tuple] = []
        try:
            path = _path()
            if not path.is_file():
                return []
            with closing(_connect(path)) as database:
                for start in range(0, len(values), _CHUNK):
                    chunk = values[start : start + _CHUNK]
                    marks = ', '.join('?' * len(chunk))
                    found += database.execute(
                        f'SELECT {columns} FROM {table} '
                        f'WHERE reader = ? AND {key} IN ({marks})',
                        (self._reader, *chunk),
                    ).fetchall()
        except (OSError, sqlite3.Error, RuntimeError, UnicodeError):
            return []
        return found


def state_of(paths: Sequence[str]) -> str:
    """Describes the state of files, to be compared with a later one.

    Args:
        paths (Sequence[str]): Local files.

    Returns:
        str: Path, size, times of change and inode of each, as JSON; '' where one does
        not exist, or changed so lately that its clock could hide another change.
    """
    states = []
    for path in paths:
        try:
            status = os.stat(path)
        except OSError:
            return ''
        if time.time() - max(status.st_mtime, status.st_ctime) < _SETTLED_SECONDS:
            return ''
        states.append([path, *_numbers(status)])
    return json.dumps(states)


@contextmanager
def opened_files() -> Iterator[Set[str]]:
    """Notes the files that this thread opens to read, by Python or OpenCV.

    Yields:
        set[str]: Their absolute paths, when the block is left.
    """
    _install_hook()
    paths: Set[str] = set()
    _noting.paths = paths
    imread = cv2.imread

    def noted(filename, *args, **kwargs):
        paths.add(os.path.abspath(os.fspath(filename)))
        return imread(filename, *args, **kwargs)

    cv2.imread = noted
    try:
        yield paths
    finally:
        cv2.imread = imread
        _noting.paths = None


_noting = threading.local()
_hook_lock = threading.Lock()
_is_hooked = False


def _install_hook() -> None:
    """Installs the hook that notes opened files, once: Python cannot remove it."""
    global _is_hooked
    with _hook_lock:
        if not _is_hooked:
            sys.addaudithook(_note)
            _is_hooked = True


def _note(event: str, args: tuple) -> None:
    if event != 'open':
        return
    paths = getattr(_noting, 'paths', None)
    if paths is None:
        return
    path, mode = args[0], args[1]
    reads = mode is None or not set(str(mode)) & set('wxa+')
    if reads and isinstance(path, (str, bytes)):
        paths.add(os.path.abspath(os.fsdecode(path)))


def _is_current(state: str) -> bool:
    try:
        return all(
            _numbers(os.stat(path)) == numbers for path, *numbers in json.loads(state)
        )
    except (OSError, ValueError, TypeError):
        return False


def _numbers(status: os.stat_result) -> List[int]:
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _path() -> Path:
    base: Optional[str] = os.environ.get('XDG_CACHE_HOME')
    folder = Path(base) if base else Path.home() / '.cache'
    return folder / 'mmseg_ganaug' / f'files-{_VERSION}.sqlite'


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=_SECONDS_TO_WAIT)
