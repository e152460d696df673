"""Discriminators of pix2pixHD: over an image pyramid, and of single pixels."""

from typing import List, Optional

import torch
import torch.nn.functional as F
from mmagic.registry import MODELS as MMAGIC_MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from mmseg_ganaug.class_option_checks import check_num_classes
from mmseg_ganaug.models.efficientnet_lite import CHANNELS, EfficientNetFeatures
from mmseg_ganaug.models.pix2pixhd.generators import (
    INIT_CFG,
    check_layers,
    pyramid_pool,
)
from mmseg_ganaug.option_checks import check_bool, check_path
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
        check_layers(
            self,
            in_channels=in_channels,
            base_channels=base_channels,
            num_layers=num_layers,
            num_scales=num_scales,
        )
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
        """Scores pairs of label map and photo.

        Args:
            x (Tensor): Encoded label maps and photos, float [B, in_channels, H, W].

        Returns:
            list[list[Tensor]]: For each scale, the full resolution first, the
            output of every layer; the last one is the score [B, 1, h, w].
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


def _block(in_channels: int, out_channels: int, stride: int = 1) -> nn.Sequential:
    kernel_size = 4 if stride == 2 else 3
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding=1),
        nn.InstanceNorm2d(out_channels),
        nn.LeakyReLU(0.2, inplace=True),
    )


@MMAGIC_MODELS.register_module()
@MODELS.register_module()
class Pix2PixHDSegmentationDiscriminator(BaseModule):
    """Predicts the class of every pixel of a photo, or that it is generated.

    Source of the idea: Schoenfeld et al., "You Only Need Adversarial Supervision for
    Semantic Image Synthesis" (OASIS), ICLR 2021: a discriminator that segments real
    photos leaves the generator no way round a class. The network is our own: an
    encoder and a decoder with connections between the layers of one size, the last of
    them to the photo itself, so that objects of a pixel's width are seen. It reads the
    photo alone, of any size.

    Args:
        num_classes (int): Number of classes, C.
        in_channels (int): Channels of the photo.
        base_channels (int): Channels at half the size of the photo; each further
            downsampling doubles them, up to eight times as many.
        num_downsamples (int): Number of halvings of the size.
        pretrained (str, optional): Where the weights of EfficientNet-Lite0 are, see
            :class:`EfficientNetLite`. Frozen, it then is the encoder, and four
            downsamplings are given: what a segmenter needs to know of photos is
            there from the start (Berrada et al., "Unlocking Pre-trained Image
            Backbones for Semantic Image Synthesis", CVPR 2024). The weights are read
            when training starts and enter no checkpoint.
        init_cfg (dict, optional): MMEngine's initialisation.

    Raises:
        ValueError: With ``pretrained`` and another number of channels or downsamplings
            than it has.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 3,
        base_channels: int = 32,
        num_downsamples: int = 4,
        pretrained: Optional[str] = None,
        init_cfg: Optional[dict] = INIT_CFG,
    ) -> None:
        super().__init__(init_cfg)
        check_layers(
            self,
            in_channels=in_channels,
            base_channels=base_channels,
            num_downsamples=num_downsamples,
        )
        if pretrained is not None:
            check_path(self, 'pretrained', pretrained)
        self.num_classes = check_num_classes(self, 'num_classes', num_classes)
        self.in_channels = in_channels
        self.pretrained = pretrained
        # Not a submodule (a list hides it): it belongs into no checkpoint.
        self._features: List[EfficientNetFeatures] = []
        widths = [base_channels * min(2**i, 8) for i in range(num_downsamples)]
        self.down = nn.ModuleList()
        if pretrained is None:
            levels = [in_channels, *widths]
            for before, after in zip(levels, widths):
                self.down.append(_block(before, after, stride=2))
        elif (in_channels, num_downsamples) == (3, len(CHANNELS)):
            levels = [in_channels, *CHANNELS]
        else:
            raise ValueError(
                f'EfficientNet-Lite0 reads 3 channels and halves the size '
                f'{len(CHANNELS)} times, but in_channels={in_channels} and '
                f'num_downsamples={num_downsamples}: leave the two out, or pretrained'
            )
        self.up = nn.ModuleList()
        channels = levels.pop()
        for width in reversed(widths[:-1]):
            self.up.append(_block(channels + levels.pop(), width))
            channels = width
        self.head = nn.Conv2d(channels + in_channels, num_classes + 1, 3, padding=1)

    def _levels(self, photos: Tensor) -> List[Tensor]:
        """Returns the photos and their features at each smaller size."""
        levels = [photos]
        if self.pretrained is None:
            for layer in self.down:
                levels.append(layer(levels[-1]))
            return levels
        if not self._features:
            features = EfficientNetFeatures(self.pretrained)
            self._features.append(features.to(photos.device))
        return [*levels, *self._features[0](photos)]

    def forward(self, photos: Tensor) -> Tensor:
        """Labels the pixels of photos.

        Args:
            photos (Tensor): Float [B, in_channels, H, W] in [-1, 1].

        Returns:
            Tensor: Logits [B, C + 1, H, W]; the last channel stands for "generated".
        """
        levels = self._levels(photos)
        output = levels.pop()
        for layer in self.up:
            output = layer(self._join(output, levels.pop()))
        return self.head(self._join(output, levels.pop()))

    @staticmethod
    def _join(coarse: Tensor, fine: Tensor) -> Tensor:
        # Not by a factor: odd sides would not come out.
        enlarged = F.interpolate(coarse, fine.shape[-2:], mode='nearest')
        return torch.cat([enlarged, fine.to(enlarged)], dim=1)
