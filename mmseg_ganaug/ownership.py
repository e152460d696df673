"""Marks files and folders of this package, and protects everything else.

:func:`write_mark` and :func:`read_mark` are for folders that are made as a whole, such
as a store. :class:`WorkFolder` is for a folder that a user names, and in which a tool
writes some files beside those of the user.
"""

import hashlib
import json
import os
import time
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import (
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Union,
)

from mmseg_ganaug.file_locks import locked
from mmseg_ganaug.files import drawn_by, write_atomically
from mmseg_ganaug.in_the_way import InTheWayError, refuse
from mmseg_ganaug.version import __version__

#: Name of the file that marks a folder as made by this package.
MARK = 'ganaug.json'
_TOOL = 'mmseg_ganaug'


class Mark(NamedTuple):
    """Contents of the mark of a folder.

    Attributes:
        version: Of this package, when it made the folder.
        purpose: What the folder is for, such as 'sample store' or 'training'.
        digest: Names what it was made from, such as a config; '' for nothing.
    """

    version: str
    purpose: str
    digest: str


def write_mark(folder: Union[str, Path], purpose: str, digest: str = '') -> Path:
    """Marks a folder as made by this package; the folder is made where it is missing.

    Args:
        folder (str | Path): The folder.
        purpose (str): What it is for.
        digest (str): Names what it is made from.

    Returns:
        Path: The mark.
    """
    return write_atomically(Path(folder) / MARK, _json(_marked(purpose, digest)))


def read_mark(folder: Union[str, Path]) -> Optional[Mark]:
    """Reads the mark of a folder.

    Args:
        folder (str | Path): The folder.

    Returns:
        Mark | None: None where there is none, it is damaged, or it is not of this
        package: then the folder belongs to the user.
    """
    try:
        found = json.loads((Path(folder) / MARK).read_text(encoding='utf-8'))
        if found['tool'] != _TOOL:
            return None
        return Mark(str(found['version']), str(found['purpose']), str(found['digest']))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep_beside(path: Union[str, Path]) -> Path:
    """Renames a file or folder to ``NAME.before-YYYYMMDD-HHMMSS``.

    A symbolic link is renamed itself; what it points to stays where it is.

    Args:
        path (str | Path): What is to be kept.

    Returns:
        Path: Its new place, to be named to the user.
    """
    path = Path(path)
    now = time.strftime('%Y%m%d-%H%M%S')
    kept = free_name(path.with_name(f'{path.name}.before-{now}'))
    os.rename(path, kept)
    return kept


def free_name(path: Path) -> Path:
    """Returns a path, or the first of ``PATH-2``, ``PATH-3`` ... that is not taken.

    Args:
        path (Path): Of what is to be made.
    """
    found, number = path, 1
    while os.path.lexists(found):
        number += 1
        found = path.with_name(f'{path.name}-{number}')
    return found


class WorkFolder:
    """A folder in which a tool writes, and which may hold files of the user, too.

    The mark of the folder lists what was written there: the files, with a hash of
    their content, and the folders. All else is the user's. A tool calls
    :meth:`check_free` with all that it is going to write before it begins, then
    :meth:`write`, :meth:`drawn` and :meth:`add_folder` for each part of it. All state
    is in the mark, so that several objects and processes may use one folder at once.

    A folder that is a symbolic link, and links to folders in it, work as the folders
    that they point to.

    Args:
        folder (str | Path): The folder; it is made when something is written.
        purpose (str): What it is for, such as 'bench'. A folder that is marked
            for another purpose is in the way.
        option (str): Option of the tool that names another folder. Defaults to
            '--work-dir'.
    """

    def __init__(
        self, folder: Union[str, Path], purpose: str, option: str = '--work-dir'
    ) -> None:
        self.folder = Path(folder)
        self.purpose = purpose
        self._option = option

    def in_the_way(
        self,
        files: Iterable[Union[str, Path]],
        folders: Iterable[Union[str, Path]] = (),
    ) -> List[Path]:
        """Finds what is not of this package where it is going to write.

        Args:
            files (Iterable[str | Path]): Files to be written, in the folder.
            folders (Iterable[str | Path]): Folders to be filled, in the folder; one
                that is empty is free.

        Returns:
            list[Path]: What is in the way, each once; the mark itself where it is
            damaged, or of another purpose.
        """
        found = []
        manifest = self._read()
        if manifest is None:
            found.append(self.folder / MARK)
            manifest = _Manifest({}, [])
        found += [
            blocked
            for paths, is_folder in ((files, False), (folders, True))
            for path in paths
            for blocked in [self._blocked(Path(path), is_folder, manifest)]
            if blocked is not None
        ]
        return list(dict.fromkeys(found))

    def check_free(
        self,
        files: Iterable[Union[str, Path]],
        folders: Iterable[Union[str, Path]] = (),
    ) -> None:
        """Checks that nothing of the user's is where something will be written.

        Args:
            files (Iterable[str | Path]): See :meth:`in_the_way`.
            folders (Iterable[str | Path]): See :meth:`in_the_way`.

        Raises:
            InTheWayError: Names all that is in the way.
        """
        self.refuse(self.in_the_way(files, folders))

    def refuse(self, paths: Sequence[Path]) -> None:
        """Raises an error where something is in the way.

        Args:
            paths (Sequence[Path]): What :meth:`in_the_way` found; nothing is fine.

        Raises:
            InTheWayError: Names all of them, and the remedy.
        """
        refuse((paths, self.remedy(paths)))

    def remedy(self, paths: Sequence[Path]) -> str:
        """Returns what to do about something in the way.

        Args:
            paths (Sequence[Path]): What :meth:`in_the_way` found.
        """
        mark = self.folder / MARK
        remedy = f'Choose another folder by {self._option}, or move them away.'
        if mark in paths:
            remedy += (
                f' {mark} should list the files that mmseg_ganaug wrote, but is '
                f'damaged, or is not the mark of a folder for a {self.purpose}: '
                'without it, all files count as yours.'
            )
        return remedy

    def is_ours(self, path: Union[str, Path]) -> bool:
        """Checks whether the mark lists a file or folder, or a folder above it."""
        manifest = self._read()
        return manifest is not None and manifest.lists(self._key(path))

    def write(self, path: Union[str, Path], content: Union[str, bytes]) -> Path:
        """Writes a file, whole or not at all, and lists it in the mark.

        Where a file of this package was edited since, it is kept beside, which is
        printed.

        Args:
            path (str | Path): In the folder; missing folders are made.
            content (str | bytes): The whole content; text is written as UTF-8.

        Returns:
            Path: The path.

        Raises:
            InTheWayError: When something of the user's is there.
        """
        path = Path(path)
        if isinstance(content, str):
            content = content.encode('utf-8')
        with self._changed() as manifest:
            self.refuse(self.in_the_way([path]))
            key = self._key(path)
            before = manifest.files.get(key)
            manifest.files[key] = _digest(content)
            if os.path.lexists(path):
                there = _digest(path.read_bytes()) if path.is_file() else None
                if there == manifest.files[key]:
                    return path
                if before is not None and there != before:
                    say_kept(keep_beside(path), f'{path} was edited')
            # Listed first: where this is killed, the old file counts as edited.
            self._save(manifest)
            return write_atomically(path, content)

    @contextmanager
    def drawn(self, path: Union[str, Path]) -> Iterator[Path]:
        """Gives a function that writes a file by itself a path for it.

        Args:
            path (str | Path): Where the file goes by :meth:`write`, at the end.

        Yields:
            Path: Of a temporary file with the same name.
        """
        with drawn_by(self.write, path) as temporary:
            yield temporary

    def add_folder(self, path: Union[str, Path]) -> Path:
        """Makes a folder and lists it in the mark: all that is in it is of this tool.

        Args:
            path (str | Path): In the folder, or the folder of a link there.

        Returns:
            Path: The path.

        Raises:
            InTheWayError: When there are files that this package did not write.
        """
        path = Path(path)
        with self._changed() as manifest:
            self.refuse(self.in_the_way([], [path]))
            if self._key(path) not in manifest.folders:
                manifest.folders.append(self._key(path))
            self._save(manifest)
            path.mkdir(parents=True, exist_ok=True)
        return path

    def _key(self, path: Union[str, Path]) -> str:
        key = os.path.relpath(os.path.abspath(path), os.path.abspath(self.folder))
        key = key.replace(os.sep, '/')
        if key == '..' or key.startswith('../'):
            raise ValueError(f'{path} does not lie in {self.folder}')
        return key

    def _blocked(
        self, path: Path, is_folder: bool, manifest: '_Manifest'
    ) -> Optional[Path]:
        """Finds what is in the way of a path: itself, or a file instead of a folder."""
        parts = self._key(path).split('/')
        for depth in range(len(parts)):
            above = self.folder.joinpath(*parts[:depth])
            if not os.path.lexists(above):
                return None
            if not above.is_dir():
                return above
        if not os.path.lexists(path):
            return None
        if path.is_dir():
            empty = is_folder and not any(path.iterdir())
            free = empty or (is_folder and manifest.lists(self._key(path)))
        else:
            free = not is_folder and manifest.lists(self._key(path))
        return None if free else path

    @contextmanager
    def _changed(self) -> Iterator['_Manifest']:
        """Opens the manifest for a change, and locks it against other processes."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with locked(self.folder / f'.{MARK}.lock'):
            manifest = self._read()
            if manifest is None:
                mark = [self.folder / MARK]
                raise InTheWayError(mark, self.remedy(mark))
            yield manifest

    def _read(self) -> Optional['_Manifest']:
        """Reads the mark; None where it is damaged, or of another purpose."""
        mark = self.folder / MARK
        if not os.path.lexists(mark):
            return _Manifest({}, [])
        found = read_mark(self.folder)
        if found is None or found.purpose != self.purpose:
            return None
        content = json.loads(mark.read_text(encoding='utf-8'))
        files, folders = content.get('files'), content.get('folders')
        if not isinstance(files, dict) or not isinstance(folders, list):
            return None
        if not all(isinstance(text, str) for text in [*files.values(), *folders]):
            return None
        return _Manifest(files, folders)

    def _save(self, manifest: '_Manifest') -> None:
        content = dict(_marked(self.purpose), **manifest._asdict())
        write_atomically(self.folder / MARK, _json(content))


class _Manifest(NamedTuple):
    """Files (path from the work folder -> SHA-256 of the content) and folders."""

    files: Dict[str, str]
    folders: List[str]

    def lists(self, key: str) -> bool:
        above = [key, *(str(p) for p in PurePosixPath(key).parents)]
        return key in self.files or any(part in self.folders for part in above)


def say_kept(kept: Path, reason: str) -> None:
    """Prints what was renamed, to what, and why."""
    print(f'{reason}: what was there is kept as {kept}', flush=True)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _marked(purpose: str, digest: str = '') -> Dict[str, str]:
    return dict(tool=_TOOL, version=__version__, purpose=purpose, digest=digest)


def _json(content: Mapping) -> str:
    return json.dumps(content, indent=2, sort_keys=True) + '\n'


def keep_folder(path: Union[str, Path], reason: str) -> Path:
    """Keeps a folder as ``NAME.before-...`` beside its place, and prints that.

    Of a link it is the folder that is renamed, and the link stays.

    Args:
        path (str | Path): The folder.
        reason (str): What the line on the terminal says.

    Returns:
        Path: Where it is kept.
    """
    kept = keep_beside(Path(os.path.realpath(path)))
    say_kept(kept, reason)
    if Path(path).is_symlink():
        os.makedirs(os.path.realpath(path))
    return kept
