"""ToyStreets: a data set of painted street scenes, its maker and its reader."""

import json
import os
import re
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Dict, Iterable, Tuple, Union

import cv2
import numpy as np
from mmengine.utils import track_iter_progress

from mmseg_ganaug.datasets.paired_folders import PairedFoldersDataset
from mmseg_ganaug.datasets.toy_scene import (
    CLASSES,
    PAINTER_VERSION,
    PALETTE,
    SMALLEST_SIDE,
    paint_scene,
)
from mmseg_ganaug.registry import DATASETS

MANIFEST = 'toy_streets.json'
_SPLITS = ('train', 'val')
# In this order: where there is a photo, its label map and instance map are there, too.
_KINDS = ('annotations', 'instances', 'images')
_OWN_FILE = re.compile(r'(?:train|val)_(\d{5})\.png(?:\.\d+\.tmp)?')


@DATASETS.register_module()
class ToyStreetsDataset(PairedFoldersDataset):
    """Painted street scenes with 11 classes, some of them rare; ignore index 255.

    :func:`make_toy_streets` makes the files. Cars, persons, riders, poles and traffic
    signs have ids in the instance maps (``inst_map_path`` of ``data_prefix``).

    Args:
        img_suffix (str): Defaults to '.png'.
        seg_map_suffix (str): Defaults to '.png'.
        **kwargs: See :class:`mmseg.datasets.BaseSegDataset`.
    """

    METAINFO = dict(classes=CLASSES, palette=PALETTE)

    def __init__(
        self, img_suffix: str = '.png', seg_map_suffix: str = '.png', **kwargs
    ) -> None:
        super().__init__(img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs)

    def _how_to_get(self) -> str:
        return (
            'Make the data set: python tools/dataset_converters/toy_streets.py '
            f'{self.data_root or "data/toy_streets"}'
        )


def make_toy_streets(
    out_dir: Union[str, Path],
    num_train: int = 200,
    num_val: int = 50,
    seed: int = 0,
    size: Tuple[int, int] = (128, 256),
    num_workers: int = 1,
    overwrite: bool = False,
    progress: bool = True,
) -> dict:
    """Paints the data set.

    Writes ``{images,annotations,instances}/{train,val}/NAME.png`` (RGB, 8-bit class
    ids, 16-bit instance ids) and, last, the manifest ``toy_streets.json``. A sample
    depends on the seed, its split and its number alone. Where the manifest tells of
    the same arguments, nothing is done.

    Args:
        out_dir (str | Path): The folder of the data set; made if missing.
        num_train (int): Samples to train on, at least 1.
        num_val (int): Samples to judge on, at least 1.
        seed (int): Seed of all scenes, at least 0.
        size (tuple[int, int]): Height and width in pixels, each at least 32.
        num_workers (int): Processes to paint in; the result is the same.
        overwrite (bool): Replaces a data set made with other arguments.
        progress (bool): Shows a progress bar, and says so if there is nothing to do.

    Returns:
        dict: The manifest: the arguments, ``painter_version``, and in ``statistics``
        for each split ``pixels`` and ``images``, by class name (and 'ignore') the
        number of pixels and of images that hold the class.

    Raises:
        FileExistsError: When the folder holds a data set made with other arguments,
            or files that are not of ToyStreets.
        ValueError: When a number is out of range.
    """
    for name, value, least in (
        ('num_train', num_train, 1),
        ('num_val', num_val, 1),
        ('seed', seed, 0),
        ('num_workers', num_workers, 1),
        ('height', size[0], SMALLEST_SIDE),
        ('width', size[1], SMALLEST_SIDE),
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
    }
    path = out_dir / MANIFEST
    if path.is_file():
        found = json.loads(path.read_text())
        differences = [
            f'{key} {found.get(key)}, not {value}'
            for key, value in manifest.items()
            if found.get(key) != value
        ]
        if not differences:
            if progress:
                print(f'{path} tells that this data set is there: nothing to do')
            return found
        if not overwrite:
            raise FileExistsError(
                f'{path}: the data set there was made with {"; ".join(differences)}. '
                'Choose another folder, or replace it with --overwrite (overwrite=True)'
            )
    counts = {'train': num_train, 'val': num_val}
    _clear(out_dir, counts)
    manifest['statistics'] = {
        split: _paint_split(
            out_dir, split, counts[split], seed, size, num_workers, progress
        )
        for split in _SPLITS
    }
    _write(path, (json.dumps(manifest, indent=1) + '\n').encode())
    return manifest


def _clear(out_dir: Path, counts: Dict[str, int]) -> None:
    """Makes the folders; removes what an earlier or interrupted run left in them."""
    folders = {
        out_dir / kind / split: count
        for kind in _KINDS
        for split, count in counts.items()
    }
    leftovers = []
    for folder, count in folders.items():
        for path in folder.iterdir() if folder.is_dir() else ():
            own = _OWN_FILE.fullmatch(path.name)
            if own is None:
                raise FileExistsError(
                    f'{path} is no file of ToyStreets: choose another folder'
                )
            if path.suffix == '.tmp' or int(own.group(1)) >= count:
                leftovers.append(path)
    # From here on the data set is unfinished.
    (out_dir / MANIFEST).unlink(missing_ok=True)
    for path in leftovers:
        path.unlink()
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)


def _paint_split(
    out_dir: Path,
    split: str,
    count: int,
    seed: int,
    size: Tuple[int, int],
    num_workers: int,
    progress: bool,
) -> Dict[str, Dict[str, int]]:
    """Paints a split and counts its classes."""
    paint = partial(_paint_sample, out_dir, split, seed, (size[0], size[1]))
    with ExitStack() as stack:
        if num_workers == 1:
            results: Iterable[np.ndarray] = map(paint, range(count))
        else:
            # One thread of OpenCV per process. Set here: a forked process would wait
            # for ever for the end of threads that it did not inherit.
            stack.callback(cv2.setNumThreads, cv2.getNumThreads())
            cv2.setNumThreads(1)
            pool = stack.enter_context(ProcessPoolExecutor(num_workers))
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
    out_dir: Path, split: str, seed: int, size: Tuple[int, int], index: int
) -> np.ndarray:
    """Paints and writes one sample; counts its pixels [classes + 1] (last: ignore)."""
    sequence = np.random.SeedSequence([seed, _SPLITS.index(split), index])
    scene = paint_scene(np.random.default_rng(sequence), size)
    arrays = {
        'images': cv2.cvtColor(scene.image, cv2.COLOR_RGB2BGR),
        'annotations': scene.label_map,
        'instances': scene.instance_map.astype(np.uint16),
    }
    for kind in _KINDS:
        _, content = cv2.imencode('.png', arrays[kind])
        _write(out_dir / kind / split / f'{split}_{index:05d}.png', content.tobytes())
    counts = np.bincount(scene.label_map.ravel(), minlength=256)
    return np.append(counts[: len(CLASSES)], counts[255])


def _write(path: Path, content: bytes) -> None:
    """Writes beside and renames, so that a file is whole or not there."""
    beside = path.with_name(f'{path.name}.{os.getpid()}.tmp')
    beside.write_bytes(content)
    os.replace(beside, path)
