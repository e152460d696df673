"""Damages objects of real photos as pasting does, so that repairing can be learned."""

from dataclasses import dataclass
from typing import Sequence, Tuple

import cv2
import numpy as np


@dataclass(frozen=True)
class Damaged:
    """A photo whose objects look as if they were pasted.

    Attributes:
        photo: uint8 BGR [H, W, 3], the damaged photo.
        base: uint8 BGR [H, W, 3], what an object's rim fades into: as the photo beyond
            the objects.
        pasted: Bool [H, W], the damaged objects, in places a little larger.
        target: uint8 BGR [H, W, 3], the real photo.
    """

    photo: np.ndarray
    base: np.ndarray
    pasted: np.ndarray
    target: np.ndarray


def damage_objects(
    photo: np.ndarray,
    masks: Sequence[np.ndarray],
    ground: np.ndarray,
    rng: np.random.Generator,
    ring: int = 12,
) -> Damaged:
    """Damages objects: light, sharpness, noise, rim, and the shadow on the ground.

    Args:
        photo: uint8 BGR [H, W, 3].
        masks: Bool [H, W] each, the objects.
        ground: Bool [H, W], where shadows may lie.
        rng: Draws what is done to each object; the same draws give the same bytes.
        ring: How far in pixels from an object's foot its shadow is taken away.
    """
    joint = np.any(masks, axis=0)
    surroundings = photo
    # Nothing casts a shadow where it is pasted, so nearly always.
    if rng.random() < 0.9:
        surroundings = without_shadow(photo, joint, ground & ~joint, ring)
    base = filled(surroundings, joint)
    damaged, pasted = surroundings.copy(), np.zeros(joint.shape, bool)
    other = _other_place(photo, rng)
    for mask in masks:
        wide, donor = _rim(photo, other, mask, rng)
        rows, columns = _box(wide, margin=4)
        look = damaged_look(donor[rows, columns], rng)
        inside = wide[rows, columns]
        np.copyto(damaged[rows, columns], look, where=inside[..., None])
        pasted[rows, columns] |= inside
    return Damaged(damaged, base, pasted, photo)


def damaged_look(photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Changes light, sharpness and noise of a photo: uint8 BGR [H, W, 3].

    Args:
        photo: uint8 BGR [H, W, 3].
        rng: Draws what is done.
    """
    look: np.ndarray = photo.astype(np.float32)
    look = _blurred_or_sharpened(look, rng)
    if rng.random() < 0.75:
        look = _in_other_light(look, rng)
    draw = rng.random()
    if draw < 0.25:
        look += rng.normal(0, rng.uniform(1, 6), look.shape[:2])[..., None]
    look = _as_photo(look)
    if 0.25 <= draw < 0.45:
        look = cv2.bilateralFilter(look, 5, 30, 2)
    if rng.random() < 0.25:
        quality = int(rng.integers(25, 80))
        _, packed = cv2.imencode('.jpg', look, [cv2.IMWRITE_JPEG_QUALITY, quality])
        look = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    return look


def _blurred_or_sharpened(look: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    draw = rng.random()
    if draw < 0.35:
        return cv2.GaussianBlur(look, (0, 0), rng.uniform(0.4, 1.2))
    if draw < 0.6:
        amount = rng.uniform(0.2, 1)
        return look + amount * (look - cv2.GaussianBlur(look, (0, 0), 1))
    return look


def _in_other_light(look: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Changes contrast, gamma, exposure and colours."""
    contrast = np.exp(np.clip(rng.normal(0, 0.15), -0.4, 0.4))
    mean = look.mean(axis=(0, 1))
    look = ((look - mean) * contrast + mean).clip(0, 255)
    gamma = np.exp(np.clip(rng.normal(0, 0.15), -0.4, 0.4))
    gain = np.exp(np.clip(rng.normal(0, 0.25), -0.6, 0.6))
    cast = np.exp(rng.normal(0, 0.06, 3).clip(-0.15, 0.15))
    look = 255 * (look / 255) ** gamma * gain * cast + rng.normal(0, 8)
    return look.astype(np.float32)


def _other_place(photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns the photo mirrored and moved, so that rows are about the same."""
    height, width = photo.shape[:2]
    down = int(rng.integers(-height // 20 - 1, height // 20 + 2))
    across = int(rng.integers(width))
    return np.roll(photo[:, ::-1], (down, across), axis=(0, 1))


def _rim(
    photo: np.ndarray, other: np.ndarray, mask: np.ndarray, rng: np.random.Generator
) -> Tuple[np.ndarray, np.ndarray]:
    """Widens an object, and gives its rim the pixels of another place.

    Returns:
        Bool [H, W], the widened object, and uint8 [H, W, 3], the photo with that rim.
    """
    if rng.random() < 0.35:
        return mask, photo
    outer, inner = (int(width) for width in rng.integers(0, 3, 2))
    wide = _grown(mask, outer)
    kept = ~_grown(~mask, inner)
    if not kept.any():
        kept = mask
    weight = cv2.GaussianBlur(kept.astype(np.float32), (0, 0), 0.6)[..., None]
    return wide, _as_photo(weight * photo + (1 - weight) * other)


def _grown(mask: np.ndarray, width: int) -> np.ndarray:
    if not width:
        return mask
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width + 1,) * 2)
    return cv2.dilate(mask.view(np.uint8), kernel).view(bool)


def _box(mask: np.ndarray, margin: int) -> Tuple[slice, slice]:
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    return (
        slice(max(top - margin, 0), top + height + margin),
        slice(max(left - margin, 0), left + width + margin),
    )


def without_shadow(
    photo: np.ndarray, mask: np.ndarray, ground: np.ndarray, ring: int
) -> np.ndarray:
    """Gives the ground at the foot of objects the light of that farther away.

    Args:
        photo: uint8 BGR [H, W, 3].
        mask: Bool [H, W], the objects.
        ground: Bool [H, W], what may get brighter; not the objects.
        ring: How far in pixels from their foot, with less and less effect.

    Returns:
        uint8 BGR [H, W, 3]; nowhere darker than the photo.
    """
    foot = _foot(mask, 2 * ring)
    distance = cv2.distanceTransform((~foot).view(np.uint8), cv2.DIST_L2, 3)
    grey = photo.mean(axis=2, dtype=np.float32)
    near = _average_of(grey, ground, sigma=2.0)
    far = _average_of(grey, ground & (distance > ring), sigma=1.5 * ring)
    falloff = np.clip(1.25 - distance / ring, 0, 1)
    gain = np.clip(far / np.maximum(near, 4), 1, 2.5) ** falloff
    gain = np.where(ground & (far > 0), gain, 1)
    return _as_photo(photo * gain[..., None])


def _foot(mask: np.ndarray, reach: int) -> np.ndarray:
    """Finds pixels with no other of the mask so many rows below: bool [H, W]."""
    counts = np.pad(mask, ((0, reach), (0, 0))).cumsum(axis=0)
    return mask & (counts[reach:] == counts[:-reach])


def _average_of(grey: np.ndarray, where: np.ndarray, sigma: float) -> np.ndarray:
    """Averages over a mask nearby, float32 [H, W]; 0 where none of it is near."""
    weight = where.astype(np.float32)
    total = cv2.GaussianBlur(grey * weight, (0, 0), sigma)
    share = cv2.GaussianBlur(weight, (0, 0), sigma)
    return np.where(share > 1e-3, total / np.maximum(share, 1e-3), 0)


def filled(photo: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Gives each pixel of a mask the colour of the nearest beyond it.

    Args:
        photo: uint8 BGR [H, W, 3].
        mask: Bool [H, W].
    """
    if mask.all() or not mask.any():
        return photo.copy()
    _, nearest = cv2.distanceTransformWithLabels(
        mask.view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    # Label k is the k-th pixel beyond the mask in reading order; labels start at 1.
    colours = photo[~mask]
    made = photo.copy()
    made[mask] = colours[nearest[mask] - 1]
    return made


def _as_photo(values: np.ndarray) -> np.ndarray:
    return np.round(values).clip(0, 255).astype(np.uint8)
