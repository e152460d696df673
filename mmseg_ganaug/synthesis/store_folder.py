"""The files of a store, by which stores are found and removed."""

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Dict, Iterator, List, Set, Tuple, Union

from mmseg_ganaug.files import is_temporary
from mmseg_ganaug.ownership import MARK, read_mark, write_mark
from mmseg_ganaug.synthesis.claims import StoreLocks

PHOTOS, LABELS, REPORTS = 'images', 'labels', 'reports'
PHOTO_SUFFIXES = ('.png', '.jpg')
LABEL_SUFFIX, REPORT_SUFFIX = '.png', '.json'
DESCRIPTION, PLAN = 'store.json', 'plan.jsonl'
_PURPOSE = 'sample store'
_SUFFIXES = {
    PHOTOS: PHOTO_SUFFIXES,
    LABELS: (LABEL_SUFFIX,),
    REPORTS: (REPORT_SUFFIX,),
}
_NUMBER = re.compile(r'[0-9]{8}')


class StoreInUseError(RuntimeError):
    """A store cannot be removed, as another process fills it."""


def is_store(folder: Union[str, Path]) -> bool:
    """Returns whether this package made a folder as a store of samples.

    Args:
        folder (str | Path): Recognised by the mark in it, not by other files.
    """
    mark = read_mark(folder)
    return mark is not None and mark.purpose == _PURPOSE


def mark_store(folder: Union[str, Path]) -> None:
    """Marks a folder as a store of samples.

    Args:
        folder (str | Path): Named by the fingerprint of the store.
    """
    write_mark(folder, _PURPOSE, Path(folder).name)


def file_name(number: int, suffix: str) -> str:
    """Returns the name of a file of a sample.

    Args:
        number (int): Number of the sample.
        suffix (str): Such as '.png'.
    """
    return f'{number:08d}{suffix}'


def numbers_in(folder: Path, suffix: str) -> Set[int]:
    """Finds the files of samples in a folder.

    Args:
        folder (Path): The folder, which may be missing.
        suffix (str): Such as '.png'.

    Returns:
        set[int]: Their numbers; files with other names do not count.
    """
    if not folder.is_dir():
        return set()
    with os.scandir(folder) as entries:
        return {
            int(entry.name[: -len(suffix)])
            for entry in entries
            if _is_sample_file(entry.name, (suffix,))
        }


def find_stores(cache_dir: Union[str, Path]) -> Dict[Path, int]:
    """Finds the stores in a cache folder.

    Args:
        cache_dir (str | Path): The folder.

    Returns:
        dict[Path, int]: The folder of each store, and its size in bytes. Links to
        stores elsewhere do not count.
    """
    folders = sorted(path.parent for path in Path(cache_dir).glob(f'*/{MARK}'))
    return {
        folder: _size(folder)
        for folder in folders
        if is_store(folder) and not folder.is_symlink()
    }


def foreign_files(folder: Union[str, Path]) -> List[Path]:
    """Lists what does not belong to a store.

    Args:
        folder (str | Path): The folder of a store.

    Returns:
        list[Path]: Files, links and folders in it, and in the folders of its samples,
        that this package did not make.
    """
    return [path for path, is_ours in _entries(Path(folder)) if not is_ours]


def remove_store(folder: Union[str, Path]) -> List[Path]:
    """Removes a store; what is left of it after a kill is still recognised as one.

    Args:
        folder (str | Path): The folder of the store.

    Returns:
        list[Path]: What this package did not make; it stays, in its folders.

    Raises:
        StoreInUseError: When another process fills it. Nothing was removed.
        OSError: When files cannot be removed.
    """
    place = Path(folder)
    locks = StoreLocks(place)
    with locks.alone():
        if not is_store(place):  # another process was faster
            return []
        held = locks.holders()
        if held:
            raise StoreInUseError(
                f'{folder} is left alone: another process fills it (lock {held[0]})'
            )
        for path, is_ours in list(_entries(place)):
            if is_ours and path.name != MARK:
                path.unlink(missing_ok=True)
        left = foreign_files(place)
        (place / MARK).unlink()
        for path in (*(place / name for name in _SUFFIXES), place):
            with suppress(OSError):  # not empty, or a link
                path.rmdir()
        locks.clear()
    return left


def _entries(folder: Path) -> Iterator[Tuple[Path, bool]]:
    """Lists what is in a store, and whether each belongs to it."""
    for name, suffixes in _SUFFIXES.items():
        if (folder / name).is_dir():
            for path in (folder / name).iterdir():
                yield path, _is_own(path, _is_sample_file(path.name, suffixes))
    for path in folder.iterdir():
        if path.name not in _SUFFIXES or not path.is_dir():
            yield path, _is_own(path, path.name in (DESCRIPTION, PLAN, MARK))


def _is_own(path: Path, named_so: bool) -> bool:
    """Returns whether a path is a file of a store; links are not: we make none."""
    named_so = named_so or is_temporary(path.name)
    return named_so and path.is_file() and not path.is_symlink()


def _is_sample_file(name: str, suffixes: Tuple[str, ...]) -> bool:
    stem, suffix = os.path.splitext(name)
    return suffix in suffixes and _NUMBER.fullmatch(stem) is not None


def _size(folder: Path) -> int:
    size = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # removed at this moment
                size += os.stat(os.path.join(place, name)).st_size
    return size
