"""Writes label maps from masks in other formats."""

import hashlib
import io
import json
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Union

from PIL import Image

from mmseg_ganaug.datasets.image_files import find_png_damage
from mmseg_ganaug.files import remove_leftovers, write_atomically
from mmseg_ganaug.own_data.classes import MaskClasses
from mmseg_ganaug.own_data.masks import read_mask_values
from mmseg_ganaug.own_data.pairs import Pair
from mmseg_ganaug.ownership import (
    MARK,
    InTheWayError,
    keep_folder,
    read_mark,
    write_mark,
)
from mmseg_ganaug.progress import Progress

_PURPOSE = 'label maps'
_LIST = 'conversion.json'


class _Written(NamedTuple):
    """List of the label maps of a folder.

    Attributes:
        digest: Of the masks and classes that the label maps were made from.
        files: SHA-256 of each label map by its key; '' before it is finished.
    """

    digest: str
    files: Dict[str, str]


def find_foreign_label_maps(folder: Union[str, Path]) -> List[Path]:
    """Finds files of others where label maps would be written.

    Args:
        folder (str | Path): Where they go.

    Returns:
        list[Path]: The folder, where it holds files and has no mark of
        :func:`write_label_maps`; else nothing.
    """
    folder = Path(folder)
    if not os.path.lexists(folder):
        return []
    if not folder.is_dir():
        return [folder]
    mark = read_mark(folder)
    ours = mark is not None and mark.purpose == _PURPOSE
    return [] if ours or not any(folder.iterdir()) else [folder]


def write_label_maps(
    pairs: Sequence[Pair], classes: MaskClasses, digest: str, folder: Union[str, Path]
) -> None:
    """Writes label maps as 8-bit PNG files of class ids, with a progress bar.

    Label maps of an interrupted run are kept, and the rest is added; with other masks
    or classes than those of the last run, all are written again. Where one of them was
    edited since it was written, the folder is kept beside, which is printed. Other
    files in the folder are left alone.

    Args:
        pairs (Sequence[Pair]): Those of which the masks are converted; the label map
            of each is ``folder/KEY.png``.
        classes (MaskClasses): The classes of the masks.
        digest (str): Names the masks' files.
        folder (str | Path): Where the label maps go; may be a link to a folder.

    Raises:
        InTheWayError: When the folder holds files and was not made here, or a file that
            was not written here lies where a label map goes. Names them.
    """
    folder = Path(folder)
    _refuse(find_foreign_label_maps(folder))
    made_from = json.dumps([digest, list(map(list, classes.values)), classes.ignored])
    digest = _sha256(made_from.encode())
    files = _begin(folder, digest)
    paths = {pair.key: _label_path(folder, pair.key) for pair in pairs}
    _refuse(
        path
        for key, path in paths.items()
        if key not in files and os.path.lexists(path)
    )
    missing = [pair for pair in pairs if not _is_whole(paths[pair.key])]
    # Finished by a run that was killed before it could note that.
    unnoted = {*paths} - {pair.key for pair in missing} - {k for k in files if files[k]}
    files.update({key: _sha256(paths[key].read_bytes()) for key in unnoted})
    if not missing:
        if unnoted:
            _write_list(folder, _Written(digest, files))
        return
    files.update({pair.key: '' for pair in missing})
    write_mark(folder, _PURPOSE, digest)
    _write_list(folder, _Written(digest, files))
    try:
        _convert_all(missing, classes, folder, files)
    finally:
        _write_list(folder, _Written(digest, files))


def _begin(folder: Path, digest: str) -> Dict[str, str]:
    """Lists the label maps of this digest; removes, or keeps, those of another one."""
    written = _read_list(folder)
    if written is None:
        if folder.is_dir() and {path.name for path in folder.iterdir()} - {MARK}:
            reason = f'{folder / _LIST}, the list of label maps, is missing or damaged'
            keep_folder(folder, reason)
        return {}
    if written.digest == digest:
        return written.files
    paths = {key: _label_path(folder, key) for key in written.files}
    there = {key: path for key, path in paths.items() if path.is_file()}
    if any(_is_edited(path, written.files[key]) for key, path in there.items()):
        reason = f'Other label maps are wanted, but some in {folder} were edited'
        keep_folder(folder, reason)
    else:
        for path in there.values():
            path.unlink()
    return {}


def _convert_all(
    pairs: Sequence[Pair], classes: MaskClasses, folder: Path, files: Dict[str, str]
) -> None:
    """Writes label maps, and notes their hashes."""
    # Keys may hold subfolders.
    for parent in {_label_path(folder, pair.key).parent for pair in pairs}:
        if parent.is_dir():
            remove_leftovers(parent)
    convert = partial(_convert, classes=classes, folder=folder)
    pool = ThreadPoolExecutor()
    with Progress(f'Writing label maps to {folder}', len(pairs)) as progress:
        try:
            for pair, found in zip(pairs, pool.map(convert, pairs)):
                files[pair.key] = found
                progress.update()
        finally:
            pool.shutdown(cancel_futures=True)


def _convert(pair: Pair, classes: MaskClasses, folder: Path) -> str:
    label_map = classes.to_label_map(read_mask_values(pair.mask, classes.form))
    content = io.BytesIO()
    Image.fromarray(label_map).save(content, 'PNG')
    write_atomically(_label_path(folder, pair.key), content.getvalue())
    return _sha256(content.getvalue())


def _label_path(folder: Path, key: str) -> Path:
    return folder / f'{key}.png'


def _is_whole(path: Path) -> bool:
    return path.is_file() and find_png_damage(path.read_bytes()) is None


def _is_edited(path: Path, digest: str) -> bool:
    return digest not in ('', _sha256(path.read_bytes()))


def _refuse(paths: Iterable[Path]) -> None:
    found = list(paths)
    if found:
        raise InTheWayError(
            found, 'Label maps would go there: choose another folder, or move them away'
        )


def _read_list(folder: Path) -> Optional[_Written]:
    """Reads the list of a folder; None where it is missing or damaged."""
    try:
        stored = json.loads((folder / _LIST).read_text(encoding='utf-8'))
        files = {str(key): str(found) for key, found in stored['files'].items()}
        return _Written(str(stored['digest']), files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _write_list(folder: Path, written: _Written) -> None:
    write_atomically(folder / _LIST, json.dumps(written._asdict()))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
