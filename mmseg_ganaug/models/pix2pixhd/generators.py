"""The global generator of pix2pixHD."""

from typing import List, Optional

from mmagic.registry import MODELS as MMAGIC_MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmseg_ganaug.models.network_options import check_channels, check_depths
from mmseg_ganaug.models.pix2pixhd.layers import (
    INIT_CFG,
    ResidualBlock,
    down_block,
    norm_relu,
    up_block,
    wide_conv,
)
from mmseg_ganaug.option_checks import check_whole
from mmseg_ganaug.registry import MODELS


def global_trunk(
    in_channels: int, base_channels: int, num_downsamples: int, num_blocks: int
) -> List[nn.Module]:
    """All layers of the global generator but the last convolution and its Tanh."""
    layers = [*wide_conv(in_channels, base_channels), *norm_relu(base_channels)]
    channels = base_channels
    for _ in range(num_downsamples):
        layers += down_block(channels, channels * 2)
        channels *= 2
    layers += [ResidualBlock(channels) for _ in range(num_blocks)]
    for _ in range(num_downsamples):
        layers += up_block(channels, channels // 2)
        channels //= 2
    return layers


@MMAGIC_MODELS.register_module()
@MODELS.register_module()
class Pix2PixHDGlobalGenerator(BaseModule):
    """Encodes a label map, transforms it by residual blocks and decodes a photo.

    Source: Wang et al., "High-Resolution Image Synthesis and Semantic Manipulation
    with Conditional GANs", CVPR 2018. The parameters carry the names of official
    checkpoints; with 36 input channels and the defaults there are 182,546,755.

    Args:
        in_channels (int): Channels of the encoded label map.
        out_channels (int): Channels of the photo.
        base_channels (int): Channels of the first convolution; each downsampling
            doubles them.
        num_downsamples (int): Number of halvings of the size.
        num_blocks (int): Number of residual blocks at the lowest size.
        init_cfg (dict, optional): MMEngine's initialisation.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int = 3,
        base_channels: int = 64,
        num_downsamples: int = 4,
        num_blocks: int = 9,
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
        check_whole(self, 'num_blocks', num_blocks)
        self.in_channels = in_channels
        self.stride = 2**num_downsamples
        self.model = nn.Sequential(
            *global_trunk(in_channels, base_channels, num_downsamples, num_blocks),
            *wide_conv(base_channels, out_channels),
            nn.Tanh(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Paints photos.

        Args:
            x (Tensor): Encoded label maps, float [B, in_channels, H, W], H and W
                multiples of ``stride``.

        Returns:
            Tensor: Float [B, out_channels, H, W] in [-1, 1].
        """
        return self.model(x)
