"""A network run over tiles of a map that does not fit into memory whole."""

from typing import Callable, List, Optional, Tuple

import torch
from torch import Tensor

from mmseg_ganaug.option_checks import check_size, check_whole


def check_tiles(tile: Optional[Tuple[int, int]], overlap: int, stride: int = 1) -> None:
    """Checks the sizes of tiles.

    Args:
        tile (tuple[int, int], optional): Width and height in pixels.
        overlap (int): Pixels that neighbours share.
        stride (int): What the sides of the network's input divide by.

    Raises:
        ValueError: When a side is smaller than two strides or does not divide by one,
            or the tiles do not get ahead of their overlap.
    """
    overlap = check_whole('generator', 'overlap', overlap)
    if tile is None:
        return
    tile = check_size('generator', 'tile', tile, order='(width, height)')
    # Of one stride, nothing but one pixel would be left at the lowest size.
    if min(tile) < 2 * stride or any(side % stride for side in tile):
        raise ValueError(
            f'tile={tuple(tile)}: both sides must be multiples of {stride}, the '
            f"generator's stride, and at least {2 * stride}"
        )
    if min(tile) - overlap < stride:
        raise ValueError(
            f'overlap={overlap} leaves too little of tile={tuple(tile)}: it must be '
            f'at most {min(tile) - stride}'
        )


def run_in_tiles(
    network: Callable[[Tensor], Tensor],
    inputs: Tensor,
    tile: Tuple[int, int],
    overlap: int,
    stride: int,
) -> Tensor:
    """Runs a network tile by tile, and lets the tiles fade into each other.

    Args:
        network (callable): Keeps the size of what it is given.
        inputs (Tensor): ``[B, C, H, W]``, both sides multiples of ``stride``.
        tile (tuple[int, int]): Width and height in pixels, multiples of ``stride``.
        overlap (int): Pixels that neighbours share, at least.
        stride (int): What the sides of the network's input divide by.

    Returns:
        Tensor: float32 ``[B, C', H, W]``.
    """
    height, width = inputs.shape[-2:]
    wide, high = min(tile[0], width), min(tile[1], height)
    total = weights = None
    for top in _starts(height, high, overlap, stride):
        for left in _starts(width, wide, overlap, stride):
            window = (..., slice(top, top + high), slice(left, left + wide))
            output = network(inputs[window]).float()
            if total is None:
                total = output.new_zeros(*output.shape[:2], height, width)
                weights = output.new_zeros(height, width)
            rows = _ramp(top, high, height, overlap).to(output)
            columns = _ramp(left, wide, width, overlap).to(output)
            weight = rows[:, None] * columns
            total[window] += output * weight
            weights[window] += weight
    return total / weights


def shrink_to_fit(inputs: Tensor, tile: Tuple[int, int], stride: int) -> Tensor:
    """Takes every so many-th pixel, so that a map fits into a tile.

    Shares of classes and of edge pixels stay what they are.

    Args:
        inputs (Tensor): ``[B, C, H, W]``.
        tile (tuple[int, int]): Width and height in pixels.
        stride (int): What the sides of the result divide by.

    Returns:
        Tensor: ``[B, C, h, w]`` of about the same proportions; no side is smaller than
        two strides.
    """
    height, width = inputs.shape[-2:]
    least = 2 * stride  # As of a tile: at the lowest size one pixel is no map.
    factor = min(tile[0] / width, tile[1] / height, 1.0)
    for dim, side in ((-2, height), (-1, width)):
        short = max(least, int(side * factor) // stride * stride)
        places = (torch.arange(short, device=inputs.device) * 2 + 1) * side
        inputs = inputs.index_select(dim, places // (2 * short))
    return inputs


def _starts(length: int, tile: int, overlap: int, stride: int) -> List[int]:
    """Finds where tiles begin along one side; the last one ends at the border."""
    step = (tile - overlap) // stride * stride
    starts = list(range(0, max(length - tile, 0), max(step, stride)))
    return [*starts, length - tile]


def _ramp(start: int, tile: int, length: int, overlap: int) -> Tensor:
    """Weights along one side: they rise over the overlap, but not at a border."""
    distance = torch.arange(1, tile + 1, dtype=torch.float32)
    weight = torch.full((tile,), float(overlap + 1))
    if start > 0:
        weight = weight.minimum(distance)
    if start + tile < length:
        weight = weight.minimum(distance.flip(0))
    return weight / (overlap + 1)
