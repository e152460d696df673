"""A network that fits pasted objects into the photo that they are pasted into."""

from typing import Dict, List, NamedTuple, Optional

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from torch import Tensor, nn

from mmseg_ganaug.class_option_checks import check_ignore_index, check_num_classes
from mmseg_ganaug.option_checks import check_whole
from mmseg_ganaug.registry import MODELS

# Colours and labels are compared in windows of so many cells of 8 x 8 pixels.
_WINDOWS = (7, 21)
_LABEL_CHANNELS = 4
# Bounds of the gain's logarithm, of offset and noise in grey levels, and of the share
# of the light that a shadow takes.
_GAIN, _OFFSET, _NOISE, _SHADOW = 0.8, 64.0, 4.0, 0.8
# Largest texture, in grey levels, of what counts as smooth.
_SMOOTH = 1.5
_PATTERN = 256
# Slope outside of its bounds of what is cut off there: it can return.
_LEAK = 0.05


class Changes(NamedTuple):
    """What the network changes, at the size of the photo.

    Attributes:
        gain: [B, 3, H, W], factor of the pasted pixels; smooth.
        offset: [B, 3, H, W], grey levels that are added to them; smooth.
        sharpness: [B, 1, H, W], -1 (blurred) .. 1 (sharpened); smooth.
        noise: [B, 1, H, W], standard deviation in grey levels; smooth.
        fade: [B, 1, H, W], 0..1, how far a pixel of the rim fades into the base.
        shadow: [B, 1, H, W], 0..1, share of the light that is taken from the
            surroundings; smooth.
    """

    gain: Tensor
    offset: Tensor
    sharpness: Tensor
    noise: Tensor
    fade: Tensor
    shadow: Tensor


@MODELS.register_module()
class Harmonizer(BaseModel):
    """Fits pasted objects into a photo, by what cannot make them less sharp.

    Pasted pixels stay the donor's. Changed are their light (a gain and an offset for
    each channel that vary slowly), their sharpness and noise, how their rim fades into
    the base, and a shadow in a ring around their foot. Untrained, it changes nothing.

    It has no norm layers, which would take the absolute light away; how light and fine
    detail differ in and around the pasted regions is given to it as figures.

    Args:
        num_classes (int): Number of classes of the label maps.
        ignore_index (int): Label value of pixels without a class. Defaults to 255.
        channels (int): Channels at a quarter of the size. Defaults to 24.
        num_blocks (int): Residual blocks at an eighth of the size. Defaults to 4.
        rim (int): Width in pixels of the rim that may fade. Defaults to 3.
        ring (int): How far in pixels from the foot of an object it may get darker.
            Defaults to 12.
        init_cfg (dict, optional): MMEngine's.

    Raises:
        ValueError: When an option is of the wrong type or outside its range.
    """

    def __init__(
        self,
        num_classes: int,
        ignore_index: int = 255,
        channels: int = 24,
        num_blocks: int = 4,
        rim: int = 3,
        ring: int = 12,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.num_classes = check_num_classes(self, 'num_classes', num_classes)
        self.ignore_index = check_ignore_index(self, 'ignore_index', ignore_index)
        check_whole(self, 'channels', channels, 2, 4096)
        check_whole(self, 'num_blocks', num_blocks, 1, 32)
        self.rim = check_whole(self, 'rim', rim, 1)
        self.ring = check_whole(self, 'ring', ring, 2)
        half, double = channels // 2, 2 * channels
        self.labels = nn.Embedding(num_classes + 1, _LABEL_CHANNELS)
        self.down = nn.ModuleList(
            [
                _conv(3 + 1 + _LABEL_CHANNELS, half, stride=2),
                _conv(half, channels, stride=2),
                _conv(channels, double, stride=2),
            ]
        )
        self.join = _conv(double + 16 * len(_WINDOWS), double, kernel=1)
        self.blocks = nn.ModuleList(
            [_Block(double, dilation=(1, 2, 4)[i % 3]) for i in range(num_blocks)]
        )
        self.up = nn.ModuleList([_conv(double + channels, half), _conv(2 * half, half)])
        self.edge = _conv(half + 4, half, dilation=2)
        self.to_tone = nn.Conv2d(double, 8, 1)
        self.to_shadow = nn.Conv2d(half, 1, 3, padding=1)
        self.to_fade = nn.Conv2d(half, 1, 3, padding=1)
        # The same on every device and in every run.
        drawn = torch.Generator().manual_seed(0)
        pattern = torch.randn(_PATTERN, _PATTERN, generator=drawn)
        self.register_buffer('pattern', pattern, persistent=False)
        for last in (self.to_tone, self.to_shadow, self.to_fade):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(
        self,
        photo: Tensor,
        base: Tensor,
        pasted: Tensor,
        labels: Tensor,
        target: Optional[Tensor] = None,
        mode: str = 'tensor',
    ):
        """Harmonises photos, or computes the losses.

        Args:
            photo (Tensor): uint8 BGR [B, 3, H, W], with the pasted objects.
            base (Tensor): uint8 BGR [B, 3, H, W], the photos without them.
            pasted (Tensor): Bool [B, 1, H, W], where something was pasted.
            labels (Tensor): uint8 [B, 1, H, W].
            target (Tensor, optional): uint8 BGR [B, 3, H, W], what should come out.
            mode (str): 'loss', or another word for the photos.

        Returns:
            Tensor | dict[str, Tensor]: uint8 BGR [B, 3, H, W], or the losses.
        """
        pasted = pasted.float()
        photo, base = photo.float(), torch.where(pasted > 0, base, photo).float()
        changes = self.changes(photo, pasted, labels)
        if mode == 'loss':
            assert target is not None, 'losses need a target'
            return self._losses(photo, base, pasted, target.float(), changes)
        made = self.render(photo, base, pasted, changes, with_noise=True)
        return made.round().clamp(0, 255).to(torch.uint8)

    def changes(self, photo: Tensor, pasted: Tensor, labels: Tensor) -> Changes:
        """Predicts what to change.

        Args:
            photo (Tensor): float BGR [B, 3, H, W], 0..255.
            pasted (Tensor): float [B, 1, H, W], 0 or 1.
            labels (Tensor): uint8 [B, 1, H, W].
        """
        size = photo.shape[-2:]
        scaled = photo / 127.5 - 1
        known = labels.long()
        ignored = torch.full_like(known, self.num_classes)
        known = torch.where(known < self.num_classes, known, ignored)
        known = torch.where(labels.long() == self.ignore_index, ignored, known)
        embedded = self.labels(known[:, 0]).permute(0, 3, 1, 2)
        seen = [torch.cat([scaled, pasted, embedded], dim=1)]
        for layer in self.down:
            seen.append(layer(seen[-1]))
        deep = torch.cat([seen[3], _light(scaled, pasted, seen[3].shape[-2:])], dim=1)
        deep = self.join(deep)
        for block in self.blocks:
            deep = block(deep)
        tone = _resize(self.to_tone(deep), size)
        fine = self.up[0](torch.cat([_resize(deep, seen[2].shape[-2:]), seen[2]], 1))
        shadow = _resize(self.to_shadow(fine), size)
        fine = self.up[1](torch.cat([_resize(fine, seen[1].shape[-2:]), seen[1]], 1))
        fine = self.edge(torch.cat([_resize(fine, size), scaled, pasted], 1))
        return Changes(
            gain=(_GAIN * tone[:, :3].tanh()).exp(),
            offset=_OFFSET * tone[:, 3:6].tanh(),
            sharpness=tone[:, 6:7].tanh(),
            noise=_NOISE * _bounded(tone[:, 7:8]),
            fade=_bounded(self.to_fade(fine)),
            shadow=_SHADOW * _bounded(shadow),
        )

    def render(
        self,
        photo: Tensor,
        base: Tensor,
        pasted: Tensor,
        changes: Changes,
        with_noise: bool,
    ) -> Tensor:
        """Carries changes out.

        Args:
            photo (Tensor): float BGR [B, 3, H, W], 0..255.
            base (Tensor): float BGR [B, 3, H, W], as the photo where nothing is pasted.
            pasted (Tensor): float [B, 1, H, W], 0 or 1.
            changes (Changes): What to change.
            with_noise (bool): Whether noise is added.

        Returns:
            Tensor: float BGR [B, 3, H, W], not rounded; as the photo beyond the
            pasted regions and the rings around them.
        """
        made = photo + changes.sharpness * (photo - _blur(photo))
        made = changes.gain * made + changes.offset
        if with_noise:
            made = made + changes.noise * self._noise(pasted)
        rim = pasted * _dilate(1 - pasted, self.rim)
        opaque = pasted * (1 - rim * changes.fade)
        lit = 1 - changes.shadow * self.ring_weight(pasted)
        return opaque * made + (1 - opaque) * (base * lit)

    def ring_weight(self, pasted: Tensor) -> Tensor:
        """Computes the weight of shadows: 1 at the foot of objects, 0 beyond the ring.

        Args:
            pasted (Tensor): float [B, 1, H, W], 0 or 1.

        Returns:
            Tensor: float [B, 1, H, W].
        """
        width, reach = self.ring // 2, 2 * self.ring
        below = F.pad(pasted[..., 1:, :], (0, 0, 0, reach))
        foot = pasted * (1 - F.max_pool2d(below, (reach, 1), stride=1))
        return _average(_dilate(foot, width), width)

    def _noise(self, pasted: Tensor) -> Tensor:
        """Returns noise: [B, 1, H, W]; photos differ by where it begins."""
        height, width = pasted.shape[-2:]
        rows = torch.arange(height, device=pasted.device)
        columns = torch.arange(width, device=pasted.device)
        noise = []
        for count in pasted.sum(dim=(1, 2, 3)).long():
            across = (columns + count) % _PATTERN
            down = (rows + count // _PATTERN) % _PATTERN
            noise.append(self.pattern[down[:, None], across])
        return torch.stack(noise)[:, None]

    def _losses(
        self,
        photo: Tensor,
        base: Tensor,
        pasted: Tensor,
        target: Tensor,
        changes: Changes,
    ) -> Dict[str, Tensor]:
        made = self.render(photo, base, pasted, changes, with_noise=False)
        ring = (self.ring_weight(pasted) > 0) * (1 - pasted)
        off = (made - target).abs()
        inner = pasted * (1 - _dilate(1 - pasted, 1))
        # As much fine detail as in the target, where that is smooth: noise must not
        # stand in for texture that was lost.
        coarse = _blur(target)
        texture = (coarse - _blur(_blur(coarse))).abs().mean(dim=1, keepdim=True)
        inner = inner * (texture < _SMOOTH)
        noisy = made.detach() + changes.noise * self._noise(pasted)
        detail = _mean((noisy - _blur(noisy)).abs(), inner)
        wanted = _mean((target - coarse).abs(), inner)
        tone = (_blur(_blur(made)) - _blur(_blur(target))).mean(dim=1, keepdim=True)
        return dict(
            loss_region=_mean(off, pasted).mean() / 255,
            loss_ring=_mean(off, ring).mean() / 255,
            loss_tone=0.5 * _mean(tone.abs(), pasted).mean() / 255,
            loss_edges=_gradient(made - target, pasted + ring).mean() / 255,
            loss_noise=0.2 * (detail - wanted).abs().mean() / 255,
        )


class _Block(nn.Module):
    """Adds what two convolutions find, the first of which looks farther."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _conv(channels, channels, dilation=dilation),
            nn.Conv2d(channels, channels, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Returns [B, C, H, W]."""
        return x + self.layers(x)


def _conv(
    inputs: int, outputs: int, kernel: int = 3, stride: int = 1, dilation: int = 1
) -> nn.Sequential:
    padding = dilation * (kernel // 2)
    layer = nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation)
    return nn.Sequential(layer, nn.LeakyReLU(0.1, inplace=True))


def _resize(maps: Tensor, size) -> Tensor:
    return F.interpolate(maps, size, mode='bilinear', align_corners=False)


def _bounded(values: Tensor) -> Tensor:
    """Cuts off at 0 and 1, with a gradient that leads back from beyond."""
    return values.clamp(0, 1) + _LEAK * (values - values.detach())


def _blur(photo: Tensor) -> Tensor:
    """Blurs by the binomial filter of 5 x 5: [B, C, H, W]."""
    height, width = photo.shape[-2:]
    padded = F.pad(photo, (2, 2, 2, 2), mode='replicate')
    # Much faster than a convolution of each channel for itself.
    rows = [padded[..., at : at + height, :] for at in range(5)]
    padded = (rows[0] + rows[4] + 4 * (rows[1] + rows[3]) + 6 * rows[2]) / 16
    columns = [padded[..., at : at + width] for at in range(5)]
    return (
        columns[0] + columns[4] + 4 * (columns[1] + columns[3]) + 6 * columns[2]
    ) / 16


def _dilate(mask: Tensor, width: int) -> Tensor:
    """Widens a mask by so many pixels to all sides: [B, 1, H, W]."""
    size = 2 * width + 1
    mask = F.max_pool2d(mask, (size, 1), stride=1, padding=(width, 0))
    return F.max_pool2d(mask, (1, size), stride=1, padding=(0, width))


def _average(maps: Tensor, width: int) -> Tensor:
    """Averages over the pixels at most so far away, row- and column-wise."""
    size = 2 * width + 1
    maps = F.avg_pool2d(maps, (size, 1), 1, (width, 0), count_include_pad=False)
    return F.avg_pool2d(maps, (1, size), 1, (0, width), count_include_pad=False)


def _light(photo: Tensor, pasted: Tensor, size) -> Tensor:
    """Compares light and fine detail in and around pasted regions.

    Args:
        photo: [B, 3, H, W], -1..1.
        pasted: [B, 1, H, W], 0 or 1.
        size: Height and width of the result.

    Returns:
        [B, 16 for each window, h, w]: mean and deviation of the channels, and how much
        detail of two sizes there is, of what is pasted in the window, and of what is
        not.
    """
    found: List[Tensor] = []
    grey = photo.mean(dim=1, keepdim=True)
    once = _blur(grey)
    detail = [(grey - once).abs(), (once - _blur(_blur(once))).abs()]
    seen = torch.cat([photo, photo**2, *(10 * part for part in detail)], dim=1)
    for where in (pasted, 1 - pasted):
        sums = torch.cat([seen * where, where], dim=1)
        sums = F.adaptive_avg_pool2d(sums, size)
        for window in _WINDOWS:
            near = _average(sums, window // 2)
            mean, square, fine = (near[:, :-1] / (near[:, -1:] + 1e-6)).split(
                (3, 3, 2), dim=1
            )
            found += [mean, (square - mean**2).clamp(min=1e-6).sqrt(), fine]
    return torch.cat(found, dim=1)


def _mean(values: Tensor, where: Tensor) -> Tensor:
    """Averages values [B, C, H, W] over a mask [B, 1, H, W]: [B]."""
    total = (values * where).sum(dim=(1, 2, 3))
    return total / (values.shape[1] * where.sum(dim=(1, 2, 3))).clamp(min=1)


def _gradient(values: Tensor, where: Tensor) -> Tensor:
    """Averages the slopes of values [B, C, H, W] over a mask [B, 1, H, W]: [B]."""
    down = (values[..., 1:, :] - values[..., :-1, :]).abs()
    across = (values[..., 1:] - values[..., :-1]).abs()
    return _mean(down, where[..., 1:, :]) + _mean(across, where[..., 1:])
