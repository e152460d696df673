"""Ground classes of a base that grow or shrink at their own borders."""

from typing import NamedTuple, Optional, Sequence, Tuple

import numpy as np

#: A class, and how far its border moves outwards, as a share of the map's height.
Growth = Tuple[int, float]

# The border pushes along what lies within so many times its own way.
_REACH = 3.0
# A strip shrinks by this share of its half width at most on each side.
_LEAST_LEFT = 0.5
# Borders of a few pixels to and fro count as straight.
_SMOOTH = 3.0


class GrownMap(NamedTuple):
    """A map, and what belongs to it, after its borders have moved.

    Attributes:
        label_map: uint8 [H, W].
        instance_map: int32 [H, W], or None.
        photo: [H, W, bands], or None.
    """

    label_map: np.ndarray
    instance_map: Optional[np.ndarray]
    photo: Optional[np.ndarray]


def grow(
    label_map: np.ndarray,
    growth: Sequence[Growth],
    things: Sequence[int],
    guarded: Sequence[int] = (),
    max_hidden: float = 1.0,
    instance_map: Optional[np.ndarray] = None,
    photo: Optional[np.ndarray] = None,
) -> GrownMap:
    """Moves the borders of classes; labels and photo are pulled along alike.

    Nothing is painted: what lies inside a border is stretched, and what lies outside is
    pressed together, as far as three times the way of the border. A strip at most
    doubles, or halves. Things stay as they are, and so do borders near them. A class
    that would cost a guarded class more than its share stays.

    Args:
        label_map: uint8 [H, W].
        growth: The classes, in order; negative ways shrink them.
        things: Classes of countable objects.
        guarded: Classes that may lose ``max_hidden`` of their pixels at most.
        max_hidden: That share, 0..1.
        instance_map: int32 [H, W].
        photo: [H, W, bands].

    Returns:
        New arrays; those given where nothing moves.
    """
    import cv2

    grown = GrownMap(label_map, instance_map, photo)
    for class_id, share in growth:
        way = share * label_map.shape[0]
        found = _sources(grown.label_map, class_id, way, things)
        if found is None:
            continue
        rows, columns = (np.rint(part).astype(np.intp) for part in found)
        labels = grown.label_map[rows, columns]
        spared = [c for c in guarded if c != class_id]
        if _loses(grown.label_map, labels, spared, max_hidden):
            continue
        instances, photo = grown.instance_map, grown.photo
        if instances is not None:
            instances = instances[rows, columns]
        if photo is not None:
            photo = cv2.remap(
                photo, found[1], found[0], cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE
            ).reshape(photo.shape)
        grown = GrownMap(labels, instances, photo)
    return grown


def _sources(
    label_map: np.ndarray, class_id: int, way: float, things: Sequence[int]
) -> Optional[Tuple[np.ndarray, np.ndarray]]:
    """Finds where each pixel comes from when a border moves outwards by a way.

    Returns:
        Rows and columns, float32 [H, W] each; None where nothing moves.
    """
    import cv2

    inside = label_map == class_id
    if not inside.any() or inside.all():
        return None
    depth = _distance(~inside)
    # Below zero inside the class: how far it is to the border.
    distance = _distance(inside) - depth
    # How thick the class is nearby: no strip more than doubles, or more than halves.
    near = 2 * round((_REACH + 1) * abs(way)) + 1
    half = cv2.blur(cv2.dilate(depth, np.ones((near, near), np.uint8)), (near, near))
    ways = np.clip(way, -_LEAST_LEFT * half, half)
    if np.abs(ways[inside]).max() < 0.5:
        return None
    down, right = np.gradient(cv2.GaussianBlur(distance, (0, 0), _SMOOTH))
    length = np.maximum(np.hypot(down, right), 1e-3)
    # Up to the new border all is stretched, from nothing in the middle of a strip.
    stretched = np.maximum(distance + half, 0) * ways / np.maximum(half + ways, 1e-3)
    beyond = np.clip((distance - ways) / (_REACH * abs(way)), 0, 1)
    pressed = ways * (1 + np.cos(np.pi * beyond)) / 2
    pull = np.where(distance <= ways, stretched, pressed)
    thing = np.isin(label_map, list(things))
    if thing.any():
        pull = pull * np.minimum(_distance(thing) / (2 * abs(way)), 1)
    height, width = label_map.shape
    rows = np.arange(height, dtype=np.float32)[:, None] - pull * down / length
    columns = np.arange(width, dtype=np.float32) - pull * right / length
    return (
        np.clip(rows, 0, height - 1).astype(np.float32),
        np.clip(columns, 0, width - 1).astype(np.float32),
    )


def _distance(where: np.ndarray) -> np.ndarray:
    """Returns how far it is to the nearest pixel where something is: float32."""
    import cv2

    apart = (~where).astype(np.uint8)
    return cv2.distanceTransform(apart, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)


def _loses(
    before: np.ndarray, after: np.ndarray, classes: Sequence[int], most: float
) -> bool:
    """Checks whether one of the classes loses more than a share of its pixels."""
    return any(
        np.count_nonzero(after == class_id)
        < (1 - most) * np.count_nonzero(before == class_id)
        for class_id in classes
    )


def draw_growth(
    rng: np.random.Generator,
    classes: Sequence[int],
    shows: np.ndarray,
    span: Tuple[float, float],
) -> Tuple[Growth, ...]:
    """Draws how far each class of a base grows.

    Args:
        rng: Random numbers.
        classes: The classes that may.
        shows: bool [C], those that the base shows.
        span: Smallest and largest way, as shares of the map's height.
    """
    ways = np.round(rng.uniform(*span, size=len(classes)), 4).tolist()
    return tuple((c, way) for c, way in zip(classes, ways) if shows[c])
