"""Colours of masks as whole numbers 0xRRGGBB."""

from typing import Tuple

_ONE_GREY = 0x010101


def pack_colour(red, green, blue):
    """Makes one number of the channels.

    Args:
        red (int | np.ndarray): 0..255; arrays need a type of 24 bits and more.
        green (int | np.ndarray): As ``red``.
        blue (int | np.ndarray): As ``red``.

    Returns:
        int | np.ndarray: 0xRRGGBB.
    """
    return red << 16 | green << 8 | blue


def unpack_colour(colour: int) -> Tuple[int, int, int]:
    """Red, green and blue of 0xRRGGBB, 0..255 each."""
    return colour >> 16, colour >> 8 & 255, colour & 255


def grey_colour(level: int) -> int:
    """The colour 0xRRGGBB of three channels of that level, 0..255."""
    return level * _ONE_GREY


def is_grey(colour: int) -> bool:
    """Whether the channels of 0xRRGGBB are equal."""
    return colour % _ONE_GREY == 0


def describe_colour(colour: int) -> str:
    """Writes 0xRRGGBB as three decimal numbers."""
    return ' '.join(map(str, unpack_colour(colour)))
