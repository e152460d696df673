"""Building blocks that the networks of pix2pixHD share.

The order of the layers is part of the interface: it gives the parameters the names
they have in official checkpoints. The norms are ``InstanceNorm2d(affine=False)``
and hold no parameters (Wang et al., CVPR 2018).
"""

from typing import List

from torch import Tensor, nn

# All networks of pix2pixHD draw their convolution weights from N(0, 0.02).
INIT_CFG = {'type': 'Normal', 'layer': ['Conv2d', 'ConvTranspose2d'], 'std': 0.02}


def wide_conv(in_channels: int, out_channels: int) -> List[nn.Module]:
    """7x7 convolution over a reflected border; keeps the size."""
    return [nn.ReflectionPad2d(3), nn.Conv2d(in_channels, out_channels, 7)]


def norm_relu(channels: int) -> List[nn.Module]:
    """Instance norm and ReLU."""
    return [nn.InstanceNorm2d(channels), nn.ReLU(inplace=True)]


def down_block(in_channels: int, out_channels: int) -> List[nn.Module]:
    """3x3 convolution that halves the size, norm, ReLU."""
    conv = nn.Conv2d(in_channels, out_channels, 3, stride=2, padding=1)
    return [conv, *norm_relu(out_channels)]


def up_block(in_channels: int, out_channels: int) -> List[nn.Module]:
    """Transposed 3x3 convolution that doubles the size, norm, ReLU."""
    conv = nn.ConvTranspose2d(
        in_channels, out_channels, 3, stride=2, padding=1, output_padding=1
    )
    return [conv, *norm_relu(out_channels)]


def pyramid_pool() -> nn.AvgPool2d:
    """The pooling between two scales of the enhancer and of the discriminator."""
    return nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions over reflected borders beside an identity.

    Args:
        channels (int): Channels of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            *norm_relu(channels),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Maps [B, C, H, W] to the same shape."""
        return x + self.conv_block(x)
