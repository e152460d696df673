"""Label maps in colour, alone or over their photos."""

from typing import Sequence

import numpy as np

# Width of a stripe of the hatching, and of the frame, in pixels.
_STRIPE = 4
_FRAME = 3
# Greys of the hatching on a label map, and of its stripes over a photo.
_GREYS = (110, 70)
_STRIPE_COLOUR = 80
# Orange and blue of Okabe and Ito: distinct with any kind of colour vision.
_GENERATED, _REAL = (0, 159, 230), (178, 114, 0)  # BGR


def colour_label_map(
    label_map: np.ndarray, palette: Sequence[Sequence[int]], ignore_index: int
) -> np.ndarray:
    """Paints a label map in the colours of its classes.

    Args:
        label_map (np.ndarray): uint8 [H, W], values 0..C-1 and ``ignore_index``.
        palette (Sequence[Sequence[int]]): C RGB triples, 0..255.
        ignore_index (int): Shown in grey hatching, which no class colour can be
            mistaken for.

    Returns:
        np.ndarray: RGB uint8 [H, W, 3].

    Raises:
        ValueError: When the label map has another shape or a value that is neither a
            class nor ``ignore_index``.
    """
    label_map = np.asarray(label_map)
    if label_map.ndim != 2:
        raise ValueError(f'a label map is [H, W], not {list(label_map.shape)}')
    colours = np.asarray(palette, dtype=np.uint8).reshape(-1, 3)
    ignored = label_map == ignore_index
    wrong = label_map[~ignored & ((label_map < 0) | (label_map >= len(colours)))]
    if wrong.size:
        raise ValueError(
            f'the label map has the value {wrong[0]}, but the palette has '
            f'{len(colours)} colours and ignore_index is {ignore_index}'
        )
    painted = colours[np.where(ignored, 0, label_map)]
    hatched = np.where(_stripes(label_map), *_GREYS).astype(np.uint8)
    return np.where(ignored[..., None], hatched[..., None], painted)


def overlay_label_map(
    photo: np.ndarray,
    label_map: np.ndarray,
    palette: Sequence[Sequence[int]],
    ignore_index: int,
    opacity: float = 0.5,
) -> np.ndarray:
    """Lays the colours of the classes over a photo; ignored pixels are hatched.

    Args:
        photo (np.ndarray): BGR uint8 [H, W, 3].
        label_map (np.ndarray): uint8 [H, W], values 0..C-1 and ``ignore_index``.
        palette (Sequence[Sequence[int]]): C RGB triples, 0..255.
        ignore_index (int): Shown as the bare photo behind grey stripes.
        opacity (float): Weight of the colours, 0..1. Defaults to 0.5.

    Returns:
        np.ndarray: BGR uint8 [H, W, 3].

    Raises:
        ValueError: When the label map has another size than the photo, or a value
            that is neither a class nor ``ignore_index``.
    """
    label_map = np.asarray(label_map)
    if photo.shape != (*label_map.shape, 3):
        raise ValueError(
            f'the photo is {list(photo.shape)}, but its label map '
            f'{list(label_map.shape)}'
        )
    colours = colour_label_map(label_map, palette, ignore_index)[..., ::-1]
    mixed = np.rint(photo * (1 - opacity) + colours * opacity).astype(np.uint8)
    stripes = _stripes(label_map)[..., None]
    hatched = np.where(stripes, np.uint8(_STRIPE_COLOUR), photo)
    return np.where((label_map == ignore_index)[..., None], hatched, mixed)


def framed(image: np.ndarray, generated: bool) -> np.ndarray:
    """Draws a frame that marks a sample, over the outermost pixels of its image.

    Args:
        image (np.ndarray): BGR uint8 [H, W, 3].
        generated (bool): Orange for a generated sample, blue for a real one.

    Returns:
        np.ndarray: A copy with the frame.
    """
    inner = tuple(slice(_FRAME, size - _FRAME) for size in image.shape[:2])
    marked = np.empty_like(image)
    marked[:] = _GENERATED if generated else _REAL
    marked[inner] = image[inner]
    return marked


def _stripes(label_map: np.ndarray) -> np.ndarray:
    rows, columns = np.indices(label_map.shape)
    return (rows + columns) // _STRIPE % 2 == 0
