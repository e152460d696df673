"""Reading the files of generated samples, with checks that find any damage."""

import os
from pathlib import Path
from typing import Callable, Optional, Union

import cv2
import numpy as np

from mmseg_ganaug.png_files import PNG_SIGNATURE, find_png_damage

_PNG_END = b'IEND\xaeB`\x82'
_JPEG_BEGIN, _JPEG_END = b'\xff\xd8', b'\xff\xd9'


class DamagedSampleError(OSError):
    """A file of a generated sample is missing or damaged; names it and the remedy."""


def read_sample_photo(
    path: Union[str, os.PathLike], height: Optional[int] = None
) -> np.ndarray:
    """Reads the photo of a generated sample.

    Args:
        path (str | Path): PNG or JPEG file of a store.
        height (int, optional): That of its label map, H. Defaults to None: the file is
            as high.

    Returns:
        np.ndarray: uint8 BGR [H, W, 3], or uint8 or uint16 [H, W, bands].

    Raises:
        DamagedSampleError: When the file is missing, empty, truncated or damaged.
    """
    return _read(path, lambda content: decode_photo(content, height))


def read_sample_label_map(path: Union[str, os.PathLike]) -> np.ndarray:
    """Reads the label map of a generated sample.

    Args:
        path (str | Path): PNG file of a store.

    Returns:
        np.ndarray: uint8 [H, W], class ids from 0 on.

    Raises:
        DamagedSampleError: When the file is missing, empty, truncated or damaged, or
            is no grey image of 8 bits.
    """
    return _read(path, decode_label_map)


def encode_photo(photo: np.ndarray, suffix: str) -> bytes:
    """Encodes the photo of a sample.

    A photo of 8 bits in 3 bands is an image in colour. Of any other, the bands stand
    below each other in a grey PNG of their bits.

    Args:
        photo (np.ndarray): uint8 or uint16 [H, W, bands].
        suffix (str): '.png', or '.jpg' for 8 bits in 3 bands alone.

    Returns:
        bytes: The content of the file.

    Raises:
        ValueError: When a JPEG cannot hold the photo; says what to do.
    """
    if photo.dtype == np.uint8 and photo.shape[2] == 3:
        return encode(photo, suffix)
    if suffix != '.png':
        raise ValueError(
            f'photos of {photo.dtype} with {photo.shape[2]} bands cannot be stored as '
            f"{suffix}: set photo_suffix='.png'"
        )
    return encode(photo.transpose(2, 0, 1).reshape(-1, photo.shape[1]), suffix)


def encode(image: np.ndarray, suffix: str) -> bytes:
    """Encodes an image as '.png' or '.jpg'."""
    # Level 1 is several times faster than the default and hardly larger on photos.
    options = {'.png': [cv2.IMWRITE_PNG_COMPRESSION, 1], '.jpg': []}[suffix]
    return cv2.imencode(suffix, np.ascontiguousarray(image), options)[1].tobytes()


def decode_photo(content: bytes, height: Optional[int] = None) -> np.ndarray:
    """Decodes the photo of a sample, see :func:`encode_photo`.

    Args:
        content (bytes): A whole PNG or JPEG file.
        height (int, optional): That of its label map, H. Defaults to None: the file is
            as high.

    Returns:
        np.ndarray: uint8 BGR [H, W, 3], or uint8 or uint16 [H, W, bands].

    Raises:
        ValueError: When it is damaged; says how, such as 'is truncated'.
    """
    photo = _decoded(content, cv2.IMREAD_UNCHANGED)
    if photo.ndim == 3:
        return photo
    if not height or len(photo) % height:
        return photo[..., None]
    bands = photo.reshape(-1, height, photo.shape[1])
    return np.ascontiguousarray(bands.transpose(1, 2, 0))


def decode_label_map(content: bytes) -> np.ndarray:
    """Decodes the label map of a sample.

    Args:
        content (bytes): A whole PNG file.

    Returns:
        np.ndarray: uint8 [H, W].

    Raises:
        ValueError: When it is damaged, or is no grey image of 8 bits.
    """
    label_map = _decoded(content, cv2.IMREAD_UNCHANGED)
    if label_map.ndim != 2 or label_map.dtype != np.uint8:
        raise ValueError(
            f'is {label_map.dtype} {list(label_map.shape)}, not a label map of uint8 '
            '[H, W]'
        )
    return label_map


def image_damage(content: bytes) -> Optional[str]:
    """Finds damage that a decoder may ignore.

    Of a PNG the checksum of each chunk is computed, so that a flipped bit is found; of
    a JPEG, which has none, only a missing end is.

    Args:
        content (bytes): A whole PNG or JPEG file.

    Returns:
        str | None: Such as 'is truncated'; None where nothing was found.
    """
    if not content:
        return 'is empty'
    if content.startswith(PNG_SIGNATURE):
        damage = find_png_damage(content)
        if damage:
            return f'is damaged: {damage}'
        return None if content.endswith(_PNG_END) else 'holds more than a PNG'
    if content.startswith(_JPEG_BEGIN):
        return None if content.endswith(_JPEG_END) else 'is truncated'
    return 'is neither PNG nor JPEG'


def _decoded(content: bytes, flags: int) -> np.ndarray:
    damage = image_damage(content)
    if damage:
        raise ValueError(damage)
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error:  # such as a size beyond OpenCV's limit
        image = None
    if image is None:
        raise ValueError('cannot be decoded')
    return image


def _read(
    path: Union[str, os.PathLike], decode: Callable[[bytes], np.ndarray]
) -> np.ndarray:
    try:
        return decode(Path(path).read_bytes())
    except (FileNotFoundError, ValueError) as error:
        missing = isinstance(error, FileNotFoundError)
        # One argument alone, as workers of a DataLoader pass exceptions on.
        raise DamagedSampleError(
            f'the file {os.fspath(path)} of a generated sample '
            f'{"is missing" if missing else error}: ganaug synthesize CONFIG '
            '--verify makes it again'
        ) from error
