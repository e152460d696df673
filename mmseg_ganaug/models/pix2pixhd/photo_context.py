"""What a generator sees of a photo around the holes that it paints."""

from typing import NamedTuple, Optional

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmseg_ganaug.option_checks import check_share, check_whole

# Losses of a smaller part of a photo would shake the training.
_SMALLEST = 0.05


class SeenPhoto(NamedTuple):
    """Photos with holes.

    Attributes:
        photos: Float [B, 3, H, W] in [-1, 1]; what the holes show is not used.
        holes: Bool [B, 1, H, W], what is to be painted.
    """

    photos: Tensor
    holes: Tensor


class PhotoContext(nn.Module):
    """Shows a generator the photo around holes, and keeps all of it but the holes.

    The generator reads the photo, with its surroundings spread into the holes, and the
    mask of the holes; it paints how a hole differs from what is spread into it, so that
    it has the light of the photo from the start. In training the holes have the shapes
    that the batch gives; losses and discriminators count the holes and a ring around
    them. Whole photos, with nothing around them, can be painted first, and now and then
    later.

    The idea of painting holes by their labels is that of Hong et al., "Learning
    Hierarchical Semantic Image Manipulation through Structured Representations",
    NeurIPS 2018; order of training, ring and mask are our own choices.

    Args:
        whole_iters (int): Iterations at the beginning of training in which the whole
            photo is painted from its labels. Defaults to 0.
        whole_prob (float): Share of the samples, later, of which the whole photo is.
            Defaults to 0.
        ring (int): How far around a hole, in pixels, losses count. Defaults to 8.
        grow (int): Pixels by which holes grow before they are painted, within their
            label: at annotated borders a rim of what was there is left. Defaults to 2.

    Raises:
        ValueError: When an option is of the wrong type or outside its range.
    """

    #: Of the photo, and the mask of the holes.
    channels = 4

    def __init__(
        self,
        whole_iters: int = 0,
        whole_prob: float = 0.0,
        ring: int = 8,
        grow: int = 2,
    ) -> None:
        super().__init__()
        self.whole_iters = check_whole(self, 'whole_iters', whole_iters)
        self.whole_prob = check_share(self, 'whole_prob', whole_prob)
        self.ring = check_whole(self, 'ring', ring)
        self.grow = check_whole(self, 'grow', grow)

    def training_view(
        self,
        photos: Tensor,
        holes: Optional[Tensor],
        iteration: int,
        rng: np.random.Generator,
    ) -> SeenPhoto:
        """Chooses the holes of a batch.

        Args:
            photos (Tensor): Float [B, 3, H, W] in [-1, 1].
            holes (Tensor, optional): uint8 [B, 1, H, W], 1 in the holes; a sample
                without any is painted whole.
            iteration (int): Iterations trained before.
            rng (np.random.Generator): Draws the samples that are painted whole.

        Raises:
            ValueError: When there are no holes after the first iterations.
        """
        drawn = rng.random(len(photos)) < self.whole_prob
        if holes is None:
            if iteration >= self.whole_iters:
                raise ValueError(
                    'the model has context, but the batch no holes in photos: give '
                    'holes=dict() to LabelToImageDataset, or leave context out of the '
                    'model'
                )
            holes = torch.zeros_like(photos[:, :1])
        holes = holes.bool()
        whole = torch.from_numpy(drawn).to(holes.device) | ~holes.flatten(1).any(1)
        if iteration < self.whole_iters:
            whole[:] = True
        return SeenPhoto(photos, holes | whole.view(-1, 1, 1, 1))

    @staticmethod
    def nothing_seen(label_maps: Tensor) -> SeenPhoto:
        """Returns photos that are holes as a whole.

        Args:
            label_maps (Tensor): [B, 1, H, W], for their size.
        """
        holes = torch.ones_like(label_maps, dtype=torch.bool)
        return SeenPhoto(holes.new_zeros(holes.shape, dtype=torch.float), holes)

    @staticmethod
    def encode(seen: SeenPhoto) -> Tensor:
        """Returns what the generator reads: float [B, 4, H, W]."""
        return torch.cat([_filled(seen), seen.holes.float()], dim=1)

    @staticmethod
    def join(painted: Tensor, seen: SeenPhoto) -> Tensor:
        """Adds what is painted to what is spread into the holes: float [B, 3, H, W]."""
        return torch.where(seen.holes, painted, 0) + _filled(seen).to(painted)

    def counted(self, holes: Tensor) -> Tensor:
        """Weights the holes and the ring around them, 0 elsewhere.

        Args:
            holes (Tensor): Bool [B, 1, H, W].

        Returns:
            Tensor: Float [B, 1, H, W], of mean 1 in each sample, or less where they
            are small.
        """
        counted = _dilated(holes, self.ring).float()
        return counted / counted.mean((2, 3), keepdim=True).clamp(min=_SMALLEST)

    def grown(self, holes: Tensor, label_maps: Tensor) -> Tensor:
        """Grows holes, each over pixels of its own label.

        Args:
            holes (Tensor): Bool [B, 1, H, W].
            label_maps (Tensor): uint8 [B, 1, H, W].

        Returns:
            Tensor: Bool [B, 1, H, W].
        """
        grown = holes.clone()
        for label in label_maps[holes].unique():
            same = label_maps == label
            grown |= _dilated(holes & same, self.grow) & same
        return grown


def _filled(seen: SeenPhoto) -> Tensor:
    """Returns the photos with their surroundings spread into the holes."""
    shown = (~seen.holes).float()
    return _spread(seen.photos.expand(-1, 3, -1, -1) * shown, shown)


def _spread(colours: Tensor, shown: Tensor) -> Tensor:
    """Fills holes by their surroundings, the farther from these the smoother.

    Where nothing is known, each level of a pyramid takes the one above it (the pull and
    push of Gortler et al., "The Lumigraph", SIGGRAPH 1996).

    Args:
        colours (Tensor): Float [B, 3, H, W], 0 in the holes.
        shown (Tensor): Float [B, 1, H, W], the share of each pixel that is shown.
    """
    if max(shown.shape[-2:]) == 1:
        return colours / shown.clamp(min=1e-6)
    coarse = _spread(
        *(F.avg_pool2d(one, 2, ceil_mode=True) for one in (colours, shown))
    )
    size = shown.shape[-2:]
    return colours + (1 - shown) * F.interpolate(coarse, size, mode='bilinear')


def _dilated(mask: Tensor, width: int) -> Tensor:
    return F.max_pool2d(mask.float(), 2 * width + 1, 1, width) > 0
