"""A discriminator that labels the pixels of a photo."""

from typing import List, Optional

import torch
import torch.nn.functional as F
from mmagic.registry import MODELS as MMAGIC_MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmseg_ganaug.class_option_checks import check_num_classes
from mmseg_ganaug.models.efficientnet_lite import CHANNELS, EfficientNetFeatures
from mmseg_ganaug.models.pix2pixhd.generators import (
    INIT_CFG,
    check_channels,
    check_depths,
)
from mmseg_ganaug.option_checks import check_path
from mmseg_ganaug.registry import MODELS


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
    """Says of every pixel of a photo which class it shows, or that it is generated.

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
        check_channels(self, in_channels=in_channels, base_channels=base_channels)
        check_depths(self, num_downsamples=num_downsamples)
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
        """The photos and what is seen at each smaller size."""
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
