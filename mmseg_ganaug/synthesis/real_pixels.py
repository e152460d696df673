"""No generator: the recombined photos keep the real pixels of base and donors."""

from typing import Any, Optional, Tuple

import cv2
import numpy as np

from mmseg_ganaug.option_checks import check_number
from mmseg_ganaug.recompose import RecomposedMap
from mmseg_ganaug.recompose.placement import resize_bands
from mmseg_ganaug.registry import GENERATORS

# A wider Gaussian, in pixels, is applied to a smaller photo: it looks the same.
_WIDEST = 4


@GENERATORS.register_module()
class RealPixels:
    """Stands where a generator would, and paints nothing (copy-paste).

    It needs no weights, no GPU and no MMagic. What no photo shows, as the holes that
    Recon fills, becomes the ignore index. Photos may have any bands of 8 or 16 bits.
    """

    #: Whether it takes other photos than those of 8 bits in 3 bands.
    takes_any_photo = True

    def __init__(self) -> None:
        #: Maps are recombined at their own size.
        self.scale: Optional[Tuple[int, int]] = None

    def check(self, num_classes: int, has_instances: bool) -> None:
        """Accepts every data set."""

    def load(self) -> None:
        """Has nothing to load."""

    def release(self) -> None:
        """Has nothing to free."""

    def fingerprint(self) -> str:
        """Names what the photos depend on: nothing of it."""
        return 'real pixels'

    def retouch(self, made: RecomposedMap) -> np.ndarray:
        """Returns the photo of a recombination, as it is: [H, W, bands].

        Args:
            made (RecomposedMap): With photo.
        """
        assert made.photo is not None, 'it was recombined with photo'
        return made.photo


@GENERATORS.register_module()
class BlurredPixels(RealPixels):
    """Blurs what was pasted, each object within its own mask.

    A control: labels stand where they would, the rest of the photo is real, and the
    objects keep their mean colour and little else. What a segmenter gains by such
    samples does not come from the looks of the objects.

    Args:
        sigma (float): Standard deviation of the Gaussian, relative to the side of a
            square of the object's area. Defaults to 0.25.

    Raises:
        ValueError: When ``sigma`` is no number above 0.
    """

    def __init__(self, sigma: float = 0.25) -> None:
        super().__init__()
        self._sigma = check_number(self, 'sigma', sigma, above=0)

    def fingerprint(self) -> str:
        """Names what the photos depend on."""
        return f'blurred pixels, sigma {self._sigma}'

    def retouch(self, made: RecomposedMap) -> np.ndarray:
        """Returns the photo of a recombination with blurred objects.

        Args:
            made (RecomposedMap): With photo.

        Returns:
            np.ndarray: As the photo. Connected pixels of donors that have one
            class are an object; under Recon, all pixels are of donors.
        """
        photo = super().retouch(made).copy()
        for class_id in np.unique(made.label_map[made.from_donors]):
            mask = made.from_donors & (made.label_map == class_id)
            count, parts, found, _ = cv2.connectedComponentsWithStats(
                mask.view(np.uint8), connectivity=8
            )
            for part in range(1, count):
                left, top, width, height, area = found[part]
                box = slice(top, top + height), slice(left, left + width)
                _blur(photo[box], parts[box] == part, self._sigma * area**0.5)
        return photo


def _blur(pixels: np.ndarray, mask: np.ndarray, sigma: float) -> None:
    """Blurs the pixels ([h, w, bands]) of a mask among themselves, in place."""
    seen: Any = np.dstack([pixels * mask[..., None], mask]).astype(np.float32)
    step = max(1, int(sigma / _WIDEST))
    if step > 1:
        small = tuple(-(-side // step) for side in mask.shape)
        seen = resize_bands(seen, small, cv2.INTER_AREA)
    seen = cv2.GaussianBlur(seen, (0, 0), sigma / step, borderType=cv2.BORDER_CONSTANT)
    if step > 1:
        seen = resize_bands(seen, mask.shape, cv2.INTER_LINEAR)
    seen = seen[mask]
    pixels[mask] = np.round(seen[:, :-1] / seen[:, -1:]).astype(pixels.dtype)
