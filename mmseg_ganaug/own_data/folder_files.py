"""Lists the files of a folder that a user gives."""

import os
from pathlib import Path
from typing import List, Set, Union

from mmseg_ganaug.ownership import read_mark


def files_below(folder: Union[str, Path]) -> List[Path]:
    """Lists the files in a folder and its subfolders.

    Subfolders may be links, such as to another disk: MMSeg enters these, too. Left out
    are names that begin with a dot, which are of the system; links that lead to what is
    listed anyway; and subfolders in which this package writes, which are printed: what
    lies there was made of these files.

    Args:
        folder (str | Path): The folder; where there is none, there are no files.

    Returns:
        list[Path]: In order; each begins with ``folder``.

    Raises:
        OSError: When a folder cannot be read.
    """
    if not os.path.isdir(folder):
        return []
    root = os.path.realpath(folder)
    entered = {root}
    found: List[Path] = []
    for place, folders, names in os.walk(folder, onerror=_fail, followlinks=True):
        # In place: os.walk then enters no other.
        folders[:] = [
            name
            for name in sorted(folders)
            if _is_new(os.path.join(place, name), root, entered)
        ]
        found += [Path(place, name) for name in names if not name.startswith('.')]
    return sorted(found)


def _fail(error: OSError) -> None:
    raise error


def _is_new(path: str, root: str, entered: Set[str]) -> bool:
    """Returns whether a subfolder is to be entered, and notes it."""
    if os.path.basename(path).startswith('.'):
        return False
    if read_mark(path) is not None:
        print(f'{path} is left out: mmseg_ganaug writes there', flush=True)
        return False
    target = os.path.realpath(path)
    leads_back = _lies_in(target, root) or _lies_in(root, target)
    if target in entered or (os.path.islink(path) and leads_back):
        return False
    entered.add(target)
    return True


def _lies_in(path: str, folder: str) -> bool:
    return Path(folder) in (Path(path), *Path(path).parents)
