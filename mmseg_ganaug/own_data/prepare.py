"""A data set of two folders, photos and masks, made ready to train on."""

import math
import textwrap
from contextlib import contextmanager
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Tuple, Union

import numpy as np
import torch
from mmengine.fileio import list_from_file

from mmseg_ganaug.option_checks import check_seed, check_whole
from mmseg_ganaug.own_data.class_list import ClassList, read_class_list
from mmseg_ganaug.own_data.classes import (
    MaskClasses,
    find_classes,
    match_classes,
    tabulate_classes,
    write_found_classes,
)
from mmseg_ganaug.own_data.configs import (
    SAMPLES,
    OwnDataConfigs,
    SplitFiles,
    config_paths,
    dataset_path,
)
from mmseg_ganaug.own_data.convert import find_foreign_label_maps, write_label_maps
from mmseg_ganaug.own_data.mask_survey import MaskSurvey, survey_masks
from mmseg_ganaug.own_data.pairs import (
    FolderPairs,
    Split,
    check_name,
    draw_split,
    pair_folders,
    read_split,
)
from mmseg_ganaug.ownership import WorkFolder

_PURPOSE = 'own data'
# Pixels of a training photo: 144 x 192 on the CPU, 240 x 320 on a GPU.
_CPU_AREA, _GPU_AREA = 144 * 192, 240 * 320
_STEP, _SMALLEST_SIDE = 16, 48
_SPLITS = ('train', 'val')
_LABEL_MAPS = ('label_maps', 'label_maps_val')
_KEPT, _CLASSES = 'masks.json', 'classes.txt'
_RANDOM = (
    'Split at random (seed {seed}). Where photos are frames of a video, a random split '
    'puts near-duplicates on both sides and rewards memory: then split by sequence, by '
    'editing {train} and {val}, and start again.'
)


class FolderData:
    """Photos and masks in two folders: finds their classes, and writes configs.

    What it finds goes to ``classes.txt``, ``splits/`` and ``configs/`` of the work dir.
    The first two may be edited: they are used as they are when it runs again, and never
    written again.

    Args:
        images (str | Path): Folder of the photos.
        masks (str | Path): Folder of the masks, see :func:`pair_folders`.
        classes (str | Path, optional): List of the classes, see
            :func:`read_class_list`. Defaults to None: ``classes.txt`` of the work dir
            or, where there is none, every value of the masks.
        mask_suffix (str, optional): How names of masks end. Defaults to None: found.
        val_images (str | Path, optional): Folder of photos to validate on. Defaults to
            None: a share of the photos is kept for that.
        val_masks (str | Path, optional): Folder of their masks.
        val_share (float): That share, above 0 and below 1. Defaults to 0.2.
        size (tuple[int, int], optional): Width and height in training, multiples of
            16. Defaults to None: see :func:`choose_size`.
        work_dir (str | Path): Where all results go.
        ways (Sequence[str]): 'class-weights', 'objects', 'add-single', 'add-multi' or
            'recon'.
        seed (int): Of split, plan and training. Defaults to 0.
        generator_iters (int, optional): Length of the generator's training.
        segmenter_iters (int, optional): Length of each segmenter's training.
        area (int, optional): Pixels that a photo should have in training, about.
            Defaults to None: 144 x 192 on the CPU and 240 x 320 on a GPU.

    Raises:
        ValueError: When an option is out of range, or a folder has a name that cannot
            stand in a config.
    """

    def __init__(
        self,
        images: Union[str, Path],
        masks: Union[str, Path],
        classes: Optional[Union[str, Path]] = None,
        mask_suffix: Optional[str] = None,
        val_images: Optional[Union[str, Path]] = None,
        val_masks: Optional[Union[str, Path]] = None,
        val_share: float = 0.2,
        size: Optional[Tuple[int, int]] = None,
        work_dir: Union[str, Path] = 'work_dirs/own-data',
        ways: Sequence[str] = ('class-weights', 'objects'),
        seed: int = 0,
        generator_iters: Optional[int] = None,
        segmenter_iters: Optional[int] = None,
        area: Optional[int] = None,
    ) -> None:
        if (val_images is None) != (val_masks is None):
            raise ValueError('--val-images and --val-masks belong together: give both')
        if not 0 < val_share < 1:
            raise ValueError(f'--val-share is {val_share}, but lies between 0 and 1')
        if size and (min(size) < _SMALLEST_SIDE or any(s % _STEP for s in size)):
            raise ValueError(
                f'--size is {size[0]} {size[1]}, but takes multiples of {_STEP}, '
                f'{_SMALLEST_SIDE} or more'
            )
        check_seed(self, 'seed', seed)
        for name, iters in (
            ('generator_iters', generator_iters),
            ('segmenter_iters', segmenter_iters),
        ):
            if iters is not None:
                check_whole(self, name, iters, 1)
        for folder in (images, masks, val_images, val_masks, work_dir):
            if folder is not None:
                check_name(folder)
        self.name = str(images)
        self.work = WorkFolder(work_dir, _PURPOSE)
        self.ways = list(ways)
        self.seed = seed
        self._folders = [(images, masks)]
        if val_images is not None:
            self._folders.append((val_images, val_masks))
        self._class_list = classes
        self._mask_suffix = mask_suffix
        self._val_share = val_share
        self._size = (size[0], size[1]) if size else None
        self._iters = (generator_iters, segmenter_iters)
        self._area = area or (_GPU_AREA if torch.cuda.is_available() else _CPU_AREA)

    def config_paths(self) -> Dict[str, Path]:
        """Returns where the configs go: 'generator', 'plain' and each way."""
        return config_paths(self.work.folder, self.ways)

    def outputs(self) -> Tuple[List[Path], List[Path]]:
        """Lists all other files, and the folders, that are written in the work dir."""
        folder = self.work.folder
        files = [dataset_path(folder), folder / _KEPT, *self._clean_paths]
        if self._class_list is None and not self._own_classes.is_file():
            files.append(self._own_classes)
        if not any(path.is_file() for path in self._split_paths):
            files += self._split_paths
        folders = [folder / name for name in (*_LABEL_MAPS, SAMPLES)]
        return files, folders

    def in_the_way(self) -> List[Path]:
        """Lists what else is in the way: label maps of somebody else."""
        folders = [self.work.folder / name for name in _LABEL_MAPS]
        return [path for folder in folders for path in find_foreign_label_maps(folder)]

    def write_configs(self) -> Dict[str, Path]:
        """Looks at all files, converts masks where needed, and writes the configs.

        Returns:
            dict[str, Path]: Config of the 'generator', of 'plain' and of each way.

        Raises:
            InTheWayError: When files of the user are where something would be written;
                names all of them.
            FileNotFoundError: When a folder or the list of classes is missing.
            ValueError: When a file or the list cannot be used; names it.
        """
        files, folders = self.outputs()
        found = self.work.in_the_way([*self.config_paths().values(), *files], folders)
        self.work.refuse(list(dict.fromkeys([*found, *self.in_the_way()])))
        parts = [
            pair_folders(images, masks, self._mask_suffix, **fewest)
            for (images, masks), fewest in zip(self._folders, ({}, {'fewest': 1}))
        ]
        _check_apart(parts)
        pairs = [pair for part in parts for pair in part.pairs]
        listed = self._read_list()
        kept = self.work.folder / _KEPT
        survey = survey_masks(pairs, kept, listed, self.work.write)
        classes = self._classes(survey, listed)
        splits, note = self._split(parts)
        table = tabulate_classes(survey, classes, parts[0].pairs, splits[0], note)
        print(f'\n{table.to_text()}\n')
        size = self._size or choose_size(
            [content.size for content in survey.contents], self._area
        )
        labels = self._label_folders(parts, survey, classes)
        self.work.add_folder(self.work.folder / SAMPLES)
        train, val = (
            SplitFiles(
                str(part.images),
                str(folder or part.masks),
                part.img_suffix,
                '.png' if folder else part.seg_map_suffix,
                str(file),
            )
            for part, folder, file in zip(
                (parts[0], parts[-1]), (labels[0], labels[-1]), self._lists(splits)
            )
        )
        print(
            f'{len(splits[0])} photos to train on, {len(splits[1])} to validate on, at '
            f'{size[0]} x {size[1]} pixels (width x height)'
        )
        configs = OwnDataConfigs(
            work=self.work,
            names=classes.names,
            palette=classes.palette,
            ignore_index=classes.ignore_index,
            size=size,
            train=train,
            val=val,
            num_pairs=len(pairs),
            split_note='\n# '.join(textwrap.wrap(note, 86)),
            seed=self.seed,
        ).write(self.ways, *self._iters)
        print(f'Configs: {configs["plain"].parent}\n')
        return configs

    @property
    def _own_classes(self) -> Path:
        return self.work.folder / _CLASSES

    @property
    def _split_paths(self) -> List[Path]:
        return [self.work.folder / 'splits' / f'{name}.txt' for name in _SPLITS]

    @property
    def _clean_paths(self) -> List[Path]:
        folder = dataset_path(self.work.folder).parent
        return [folder / path.name for path in self._split_paths]

    def _lists(self, split: Split) -> List[Path]:
        """Returns the lists of the split, or copies of the names alone.

        MMSeg takes an empty line for a name, and a byte order mark for a part of one.
        """
        lists = []
        for path, copy, names in zip(self._split_paths, self._clean_paths, split):
            if [line.strip() for line in list_from_file(path)] != names:
                path = self.work.write(copy, ''.join(f'{name}\n' for name in names))
            lists.append(path)
        return lists

    def _read_list(self) -> Optional[ClassList]:
        """Reads the list given, or that of the work dir; None where there is none."""
        if self._class_list is not None:
            return read_class_list(self._class_list)
        if not self._own_classes.is_file():
            return None
        with self._own_list_errors():
            return read_class_list(self._own_classes)

    @contextmanager
    def _own_list_errors(self) -> Iterator[None]:
        """Adds how to get a new list to the errors of that of the work dir."""
        try:
            yield
        except ValueError as error:
            own = self._own_classes
            if self._class_list is not None:
                raise
            raise ValueError(
                f'{error}. Or move {own} away: then it is written with what is found'
            ) from error

    def _classes(self, survey: MaskSurvey, listed: Optional[ClassList]) -> MaskClasses:
        if listed is not None:
            with self._own_list_errors():
                return match_classes(survey, listed)
        classes, own = find_classes(survey), self._own_classes
        write_found_classes(own, survey, classes, self.work.write)
        print(f'Every value of the masks is taken for a class. To correct that: {own}')
        return classes

    def _label_folders(
        self, parts: Sequence[FolderPairs], survey: MaskSurvey, classes: MaskClasses
    ) -> List[Optional[Path]]:
        """Converts masks, and returns where to; None where they serve as they are."""
        modes = {content.mode for content in survey.contents}
        ids = classes.are_ids and modes <= {'1', 'L', 'P'}
        folders: List[Optional[Path]] = []
        for part, name in zip(parts, _LABEL_MAPS):
            if ids and (part.seg_map_suffix or '').endswith('.png'):
                folders.append(None)
                continue
            folder = self.work.add_folder(self.work.folder / name)
            folders.append(folder)
            write_label_maps(part.pairs, classes, survey.digest, folder)
        return folders

    def _split(self, parts: Sequence[FolderPairs]) -> Tuple[Split, str]:
        """Returns the keys to train and to validate on, and what to know of that."""
        keys = [[pair.key for pair in part.pairs] for part in parts]
        paths = self._split_paths
        if len(keys) == 2:
            drawn: Split = (keys[0], keys[1])
            note = 'The photos to validate on have a folder of their own.'
        else:
            drawn = draw_split(keys[0], self._val_share, self.seed)
            note = _RANDOM.format(seed=self.seed, train=paths[0], val=paths[1])
        if not any(path.is_file() for path in paths):
            for path, names in zip(paths, drawn):
                self.work.write(path, ''.join(f'{name}\n' for name in names))
            return drawn, note
        split = read_split(paths, [set(keys[0]), set(keys[-1])])
        if split == drawn:
            return split, note
        unused = sum(map(len, keys)) - len(split[0]) - len(split[1])
        note = (
            f'Split as in {paths[0]} and {paths[1]}'
            + (f'; {unused} photos are in neither' if unused else '')
            + '. Move the two files away for a new split.'
        )
        return split, note


def _check_apart(parts: Sequence[FolderPairs]) -> None:
    """Checks that no photo is both trained on and validated on."""
    first, *others = ({pair.photo.resolve() for pair in part.pairs} for part in parts)
    for shared in (first & other for other in others):
        if shared:
            raise ValueError(
                f'{len(shared)} photos are both to train and to validate on, such as '
                f'{min(shared)}: give --images and --val-images folders apart, or '
                'leave --val-images out'
            )


def choose_size(sizes: Sequence[Tuple[int, int]], area: int) -> Tuple[int, int]:
    """Chooses a training size that keeps the aspect of the photos.

    Args:
        sizes (Sequence[tuple[int, int]]): Width and height of each photo.
        area (int): Pixels that the size should have, about.

    Returns:
        tuple[int, int]: Width and height, multiples of 16, not above those of the
        median photo unless that is smaller than 48.
    """
    width, height = np.median(sizes, axis=0)
    choices = [
        (w, h)
        for w in range(_SMALLEST_SIDE, max(int(width), _SMALLEST_SIDE) + 1, _STEP)
        for h in range(_SMALLEST_SIDE, max(int(height), _SMALLEST_SIDE) + 1, _STEP)
    ]

    def misfit(choice: Tuple[int, int]) -> float:
        w, h = choice
        aspect = abs(math.log((w / h) / (width / height)))
        return 4 * aspect + abs(math.log(w * h / area))

    return min(choices, key=misfit)
