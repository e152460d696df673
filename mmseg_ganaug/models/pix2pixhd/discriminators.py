"""The multi-scale discriminator of pix2pixHD."""

from typing import List, Optional

from mmagic.registry import MODELS as MMAGIC_MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from mmseg_ganaug.models.pix2pixhd.generators import (
    INIT_CFG,
    check_channels,
    check_depths,
    pyramid_pool,
)
from mmseg_ganaug.option_checks import check_bool
from mmseg_ganaug.registry import MODELS


@MMAGIC_MODELS.register_module()
@MODELS.register_module()
class Pix2PixHDMultiscaleDiscriminator(BaseModule):
    """Patch discriminators over an image pyramid, with all their features.

    Source: Wang et al., CVPR 2018. The parameters carry the names of official
    checkpoints, ``scale{i}_layer{j}.0.*``, where the last scale sees the full
    resolution; with 39 input channels and the defaults each scale has 2,801,601.

    Args:
        in_channels (int): Channels of the encoded label map and the photo together.
        base_channels (int): Channels of the first convolution.
        num_layers (int): Number of convolutions with stride 2.
        num_scales (int): Number of scales, each half as large as the one before.
        use_spectral_norm (bool): Divides the weights of each convolution by their
            largest singular value (Miyato et al., ICLR 2018); the parameters then
            have other names.
        init_cfg (dict, optional): MMEngine's initialisation.
    """

    max_channels = 512

    def __init__(
        self,
        in_channels: int,
        base_channels: int = 64,
        num_layers: int = 3,
        num_scales: int = 2,
        use_spectral_norm: bool = False,
        init_cfg: Optional[dict] = INIT_CFG,
    ) -> None:
        super().__init__(init_cfg)
        check_channels(self, in_channels=in_channels, base_channels=base_channels)
        check_depths(self, num_layers=num_layers, num_scales=num_scales)
        check_bool(self, 'use_spectral_norm', use_spectral_norm)
        self.in_channels = in_channels
        self.num_layers = num_layers
        self.num_scales = num_scales
        self.use_spectral_norm = use_spectral_norm
        self.downsample = pyramid_pool()
        for scale in range(num_scales):
            for index, layer in enumerate(self._layers(in_channels, base_channels)):
                self.add_module(f'scale{scale}_layer{index}', layer)

    def _layers(self, in_channels: int, base_channels: int) -> List[nn.Sequential]:
        def conv(inputs: int, outputs: int, stride: int) -> nn.Conv2d:
            layer = nn.Conv2d(inputs, outputs, 4, stride=stride, padding=2)
            return spectral_norm(layer) if self.use_spectral_norm else layer

        leaky = nn.LeakyReLU(0.2, inplace=True)
        layers = [nn.Sequential(conv(in_channels, base_channels, 2), leaky)]
        channels = base_channels
        for index in range(1, self.num_layers + 1):
            wider = min(channels * 2, self.max_channels)
            stride = 2 if index < self.num_layers else 1
            norm = nn.InstanceNorm2d(wider)
            layers.append(nn.Sequential(conv(channels, wider, stride), norm, leaky))
            channels = wider
        layers.append(nn.Sequential(conv(channels, 1, 1)))
        return layers

    def forward(self, x: Tensor) -> List[List[Tensor]]:
        """Judges pairs of label map and photo.

        Args:
            x (Tensor): Encoded label maps and photos, float [B, in_channels, H, W].

        Returns:
            list[list[Tensor]]: For each scale, the full resolution first, the
            output of every layer; the last one is the judgement [B, 1, h, w].
        """
        scales = []
        for scale in reversed(range(self.num_scales)):
            features = []
            output = x
            for index in range(self.num_layers + 2):
                output = getattr(self, f'scale{scale}_layer{index}')(output)
                features.append(output)
            scales.append(features)
            if scale:
                x = self.downsample(x)
        return scales
