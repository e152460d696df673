"""The files of a sample: where they are, and checks of their headers."""

import io
import logging
import os
from typing import Any, Iterable, NamedTuple, Optional, Sequence, Tuple, Union

import mmengine.fileio as fileio
import numpy as np
from mmengine.logging import print_log
from PIL import Image

from mmseg_ganaug.datasets.image_headers import unreadable
from mmseg_ganaug.option_checks import items_of, refuse

_LABEL_MODES = ('L', 'P', '1')
_INSTANCE_MODES = (*_LABEL_MODES, 'I', 'I;16', 'I;16B')
_OF_CITYSCAPES = ('_instanceIds.png', '_instanceTrainIds.png')
_RESTORE = 'restore the file or take it out of the data set'
_ORIENTATION = 0x0112  # of the EXIF tags


class MissingFileError(FileNotFoundError, ValueError):
    """A file or folder that does not exist."""


class ImageHeader(NamedTuple):
    """Facts from the header of an image file.

    Attributes:
        path: The file.
        mode: Pixel format, in Pillow's words.
        size: Width and height in pixels, as stored.
        shown_size: The same, turned as the EXIF tags say: as MMSeg loads photos.
    """

    path: str
    mode: str
    size: Tuple[int, int]
    shown_size: Tuple[int, int]


def read_header(path: str, backend_args: Optional[dict] = None) -> ImageHeader:
    """Reads the header of an image; of a local file no more than that.

    Args:
        path (str): The file.
        backend_args (dict, optional): MMEngine's file backend.

    Raises:
        MissingFileError: When there is no such file.
        ValueError: When it is no image.
    """
    try:
        if not is_remote(path, backend_args):
            content: Union[str, io.BytesIO] = path
        else:
            content = io.BytesIO(fileio.get(path, backend_args=backend_args))
        with Image.open(content) as image:
            return ImageHeader(path, image.mode, image.size, _shown_size(image))
    except FileNotFoundError as error:
        raise missing_file(path) from error
    except OSError as error:
        raise unreadable(path, error) from error


def check_instance_map(instances: ImageHeader, label: ImageHeader) -> None:
    """Checks that an instance map has one channel and the size of its label map.

    Raises:
        ValueError: When it has not; names the files.
    """
    if instances.mode not in _INSTANCE_MODES:
        raise ValueError(
            f'{instances.path} has pixel format {instances.mode}; an instance map is a '
            'single-channel image of ids, 8-, 16- or 32-bit: convert it first'
        )
    check_sizes(instances.path, instances.size, label.path, label.size)


def is_remote(path: str, *backend_args: Optional[dict]) -> bool:
    """Checks whether a file has to be fetched from somewhere.

    Args:
        path (str): The file.
        *backend_args (dict, optional): MMEngine's file backends: of the data set, and
            of the transforms that load.
    """
    backends = [(args or {'backend': 'local'}).get('backend') for args in backend_args]
    return '://' in path or any(backend != 'local' for backend in backends)


def missing_file(path: str) -> MissingFileError:
    """Returns the error for a missing file; names it and the remedy."""
    return MissingFileError(f'{path} is missing: {_RESTORE}')


def loading_error(path: str, error: Exception) -> ValueError:
    """Returns the error for a sample that its loading transforms could not load.

    Args:
        path (str): Its main file.
        error (Exception): What they raised.
    """
    if isinstance(error, FileNotFoundError):
        other = error.filename
        if other is None or os.fspath(other) == path:
            return missing_file(path)
        return MissingFileError(
            f'{other}, which is needed to load {path}, is missing: {_RESTORE}'
        )
    return unreadable(path, error)


def check_instance_path(owner: object, value: Any) -> Optional[Tuple[str, str]]:
    """Checks the option ``instance_path``.

    Args:
        owner (object): Whose option it is, for the message.
        value (tuple[str, str], optional): What to replace in the path of a label file,
            and by what.

    Returns:
        tuple[str, str] | None: The same.

    Raises:
        ValueError: When it is something else.
    """
    if value is None:
        return None
    allowed = 'two texts: what to replace in the path of a label file, and by what'
    old, new = items_of(owner, 'instance_path', value, allowed, 2)
    if not (isinstance(old, str) and isinstance(new, str) and old):
        raise refuse(owner, 'instance_path', value, allowed)
    return old, new


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


def check_sizes(
    path: str, size: Sequence[int], label_path: str, label_size: Sequence[int]
) -> None:
    """Checks that a photo or an instance map has the size of its label map.

    Args:
        path (str): The file.
        size (Sequence[int]): Its width and height in pixels.
        label_path (str): The label map.
        label_size (Sequence[int]): Its width and height.

    Raises:
        ValueError: When it has not; names both files.
    """
    if tuple(size) != tuple(label_size):
        turned = ''
        if tuple(size) == tuple(label_size)[::-1]:
            turned = (
                '. Where one of them is turned by an EXIF tag: MMSeg turns photos '
                'by it, label maps never; take the tag out of the photo, or turn the '
                'label map'
            )
        raise ValueError(
            f'{path} is {size[0]} x {size[1]}, but its label map {label_path} is '
            f'{label_size[0]} x {label_size[1]} (width x height): the two must have '
            f'one size{turned}'
        )


def _shown_size(image: Image.Image) -> Tuple[int, int]:
    width, height = image.size
    # Looking for tags that are not in the header would read a whole PNG file.
    if 'exif' in image.info and image.getexif().get(_ORIENTATION, 1) > 4:
        return height, width
    return width, height


def check_photo_size(
    info: dict, label_map: np.ndarray, backend_args: Optional[dict], needed: bool
) -> None:
    """Compares the sizes of a photo, by its header, and its label map.

    Args:
        info (dict): Data info of the sample.
        label_map (np.ndarray): [H, W].
        backend_args (dict, optional): MMEngine's file backend.
        needed (bool): Whether a missing photo is an error.

    Raises:
        MissingFileError: When a needed photo is missing.
        ValueError: When the sizes differ; names both files.
    """
    path, label_path = info['img_path'], info['seg_map_path']
    try:
        photo = read_header(path, backend_args)
    except MissingFileError as error:
        if needed:
            raise MissingFileError(
                f'{error} (it is the photo of {label_path})'
            ) from error
    else:
        check_sizes(path, photo.shown_size, label_path, label_map.shape[1::-1])


def check_photo_is_there(path: str, label_path: str, remote: bool) -> None:
    """Checks that a photo exists, and is not the label map itself.

    Args:
        path (str): The photo.
        label_path (str): Its label map.
        remote (bool): Whether it lies behind a file backend, where it is not looked up.

    Raises:
        MissingFileError: When it is not; names both files.
    """
    if path == label_path:
        raise MissingFileError(
            f'{label_path} has no photo: img_path of this data set is the folder '
            'of its label maps. Photos are needed here: set img_path to their '
            'folder'
        )
    if not (remote or os.path.exists(path)):
        raise MissingFileError(
            f'{path}, the photo of {label_path}, is missing: restore the file or '
            'take the sample out of the data set'
        )


def first_instance(path: Optional[str]) -> int:
    """Returns the smallest id of an instance in an instance map.

    In files that are named as those of Cityscapes (``..._instanceIds.png``,
    ``..._instanceTrainIds.png``) it is 1000: ids below are classes, of pixels that
    belong to no instance (cityscapesScripts, json2instanceImg.py).

    Args:
        path (str, optional): The file; None where there is none.
    """
    return 1000 if path is not None and path.endswith(_OF_CITYSCAPES) else 1


def have_instances(
    infos: Iterable[dict], replacement: Optional[Tuple[str, str]]
) -> bool:
    """Checks whether joined data sets have instance maps; only some are not used.

    Args:
        infos (Iterable[dict]): Data info of a sample of each.
        replacement (tuple[str, str], optional): As for :func:`find_instance_path`.
    """
    found = [find_instance_path(info, replacement) is not None for info in infos]
    if any(found) and not all(found):
        print_log(
            f'{found.count(True)} of {len(found)} joined data sets have instance maps: '
            'they are not used, since all would need them',
            logger='current',
            level=logging.WARNING,
        )
    return all(found)
