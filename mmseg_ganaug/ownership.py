"""Which folders this package made, and what happens to everything else."""

import json
import os
import time
from pathlib import Path
from typing import NamedTuple, Optional, Sequence, Union

from mmseg_ganaug.atomic_write import write_atomically
from mmseg_ganaug.version import __version__

#: Name of the file that marks a folder as made by this package.
MARK = 'ganaug.json'
_TOOL = 'mmseg_ganaug'


class InTheWayError(FileExistsError):
    """Files of somebody else lie where something would be written.

    Args:
        paths (Sequence[str | Path]): All of them.
        remedy (str): What to do, such as 'choose another folder by --work-dir'.
    """

    def __init__(self, paths: Sequence[Union[str, Path]], remedy: str) -> None:
        self.paths = [Path(path) for path in paths]
        listed = ''.join(f'\n  {path}' for path in self.paths)
        super().__init__(
            f'{len(self.paths)} files or folders are in the way, which mmseg_ganaug '
            f'did not write and leaves as they are:{listed}\n{remedy}'
        )


class Mark(NamedTuple):
    """What the mark of a folder says.

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
    content = dict(tool=_TOOL, version=__version__, purpose=purpose, digest=digest)
    return write_atomically(
        Path(folder) / MARK, json.dumps(content, indent=2, sort_keys=True) + '\n'
    )


def read_mark(folder: Union[str, Path]) -> Optional[Mark]:
    """Reads the mark of a folder.

    Args:
        folder (str | Path): The folder.

    Returns:
        Mark | None: None where there is none, it is damaged, or it is not of this
        package: then the folder is somebody else's.
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
    stem = f'{path.name}.before-{time.strftime("%Y%m%d-%H%M%S")}'
    kept = path.with_name(stem)
    number = 1
    while os.path.lexists(kept):
        number += 1
        kept = path.with_name(f'{stem}-{number}')
    os.rename(path, kept)
    return kept
