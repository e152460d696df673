"""A generator made ready to paint: the same weights in faster layers."""

from typing import Optional, Tuple

import torch
from torch import Tensor, nn

from mmseg_ganaug.models import Pix2PixHD, Pix2PixHDLocalEnhancer
from mmseg_ganaug.synthesis.fast_layers import (
    CodeConv,
    CodeEncoder,
    CodesToChannels,
    InPlaceInstanceNorm,
    RepeatableInstanceNorm,
    forget,
    recording,
    replace_norms,
)
from mmseg_ganaug.synthesis.tiles import run_in_tiles, shrink_to_fit


class FastNetwork(nn.Module):
    """A generator that paints from codes or channels.

    On the CPU its norms work in place and, channels last, do not rearrange memory; the
    first convolution looks codes up. In both, sums are made in float32, as exactly as
    in PyTorch's own layers. On a GPU, that is left to ``torch.compile``. On the CPU
    each map is painted by itself, so that a photo has the same bytes in any batch.

    Args:
        generator (nn.Module): Of pix2pixHD, on its device; its layers are changed.
        dtype (torch.dtype): Number format of weights and features.
        encoder (CodeEncoder, optional): What makes the codes; None for a generator
            that reads channels.
        channels_last (bool): Memory layout of weights and features.
        compile_network (bool): Whether ``torch.compile`` optimises the network.
        tile (tuple[int, int], optional): Width and height of tiles.
        overlap (int): Pixels that tiles share.
    """

    def __init__(
        self,
        generator: nn.Module,
        dtype: torch.dtype,
        encoder: Optional[CodeEncoder] = None,
        channels_last: bool = True,
        compile_network: bool = False,
        tile: Optional[Tuple[int, int]] = None,
        overlap: int = 0,
    ) -> None:
        super().__init__()
        self.stride = generator.stride
        self._dtype = dtype
        self._layout = torch.channels_last if channels_last else torch.contiguous_format
        self._tile = tile
        self._overlap = overlap
        device = next(generator.parameters()).device
        rewrite = device.type == 'cpu' and channels_last
        first = None
        if encoder is not None:
            table = encoder.channels_of_code.to(device)
            if rewrite:
                # Of the weights as they are, before they are rounded.
                first = CodeConv(_first_layers(generator)[1], table, dtype)
            self.to_channels = CodesToChannels(table, dtype)
        generator.to(dtype=dtype, memory_format=self._layout)
        if first is not None:
            self._read_codes(generator, first)
        if rewrite and not compile_network:
            replace_norms(generator, InPlaceInstanceNorm)
        elif tile is not None:
            replace_norms(generator, RepeatableInstanceNorm)
        self.generator = self._run = generator
        if compile_network:
            self._run = torch.compile(generator, dynamic=False)

    def _read_codes(self, generator: nn.Module, first: CodeConv) -> None:
        layers = _first_layers(generator)
        layers[0], layers[1] = nn.Identity(), first
        if isinstance(generator, Pix2PixHDLocalEnhancer):
            # What the coarser networks read is an average of channels.
            generator.downsample = nn.Sequential(self.to_channels, generator.downsample)
        self.to_channels = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Paints photos.

        Args:
            x (Tensor): Codes, int32 [B, 1, H, W], or channels, float [B, C, H, W].

        Returns:
            Tensor: float32 [B, 3, H, W] in [-1, 1].
        """
        # The precision is settled, also inside a training step.
        with torch.autocast(x.device.type, enabled=False):
            if x.device.type != 'cpu' or len(x) == 1:
                return self._paint_maps(x)
            # There, algorithms and shares of threads depend on the size of a batch, and
            # with them the last bits of sums. It costs nothing at 256 x 512, and half
            # as much again at 64 x 64.
            return torch.cat([self._paint_maps(one) for one in x.split(1)])

    def _paint_maps(self, x: Tensor) -> Tensor:
        if self._tile is None or _fits(x, self._tile):
            return self._paint(x)
        return self._paint_tiles(x)

    def _paint_tiles(self, x: Tensor) -> Tensor:
        # An instance norm would see one tile; let it see all of the map, made small.
        with recording(self.generator):
            self._paint(shrink_to_fit(x, self._tile, self.stride))
        try:
            return run_in_tiles(self._paint, x, self._tile, self._overlap, self.stride)
        finally:
            forget(self.generator)

    def _paint(self, x: Tensor) -> Tensor:
        if not x.is_floating_point():
            x = self.to_channels(x)
        if x.is_floating_point():
            x = x.to(self._dtype, memory_format=self._layout)
        return self._run(x).float()


def make_fast(
    model: Pix2PixHD,
    dtype: torch.dtype,
    channels_last: bool = True,
    compile_network: bool = False,
    tile: Optional[Tuple[int, int]] = None,
    overlap: int = 0,
) -> Pix2PixHD:
    """Changes a model for painting; it cannot be trained afterwards.

    Args:
        model (Pix2PixHD): The model, on its device.
        dtype (torch.dtype): See :class:`FastNetwork`.
        channels_last (bool): See :class:`FastNetwork`.
        compile_network (bool): See :class:`FastNetwork`.
        tile (tuple[int, int], optional): See :class:`FastNetwork`.
        overlap (int): See :class:`FastNetwork`.

    Returns:
        Pix2PixHD: The same model.
    """
    model.requires_grad_(False)
    encoder = None
    # With other channels beside those of the labels, there are no codes to look up.
    if not model.region_code.out_channels and model.context is None:
        encoder = model.label_encoder = CodeEncoder(model.label_encoder)
    for domain, generator in model.generators.items():
        model.generators[domain] = FastNetwork(
            generator, dtype, encoder, channels_last, compile_network, tile, overlap
        )
    return model


def _fits(x: Tensor, tile: Tuple[int, int]) -> bool:
    return x.shape[-1] <= tile[0] and x.shape[-2] <= tile[1]


def _first_layers(generator: nn.Module) -> nn.Sequential:
    """Returns the layers that read the label map at full resolution."""
    if isinstance(generator, Pix2PixHDLocalEnhancer):
        return getattr(generator, f'model{generator.num_enhancers}_1')
    return generator.model
