"""The light of photos that are joined."""

from typing import Optional

import numpy as np

# Fewer pixels than this share of a photo say little about its light.
_SMALLEST_SHARE = 0.05


def match_tone(
    photo: np.ndarray, reference: np.ndarray, where: Optional[np.ndarray] = None
) -> np.ndarray:
    """Shifts and scales each channel to the mean and spread of another photo.

    Source: Reinhard et al., "Color Transfer between Images", IEEE Computer Graphics and
    Applications, 2001; in RGB, so that a grey generated photo stays free of casts.

    Args:
        photo: uint8 [H, W, 3].
        reference: uint8 [H, W, 3], the photo with the wanted light.
        where: Bool [H, W], the pixels of both that are compared; None = all.

    Returns:
        uint8 [H, W, 3]; the photo as it is where less than a twentieth is compared.
    """
    if where is None:
        where = np.ones(photo.shape[:2], bool)
    if where.mean() < _SMALLEST_SHARE:
        return photo
    ours, theirs = (p[where].astype(np.float32) for p in (photo, reference))
    gain = theirs.std(axis=0) / np.maximum(ours.std(axis=0), 1)
    matched = (photo - ours.mean(axis=0)) * gain + theirs.mean(axis=0)
    return np.round(matched).clip(0, 255).astype(np.uint8)
