"""The street of ToyStreets scenes: its cross-section, its surface, puddles."""

import math
from dataclasses import dataclass
from typing import Sequence, Tuple

import cv2
import numpy as np

from mmseg_ganaug.toy_streets.canvas import (
    BUILDING,
    ROAD,
    SIDEWALK,
    VEGETATION,
    Canvas,
    Colour,
    ellipse,
)
from mmseg_ganaug.toy_streets.light import Light, smooth_noise

NEAR = 2.0  # metres; nothing nearer is drawn
FAR = 120.0  # metres; the street ends here
# Strips along the street have corners at these depths, to follow its bend.
_DEPTHS = (0.5, NEAR, 3, 4.5, 6, 8, 10, 13, 17, 22, 30, 42, 60, 85, FAR, 600)
# Strength of the surface texture of a class, as a share of its brightness.
_ROUGHNESS = {ROAD: 0.06, SIDEWALK: 0.07, BUILDING: 0.05, VEGETATION: 0.16}


@dataclass(frozen=True)
class Street:
    """Cross-section of a street; lateral positions in metres, the camera is at 0.

    Attributes:
        kerbs (tuple[float, float]): Left (< 0) and right edge of the road.
        walks (tuple[float, float]): Outer edges of the left and right sidewalk.
        lanes (tuple[float, ...]): Centres of the lanes, from left to right.
        headings (tuple[float, ...]): Where traffic in each lane goes: 0 ahead, 180
            towards the camera.
        parking (tuple[bool, bool]): Whether cars park at the left and right kerb.
    """

    kerbs: Tuple[float, float]
    walks: Tuple[float, float]
    lanes: Tuple[float, ...]
    headings: Tuple[float, ...]
    parking: Tuple[bool, bool]


def draw_street(rng: np.random.Generator) -> Street:
    """Draws a street of two to four lanes with a sidewalk on either side."""
    num_lanes = int(rng.choice([2, 3, 4], p=[0.55, 0.3, 0.15]))
    num_oncoming = num_lanes // 2
    lane = rng.uniform(2.9, 3.6)
    parking = tuple((rng.random(2) < 0.45).tolist())
    # For traffic on the right: the camera rides in a lane of the right half.
    own = int(rng.integers(num_oncoming, num_lanes))
    lanes = (np.arange(num_lanes) - own) * lane + rng.uniform(-0.5, 0.5)
    verge = np.where(parking, 2.3, 0.3)
    kerbs = np.array([lanes[0], lanes[-1]]) + (-1, 1) * (lane / 2 + verge)
    walks = kerbs + (-1, 1) * rng.uniform(1.8, 4.5, 2)
    headings = np.where(np.arange(num_lanes) < num_oncoming, 180.0, 0.0)
    if rng.random() < 0.3:  # traffic on the left
        lanes, kerbs, walks = -lanes[::-1], -kerbs[::-1], -walks[::-1]
        headings, parking = headings[::-1], parking[::-1]
    return Street(tuple(kerbs), tuple(walks), tuple(lanes), tuple(headings), parking)


def strip(
    canvas: Canvas, left: float, right: float, depths: Sequence[float] = _DEPTHS
) -> np.ndarray:
    """Returns a strip of ground along the street as a polygon in canvas pixels.

    Args:
        canvas (Canvas): What is drawn on.
        left (float): Lateral position of one edge in metres.
        right (float): Lateral position of the other edge in metres.
        depths (Sequence[float]): Where the polygon has corners, in metres.

    Returns:
        np.ndarray: [2 * len(depths), 2].
    """
    z = np.asarray(depths, float)
    edges = [np.stack([np.full_like(z, x), 0 * z, z], axis=1) for x in (left, right)]
    return canvas.camera.project(np.concatenate([edges[0], edges[1][::-1]]))


def _patches(
    canvas: Canvas, sides: np.ndarray, depth: np.ndarray, length: float
) -> np.ndarray:
    """Returns patches [M, 4, 2] of ground, by lateral extents [M, 2] and depth [M]."""
    sides = np.atleast_2d(sides)[:, [0, 1, 1, 0]]
    z = np.atleast_1d(depth)[:, None] + (0, 0, length, length)
    sides, z = np.broadcast_arrays(sides, z)
    return canvas.camera.project(np.stack([sides, np.zeros(z.shape), z], axis=-1))


def paint_ground(
    canvas: Canvas, street: Street, light: Light, rng: np.random.Generator
) -> int:
    """Paints what lies beyond the sidewalks, the sidewalks and the road.

    Args:
        canvas (Canvas): What is drawn on.
        street (Street): The cross-section.
        light (Light): How the scene is lit.
        rng (np.random.Generator): Source of the random numbers.

    Returns:
        int: The first row that is all ground.
    """
    asphalt = np.full(3, rng.uniform(60, 115)) + rng.normal(0, 4, 3)
    paving = np.full(3, rng.uniform(80, 165)) + rng.normal(0, 7, 3)
    if rng.random() < 0.25:  # bricks
        paving = paving * (1.1, 0.9, 0.8)
    grassy = rng.random() < 0.45
    verge = np.array([95, 115, 65]) + rng.normal(0, 12, 3) if grassy else paving * 0.9
    height, width = canvas.shape
    top = math.ceil(canvas.camera.project([0, 0, _DEPTHS[-1]])[1])
    beyond = np.array([[0, top], [width, top], [width, height], [0, height]])
    canvas.paint(beyond, verge, 20, VEGETATION if grassy else SIDEWALK)
    for kerb, walk in zip(street.kerbs, street.walks):
        canvas.paint(strip(canvas, kerb, walk), paving, 12, SIDEWALK)
        joints = np.arange(4, 26, rng.uniform(0.8, 1.6))
        joints = _patches(canvas, (kerb, walk), joints, 0.06)
        canvas.paint(joints, paving * rng.uniform(0.8, 0.93), 8)
    canvas.paint(strip(canvas, *street.kerbs), asphalt, 12, ROAD)
    for kerb in street.kerbs:
        stones = strip(canvas, kerb, kerb + 0.18 * np.sign(kerb))
        canvas.paint(stones, paving * rng.uniform(1.05, 1.25), 12, SIDEWALK)
    _paint_markings(canvas, street, rng)
    _paint_blemishes(canvas, street, asphalt, rng)
    for _ in range(rng.integers(0, 3)):  # shadows of what stands beside the street
        depth = rng.uniform(5, 60)
        across = strip(
            canvas,
            street.walks[0] * 1.3,
            street.walks[1] * 1.3,
            [depth, depth + rng.uniform(2, 14)],
        )
        canvas.glaze(across, (15, 15, 25), light.shadow, softness=1.5)
    return top


def _paint_markings(canvas: Canvas, street: Street, rng: np.random.Generator) -> None:
    white = np.full(3, rng.uniform(165, 230))
    period = rng.uniform(5, 10)
    for x in (np.array(street.lanes[:-1]) + street.lanes[1:]) / 2:
        dashes = np.arange(NEAR + rng.uniform(0, period), 80, period)
        dashes = _patches(canvas, (x - 0.08, x + 0.08), dashes, period / 2)
        canvas.paint(dashes, white, 20)
    if rng.random() < 0.6:
        for kerb in street.kerbs:
            x = kerb - 0.35 * np.sign(kerb)
            canvas.paint(strip(canvas, x - 0.06, x + 0.06), white, 20)
    if rng.random() < 0.3:  # a zebra crossing
        depth = rng.uniform(8, 30)
        bars = np.arange(street.kerbs[0] + 0.4, street.kerbs[1] - 0.5)[:, None]
        bars = _patches(canvas, bars + (0, 0.5), depth, 3)
        canvas.paint(bars, white, depth)
    if rng.random() < 0.25:  # a bicycle drawn on the road: no rider
        x, depth = rng.choice(street.lanes), rng.uniform(7, 16)
        for shift in (-0.5, 0.5):
            wheel = np.insert(ellipse((x + shift, depth), (0.35, 1.1)), 1, 0, axis=1)
            thick = 0.09 * canvas.camera.scale(depth)
            canvas.outline(canvas.camera.project(wheel), white, depth, thick)
        frame = [[-0.5, 0], [-0.2, 1], [0.35, 1.2], [0.5, 0], [0.3, 0.9], [-0.15, 0.8]]
        frame = np.insert(np.array(frame) + (x, depth), 1, 0, axis=1)
        canvas.paint(canvas.camera.project(frame), white, depth)


def _paint_blemishes(
    canvas: Canvas, street: Street, asphalt: Colour, rng: np.random.Generator
) -> None:
    """Draws tar patches, manholes and leaves on the road and the sidewalks."""
    for _ in range(rng.integers(0, 6)):
        x, depth = rng.uniform(*street.walks), rng.uniform(5, 35)
        radii = rng.uniform(0.15, 1.2), rng.uniform(0.15, 2.0)
        flat = np.insert(ellipse((x, depth), radii), 1, 0, axis=1)
        tone = asphalt * rng.uniform(0.4, 1.4)
        canvas.glaze(canvas.camera.project(flat), tone, rng.uniform(0.3, 0.8))


def roughen(canvas: Canvas, rng: np.random.Generator) -> None:
    """Gives the surfaces painted so far (ground, buildings, gardens) a texture."""
    strength = np.zeros(256, np.float32)
    for class_id, roughness in _ROUGHNESS.items():
        strength[class_id] = roughness * rng.uniform(0.5, 1.6)
    grain = smooth_noise(rng, (128, 256), (9, 12)) + smooth_noise(
        rng, (128, 256), (60, 90)
    )
    grain += rng.uniform(-1.5, 1.5, grain.shape).astype(np.float32)
    texture = cv2.resize(grain, canvas.shape[::-1]) * strength[canvas.labels]
    textured = canvas.image * (1 + 0.8 * texture)[..., None]
    np.minimum(textured, 255, out=textured)
    canvas.image[:] = textured


def wet_ground(canvas: Canvas, rng: np.random.Generator) -> None:
    """Lets the ground mirror, dimly, what stands above the horizon."""
    height = canvas.shape[0]
    horizon = int(canvas.camera.horizon)
    ground = slice(horizon, min(height, 2 * horizon))
    rows = 2 * horizon - 1 - np.arange(ground.start, ground.stop)
    mirrored = cv2.blur(canvas.image[rows], (3, 9))
    wet = np.isin(canvas.labels[ground], (ROAD, SIDEWALK))[..., None]
    share = rng.uniform(0.12, 0.35) * wet
    window = canvas.image[ground]
    window[:] = window * (1 - share) + mirrored * share
