"""Photometric distortion of a batch of photos, on their device."""

from typing import Tuple

import torch
from torch import Tensor

from mmseg_ganaug.option_checks import check_number, check_range


class PhotometricDistortion:
    """Changes brightness, contrast, saturation and hue of each photo on its own.

    The steps, their order, their ranges and their odds (each with probability 0.5) are
    those of MMSeg's ``PhotoMetricDistortion``, which changes one photo at a time on
    the CPU; nothing is rounded between the steps here. Random numbers come from
    torch's global generator of the CPU, whatever the device.

    Args:
        brightness_delta (float): Largest change of brightness, of 255.
        contrast_range (tuple[float, float]): Factor of contrast.
        saturation_range (tuple[float, float]): Factor of saturation.
        hue_delta (float): Largest change of hue in steps of two degrees, as OpenCV
            counts it.

    Raises:
        ValueError: When an option is of the wrong type or outside its range.
    """

    def __init__(
        self,
        brightness_delta: float = 32,
        contrast_range: Tuple[float, float] = (0.5, 1.5),
        saturation_range: Tuple[float, float] = (0.5, 1.5),
        hue_delta: float = 18,
    ) -> None:
        brightness_delta = check_number(
            self, 'brightness_delta', brightness_delta, 0, 255
        )
        hue_delta = check_number(self, 'hue_delta', hue_delta, 0, 180)
        contrast_range = check_range(self, 'contrast_range', contrast_range, 0)
        saturation_range = check_range(self, 'saturation_range', saturation_range, 0)
        # Brightness, contrast, saturation, hue: bounds, and what changes nothing.
        self._low = torch.tensor(
            [-brightness_delta, contrast_range[0], saturation_range[0], -hue_delta]
        )
        self._high = torch.tensor(
            [brightness_delta, contrast_range[1], saturation_range[1], hue_delta]
        )
        self._neutral = torch.tensor([0.0, 1.0, 1.0, 0.0])

    def __call__(self, photos: Tensor) -> Tensor:
        """Distorts photos.

        Args:
            photos (Tensor): uint8 [B, 3, H, W], RGB.

        Returns:
            Tensor: uint8 [B, 3, H, W].
        """
        number = len(photos)
        drawn = self._low + (self._high - self._low) * torch.rand(number, 4)
        drawn = torch.where(torch.rand(number, 4) < 0.5, drawn, self._neutral)
        contrast_first = (torch.rand(number) < 0.5).view(-1, 1, 1, 1).to(photos.device)
        brightness, contrast, saturation, hue = (
            drawn.to(photos.device).t().reshape(4, -1, 1, 1, 1)
        )
        photos = (photos.float() + brightness).clamp(0, 255)
        early = torch.where(contrast_first, contrast, 1.0)
        photos = _change_colour((photos * early).clamp(0, 255), saturation, hue / 180)
        late = torch.where(contrast_first, 1.0, contrast)
        return (photos * late).clamp(0, 255).round().to(torch.uint8)


def _change_colour(photos: Tensor, saturation: Tensor, turn: Tensor) -> Tensor:
    """Scales the saturation and turns the hue, in whole turns, of RGB photos."""
    value, largest = photos.max(dim=1, keepdim=True)
    chroma = value - photos.amin(dim=1, keepdim=True)
    red, green, blue = photos.split(1, dim=1)
    sixth = torch.where(
        largest == 0,
        green - blue,
        torch.where(largest == 1, blue - red, red - green),
    ) / chroma.clamp(min=1e-6)
    hue = sixth + 2 * largest + 6 * turn
    chroma = torch.minimum(chroma * saturation, value)
    # How far each channel lies below the largest one, by its distance on the circle.
    offsets = torch.tensor([5.0, 3.0, 1.0], device=photos.device).view(1, 3, 1, 1)
    place = (offsets + hue) % 6
    return value - chroma * torch.minimum(place, 4 - place).clamp(0, 1)
