"""Reads mask files, and refuses other images.

A pixel of a mask has one value, an int, whose meaning :class:`MaskForm` gives.
"""

from enum import Enum
from pathlib import Path
from typing import Any, Dict, FrozenSet, Iterable, NamedTuple, Tuple, Union

import numpy as np
from PIL import Image

from mmseg_ganaug.datasets.image_files import (
    DEEP_MODES,
    check_holds_labels,
    decode_image,
)
from mmseg_ganaug.datasets.image_headers import probe_format, unreadable
from mmseg_ganaug.datasets.label_files import MissingFileError

_OPAQUE = {'LA': 'L', 'RGBA': 'RGB'}
MOST_VALUES = 255
_MOST_GREY_VALUES = 200
_ONE_GREY = 0x010101
_FEWEST_THIN = 8
_REMEDY = (
    'Export the masks again, as PNG, without anti-aliasing and without JPEG on the '
    'way, and resize them by nearest neighbour only'
)


def pack_colour(red, green, blue):
    """Packs three channels into one number.

    Args:
        red (int | np.ndarray): 0..255; arrays need a type of 24 bits and more.
        green (int | np.ndarray): As ``red``.
        blue (int | np.ndarray): As ``red``.

    Returns:
        int | np.ndarray: 0xRRGGBB.
    """
    return red << 16 | green << 8 | blue


def unpack_colour(colour: int) -> Tuple[int, int, int]:
    """Returns red, green and blue of 0xRRGGBB, 0..255 each."""
    return colour >> 16, colour >> 8 & 255, colour & 255


def is_grey(colour: int) -> bool:
    """Checks whether the channels of 0xRRGGBB are equal."""
    return colour % _ONE_GREY == 0


class MaskForm(Enum):
    """Meaning of the values of a folder's masks.

    Attributes:
        IDS: An id, 0..255: the grey level, or the index into a palette.
        GREYS: An id, 0..255, that three equal channels hold.
        COLOURS: A colour, 0xRRGGBB, be it of the pixel or of its entry in a palette.
    """

    IDS = 'ids'
    GREYS = 'greys'
    COLOURS = 'colours'

    def from_colours(self, colours):
        """Returns the value of a pixel, or of an array of pixels, of 0xRRGGBB."""
        return colours & 255 if self is MaskForm.GREYS else colours

    def describe(self, value: int) -> str:
        """Writes a value for a user: ``ID``, or ``R G B``."""
        if self is MaskForm.COLOURS:
            return ' '.join(map(str, unpack_colour(value)))
        return str(value)


class MaskContent(NamedTuple):
    """Content of a mask file.

    Attributes:
        mode: Pixel format of the file, as Pillow names it.
        size: Width and height in pixels.
        pixels: Pixels of each stored value: a palette index or grey level 0..255, or,
            in colour files, 0xRRGGBB.
        palette: For palette files, the colour of each stored value as 0xRRGGBB.
        thin: Stored values that cover no square of 2 x 2 pixels.
    """

    mode: str
    size: Tuple[int, int]
    pixels: Dict[int, int]
    palette: Dict[int, int]
    thin: FrozenSet[int]

    @property
    def is_colour(self) -> bool:
        """Checks whether the stored values are colours."""
        return self.mode in ('RGB', 'RGBA')

    def colour(self, stored: int) -> int:
        """Returns the colour 0xRRGGBB in which a stored value is shown."""
        if self.is_colour:
            return stored
        level = 255 * stored if self.mode == '1' else stored
        return self.palette.get(stored, level * _ONE_GREY)

    def value_in(self, stored: int, form: MaskForm) -> int:
        """Returns the value of a form that a stored value stands for."""
        if form is MaskForm.IDS:
            return stored
        return form.from_colours(self.colour(stored))

    def count_in(self, form: MaskForm) -> Dict[int, int]:
        """Counts the pixels of each value of a form."""
        counted: Dict[int, int] = {}
        for stored, count in self.pixels.items():
            value = self.value_in(stored, form)
            counted[value] = counted.get(value, 0) + count
        return counted


def read_file(path: Union[str, Path]) -> bytes:
    """Reads a photo or a mask, as it is stored.

    Args:
        path (str | Path): The file.

    Returns:
        bytes: Its content.

    Raises:
        MissingFileError: When there is no such file.
        ValueError: When it cannot be read. Names it.
    """
    try:
        return Path(path).read_bytes()
    except FileNotFoundError as error:
        raise MissingFileError(f'{path} is missing: restore the file') from error
    except OSError as error:
        raise unreadable(str(path), error) from error


def inspect_mask(content: bytes, path: Union[str, Path]) -> MaskContent:
    """Counts the stored values of a mask.

    Args:
        content (bytes): The file.
        path (str | Path): Its name, for messages.

    Returns:
        MaskContent: Its values and how they are stored.

    Raises:
        ValueError: When it is no image, is damaged or truncated, of a lossy format, has
            values above 255, several frames, is partly transparent, or holds
            so many or so thin values that it cannot be a mask. Names the file and the
            remedy.
    """
    image, mode = _open(content, path)
    values = _to_values(image)
    counted: Any = image.getcolors(MOST_VALUES + 1)
    if counted is None:
        raise _no_mask(path, len(np.unique(values)))
    if image.mode == 'RGB':
        pixels = {pack_colour(*colour): count for count, colour in counted}
    else:
        # Pillow counts the 1 of a bilevel image as 255.
        divisor = 255 if image.mode == '1' else 1
        pixels = {value // divisor: count for count, value in counted}
        if image.mode == 'L' and len(pixels) > _MOST_GREY_VALUES:
            raise _no_mask(path, len(pixels))
    palette = {}
    if image.mode == 'P':
        colours = np.zeros((256, 3), np.uint8)
        listed = np.array(image.getpalette('RGB'), np.uint8).reshape(-1, 3)
        colours[: len(listed)] = listed
        palette = {value: pack_colour(*colours[value].tolist()) for value in pixels}
    thin = frozenset(pixels) - _solid_values(values, pixels)
    check_not_blended(pixels, thin, path)
    return MaskContent(mode, image.size, pixels, palette, thin)


def read_mask_values(path: Union[str, Path], form: MaskForm) -> np.ndarray:
    """Reads the values of a mask.

    Args:
        path (str | Path): The file.
        form (MaskForm): Meaning of the values.

    Returns:
        np.ndarray: uint8 ``[H, W]`` ids that are stored as such, else uint32
        ``[H, W]``.

    Raises:
        MissingFileError: When there is no such file.
        ValueError: Names the file that cannot be read as a mask.
    """
    image, _ = _open(read_file(path), path)
    if form is MaskForm.IDS:
        return _to_values(image)
    return form.from_colours(_to_values(image.convert('RGB')))


def check_not_blended(
    values: Iterable[int], thin: Iterable[int], path: Union[str, Path]
) -> None:
    """Checks that values are no blends of their neighbours, as at smoothed edges.

    Blends lie along edges, a pixel thick, and are many; real classes form areas.

    Args:
        values (Iterable[int]): The values of a mask, or of all masks.
        thin (Iterable[int]): Those that cover no square of 2 x 2 pixels.
        path (str | Path): A mask that shows them, for the message.

    Raises:
        ValueError: When most of many values are thin.
    """
    many, few = len(list(values)), len(list(thin))
    if few >= _FEWEST_THIN and 2 * few > many:
        raise ValueError(
            f'{path} has {many} grey values or colours, and {few} of them only lie '
            'along edges, a pixel thick: they are blends (anti-aliasing, smooth '
            f'resizing or JPEG), no classes. {_REMEDY}'
        )


def _open(content: bytes, path: Union[str, Path]) -> Tuple[Image.Image, str]:
    """Decodes an image as '1', 'L', 'P' or 'RGB'; returns its stored mode, too."""
    found = probe_format(content, str(path))
    check_holds_labels(found, str(path))
    if found.bits > 8 and found.bands > 1:
        raise ValueError(
            f'{path} has {found.bands} bands of {found.bits} bits: a mask in colours '
            'is an 8-bit RGB image. Save it as an 8-bit PNG'
        )
    image = decode_image(content, str(path), found)
    mode = image.mode
    if mode in DEEP_MODES:
        values = np.asarray(image)
        if not 0 <= values.min() <= values.max() <= 255:
            raise ValueError(
                f'{path} has more than 8 bits a pixel (pixel format {mode}) and values '
                f'up to {values.max()}; such values usually are instance ids or class '
                '* 1000 + instance: save the class ids alone as an 8-bit PNG'
            )
        image = Image.fromarray(values.astype(np.uint8))
    elif found.kind != 'uint':
        raise ValueError(
            f'{path} holds negative or floating-point numbers (pixel format {mode}): '
            'save the class ids, 0 to 255, as an 8-bit PNG'
        )
    if mode in _OPAQUE:
        if np.asarray(image.getchannel('A')).min() < 255:
            raise ValueError(
                f'{path} is partly transparent (pixel format {mode}): what that means '
                'cannot be known. Save it without an alpha channel'
            )
        image = image.convert(_OPAQUE[mode])
    if image.mode not in ('1', 'L', 'P', 'RGB'):
        raise ValueError(
            f'{path} has pixel format {mode}: save the mask as an 8-bit PNG of ids, '
            'with a palette, or in RGB colours'
        )
    return image, mode


def _to_values(image: Image.Image) -> np.ndarray:
    array = np.asarray(image)
    if array.ndim == 2:
        return array.astype(np.uint8)
    array = array.astype(np.uint32)
    return pack_colour(array[..., 0], array[..., 1], array[..., 2])


def _solid_values(values: np.ndarray, candidates: Iterable[int]) -> FrozenSet[int]:
    """Finds the values that cover a square of 2 x 2 pixels somewhere."""
    corner = values[:-1, :-1]
    solid = corner == values[1:, 1:]
    solid &= corner == values[1:, :-1]
    solid &= corner == values[:-1, 1:]
    # Most values are met at once; to sort all pixels would take longer than to read.
    found = set(np.unique(corner[::4, ::4][solid[::4, ::4]]).tolist())
    rest = set(candidates) - found
    return frozenset(found | {v for v in rest if (solid & (corner == v)).any()})


def _no_mask(path: Union[str, Path], count: int) -> ValueError:
    return ValueError(
        f'{path} has {count} grey values or colours: that is a photo, or a mask whose '
        'edges were smoothed or that was a JPEG. Are photos and masks the right way '
        f'round? {_REMEDY}'
    )
