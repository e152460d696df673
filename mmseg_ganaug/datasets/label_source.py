"""Label maps of an MMSeg data set, as its own pipeline would load them."""

import copy
import hashlib
import os
from functools import cached_property
from typing import Any, List, Optional, Sequence, Tuple

import mmcv
import mmengine.fileio as fileio
import numpy as np
from mmcv.transforms import LoadAnnotations as BaseLoadAnnotations
from mmseg.datasets.transforms import LoadAnnotations

from mmseg_ganaug.datasets.label_files import (
    MissingFileError,
    check_instance_map,
    check_label_format,
    check_photo_size,
    find_instance_path,
    read_header,
    unreadable,
)
from mmseg_ganaug.datasets.source_dataset import SourceDataset


class DatasetLabelSource:
    """A :class:`~mmseg_ganaug.recompose.LabelSource` over an MMSeg data set.

    ``reduce_zero_label`` and ``label_map`` of the data set are applied by MMSeg's own
    ``LoadAnnotations``, the one in the data set's pipeline where there is one. That
    writes 255 for what they leave out; where ``ignore_index`` is another, it is this
    one here.

    Args:
        dataset (BaseSegDataset): A built data set, or wrappers of some: see
            :class:`SourceDataset` for what counts.
        scale (tuple[int, int], optional): Width and height in pixels to which the maps
            are resized (nearest). Defaults to None: as they are.
        instance_path (tuple[str, str], optional): What to replace in a label file's
            path, and by what, to get the file of its instance map, for data sets that
            give no ``inst_map_path``. Defaults to None.
    """

    def __init__(
        self,
        dataset: Any,
        scale: Optional[Tuple[int, int]] = None,
        instance_path: Optional[Tuple[str, str]] = None,
    ) -> None:
        self._dataset = SourceDataset.of(dataset)
        self.scale = tuple(scale) if scale else None
        self._instance_path = instance_path
        self._verify = False
        self._need_photos = False
        self._loaders = [_find_loader(part) for part in self._dataset.parts]
        # Asked for again and again; a data set would copy its metainfo each time.
        self._class_names = tuple(self._dataset.metainfo['classes'])

    @property
    def class_names(self) -> Sequence[str]:
        """Names of the classes, in the order of their ids."""
        return self._class_names

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self._class_names)

    @property
    def ignore_index(self) -> int:
        """Label value of pixels that belong to no class."""
        return self._dataset.ignore_index

    @cached_property
    def has_instances(self) -> bool:
        """Whether there are instance maps: all of the joined data sets have them."""
        firsts, start = [], 0
        for part in self._dataset.parts:
            firsts.append(start)
            start += len(part)
        return all(
            find_instance_path(self._info(index), self._instance_path) is not None
            for index in firsts
        )

    def __len__(self) -> int:
        return len(self._dataset)

    def verified(self, need_photos: bool = False) -> 'DatasetLabelSource':
        """The same label maps, read with every file checked.

        Args:
            need_photos (bool): Whether a missing photo is an error. Sizes are compared
                where the photo is there in any case. Defaults to False.

        Returns:
            DatasetLabelSource: A copy that checks.
        """
        checked = copy.copy(self)
        checked._verify = True
        checked._need_photos = need_photos
        return checked

    def name(self, index: int) -> str:
        """Path of a label file, for messages."""
        return self._info(index)['seg_map_path']

    def photo_name(self, index: int) -> str:
        """Path of a photo, for messages."""
        return self._info(index)['img_path']

    def label_map(self, index: int) -> np.ndarray:
        """Loads a label map.

        Args:
            index (int): Index in the data set.

        Returns:
            np.ndarray: uint8 ``[H, W]``. Its values are checked by whoever recombines.

        Raises:
            MissingFileError: When photos are needed and this one is missing.
            ValueError: Names the file where it cannot be read or, if verified, where
                it is no 8-bit single-channel image or differs in size from its photo.
        """
        number, info = self._dataset.locate(index)
        if self._verify:
            self._check_files(number, info)
        try:
            label_map = self._loaders[number](info)['gt_seg_map']
        except (OSError, SyntaxError) as error:
            raise unreadable(info['seg_map_path'], error) from error
        unify_ignored(label_map, info, self.ignore_index)
        return self._resize(label_map)

    def instance_map(self, index: int) -> Optional[np.ndarray]:
        """Loads an instance map.

        Args:
            index (int): Index in the data set.

        Returns:
            np.ndarray | None: int32 ``[H, W]``, 0 where there is no instance; None for
            data sets without instance maps.

        Raises:
            ValueError: Names the file where it is missing or unreadable or, if
                verified, has several channels or not the size of the label map.
        """
        if not self.has_instances:
            return None
        number, info = self._dataset.locate(index)
        path = find_instance_path(info, self._instance_path)
        backend_args = self._dataset.parts[number].backend_args
        if self._verify:
            check_instance_map(
                read_header(path, backend_args),
                read_header(info['seg_map_path'], backend_args),
            )
        try:
            content = fileio.get(path, backend_args=backend_args)
            instance_map = mmcv.imfrombytes(content, flag='unchanged', backend='pillow')
        except (OSError, SyntaxError) as error:
            raise unreadable(path, error) from error
        return self._resize(instance_map.astype(np.int32))

    def photo(self, index: int) -> np.ndarray:
        """Loads a photo.

        Args:
            index (int): Index in the data set.

        Returns:
            np.ndarray: uint8 RGB ``[H, W, 3]`` at the size of the label map.

        Raises:
            MissingFileError: Names the photo that is missing.
            ValueError: Names the file that is no image.
        """
        number, info = self._dataset.locate(index)
        path, label_path = info['img_path'], info['seg_map_path']
        if path == label_path:
            raise MissingFileError(
                f'{label_path} has no photo: img_path of this data set is the folder '
                'of its label maps. Photos are needed here: set img_path to theirs'
            )
        backend_args = self._dataset.parts[number].backend_args
        try:
            content = fileio.get(path, backend_args=backend_args)
        except FileNotFoundError as error:
            raise MissingFileError(
                f'{path}, the photo of {label_path}, is missing: restore the file or '
                'take the sample out of the data set'
            ) from error
        image = mmcv.imfrombytes(content)
        if image is None:
            raise unreadable(path, ValueError('no photo in it'))
        image = mmcv.bgr2rgb(image)
        if self.scale and image.shape[1::-1] != self.scale:
            image = mmcv.imresize(image, self.scale, interpolation='area')
        return image

    def photos_digest(self) -> str:
        """Digest of the photos' names and sizes in bytes.

        Returns:
            str: sha256 in hexadecimal.

        Raises:
            MissingFileError: When photos are missing.
        """
        self.require_photos()
        digest = hashlib.sha256()
        for index in range(len(self)):
            path = self.photo_name(index)
            size = os.path.getsize(path) if os.path.exists(path) else 'remote'
            digest.update(f'{os.path.basename(path)} {size}\n'.encode())
        return digest.hexdigest()

    def missing_photos(self) -> List[int]:
        """Looks up which photos are not there.

        Returns:
            list[int]: Their indices; photos behind a remote file backend, which would
            have to be fetched to know, count as there.
        """
        missing = []
        for index in range(len(self)):
            number, info = self._dataset.locate(index)
            path = info['img_path']
            remote = self._dataset.parts[number].backend_args or '://' in path
            there = remote or os.path.exists(path)
            # Where there are label maps alone, these stand for the photos.
            if not there or path == info['seg_map_path']:
                missing.append(index)
        return missing

    def require_photos(self) -> None:
        """Checks that all photos are there, for those who need them.

        Raises:
            MissingFileError: Says how many are missing, and names the first.
        """
        missing = self.missing_photos()
        if missing:
            first = missing[0]
            raise MissingFileError(
                f'{len(missing)} of {len(self)} photos are missing, and are needed '
                f'here; the first is {self.photo_name(first)} (the photo of '
                f'{self.name(first)}): restore them, or take their samples out of the '
                'data set'
            )

    def files_digest(self) -> str:
        """Digest of how the label files are read, their names, sizes and change times.

        Returns:
            str: sha256 in hexadecimal; changes when a label file or an instance map
            does, or what the data set makes of its values.
        """
        settings = [self.scale, len(self), self._class_names, self.ignore_index]
        for part in self._dataset.parts:
            settings += [len(part), part.reduce_zero_label, part.label_map]
        digest = hashlib.sha256(repr(settings).encode())
        for index in range(len(self)):
            info = self._info(index)
            paths = [info['seg_map_path']]
            if self.has_instances:
                paths.append(find_instance_path(info, self._instance_path))
            for path in paths:
                digest.update(path.encode())
                if os.path.exists(path):  # remote files are known by name only
                    status = os.stat(path)
                    digest.update(f'{status.st_size} {status.st_mtime_ns}'.encode())
        return digest.hexdigest()

    def _info(self, index: int) -> dict:
        return self._dataset.locate(index)[1]

    def _resize(self, array: np.ndarray) -> np.ndarray:
        if self.scale is None or array.shape[::-1] == self.scale:
            return array
        return mmcv.imresize(array, self.scale, interpolation='nearest')

    def _check_files(self, number: int, info: dict) -> None:
        backend_args = self._dataset.parts[number].backend_args
        label = read_header(info['seg_map_path'], backend_args)
        # What another loader makes of a file, only that loader knows.
        if type(self._loaders[number]) is LoadAnnotations:
            check_label_format(label)
        try:
            photo = read_header(info['img_path'], backend_args)
        except MissingFileError as error:
            if self._need_photos:
                raise MissingFileError(
                    f'{error} (it is the photo of {label.path})'
                ) from error
        else:
            check_photo_size(photo, label)


def _find_loader(dataset: Any) -> BaseLoadAnnotations:
    for transform in dataset.pipeline.transforms:
        if isinstance(transform, BaseLoadAnnotations):
            return transform
    return LoadAnnotations(backend_args=dataset.backend_args)


def unify_ignored(label_map: np.ndarray, info: dict, ignore_index: int) -> None:
    """Gives what MMSeg leaves out of a label map the data set's ignore index, in place.

    MMSeg writes 255 for the zero label and for classes that ``metainfo`` leaves out,
    whatever the ignore index is.

    Args:
        label_map (np.ndarray): uint8 ``[H, W]``, as ``LoadAnnotations`` gives it.
        info (dict): Data info of the sample.
        ignore_index (int): Of the data set.
    """
    left_out = info['reduce_zero_label'] or 255 in (info['label_map'] or {}).values()
    if left_out and ignore_index != 255:
        label_map[label_map == 255] = ignore_index
