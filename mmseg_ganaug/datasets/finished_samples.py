"""Finds complete samples again when the files that they were made with are gone.

The name of a store depends on the contents of a generator's checkpoint. That of a
record, ``finished-KEY.json`` in the cache folder, depends on the options as they are
stated, and on the contents of label maps and photos.
"""

import json
from pathlib import Path
from typing import Any, Mapping, Optional, Tuple

from mmengine.dist import is_main_process
from mmengine.logging import print_log

from mmseg_ganaug.datasets.label_source import DatasetLabelSource
from mmseg_ganaug.datasets.statistics import on_main_process, share_digests
from mmseg_ganaug.files import write_atomically
from mmseg_ganaug.safe_configs import config_text
from mmseg_ganaug.synthesis import SampleStore, fingerprint_of


def record_path(
    cache_dir: Path, options: Mapping[str, Any], source: DatasetLabelSource
) -> Optional[Path]:
    """Names the record of the samples of some options; all ranks have to call it.

    Args:
        cache_dir (Path): Folder of the stores.
        options (Mapping[str, Any]): What decides about samples, as it is stated.
        source (DatasetLabelSource): At the stated scale.

    Returns:
        Path | None: None where an option is an object that cannot be written down.
    """
    photos = not source.missing_photos()
    on_main_process(source.files_digest)
    if photos:
        on_main_process(source.photos_digest)
    share_digests(source)
    try:
        stated = config_text(options)
    except ValueError:
        return None
    key = dict(
        labels=source.files_digest(),
        options=stated,
        photos=source.photos_digest() if photos else None,
    )
    return Path(cache_dir) / f'finished-{fingerprint_of(key)}.json'


def remember_samples(path: Optional[Path], store: SampleStore, count: int) -> None:
    """Keeps that a store holds all of its samples; the main process does it.

    Args:
        path (Path, optional): See :func:`record_path`.
        store (SampleStore): The store.
        count (int): Number of its samples.
    """
    if path is None or not is_main_process():
        return
    content = json.dumps(dict(samples=count, store=store.folder.name)) + '\n'
    try:
        if not path.is_file() or path.read_text(encoding='utf-8') != content:
            write_atomically(path, content)
    except (OSError, UnicodeDecodeError) as error:  # as in a cache that is read-only
        print_log(f'{path} cannot be written ({error})', logger='current')


def recall_samples(path: Optional[Path]) -> Optional[Tuple[SampleStore, int]]:
    """Looks up a store that held all of its samples.

    Args:
        path (Path, optional): See :func:`record_path`.

    Returns:
        tuple[SampleStore, int] | None: The store and their number; None where none is
        remembered, or it is no longer complete.
    """
    if path is None:
        return None
    try:
        kept = json.loads(path.read_text(encoding='utf-8'))
        count = int(kept['samples'])
        store = SampleStore.opened(path.parent / str(kept['store']))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return None if store.missing(count) else (store, count)
