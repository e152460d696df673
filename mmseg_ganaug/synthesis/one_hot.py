"""One-hot label maps as one integer per pixel, and a convolution that reads them.

A pixel's code says in which channels of the label encoder it is one: ``channel`` or,
on an edge, ``channel + number of label channels + 1``. Pixels that are zero in all
label channels have the last code of each half.
"""

from functools import reduce
from typing import Callable, Optional

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmseg_ganaug.models import LabelEncoder

# Windows looked up at a time: they take about 50 MB.
_CHUNK = 2**15


class CodeEncoder(LabelEncoder):
    """A label encoder that gives codes in place of channels.

    Args:
        encoder (LabelEncoder): The encoder that the generator was trained with.
    """

    def __init__(self, encoder: LabelEncoder) -> None:
        nn.Module.__init__(self)
        self.__dict__.update(encoder.__dict__)
        number = self.num_label_channels
        channels = torch.zeros(number + 1, self.out_channels)
        channels[range(number), range(number)] = 1
        if self.edges:
            on_edge = channels.clone()
            on_edge[:, number] = 1
            channels = torch.cat([channels, on_edge])
        #: float32 [codes, channels], the channels of each code.
        self.channels_of_code = channels

    def forward(
        self, label_maps: Tensor, instance_maps: Optional[Tensor] = None
    ) -> Tensor:
        """Encodes a batch; takes and raises what :class:`LabelEncoder` does.

        Returns:
            Tensor: Codes, int32 [B, 1, H, W].
        """
        number = self.num_label_channels
        codes = self.channels(label_maps).int()
        codes[codes < 0] = number
        if self.edges:
            codes += self.edge_map(label_maps, instance_maps) * (number + 1)
        return codes


class CodesToChannels(nn.Module):
    """Gives float input back as it is, and codes as the channels they stand for.

    Args:
        channels_of_code (Tensor): float32 [codes, channels].
        dtype (torch.dtype): Of the channels.
    """

    def __init__(self, channels_of_code: Tensor, dtype: torch.dtype) -> None:
        super().__init__()
        self.register_buffer('table', channels_of_code.to(dtype), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Maps int32 [B, 1, H, W] to [B, channels, H, W], channels last in memory."""
        if x.is_floating_point():
            return x
        return F.embedding(x[:, 0], self.table).permute(0, 3, 1, 2)


class CodeConv(nn.Module):
    """A convolution over one-hot channels that adds weights up instead of multiplying.

    Most windows show one code only: there the sum over the window is looked up. In the
    others each pixel's weights are. Equal to reflection padding and the convolution
    over the channels, to float rounding; the sums are made in float32.

    Args:
        conv (nn.Conv2d): The convolution, with an odd square kernel and no padding of
            its own.
        channels_of_code (Tensor): float32 [codes, channels].
        dtype (torch.dtype): Of the output.
    """

    def __init__(
        self, conv: nn.Conv2d, channels_of_code: Tensor, dtype: torch.dtype
    ) -> None:
        super().__init__()
        self._width = conv.kernel_size[0]
        weight = conv.weight.detach().float()
        taps = torch.einsum('oiyx,ci->yxco', weight, channels_of_code).flatten(0, 1)
        taps[0] += conv.bias.detach().float()
        self.register_buffer('taps', taps.flatten(0, 1), persistent=False)
        self.register_buffer('sums', taps.sum(0).to(dtype), persistent=False)

    @torch.compiler.disable
    def forward(self, codes: Tensor) -> Tensor:
        """Maps codes, int32 [B, 1, H, W], to [B, C, H, W], channels last in memory."""
        width = self._width
        # Older versions of PyTorch reflect floats only; codes are exact in them.
        border = (width // 2,) * 4
        padded = F.pad(codes.float(), border, mode='reflect')[:, 0].to(codes)
        output = F.embedding(codes[:, 0], self.sums)
        mixed = self._mixed(padded).nonzero()
        windows = padded.unfold(1, width, 1).unfold(2, width, 1)
        steps = torch.arange(width**2, dtype=codes.dtype) * len(self.sums)
        for part in mixed.split(_CHUNK):
            where = tuple(part.t())
            rows = windows[where].flatten(1) + steps
            output[where] = F.embedding_bag(rows, self.taps, mode='sum').to(output)
        return output.permute(0, 3, 1, 2)

    def _mixed(self, padded: Tensor) -> Tensor:
        """Bool [B, H, W]: windows that show several codes."""
        return self._over_windows(padded, torch.minimum) != self._over_windows(
            padded, torch.maximum
        )

    def _over_windows(self, padded: Tensor, pick: Callable) -> Tensor:
        for dim in (1, 2):
            size = padded.shape[dim] - self._width + 1
            shifted = (padded.narrow(dim, i, size) for i in range(self._width))
            padded = reduce(pick, shifted)
        return padded
