"""Layers that paint faster than those that the generator was trained with.

Instance norms can repeat the statistics of another run. One-hot label maps are one
integer a pixel: its code says in which channels of the label encoder it is one,
``channel`` or, on an edge, ``channel + number of label channels + 1``. Pixels that are
zero in all label channels have the last code of each half.
"""

from contextlib import contextmanager
from functools import reduce
from typing import Callable, Iterator, Optional, Tuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmseg_ganaug.models import LabelEncoder

# Values handled at a time: as many as stay in the cache.
_NORMED_AT_A_TIME = 2**18
# Windows looked up at a time: they take about 50 MB.
_WINDOWS_AT_A_TIME = 2**15


class RepeatableInstanceNorm(nn.Module):
    """Instance norm without parameters.

    Args:
        eps (float): Added to the variance.
    """

    def __init__(self, eps: float) -> None:
        super().__init__()
        self._eps = eps
        self._recording = False
        self._recorded: Optional[Tuple[Tensor, Tensor]] = None

    def forward(self, x: Tensor) -> Tensor:
        """Maps [B, C, H, W] to the same shape."""
        statistics = self._recorded
        if statistics is None or self._recording:
            statistics = self._measure(x)
            if self._recording:
                self._recorded = statistics
        return self._apply_to(x, *statistics)

    def _measure(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        """Computes mean and one over the standard deviation, float32 [B, C]."""
        variance, mean = torch.var_mean(x.float(), (2, 3), correction=0)
        return mean, torch.rsqrt(variance + self._eps)

    def _apply_to(self, x: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        return ((x - mean[..., None, None]) * scale[..., None, None]).to(x.dtype)


class InPlaceInstanceNorm(RepeatableInstanceNorm):
    """Overwrites its input, which must lie channels last in the CPU's memory.

    PyTorch's own rearranges such features. This one works on parts that stay in the
    cache. Sums are taken of the distances from a typical value, so that they lose
    nothing where the mean is large.
    """

    def _measure(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        means, scales = [], []
        for pixels in x.permute(0, 2, 3, 1).flatten(1, 2):
            parts, buffer = _parts_of(pixels)
            typical = parts[0].float().mean(0)
            first = torch.zeros_like(typical)
            second = torch.zeros_like(typical)
            for part in parts:
                distance = buffer[: len(part)].copy_(part).sub_(typical)
                first += distance.sum(0)
                second += distance.square_().sum(0)
            first /= len(pixels)
            variance = (second / len(pixels) - first.square()).clamp_(min=0)
            means.append(first + typical)
            scales.append(torch.rsqrt(variance + self._eps))
        return torch.stack(means), torch.stack(scales)

    def _apply_to(self, x: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        for pixels, own_mean, own_scale in zip(
            x.permute(0, 2, 3, 1).flatten(1, 2), mean, scale
        ):
            parts, buffer = _parts_of(pixels)
            for part in parts:
                normed = buffer[: len(part)].copy_(part).sub_(own_mean).mul_(own_scale)
                part.copy_(normed)
        return x


def replace_norms(module: nn.Module, norm: type) -> None:
    """Puts another norm in the place of every ``InstanceNorm2d``.

    Args:
        module (nn.Module): Is changed.
        norm (type): A :class:`RepeatableInstanceNorm`.
    """
    for name, child in module.named_children():
        if isinstance(child, nn.InstanceNorm2d):
            setattr(module, name, norm(child.eps))
        else:
            replace_norms(child, norm)


@contextmanager
def recording(module: nn.Module) -> Iterator[None]:
    """Records the statistics of norms inside the block; afterwards they repeat them.

    Args:
        module (nn.Module): Holds the norms.
    """
    norms = _norms_of(module)
    for norm in norms:
        norm._recording = True
    try:
        yield
    finally:
        for norm in norms:
            norm._recording = False


def forget(module: nn.Module) -> None:
    """Has the norms measure again.

    Args:
        module (nn.Module): Holds the norms.
    """
    for norm in _norms_of(module):
        norm._recorded = None


def _norms_of(module: nn.Module) -> list:
    return [m for m in module.modules() if isinstance(m, RepeatableInstanceNorm)]


def _parts_of(pixels: Tensor) -> Tuple[Tuple[Tensor, ...], Tensor]:
    """Cuts [pixels, C] into parts, and gives a float32 buffer that holds one.

    Memory that is allocated for each part would come cleared, slowly.
    """
    parts = pixels.split(max(1, _NORMED_AT_A_TIME // pixels.shape[1]))
    return parts, torch.empty(parts[0].shape, dtype=torch.float32)


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
    """Returns float input as it is, and codes as the channels they stand for.

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
        for part in mixed.split(_WINDOWS_AT_A_TIME):
            where = tuple(part.t())
            rows = windows[where].flatten(1) + steps
            output[where] = F.embedding_bag(rows, self.taps, mode='sum').to(output)
        return output.permute(0, 3, 1, 2)

    def _mixed(self, padded: Tensor) -> Tensor:
        """Finds the windows that show several codes: bool [B, H, W]."""
        return self._over_windows(padded, torch.minimum) != self._over_windows(
            padded, torch.maximum
        )

    def _over_windows(self, padded: Tensor, pick: Callable) -> Tensor:
        for dim in (1, 2):
            size = padded.shape[dim] - self._width + 1
            shifted = (padded.narrow(dim, i, size) for i in range(self._width))
            padded = reduce(pick, shifted)
        return padded
