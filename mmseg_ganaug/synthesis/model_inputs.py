"""What the model of a trained generator is given: tensors, and looks of objects."""

from typing import Any, Dict, Iterable, Optional

import numpy as np
import torch
from torch import Tensor


def to_device(maps: np.ndarray, device: torch.device) -> Tensor:
    """Moves maps to a device: ``[B, ...] -> [B, 1, ...]``.

    Args:
        maps (np.ndarray): Of any type that torch has.
        device (torch.device): That of the model.
    """
    tensor = torch.from_numpy(np.ascontiguousarray(maps))[:, None]
    if device.type == 'cuda':
        # Out of pinned memory it is copied while the CPU goes on.
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


def pixels_to_device(photos: np.ndarray, device: torch.device) -> Tensor:
    """Moves photos to a device: uint8 ``[B, H, W, 3] -> [B, 3, H, W]``.

    Args:
        photos (np.ndarray): RGB.
        device (torch.device): That of the model.
    """
    return to_device(photos, device)[:, 0].permute(0, 3, 1, 2)


def paint_one_by_one(
    model: Any,
    looks: str,
    labels: Tensor,
    instances: Optional[Tensor],
    seen: Dict[str, Tensor],
    seeds: Iterable[int],
    donors: Optional[np.ndarray],
    shown: Optional[np.ndarray],
) -> Tensor:
    """Paints each sample with draws of its own, or the looks of its donors.

    Args:
        model (Pix2PixHD): Made ready to paint.
        looks (str): See :class:`~mmseg_ganaug.synthesis.MMagicGenerator`.
        labels (Tensor): uint8 ``[B, 1, H, W]``.
        instances (Tensor, optional): int32 ``[B, 1, H, W]``.
        seen (dict[str, Tensor]): Photos and holes, as the model takes them; may be
            empty.
        seeds (Iterable[int]): Of the draws of each sample.
        donors (np.ndarray, optional): uint8 RGB ``[B, H, W, 3]``, photos off which
            looks are read.
        shown (np.ndarray, optional): Bool ``[B, H, W]``, what they show.

    Returns:
        Tensor: uint8 RGB ``[B, 3, H, W]``.
    """
    from mmseg_ganaug.models.pix2pixhd import KeptLooks

    painted = []
    for number, seed in enumerate(seeds):
        one, kept = slice(number, number + 1), None
        rng = np.random.default_rng(seed)
        if donors is not None and shown is not None:
            share = rng.random() if looks == 'interpolated' else 1.0
            pixels = pixels_to_device(donors[one], model.device)
            kept = KeptLooks(pixels, to_device(shown[one], model.device), share)
        photo = model.paint(
            labels[one],
            None if instances is None else instances[one],
            rng=rng,
            looks=kept,
            **{name: tensor[one] for name, tensor in seen.items()},
        )
        painted.append(photo)
    return torch.cat(painted)
