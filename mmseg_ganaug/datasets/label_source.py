"""Label maps of an MMSeg data set, as its own pipeline would load them."""

import hashlib
import io
import os
from typing import Optional, Sequence, Tuple

import mmcv
import mmengine.fileio as fileio
import numpy as np
from mmseg.datasets.transforms import LoadAnnotations
from PIL import Image


class DatasetLabelSource:
    """A :class:`~mmseg_ganaug.recompose.LabelSource` over an MMSeg data set.

    ``reduce_zero_label`` and ``label_map`` of the data set are applied by MMSeg's own
    ``LoadAnnotations``, the one in the data set's pipeline where there is one.

    Args:
        dataset (BaseSegDataset): A built data set.
        scale (tuple[int, int], optional): Width and height in pixels to which the maps
            are resized (nearest). Defaults to None: as they are.
        instance_path (tuple[str, str], optional): What to replace in a label file's
            path, and by what, to get the file of its instance map, for data sets that
            give no ``inst_map_path``. Defaults to None.
        verify (bool): Whether each label file's format, and its photo's size, are
            checked when it is read. Defaults to False.
    """

    def __init__(
        self,
        dataset,
        scale: Optional[Tuple[int, int]] = None,
        instance_path: Optional[Tuple[str, str]] = None,
        verify: bool = False,
    ) -> None:
        self._dataset = dataset
        self.scale = tuple(scale) if scale else None
        self._instance_path = instance_path
        self._verify = verify
        self._load = next(
            (
                transform
                for transform in dataset.pipeline.transforms
                if isinstance(transform, LoadAnnotations)
            ),
            None,
        ) or LoadAnnotations(backend_args=dataset.backend_args)

    @property
    def class_names(self) -> Sequence[str]:
        """Names of the classes, in the order of their ids."""
        return self._dataset.metainfo['classes']

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def ignore_index(self) -> int:
        """Label value of pixels that belong to no class."""
        return self._dataset.ignore_index

    def __len__(self) -> int:
        return len(self._dataset)

    def verified(self) -> 'DatasetLabelSource':
        """The same label maps, read with every file checked.

        Returns:
            DatasetLabelSource: A copy with ``verify`` on.
        """
        return DatasetLabelSource(
            self._dataset, self.scale, self._instance_path, verify=True
        )

    def name(self, index: int) -> str:
        """Path of a label file, for messages."""
        return self._dataset.get_data_info(index)['seg_map_path']

    def label_map(self, index: int) -> np.ndarray:
        """Loads a label map.

        Args:
            index (int): Index in the data set.

        Returns:
            np.ndarray: uint8 ``[H, W]``. Its values are checked by whoever recombines.

        Raises:
            ValueError: Names the file where it cannot be read or, if ``verify``, where
                it is no 8-bit single-channel image or differs in size from its photo.
        """
        info = self._dataset.get_data_info(index)
        if self._verify:
            self._check_files(info)
        try:
            label_map = self._load(info)['gt_seg_map']
        except (OSError, SyntaxError) as error:
            raise ValueError(
                f'{info["seg_map_path"]} cannot be read as an image ({error}): '
                'restore the file or take it out of the data set'
            ) from error
        return self._resize(label_map)

    def instance_map(self, index: int) -> Optional[np.ndarray]:
        """Loads an instance map.

        Args:
            index (int): Index in the data set.

        Returns:
            np.ndarray | None: int32 ``[H, W]``, 0 where there is no instance; None for
            data sets without instance maps.
        """
        info = self._dataset.get_data_info(index)
        path = find_instance_path(info, self._instance_path)
        if path is None:
            return None
        content = fileio.get(path, backend_args=self._dataset.backend_args)
        instance_map = mmcv.imfrombytes(content, flag='unchanged', backend='pillow')
        return self._resize(instance_map.astype(np.int32))

    def photo(self, index: int) -> np.ndarray:
        """Loads a photo.

        Args:
            index (int): Index in the data set.

        Returns:
            np.ndarray: uint8 RGB ``[H, W, 3]`` at the size of the label map.
        """
        info = self._dataset.get_data_info(index)
        content = fileio.get(info['img_path'], backend_args=self._dataset.backend_args)
        image = mmcv.imfrombytes(content, channel_order='rgb')
        if self.scale and image.shape[1::-1] != self.scale:
            image = mmcv.imresize(image, self.scale, interpolation='area')
        return image

    def files_digest(self) -> str:
        """Digest of the label files' names, sizes and times of change.

        Returns:
            str: sha256 in hexadecimal; changes when a file does.
        """
        digest = hashlib.sha256(repr((self.scale, len(self))).encode())
        for index in range(len(self)):
            path = self.name(index)
            digest.update(path.encode())
            if os.path.exists(path):  # remote files are known by name only
                status = os.stat(path)
                digest.update(f'{status.st_size} {status.st_mtime_ns}'.encode())
        return digest.hexdigest()

    def _resize(self, array: np.ndarray) -> np.ndarray:
        if self.scale is None or array.shape[::-1] == self.scale:
            return array
        return mmcv.imresize(array, self.scale, interpolation='nearest')

    def _check_files(self, info: dict) -> None:
        label_size, mode = self._image_header(info['seg_map_path'])
        if mode not in ('L', 'P', '1'):
            raise ValueError(
                f'{info["seg_map_path"]} has pixel format {mode}; a label map is an '
                '8-bit single-channel image of class ids: convert it first'
            )
        photo_size, _ = self._image_header(info['img_path'])
        if photo_size != label_size:
            raise ValueError(
                f'{info["img_path"]} is {photo_size[0]} x {photo_size[1]}, but its '
                f'label map {info["seg_map_path"]} is {label_size[0]} x '
                f'{label_size[1]} (width x height): the two must have one size'
            )

    def _image_header(self, path: str) -> Tuple[Tuple[int, int], str]:
        try:
            content = fileio.get(path, backend_args=self._dataset.backend_args)
        except FileNotFoundError as error:
            raise ValueError(
                f'{path} is missing: restore the file or take it out of the data set'
            ) from error
        try:
            with Image.open(io.BytesIO(content)) as image:
                return image.size, image.mode
        except OSError as error:
            raise ValueError(
                f'{path} cannot be read as an image ({error}): restore the file or '
                'take it out of the data set'
            ) from error


def find_instance_path(
    info: dict, replacement: Optional[Tuple[str, str]]
) -> Optional[str]:
    """Finds the instance map that belongs to a sample.

    Args:
        info (dict): Data info of an MMSeg data set.
        replacement (tuple[str, str], optional): What to replace in ``seg_map_path``,
            and by what.

    Returns:
        str | None: ``inst_map_path`` of the info, else the replaced path, else None.

    Raises:
        ValueError: When the text to replace does not occur in the path.
    """
    if 'inst_map_path' in info:
        return info['inst_map_path']
    if replacement is None:
        return None
    old, new = replacement
    if old not in info['seg_map_path']:
        raise ValueError(
            f'instance_path replaces {old!r}, which does not occur in '
            f'{info["seg_map_path"]}'
        )
    return info['seg_map_path'].replace(old, new)
