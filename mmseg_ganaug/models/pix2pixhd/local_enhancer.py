"""The local enhancer of pix2pixHD: the global generator at higher resolution."""

from typing import Iterator, List, Mapping, Optional, Tuple

from mmagic.registry import MODELS as MMAGIC_MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmseg_ganaug.checkpoints import load_strictly, read_generator_state
from mmseg_ganaug.models.network_options import check_channels, check_depths
from mmseg_ganaug.models.pix2pixhd.generators import global_trunk
from mmseg_ganaug.models.pix2pixhd.layers import (
    INIT_CFG,
    ResidualBlock,
    down_block,
    norm_relu,
    pyramid_pool,
    up_block,
    wide_conv,
)
from mmseg_ganaug.option_checks import check_path, check_whole
from mmseg_ganaug.registry import MODELS


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
        init_cfg: Optional[dict] = INIT_CFG,
    ) -> None:
        super().__init__(init_cfg)
        check_channels(
            self,
            in_channels=in_channels,
            out_channels=out_channels,
            base_channels=base_channels,
        )
        check_depths(self, num_downsamples=num_downsamples, num_enhancers=num_enhancers)
        check_whole(self, 'num_blocks', num_blocks)
        check_whole(self, 'num_local_blocks', num_local_blocks)
        if global_checkpoint is not None:
            check_path(self, 'global_checkpoint', global_checkpoint)
        self.in_channels = in_channels
        self.num_enhancers = num_enhancers
        self.global_checkpoint = global_checkpoint
        self.stride = 2 ** (num_downsamples + num_enhancers)
        self.downsample = pyramid_pool()
        widest = base_channels * 2**num_enhancers
        self.model = nn.Sequential(
            *global_trunk(in_channels, widest, num_downsamples, num_blocks)
        )
        for number in range(1, num_enhancers + 1):
            channels = base_channels * 2 ** (num_enhancers - number)
            reads, paints = self._enhancer(in_channels, channels, num_local_blocks)
            if number == num_enhancers:
                paints += [*wide_conv(channels, out_channels), nn.Tanh()]
            self.add_module(f'model{number}_1', nn.Sequential(*reads))
            self.add_module(f'model{number}_2', nn.Sequential(*paints))

    @staticmethod
    def _enhancer(
        in_channels: int, channels: int, num_blocks: int
    ) -> Tuple[List[nn.Module], List[nn.Module]]:
        reads = [*wide_conv(in_channels, channels), *norm_relu(channels)]
        reads += down_block(channels, channels * 2)
        paints = [ResidualBlock(channels * 2) for _ in range(num_blocks)]
        return reads, paints + up_block(channels * 2, channels)

    def coarse_parameters(self) -> Iterator[nn.Parameter]:
        """The parameters of the global generator, which are trained first."""
        return self.model.parameters()

    def init_weights(self) -> None:
        """Draws the weights, and reads those of ``global_checkpoint`` if given."""
        super().init_weights()
        if self.global_checkpoint is not None:
            state = read_generator_state(self.global_checkpoint)
            load_strictly(self.model, self._trunk_of(state), self.global_checkpoint)

    def _trunk_of(self, state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """State of a global generator without the layers that the trunk lacks."""
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
