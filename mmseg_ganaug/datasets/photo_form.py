"""Bands, bits and type of photos, as loading transforms give them and as stored."""

from typing import Any, NamedTuple

import numpy as np

#: Types in which photos may be loaded.
DTYPES = (
    *('uint8', 'uint16', 'uint32', 'uint64', 'int8', 'int16', 'int32', 'int64'),
    *('float16', 'float32', 'float64'),
)
_MOST = {'uint8': 255, 'uint16': 65535}


class PhotoForm(NamedTuple):
    """Type and bands of the photos that loading transforms give.

    Attributes:
        dtype: Name of NumPy's type, such as 'uint8' or 'float32'.
        bands: Their number; 0 for photos [H, W], without an axis of bands.
    """

    dtype: str
    bands: int

    @classmethod
    def of(cls, photo: np.ndarray) -> 'PhotoForm':
        """Returns the form of a photo [H, W, bands] or [H, W]."""
        return cls(str(photo.dtype), photo.shape[2] if photo.ndim == 3 else 0)

    def restored(self, photo: np.ndarray) -> np.ndarray:
        """Turns a photo as it is stored into this form.

        Args:
            photo (np.ndarray): uint8 or uint16 [H, W, bands].
        """
        photo = photo.astype(self.dtype, copy=False)
        return photo if self.bands else photo[..., 0]

    def __str__(self) -> str:
        bands = max(self.bands, 1)
        return f'{self.dtype} with {bands} band{"s" if bands > 1 else ""}'


#: What painters and MMSeg's own loading transform give.
COLOUR = PhotoForm('uint8', 3)


def stored_photo(photo: np.ndarray, path: Any, eight_bits: bool) -> np.ndarray:
    """Turns a photo into whole numbers of 8 or 16 bits, which samples are stored in.

    Args:
        photo (np.ndarray): [H, W, bands] or [H, W], as it was loaded.
        path (str): Its file, for messages.
        eight_bits (bool): Whether its values come from 8 bits, whatever its type.

    Returns:
        np.ndarray: uint8 or uint16 [H, W, bands].

    Raises:
        ValueError: When a value is no whole number 0..65535; names file and range.
    """
    photo = np.asarray(photo)
    if photo.ndim == 2:
        photo = photo[..., None]
    if photo.ndim != 3 or not photo.shape[2]:
        raise ValueError(
            f'{path} is loaded as an array {list(photo.shape)}: a photo has to be '
            '[H, W] or [H, W, bands]'
        )
    kind = 'uint8' if eight_bits or photo.dtype == np.uint8 else 'uint16'
    if photo.dtype == kind:
        return photo
    found = photo.astype(kind)
    # What is no number, or outside, differs after this as well.
    with np.errstate(invalid='ignore'):
        if not np.array_equal(found, photo):
            raise ValueError(
                f'{path} is loaded as {PhotoForm.of(photo)} and values '
                f'{photo.min():g}..{photo.max():g}, but samples are stored in whole '
                f'numbers 0..{_MOST[kind]}: load the values of the file, and scale '
                'them in a later transform'
            )
    return found


def check_colour(photo: np.ndarray, path: Any, who: str = 'a generator') -> None:
    """Checks that a photo has 8 bits in three bands, as painters need it.

    Args:
        photo (np.ndarray): As it is stored.
        path (str): Its file, for the message.
        who (str): What needs it, for the message.

    Raises:
        ValueError: When it is something else; names the file.
    """
    form = PhotoForm.of(photo)
    if form != COLOUR:
        raise ValueError(
            f'{who} takes and gives photos of 8 bits in 3 bands, but {path} is loaded '
            f'as {form}: use real pixels (generator=None), which take any bands of 8 '
            'or 16 bits, or have your loading transform give 8 bits in 3 bands'
        )


def shown_photo(photo: np.ndarray) -> np.ndarray:
    """Makes a picture of a photo of any form, for people to look at.

    Args:
        photo (np.ndarray): [H, W, bands].

    Returns:
        np.ndarray: uint8 BGR [H, W, 3]: its first three bands, or its first alone in
        grey; where they are no 8 bits, the largest value of the photo is white.
    """
    picture = photo[..., :3] if photo.shape[2] > 2 else photo[..., [0, 0, 0]]
    if picture.dtype != np.uint8:
        most = max(float(picture.max(initial=0)), 1.0)
        picture = (picture.clip(0) * (255 / most)).astype(np.uint8)
    return np.ascontiguousarray(picture)
