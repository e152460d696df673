"""Instance norms that can repeat the statistics of another run."""

from contextlib import contextmanager
from typing import Iterator, Optional, Tuple

import torch
from torch import Tensor, nn

# Values handled at a time: as many as stay in the cache.
_CHUNK = 2**18


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
        """Mean and one over the deviation, float32 [B, C]."""
        variance, mean = torch.var_mean(x.float(), (2, 3), correction=0)
        return mean, torch.rsqrt(variance + self._eps)

    def _apply_to(self, x: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        return ((x - mean[..., None, None]) * scale[..., None, None]).to(x.dtype)


class InPlaceInstanceNorm(RepeatableInstanceNorm):
    """Overwrites its input, which must lie channels last in the CPU's memory.

    PyTorch's own rearranges such features. This one passes over parts that stay in the
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
    """Inside, norms keep their statistics; afterwards they repeat them.

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

    Memory that is asked for anew for each part would come cleared, slowly.
    """
    parts = pixels.split(max(1, _CHUNK // pixels.shape[1]))
    return parts, torch.empty(parts[0].shape, dtype=torch.float32)
