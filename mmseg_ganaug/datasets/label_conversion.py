"""Label maps written from masks in other formats."""

import io
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Sequence, Union

from PIL import Image

from mmseg_ganaug.atomic_write import remove_leftovers, write_atomically
from mmseg_ganaug.datasets.folder_pairs import Pair
from mmseg_ganaug.datasets.mask_classes import MaskClasses
from mmseg_ganaug.datasets.mask_formats import read_mask_values
from mmseg_ganaug.progress import Progress

_STAMP = 'conversion.json'


def write_label_maps(
    pairs: Sequence[Pair], classes: MaskClasses, digest: str, folder: Union[str, Path]
) -> None:
    """Writes label maps as 8-bit PNG files of class ids, with a progress bar.

    What is there already is kept, so that an interrupted run goes on where it was; with
    other masks or classes than those of the last run, all are written anew.

    Args:
        pairs (Sequence[Pair]): Those of which the masks are converted; the label map
            of each is ``folder/KEY.png``.
        classes (MaskClasses): The classes of the masks.
        digest (str): Names the masks' files.
        folder (str | Path): Where the label maps go, and nothing else lies.

    Raises:
        ValueError: When the folder holds other files.
    """
    folder = Path(folder)
    stamp = json.dumps(
        {'masks': digest, 'values': list(classes.values), 'ignored': classes.ignored}
    )
    stamp_path = folder / _STAMP
    if not stamp_path.is_file() and folder.is_dir() and any(folder.iterdir()):
        raise ValueError(
            f'{folder} holds files of others, and is where label maps would go: give '
            'another folder by --work-dir'
        )
    if not stamp_path.is_file() or stamp_path.read_text() != stamp:
        shutil.rmtree(folder, ignore_errors=True)
        write_atomically(stamp_path, stamp)
    missing = [pair for pair in pairs if not _label_path(folder, pair).is_file()]
    if not missing:
        return
    # Keys may hold subfolders.
    for parent in {_label_path(folder, pair).parent for pair in missing}:
        remove_leftovers(parent)
    convert = partial(_convert, classes=classes, folder=folder)
    pool = ThreadPoolExecutor()
    with Progress(f'Writing label maps to {folder}', len(missing)) as progress:
        try:
            for _ in pool.map(convert, missing):
                progress.update()
        finally:
            pool.shutdown(cancel_futures=True)


def _convert(pair: Pair, classes: MaskClasses, folder: Path) -> None:
    label_map = classes.to_label_map(read_mask_values(pair.mask, classes.by_colour))
    content = io.BytesIO()
    Image.fromarray(label_map).save(content, 'PNG')
    write_atomically(_label_path(folder, pair), content.getvalue())


def _label_path(folder: Path, pair: Pair) -> Path:
    return folder / f'{pair.key}.png'
