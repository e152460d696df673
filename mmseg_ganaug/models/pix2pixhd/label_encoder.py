"""Label maps as the float channels that the networks read, and their warping."""

from typing import List, Optional, Sequence, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmseg_ganaug.class_option_checks import check_ignore_index, check_num_classes
from mmseg_ganaug.option_checks import (
    check_bool,
    check_share,
    check_whole,
    check_whole_numbers,
)


def id_edges(ids: Tensor) -> Tensor:
    """Marks where an id differs from a neighbour's; both sides are marked.

    Args:
        ids (Tensor): Integer ids [B, 1, H, W].

    Returns:
        Tensor: Bool [B, 1, H, W], true where the left, right, upper or lower
        neighbour has another id.
    """
    edges = torch.zeros_like(ids, dtype=torch.bool)
    across = ids[..., 1:] != ids[..., :-1]
    down = ids[..., 1:, :] != ids[..., :-1, :]
    edges[..., 1:] |= across
    edges[..., :-1] |= across
    edges[..., 1:, :] |= down
    edges[..., :-1, :] |= down
    return edges


def pad_to_stride(maps: Tensor, stride: int) -> Tensor:
    """Repeats the last row and column until both sides divide by ``stride``.

    Each side gets two strides at least: the networks pad what they see at their lowest
    size by reflection, which one pixel has no neighbour for.

    Args:
        maps (Tensor): Maps [..., H, W] of any type.
        stride (int): What the sides shall divide by.

    Returns:
        Tensor: Maps [..., H', W'], the input itself when nothing is missing.
    """
    for dim, side in ((-2, maps.shape[-2]), (-1, maps.shape[-1])):
        length = max(side + -side % stride, 2 * stride)
        if length > side:
            places = torch.arange(length, device=maps.device).clamp(max=side - 1)
            maps = maps.index_select(dim, places)
    return maps


class LabelEncoder(nn.Module):
    """Turns label maps into one-hot channels on the device that holds them.

    The channels are, in this order: one for each class, one for ignored pixels
    (``ignore_channel``), one for edges (``edges``). With ``label_ids``, the classes
    of a data set drive a generator that was trained on other ids, as the official
    Cityscapes ones are on the 35 raw labelIds.

    Args:
        num_classes (int): Number of classes, C.
        ignore_index (int): The value of pixels that belong to no class.
        ignore_channel (bool): Gives ignored pixels a channel of their own; without
            it they are zero in all channels, or go where ``ignore_label_id`` says.
        edges (bool): Adds the edge channel of pix2pixHD, which needs instance maps.
        class_edges (bool): Marks the borders between classes in the edge channel too.
            Cityscapes' instance maps have them by themselves; maps where 0 means
            "no instance" do not.
        label_ids (Sequence[int], optional): The channel of each class.
        num_label_ids (int, optional): Number of such channels; needed with
            ``label_ids``.
        ignore_label_id (int, optional): The channel of ignored pixels among them.
    """

    def __init__(
        self,
        num_classes: int,
        ignore_index: int = 255,
        ignore_channel: bool = True,
        edges: bool = False,
        class_edges: bool = False,
        label_ids: Optional[Sequence[int]] = None,
        num_label_ids: Optional[int] = None,
        ignore_label_id: Optional[int] = None,
    ) -> None:
        super().__init__()
        self.num_classes = check_num_classes(self, 'num_classes', num_classes)
        self.ignore_index = check_ignore_index(self, 'ignore_index', ignore_index)
        self.ignore_channel = check_bool(self, 'ignore_channel', ignore_channel)
        self.edges = check_bool(self, 'edges', edges)
        self.class_edges = check_bool(self, 'class_edges', class_edges)
        # The channels are kept as 16-bit numbers.
        if label_ids is not None:
            label_ids = check_whole_numbers(self, 'label_ids', label_ids, 0, 2**15 - 2)
        for name, value, low in (
            ('num_label_ids', num_label_ids, 1),
            ('ignore_label_id', ignore_label_id, 0),
        ):
            if value is not None:
                check_whole(self, name, value, low, 2**15 - 1)
        channels = list(range(num_classes)) if label_ids is None else list(label_ids)
        number = num_classes if label_ids is None else num_label_ids
        self._check_ids(channels, number, ignore_label_id)
        ignored = -1 if ignore_label_id is None else ignore_label_id
        if ignore_channel:
            ignored = number
            number += 1
        self.num_label_channels = number
        self.out_channels = number + int(edges)
        # The channel of each possible value; -1 is no channel, -2 a wrong value.
        channel_of = torch.full((256,), -2, dtype=torch.int16)
        channel_of[:num_classes] = torch.tensor(channels, dtype=torch.int16)
        channel_of[ignore_index] = ignored
        self.register_buffer('channel_of', channel_of, persistent=False)

    def _check_ids(
        self, channels: List[int], number: Optional[int], ignored: Optional[int]
    ) -> None:
        if number is None or len(channels) != self.num_classes:
            raise ValueError(
                f'label_ids needs one channel for each of the {self.num_classes} '
                f'classes, and num_label_ids; given: {len(channels)} channels and '
                f'num_label_ids={number}'
            )
        if min(channels) < 0 or max(*channels, ignored or 0) >= number:
            raise ValueError(
                f'label_ids and ignore_label_id must lie in 0..{number - 1} '
                f'(num_label_ids={number}); given: {channels} and {ignored}'
            )
        if ignored is not None and self.ignore_channel:
            raise ValueError(
                f'ignored pixels go to the channel ignore_label_id={ignored} or to one '
                'of their own: set ignore_channel=False, or leave ignore_label_id out'
            )
        if self.class_edges and not self.edges:
            raise ValueError('class_edges=True needs edges=True')

    def forward(
        self, label_maps: Tensor, instance_maps: Optional[Tensor] = None
    ) -> Tensor:
        """Encodes a batch.

        Args:
            label_maps (Tensor): uint8 [B, 1, H, W] with the values 0..C-1 and
                ``ignore_index``.
            instance_maps (Tensor, optional): int32 [B, 1, H, W], needed when
                ``edges`` is set.

        Returns:
            Tensor: Float [B, out_channels, H, W] of zeros and ones.

        Raises:
            TypeError: When the label maps are not uint8, or the instance maps are of
                a type that overflows.
            ValueError: When a label value is neither a class nor ``ignore_index``,
                or the instance maps are missing or of another shape.
        """
        channels = self.channels(label_maps)
        order = torch.arange(self.num_label_channels, device=channels.device)
        parts = [channels == order.view(1, -1, 1, 1)]
        if self.edges:
            parts.append(self.edge_map(label_maps, instance_maps))
        return torch.cat(parts, dim=1).float()

    def channels(self, label_maps: Tensor) -> Tensor:
        """Finds the channel in which each pixel is one.

        Args:
            label_maps (Tensor): As in :meth:`forward`.

        Returns:
            Tensor: int16 [B, 1, H, W], -1 for pixels that are zero in all channels.

        Raises:
            TypeError: See :meth:`forward`.
            ValueError: See :meth:`forward`.
        """
        if label_maps.dtype != torch.uint8:
            raise TypeError(f'label maps must be uint8, not {label_maps.dtype}')
        channels = self.channel_of[label_maps.long()]
        if bool((channels == -2).any()):
            self._raise_wrong_value(label_maps[channels == -2])
        return channels

    def edge_map(self, label_maps: Tensor, instance_maps: Optional[Tensor]) -> Tensor:
        """Marks the edges: the edge channel.

        Args:
            label_maps (Tensor): As in :meth:`forward`.
            instance_maps (Tensor, optional): As in :meth:`forward`.

        Returns:
            Tensor: Bool [B, 1, H, W].

        Raises:
            TypeError: See :meth:`forward`.
            ValueError: See :meth:`forward`.
        """
        self._check_instances(label_maps, instance_maps)
        edges = id_edges(instance_maps)
        return edges | id_edges(label_maps) if self.class_edges else edges

    def _check_instances(
        self, label_maps: Tensor, instance_maps: Optional[Tensor]
    ) -> None:
        if instance_maps is None:
            raise ValueError(
                'the label encoder has edges=True, but there is no instance map: '
                'give instance maps (with_instances=True in LabelToImageDataset), or '
                'train a generator with edges=False'
            )
        if instance_maps.dtype not in (torch.int32, torch.int64):
            raise TypeError(
                f'instance maps must be int32, not {instance_maps.dtype}: ids of '
                'Cityscapes reach 33000 and more'
            )
        if instance_maps.shape != label_maps.shape:
            raise ValueError(
                f'the instance maps are {tuple(instance_maps.shape)}, but the label '
                f'maps are {tuple(label_maps.shape)}'
            )

    def _raise_wrong_value(self, values: Tensor) -> None:
        found = sorted(set(values.flatten().tolist()))
        raise ValueError(
            f'label values {found[:10]} are neither one of the {self.num_classes} '
            f'classes (0..{self.num_classes - 1}) nor ignore_index='
            f'{self.ignore_index}: set num_classes and ignore_index of the label '
            'encoder to those of the data set, or correct the label maps'
        )


class LabelWarp(nn.Module):
    """Bends the label maps that the generator sees in training.

    The photo and the discriminator keep the true shapes, so the generator learns to
    paint a good object over a shape that no photo has, such as a recombined one.
    Source of the idea: Katiyar and Khoreva, arXiv 2011.12636; the field of random
    displacements is our own choice.

    Args:
        prob (float): Share of the samples that are warped.
        max_shift (float): Largest displacement, relative to the longer side.
        grid_size (int): Number of independent displacements along each side.

    Raises:
        ValueError: When an option is of the wrong type or outside its range.
    """

    def __init__(
        self, prob: float = 0.5, max_shift: float = 0.03, grid_size: int = 8
    ) -> None:
        super().__init__()
        self.prob = check_share(self, 'prob', prob)
        self.max_shift = check_share(self, 'max_shift', max_shift)
        self.grid_size = check_whole(self, 'grid_size', grid_size, 2)

    def forward(
        self, *maps: Optional[Tensor], rng: np.random.Generator
    ) -> Tuple[Optional[Tensor], ...]:
        """Warps maps of the same batch alike.

        Args:
            rng (np.random.Generator): Draws which samples are warped, and how.
            maps (Tensor | None): Maps [B, 1, H, W] of any type, such as label and
                instance maps; None stays None.

        Returns:
            tuple[Tensor | None]: Maps of the same shapes and types, with no value
            that the given ones do not have.
        """
        given = [one for one in maps if one is not None]
        rows, columns = self._sources(given[0], rng)
        samples = torch.arange(len(rows), device=rows.device).view(-1, 1, 1)
        return tuple(
            None if one is None else one[samples, 0, rows, columns].unsqueeze(1)
            for one in maps
        )

    def _sources(self, maps: Tensor, rng: np.random.Generator) -> Tuple[Tensor, Tensor]:
        """Draws where each pixel comes from: rows and columns, int64 [B, H, W]."""
        batch, _, height, width = maps.shape
        shape = (batch, 2, self.grid_size, self.grid_size)
        coarse = torch.from_numpy(rng.uniform(-1, 1, shape)).to(maps.device).float()
        shift = F.interpolate(
            coarse, (height, width), mode='bilinear', align_corners=True
        )
        shift = shift * self.max_shift * max(height, width)
        warped = torch.from_numpy(rng.random(batch) < self.prob)
        shift = (shift * warped.to(shift).view(-1, 1, 1, 1)).round().long()
        rows = torch.arange(height, device=maps.device).view(1, -1, 1)
        columns = torch.arange(width, device=maps.device).view(1, 1, -1)
        return (
            (rows + shift[:, 0]).clamp(0, height - 1),
            (columns + shift[:, 1]).clamp(0, width - 1),
        )
