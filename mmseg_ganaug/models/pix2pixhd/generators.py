"""Generators of pix2pixHD, and the layers and checks that all its networks share.

The order of the layers is part of the interface: it gives the parameters the names
they have in official checkpoints. The norms are ``InstanceNorm2d(affine=False)``
(Wang et al., CVPR 2018) or, in generators of our own, :class:`PixelNorm`; neither
holds parameters.
"""

from typing import Any, Iterator, List, Mapping, Optional, Tuple

import torch.nn.functional as F
from mmagic.registry import MODELS as MMAGIC_MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmseg_ganaug.checkpoints import load_strictly, read_generator_state
from mmseg_ganaug.option_checks import Owner, check_choice, check_path, check_whole
from mmseg_ganaug.registry import MODELS

# Far more than any of the networks has: a typing error exceeds it.
_MOST_CHANNELS = 2**14
_DEEPEST = 10


def check_layers(owner: Owner, **options: Any) -> None:
    """Checks how wide and how deep a network is.

    Args:
        owner (str | object): Whose options they are.
        **options (int): By their names: numbers of channels, whose names end with
            ``channels``, and how often a size is halved or channels are doubled.

    Raises:
        ValueError: When a number of channels is no whole number 1..16384, or another
            option none 1..10.
    """
    for name, value in options.items():
        most = _MOST_CHANNELS if name.endswith('channels') else _DEEPEST
        check_whole(owner, name, value, 1, most)


# All networks of pix2pixHD draw their convolution weights from N(0, 0.02).
INIT_CFG = {'type': 'Normal', 'layer': ['Conv2d', 'ConvTranspose2d'], 'std': 0.02}


def wide_conv(in_channels: int, out_channels: int) -> List[nn.Module]:
    """Builds a 7x7 convolution over a reflected border; it keeps the size."""
    return [nn.ReflectionPad2d(3), nn.Conv2d(in_channels, out_channels, 7)]


class PixelNorm(nn.Module):
    """Normalises the channels of each pixel to mean 0 and variance 1.

    Unlike an instance norm it does not look at other pixels: a part of a map is painted
    as it is in the whole map, and light that fills a photo is not subtracted from it.

    Source: Ba et al., "Layer Normalization", 2016, at each pixel as in ConvNeXt (Liu et
    al., CVPR 2022), without parameters.

    Args:
        channels (int): Channels of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self._shape = (channels,)

    def forward(self, x: Tensor) -> Tensor:
        """Maps [B, C, H, W] to the same shape."""
        return F.layer_norm(x.permute(0, 2, 3, 1), self._shape).permute(0, 3, 1, 2)


NORMS = {'instance': nn.InstanceNorm2d, 'pixel': PixelNorm}


def norm_relu(channels: int, norm: str) -> List[nn.Module]:
    """Builds a norm, by its name in ``NORMS``, and a ReLU."""
    return [NORMS[norm](channels), nn.ReLU(inplace=True)]


def down_block(in_channels: int, out_channels: int, norm: str) -> List[nn.Module]:
    """Builds a 3x3 convolution that halves the size, norm, ReLU."""
    conv = nn.Conv2d(in_channels, out_channels, 3, stride=2, padding=1)
    return [conv, *norm_relu(out_channels, norm)]


UPSAMPLES = ('transposed', 'resize')


def up_block(
    in_channels: int, out_channels: int, norm: str, upsample: str = 'transposed'
) -> List[nn.Module]:
    """Builds layers that double the size, norm, ReLU.

    They are a transposed 3x3 convolution, or for 'resize' nearest neighbours and a
    3x3 convolution, whose kernel covers all pixels alike: no checkerboards (Odena et
    al., "Deconvolution and Checkerboard Artifacts", Distill 2016).
    """
    if upsample == 'resize':
        layers: List[nn.Module] = [
            nn.Upsample(scale_factor=2),
            nn.ReflectionPad2d(1),
            nn.Conv2d(in_channels, out_channels, 3),
        ]
    else:
        layers = [
            nn.ConvTranspose2d(
                in_channels, out_channels, 3, stride=2, padding=1, output_padding=1
            )
        ]
    return [*layers, *norm_relu(out_channels, norm)]


def pyramid_pool() -> nn.AvgPool2d:
    """Pools between two scales of the enhancer and of the discriminator."""
    return nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions over reflected borders beside an identity.

    Args:
        channels (int): Channels of input and output.
        norm (str): Name of the norm.
    """

    def __init__(self, channels: int, norm: str = 'instance') -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            *norm_relu(channels, norm),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            NORMS[norm](channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Maps [B, C, H, W] to the same shape."""
        return x + self.conv_block(x)


def global_trunk(
    in_channels: int,
    base_channels: int,
    num_downsamples: int,
    num_blocks: int,
    norm: str,
    upsample: str,
) -> List[nn.Module]:
    """Builds the global generator without its last convolution and its Tanh."""
    layers = [*wide_conv(in_channels, base_channels), *norm_relu(base_channels, norm)]
    channels = base_channels
    for _ in range(num_downsamples):
        layers += down_block(channels, channels * 2, norm)
        channels *= 2
    layers += [ResidualBlock(channels, norm) for _ in range(num_blocks)]
    for _ in range(num_downsamples):
        layers += up_block(channels, channels // 2, norm, upsample)
        channels //= 2
    return layers


def global_network(
    in_channels: int,
    out_channels: int,
    base_channels: int,
    num_downsamples: int,
    num_blocks: int,
    norm: str = 'instance',
    upsample: str = 'transposed',
) -> nn.Sequential:
    """Builds the global generator, which without its residual blocks is the encoder."""
    return nn.Sequential(
        *global_trunk(
            in_channels, base_channels, num_downsamples, num_blocks, norm, upsample
        ),
        *wide_conv(base_channels, out_channels),
        nn.Tanh(),
    )


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
        norm (str): 'instance' as in the paper, or 'pixel', :class:`PixelNorm`, for a
            generator that is to paint windows of a map.
        upsample (str): 'transposed' as in the paper, or 'resize', see
            :func:`up_block`; the parameters then have other names.
        init_cfg (dict, optional): MMEngine's initialisation.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int = 3,
        base_channels: int = 64,
        num_downsamples: int = 4,
        num_blocks: int = 9,
        norm: str = 'instance',
        upsample: str = 'transposed',
        init_cfg: Optional[dict] = INIT_CFG,
    ) -> None:
        super().__init__(init_cfg)
        check_layers(
            self,
            in_channels=in_channels,
            out_channels=out_channels,
            base_channels=base_channels,
            num_downsamples=num_downsamples,
        )
        check_whole(self, 'num_blocks', num_blocks)
        check_choice(self, 'norm', norm, tuple(NORMS))
        check_choice(self, 'upsample', upsample, UPSAMPLES)
        self.in_channels = in_channels
        self.stride = 2**num_downsamples
        self.model = global_network(
            in_channels,
            out_channels,
            base_channels,
            num_downsamples,
            num_blocks,
            norm,
            upsample,
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


@MMAGIC_MODELS.register_module()
@MODELS.register_module()
class Pix2PixHDLocalEnhancer(BaseModule):
    """A global generator whose features are refined at each doubling of the size.

    Source: Wang et al., CVPR 2018. The parameters carry the names of official
    checkpoints: ``model.*`` is the global generator without its last layers, and
    ``model{n}_1`` and ``model{n}_2`` are enhancer n. With 36 input channels and the
    defaults there are 182,857,059.

    Args:
        in_channels (int): Channels of the encoded label map.
        out_channels (int): Channels of the photo.
        base_channels (int): Channels at full resolution; the global generator begins
            with ``base_channels * 2**num_enhancers``.
        num_downsamples (int): Number of halvings inside the global generator.
        num_blocks (int): Number of its residual blocks.
        num_enhancers (int): Number of enhancers; each doubles the resolution.
        num_local_blocks (int): Number of residual blocks of an enhancer.
        global_checkpoint (str, optional): Checkpoint of a trained
            :class:`Pix2PixHDGlobalGenerator` (coarse-to-fine training). It is read by
            ``init_weights``, that is, when a training begins.
        norm (str): 'instance' as in the paper, or 'pixel', :class:`PixelNorm`, for a
            generator that is to paint windows of a map.
        upsample (str): 'transposed' as in the paper, or 'resize', see
            :func:`up_block`; the parameters then have other names.
        init_cfg (dict, optional): MMEngine's initialisation.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int = 3,
        base_channels: int = 32,
        num_downsamples: int = 4,
        num_blocks: int = 9,
        num_enhancers: int = 1,
        num_local_blocks: int = 3,
        global_checkpoint: Optional[str] = None,
        norm: str = 'instance',
        upsample: str = 'transposed',
        init_cfg: Optional[dict] = INIT_CFG,
    ) -> None:
        super().__init__(init_cfg)
        check_layers(
            self,
            in_channels=in_channels,
            out_channels=out_channels,
            base_channels=base_channels,
            num_downsamples=num_downsamples,
            num_enhancers=num_enhancers,
        )
        check_whole(self, 'num_blocks', num_blocks)
        check_whole(self, 'num_local_blocks', num_local_blocks)
        if global_checkpoint is not None:
            check_path(self, 'global_checkpoint', global_checkpoint)
        check_choice(self, 'norm', norm, tuple(NORMS))
        check_choice(self, 'upsample', upsample, UPSAMPLES)
        self.in_channels = in_channels
        self.num_enhancers = num_enhancers
        self.global_checkpoint = global_checkpoint
        self.stride = 2 ** (num_downsamples + num_enhancers)
        self.downsample = pyramid_pool()
        widest = base_channels * 2**num_enhancers
        self.model = nn.Sequential(
            *global_trunk(
                in_channels, widest, num_downsamples, num_blocks, norm, upsample
            )
        )
        for number in range(1, num_enhancers + 1):
            channels = base_channels * 2 ** (num_enhancers - number)
            reads, paints = self._enhancer(
                in_channels, channels, num_local_blocks, norm, upsample
            )
            if number == num_enhancers:
                paints += [*wide_conv(channels, out_channels), nn.Tanh()]
            self.add_module(f'model{number}_1', nn.Sequential(*reads))
            self.add_module(f'model{number}_2', nn.Sequential(*paints))

    @staticmethod
    def _enhancer(
        in_channels: int, channels: int, num_blocks: int, norm: str, upsample: str
    ) -> Tuple[List[nn.Module], List[nn.Module]]:
        reads = [*wide_conv(in_channels, channels), *norm_relu(channels, norm)]
        reads += down_block(channels, channels * 2, norm)
        paints = [ResidualBlock(channels * 2, norm) for _ in range(num_blocks)]
        return reads, paints + up_block(channels * 2, channels, norm, upsample)

    def coarse_parameters(self) -> Iterator[nn.Parameter]:
        """Returns the parameters of the global generator, which are trained first."""
        return self.model.parameters()

    def init_weights(self) -> None:
        """Draws the weights, and reads those of ``global_checkpoint`` if given."""
        super().init_weights()
        if self.global_checkpoint is not None:
            state = read_generator_state(self.global_checkpoint)
            load_strictly(self.model, self._trunk_of(state), self.global_checkpoint)

    def _trunk_of(self, state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Takes the state of a global generator without the layers the trunk lacks."""
        # Its last convolution comes after a reflection padding, which has no state.
        last = f'model.{len(self.model) + 1}.'
        prefix = 'model.'
        return {
            (key[len(prefix) :] if key.startswith(prefix) else key): value
            for key, value in state.items()
            if not key.startswith(last)
        }

    def forward(self, x: Tensor) -> Tensor:
        """Paints photos.

        Args:
            x (Tensor): Encoded label maps, float [B, in_channels, H, W], H and W
                multiples of ``stride``.

        Returns:
            Tensor: Float [B, out_channels, H, W] in [-1, 1].
        """
        pyramid = [x]
        for _ in range(self.num_enhancers):
            pyramid.append(self.downsample(pyramid[-1]))
        output = self.model(pyramid.pop())
        for number in range(1, self.num_enhancers + 1):
            reads = getattr(self, f'model{number}_1')
            paints = getattr(self, f'model{number}_2')
            output = paints(reads(pyramid.pop()) + output)
        return output
