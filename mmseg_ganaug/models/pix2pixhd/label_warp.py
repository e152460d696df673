"""Random warping of the shapes in label maps."""

from typing import Optional, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmseg_ganaug.option_checks import check_share, check_whole


class LabelWarp(nn.Module):
    """Bends the label maps that the generator sees in training.

    The photo and the discriminator keep the true shapes, so the generator learns to
    paint a good object over a shape that no photo has, such as a recombined one.
    Source of the idea: Katiyar and Khoreva, arXiv 2011.12636; the field of random
    displacements is our own choice.

    Args:
        prob (float): Share of the samples that are warped.
        max_shift (float): Largest displacement, relative to the longer side.
        grid_size (int): Number of independent displacements along each side.

    Raises:
        ValueError: When an option is of the wrong type or outside its range.
    """

    def __init__(
        self, prob: float = 0.5, max_shift: float = 0.03, grid_size: int = 8
    ) -> None:
        super().__init__()
        self.prob = check_share(self, 'prob', prob)
        self.max_shift = check_share(self, 'max_shift', max_shift)
        self.grid_size = check_whole(self, 'grid_size', grid_size, 2)

    def forward(
        self, *maps: Optional[Tensor], rng: np.random.Generator
    ) -> Tuple[Optional[Tensor], ...]:
        """Warps maps of the same batch alike.

        Args:
            rng (np.random.Generator): Draws which samples are warped, and how.
            maps (Tensor | None): Maps [B, 1, H, W] of any type, such as label and
                instance maps; None stays None.

        Returns:
            tuple[Tensor | None]: Maps of the same shapes and types, with no value
            that the given ones do not have.
        """
        given = [one for one in maps if one is not None]
        rows, columns = self._sources(given[0], rng)
        samples = torch.arange(len(rows), device=rows.device).view(-1, 1, 1)
        return tuple(
            None if one is None else one[samples, 0, rows, columns].unsqueeze(1)
            for one in maps
        )

    def _sources(self, maps: Tensor, rng: np.random.Generator) -> Tuple[Tensor, Tensor]:
        """Draws where each pixel comes from: rows and columns, int64 [B, H, W]."""
        batch, _, height, width = maps.shape
        shape = (batch, 2, self.grid_size, self.grid_size)
        coarse = torch.from_numpy(rng.uniform(-1, 1, shape)).to(maps.device).float()
        shift = F.interpolate(
            coarse, (height, width), mode='bilinear', align_corners=True
        )
        shift = shift * self.max_shift * max(height, width)
        warped = torch.from_numpy(rng.random(batch) < self.prob)
        shift = (shift * warped.to(shift).view(-1, 1, 1, 1)).round().long()
        rows = torch.arange(height, device=maps.device).view(1, -1, 1)
        columns = torch.arange(width, device=maps.device).view(1, 1, -1)
        return (
            (rows + shift[:, 0]).clamp(0, height - 1),
            (columns + shift[:, 1]).clamp(0, width - 1),
        )
