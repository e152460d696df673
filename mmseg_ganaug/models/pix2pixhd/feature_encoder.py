"""Features of objects: what makes several photos of one label map possible."""

from typing import Optional, Tuple

import torch
from mmagic.registry import MODELS as MMAGIC_MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmseg_ganaug.models.pix2pixhd.generators import (
    INIT_CFG,
    check_channels,
    check_depths,
    global_trunk,
    wide_conv,
)
from mmseg_ganaug.registry import MODELS


def number_regions(
    label_maps: Tensor, instance_maps: Optional[Tensor] = None
) -> Tuple[Tensor, Tensor]:
    """Numbers the regions of a batch: what has one class and one instance id.

    Args:
        label_maps (Tensor): uint8 [B, 1, H, W].
        instance_maps (Tensor, optional): int32 [B, 1, H, W]; without, each class of
            each sample is one region.

    Returns:
        tuple[Tensor, Tensor]: The number of each pixel's region, int64 [B, 1, H, W],
        and the label value of each region, int64 [R].
    """
    keys = label_maps.long()
    if instance_maps is not None:
        keys = keys + 256 * instance_maps.long()
    # Ids and labels together stay below 2**40; the sample goes on top of them.
    samples = torch.arange(len(keys), device=keys.device).view(-1, 1, 1, 1)
    keys, numbers = (keys + samples * 2**40).unique(return_inverse=True)
    return numbers, keys % 256


def region_mean(features: Tensor, numbers: Tensor, num_regions: int) -> Tensor:
    """Mean of the features of each region.

    Args:
        features (Tensor): [B, C, H, W].
        numbers (Tensor): int64 [B, 1, H, W] from :func:`number_regions`.
        num_regions (int): R.

    Returns:
        Tensor: [R, C].
    """
    # In half precision the sum over a large region would overflow.
    flat = features.float().movedim(1, -1).flatten(0, 2)
    index = numbers.flatten()
    total = flat.new_zeros(num_regions, flat.shape[1]).index_add(0, index, flat)
    return total / torch.bincount(index, minlength=num_regions).unsqueeze(1)


def spread_over_regions(values: Tensor, numbers: Tensor) -> Tensor:
    """Gives every pixel the value of its region: [R, C] -> [B, C, H, W]."""
    return values[numbers.squeeze(1)].movedim(-1, 1)


@MMAGIC_MODELS.register_module()
@MODELS.register_module()
class Pix2PixHDEncoder(BaseModule):
    """Reads a few features of each object off a photo.

    Source: Wang et al., CVPR 2018. The parameters carry the names of official
    checkpoints; with the defaults there are 788,803.

    Args:
        in_channels (int): Channels of the photo.
        out_channels (int): Number of features.
        base_channels (int): Channels of the first convolution.
        num_downsamples (int): Number of halvings of the size.
        init_cfg (dict, optional): MMEngine's initialisation.
    """

    def __init__(
        self,
        in_channels: int = 3,
        out_channels: int = 3,
        base_channels: int = 16,
        num_downsamples: int = 4,
        init_cfg: Optional[dict] = INIT_CFG,
    ) -> None:
        super().__init__(init_cfg)
        check_channels(
            self,
            in_channels=in_channels,
            out_channels=out_channels,
            base_channels=base_channels,
        )
        check_depths(self, num_downsamples=num_downsamples)
        self.out_channels = out_channels
        self.stride = 2**num_downsamples
        self.model = nn.Sequential(
            *global_trunk(in_channels, base_channels, num_downsamples, num_blocks=0),
            *wide_conv(base_channels, out_channels),
            nn.Tanh(),
        )

    def forward(self, photos: Tensor, numbers: Tensor, num_regions: int) -> Tensor:
        """Encodes the regions of a batch.

        Args:
            photos (Tensor): [B, 3, H, W] in [-1, 1], H and W multiples of ``stride``.
            numbers (Tensor): int64 [B, 1, H, W] from :func:`number_regions`.
            num_regions (int): R.

        Returns:
            Tensor: Features [R, out_channels] in [-1, 1], each the mean over its
            region.
        """
        return region_mean(self.model(photos), numbers, num_regions)
