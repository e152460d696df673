"""Windows of photos as a diffusion model takes them, and back."""

import re
from dataclasses import dataclass
from typing import Mapping, Optional, Sequence, Tuple

import cv2
import numpy as np
import torch

from mmseg_ganaug.synthesis.windows import Window

# A class with a smaller share of what changed in a window is not in its prompt: rims
# that an object uncovered.
_MIN_SHARE = 0.01


@dataclass(frozen=True)
class WindowInput:
    """What a diffusion model gets of one window.

    Attributes:
        image: float32 RGB [3, H, W], 0..1, at the size that the model paints.
        mask: float32 [1, H, W], 1 where it paints.
        control: float32 RGB [3, H, W], 0..1, the labels in colours.
        prompt: What is to be seen.
        seed: Of all random draws.
    """

    image: torch.Tensor
    mask: torch.Tensor
    control: torch.Tensor
    prompt: str
    seed: int


@dataclass(frozen=True)
class Painting:
    """How a model paints windows.

    Attributes:
        size: Side in pixels of the square that has as many pixels as it paints.
        cell: Pixels of a side of what is one pixel to its denoiser.
        unit: What the sides divide by.
    """

    size: int
    cell: int
    unit: int

    @classmethod
    def of(cls, unet: Mapping, vae: Mapping) -> 'Painting':
        """Reads it from the configs of a model's parts.

        Args:
            unet: Of the denoiser.
            vae: Of the autoencoder.
        """
        cell = 2 ** (len(vae['block_out_channels']) - 1)
        unit = cell * 2 ** (len(unet['block_out_channels']) - 1)
        return cls(unet['sample_size'] * cell, cell, unit)

    def size_of(self, window: Window) -> Tuple[int, int]:
        """Returns height and width at which a window is painted; its shape is kept."""
        scale = self.size / np.sqrt(window.height * window.width)
        height, width = (
            max(round(side * scale / self.unit), 1) * self.unit for side in window[2:]
        )
        return height, width

    def window_input(
        self,
        window: Window,
        colours: np.ndarray,
        photo: np.ndarray,
        shown: np.ndarray,
        changed: np.ndarray,
        prompt: str,
        seed: int,
    ) -> WindowInput:
        """Makes what the model gets.

        Args:
            window: A part of the arrays that follow.
            colours: uint8 RGB [H, W, 3], the labels.
            photo: uint8 RGB [H, W, 3].
            shown: Bool [H, W], False in the holes of the photo, which are filled.
            changed: Bool [H, W], what is to be painted.
            prompt: What is to be seen.
            seed: Of all random draws.
        """
        height, width = self.size_of(window)
        image = _filled(window.of(photo), window.of(shown))
        share = window.of(changed).astype(np.float32)
        mask = _resized(share, height, width, cv2.INTER_AREA) > 0
        # The denoiser paints a cell or not: a thin object must not fall between them.
        cells = mask.reshape(height // self.cell, self.cell, -1, self.cell)
        mask = cells.any(axis=(1, 3)).repeat(self.cell, 0).repeat(self.cell, 1)
        return WindowInput(
            _tensor(_resized(image, height, width)),
            torch.from_numpy(mask[None].astype(np.float32)),
            _tensor(_resized(window.of(colours), height, width, cv2.INTER_NEAREST)),
            prompt,
            seed,
        )


def window_photo(painted: np.ndarray, window: Window) -> np.ndarray:
    """Brings what was painted to the size of its window: uint8 RGB [H, W, 3].

    Args:
        painted: float32 RGB [H', W', 3], 0..1.
        window: Where it goes.
    """
    photo = _resized(painted, window.height, window.width)
    return (photo * 255).round().clip(0, 255).astype(np.uint8)


def classes_in_words(
    labels: np.ndarray,
    changed: np.ndarray,
    names: Sequence[str],
    words: Mapping[str, str],
) -> str:
    """Lists the classes of what changed, the largest first.

    Args:
        labels: uint8 [H, W]; values that are no class do not count.
        changed: Bool [H, W]; where none of it is of a class, all of the map counts.
        names: C names of classes.
        words: What to call a class in place of its name.

    Returns:
        Such as 'car, traffic sign'.
    """
    for part in (labels[changed], labels.ravel()):
        pixels = np.bincount(part, minlength=256)[: len(names)]
        if pixels.any():
            break
    listed = [
        words.get(names[number], spoken(names[number]))
        for number in np.argsort(-pixels, kind='stable')
        if pixels[number] > _MIN_SHARE * pixels.sum()
    ]
    return ', '.join(listed)


def spoken(name: str) -> str:
    """Turns the name of a class into words: 'SignSymbol' becomes 'sign symbol'."""
    apart = re.sub(r'(?<=[a-z])(?=[A-Z])', ' ', name)
    return re.sub(r'[\s_-]+', ' ', apart).strip().lower()


def _filled(photo: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Fills holes from their rim (Telea, "An Image Inpainting Technique", 2004)."""
    if shown.all():
        return photo
    if not shown.any():
        return np.full_like(photo, 127)
    return cv2.inpaint(
        np.ascontiguousarray(photo), (~shown).astype(np.uint8), 3, cv2.INPAINT_TELEA
    )


def _resized(
    array: np.ndarray, height: int, width: int, way: Optional[int] = None
) -> np.ndarray:
    if way is None:
        smaller = height * width < array.shape[0] * array.shape[1]
        way = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return cv2.resize(array, (width, height), interpolation=way)


def _tensor(image: np.ndarray) -> torch.Tensor:
    scaled = image.transpose(2, 0, 1).astype(np.float32) / 255
    return torch.from_numpy(np.ascontiguousarray(scaled))
