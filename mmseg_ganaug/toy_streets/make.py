"""Makes ToyStreets: photos, label maps and instance maps of painted street scenes."""

import json
import multiprocessing
import os
import re
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Callable, Dict, Iterable, List, Tuple, Union

import cv2
import numpy as np
from mmengine.utils import track_iter_progress

from mmseg_ganaug.files import (
    is_temporary,
    remove_leftovers,
    write_atomically,
)
from mmseg_ganaug.in_the_way import InTheWayError
from mmseg_ganaug.ownership import keep_beside, say_kept
from mmseg_ganaug.toy_streets.canvas import CLASSES
from mmseg_ganaug.toy_streets.scene import SMALLEST_SIDE, paint_scene

# To be raised whenever the same seed gives other pixels than before.
PAINTER_VERSION = 1

MANIFEST = 'toy_streets.json'
_SPLITS = ('train', 'val')
# In this order: where there is a photo, its label map and instance map are there, too.
_KINDS = ('annotations', 'instances', 'images')
_OWN_FILE = re.compile(r'(?:train|val)_(\d{5})\.png')


def make_toy_streets(
    out_dir: Union[str, Path],
    num_train: int = 200,
    num_val: int = 50,
    seed: int = 0,
    size: Tuple[int, int] = (128, 256),
    num_workers: int = 1,
    overwrite: bool = False,
    progress: bool = True,
    crowd: int = 1,
) -> dict:
    """Paints the data set.

    Writes ``{images,annotations,instances}/{train,val}/NAME.png`` (RGB, 8-bit class
    ids, 16-bit instance ids) and the manifest ``toy_streets.json``, which gets its
    statistics last. A sample depends on the seed, its split and its number alone.
    Where the manifest shows the same arguments, nothing is done.

    Args:
        out_dir (str | Path): The folder of the data set; made if missing.
        num_train (int): Samples to train on, at least 1.
        num_val (int): Samples to evaluate on, at least 1.
        seed (int): Seed of all scenes, at least 0.
        size (tuple[int, int]): Height and width in pixels, each at least 32.
        num_workers (int): Processes to paint in; the result is the same.
        overwrite (bool): Replaces a data set made with other arguments.
        progress (bool): Shows a progress bar, and says so if there is nothing to do.
        crowd (int): How often people, riders and traffic signs are drawn, at least 1.

    Returns:
        dict: The manifest: the arguments, ``painter_version``, and in ``statistics``
        for each split ``pixels`` and ``images``, by class name (and 'ignore') the
        number of pixels and of images that hold the class.

    Raises:
        FileExistsError: When the folder holds a data set made with other arguments, or
            a damaged manifest.
        InTheWayError: When it holds files that are not of ToyStreets; names all.
        ValueError: When a number is out of range.
    """
    for name, value, least in (
        ('num_train', num_train, 1),
        ('num_val', num_val, 1),
        ('seed', seed, 0),
        ('num_workers', num_workers, 1),
        ('height', size[0], SMALLEST_SIDE),
        ('width', size[1], SMALLEST_SIDE),
        ('crowd', crowd, 1),
    ):
        if value < least:
            raise ValueError(f'{name} is {value}, but must be at least {least}')
    out_dir = Path(out_dir)
    manifest = {
        'painter_version': PAINTER_VERSION,
        'seed': seed,
        'size': list(size),
        'num_train': num_train,
        'num_val': num_val,
        'crowd': crowd,
    }
    path = out_dir / MANIFEST
    found = _read_manifest(path, overwrite)
    differences = [
        f'{key} {found.get(key)}, not {value}'
        for key, value in manifest.items()
        if found.get(key) != value
    ]
    if 'statistics' in found and not differences:
        if progress:
            print(f'{path} shows that this data set is complete: nothing to do')
        return found
    if 'statistics' in found and not overwrite:
        raise FileExistsError(
            f'{path}: the data set there was made with {"; ".join(differences)}. '
            'Choose another folder, or replace it with --overwrite (overwrite=True)'
        )
    counts = {'train': num_train, 'val': num_val}
    foreign = foreign_files(out_dir)
    if foreign:
        raise InTheWayError(foreign, 'Choose another folder for ToyStreets.')
    # Without statistics the data set is unfinished, and its files are known as ours.
    _write_manifest(path, manifest)
    _clear(out_dir, counts)
    manifest['statistics'] = {
        split: _paint_split(
            partial(_paint_sample, out_dir, split, seed, tuple(size), crowd),
            counts[split],
            num_workers,
            progress,
        )
        for split in _SPLITS
    }
    _write_manifest(path, manifest)
    return manifest


def foreign_files(out_dir: Union[str, Path]) -> List[Path]:
    """Finds what is not of ToyStreets where :func:`make_toy_streets` is to write.

    Args:
        out_dir (str | Path): The folder of the data set; it may be missing.

    Returns:
        list[Path]: Files and folders.
    """
    out_dir = Path(out_dir)
    found = [
        path
        for path in (out_dir, *(out_dir / kind for kind in _KINDS), *_folders(out_dir))
        if os.path.lexists(path) and not path.is_dir()
    ]
    is_ours = (out_dir / MANIFEST).is_file()
    for folder in _folders(out_dir):
        found += [
            path
            for path in (sorted(folder.iterdir()) if folder.is_dir() else ())
            if not (is_ours and _OWN_FILE.fullmatch(path.name))
            and not is_temporary(path.name)
        ]
    return found


def _folders(out_dir: Path) -> List[Path]:
    return [out_dir / kind / split for kind in _KINDS for split in _SPLITS]


def _read_manifest(path: Path, overwrite: bool) -> dict:
    """Reads the manifest; it is empty where there is none."""
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding='utf-8'))
        # Those of before that was an option are of ordinary streets.
        return {'painter_version': found['painter_version'], 'crowd': 1, **found}
    except (ValueError, KeyError, TypeError) as error:
        if overwrite:
            say_kept(keep_beside(path), f'{path} was not a manifest of ToyStreets')
            path.touch()  # The files beside it may be replaced.
            return {}
        raise FileExistsError(
            f'{path} is damaged, or is not a manifest of ToyStreets. Choose another '
            'folder, or make the data set again with --overwrite (overwrite=True)'
        ) from error


def _write_manifest(path: Path, manifest: dict) -> None:
    write_atomically(path, json.dumps(manifest, indent=1) + '\n')


def _clear(out_dir: Path, counts: Dict[str, int]) -> None:
    """Makes the folders; removes what an earlier or interrupted run left in them."""
    for folder in _folders(out_dir):
        folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(folder)
        for path in folder.iterdir():
            own = _OWN_FILE.fullmatch(path.name)
            if own and int(own.group(1)) >= counts[folder.name]:
                path.unlink()


def _paint_split(
    paint: Callable[[int], np.ndarray],
    count: int,
    num_workers: int,
    progress: bool,
) -> Dict[str, Dict[str, int]]:
    """Paints a split and counts its classes."""
    with ExitStack() as stack:
        if num_workers == 1:
            results: Iterable[np.ndarray] = map(paint, range(count))
        else:
            # A forked process would lack the threads that hold locks in this one.
            context = multiprocessing.get_context('spawn')
            pool = stack.enter_context(
                ProcessPoolExecutor(num_workers, context, cv2.setNumThreads, (1,))
            )
            results = pool.map(paint, range(count), chunksize=4)
        if progress:
            results = track_iter_progress((results, count))
        pixels = np.stack(list(results))
    names = [*CLASSES, 'ignore']
    return {
        'pixels': dict(zip(names, pixels.sum(0).tolist())),
        'images': dict(zip(names, (pixels > 0).sum(0).tolist())),
    }


def _paint_sample(
    out_dir: Path, split: str, seed: int, size: Tuple[int, int], crowd: int, index: int
) -> np.ndarray:
    """Paints and writes one sample; counts its pixels [classes + 1] (last: ignore)."""
    sequence = np.random.SeedSequence([seed, _SPLITS.index(split), index])
    scene = paint_scene(np.random.default_rng(sequence), size, crowd)
    arrays = {
        'images': cv2.cvtColor(scene.image, cv2.COLOR_RGB2BGR),
        'annotations': scene.label_map,
        'instances': scene.instance_map.astype(np.uint16),
    }
    for kind in _KINDS:
        _, content = cv2.imencode('.png', arrays[kind])
        path = out_dir / kind / split / f'{split}_{index:05d}.png'
        write_atomically(path, content.tobytes())
    counts = np.bincount(scene.label_map.ravel(), minlength=256)
    return np.append(counts[: len(CLASSES)], counts[255])
