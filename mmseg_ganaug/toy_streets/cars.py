"""Cars of ToyStreets: solids in perspective."""

from typing import List, Tuple

import numpy as np

from mmseg_ganaug.toy_streets.canvas import (
    CAR,
    Canvas,
    Colour,
    draw_paint,
    ellipse,
    stack_polygons,
)
from mmseg_ganaug.toy_streets.light import Light

# Outlines from the side, rear to front: (distance from the rear, height) as shares
# of length and height. Corners 2 to 5 enclose the windows.
_FRONT = ((0.98, 0.52), (1, 0.2))
_SALOON = ((0, 0.2), (0, 0.62), (0.14, 0.66), (0.28, 1), (0.56, 0.98), (0.72, 0.64))
_HATCHBACK = ((0, 0.2), (0, 0.6), (0.03, 0.66), (0.12, 1), (0.58, 0.98), (0.74, 0.64))
_VAN = ((0, 0.15), (0, 0.55), (0.01, 0.6), (0.03, 1), (0.72, 0.98), (0.86, 0.6))
_BODIES = (
    (_SALOON + _FRONT, (4.3, 4.9), (1.38, 1.5)),
    (_HATCHBACK + _FRONT, (3.6, 4.3), (1.45, 1.65)),
    (_VAN + _FRONT, (4.6, 5.6), (1.9, 2.4)),
)
_SQUARE = ((-1, -1), (1, -1), (1, 1), (-1, 1))
_ROOF_HEIGHT = 0.9  # share of the height from which on the body is narrower
_GLASS = np.array([48.0, 55, 64])
_REAR_LIGHT, _HEADLIGHT = (165, 25, 30), (235, 235, 215)

Face = Tuple[np.ndarray, Colour]


def paint_car(
    canvas: Canvas,
    x: float,
    z: float,
    heading: float,
    light: Light,
    rng: np.random.Generator,
) -> None:
    """Draws a car or a van with windows, wheels, lights and its shadow.

    Args:
        canvas (Canvas): What is drawn on.
        x (float): Lateral position of the middle in metres.
        z (float): Depth of the middle in metres.
        heading (float): Degrees to the right of straight ahead: 0 shows the rear,
            180 the front, 90 the right-hand side.
        light (Light): How the scene is lit.
        rng (np.random.Generator): Source of the random numbers.
    """
    instance = canvas.new_instance()
    shares, lengths, heights = _BODIES[rng.choice(len(_BODIES), p=[0.45, 0.4, 0.15])]
    length, height = rng.uniform(*lengths), rng.uniform(*heights)
    half_width = rng.uniform(0.82, 0.95)
    outline = (np.array(shares) - (0.5, 0)) * (length, height)
    turn = np.deg2rad(heading)
    across, ahead = (np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))

    def place(points: np.ndarray) -> np.ndarray:
        """Maps metres of the car [..., 3] (right, up, ahead) to the world."""
        right, up, forward = np.moveaxis(points, -1, 0)
        world_x = x + right * across[0] + forward * ahead[0]
        world_z = z + right * across[1] + forward * ahead[1]
        return np.stack([world_x, up, np.maximum(world_z, 1.0)], axis=-1)

    floor = (half_width + 0.12, length / 2) * np.array(_SQUARE)
    footprint = canvas.camera.project(place(np.insert(floor, 1, 0, axis=1)))
    softness = 0.08 * canvas.camera.scale(z)
    canvas.glaze(footprint, (8, 8, 12), min(0.85, light.shadow + 0.35), softness)

    solids = _body(outline, half_width, height, draw_paint(rng), light, rng)
    centers = place(np.array([faces[0][0].mean(0) for faces in solids]))
    # Far ones first: what is hidden gets painted over.
    distances = np.linalg.norm(centers - (0, canvas.camera.height, 0), axis=1)
    faces = [face for i in np.argsort(-distances) for face in solids[i]]
    polygons = stack_polygons([points for points, _ in faces])
    tones = np.array([tone for _, tone in faces])
    canvas.paint(canvas.camera.project(place(polygons)), tones, z, CAR, instance)


def _body(outline, half_width, height, colour, light, rng) -> List[List[Face]]:
    """Returns the faces of a car in its own metres, each followed by its details."""
    halves = np.where(outline[:, 1] > _ROOF_HEIGHT * height, 0.8, 1.0) * half_width
    glass = _GLASS * rng.uniform(0.6, 1.5) + 0.12 * np.asarray(light.haze)
    solids = []
    strip_tones = (0.85, 0.95, None, 1.12, None, 1.05, 0.9)
    for i, shade in enumerate(strip_tones):
        (z0, y0), (z1, y1), w0, w1 = *outline[i : i + 2], *halves[i : i + 2]
        quad = np.array([[-w0, y0, z0], [w0, y0, z0], [w1, y1, z1], [-w1, y1, z1]])
        faces = [(quad, colour * (0.9 if shade is None else shade))]
        if shade is None:
            faces.append((_shrunk(quad, 0.86), glass))
        elif i in (0, len(strip_tones) - 1):
            faces += _end_details(quad, is_rear=i == 0, light=light, rng=rng)
        solids.append(faces)
    for side in (-1, 1):
        panel = np.stack([side * halves, outline[:, 1], outline[:, 0]], axis=1)
        brightness = 0.8 if light.sun_side == 0 else 0.85 - 0.15 * side * light.sun_side
        window = _shrunk(panel[2:6], 0.82)
        pillar = panel[2:6].mean(0) + [[0, -0.3, 0], [0, 0.22, 0], [0, 0.22, 0.1]]
        faces = [(panel, colour * brightness), (window, glass)]
        faces.append((pillar, colour * brightness))
        radius = 0.19 * height + 0.04
        for share in (0.18, 0.8):
            hub = outline[0, 0] + share * (outline[-1, 0] - outline[0, 0])
            for part, tone in ((1.0, (22, 22, 24)), (0.55, (135, 135, 140))):
                disc = ellipse((radius, hub), (part * radius, part * radius), 12)
                disc = np.insert(disc, 0, side * (half_width + 0.01), axis=1)
                faces.append((disc, tone))
        solids.append(faces)
    return solids


def _end_details(quad, is_rear, light, rng) -> List[Face]:
    """Returns lights, number plate and bumper on the rear or front face."""
    low, high = sorted((quad[0, 1], quad[2, 1]))
    half, depth = quad[1, 0], quad[:, 2].mean()

    def board(left, right, bottom, top):
        y0, y1 = low + bottom * (high - low), low + top * (high - low)
        x0, x1 = left * half, right * half
        rows = [x0, y0, depth], [x0, y1, depth], [x1, y1, depth], [x1, y0, depth]
        return np.array(rows)

    lamp = np.array(_REAR_LIGHT if is_rear else _HEADLIGHT)
    lamp = lamp * (1.35 if light.lamps else rng.uniform(0.6, 0.95))
    width, bottom = rng.uniform(0.18, 0.35), rng.uniform(0.5, 0.62)
    return [
        (board(-0.95, 0.95, 0.0, 0.3), np.full(3, rng.uniform(25, 70))),
        (board(-0.96, -0.96 + width, bottom, 0.9), lamp),
        (board(0.96 - width, 0.96, bottom, 0.9), lamp),
        (board(-0.28, 0.28, 0.3, 0.5), np.array([215, 210, 170])),
    ]


def _shrunk(polygon: np.ndarray, factor: float) -> np.ndarray:
    center = polygon.mean(0)
    return center + (polygon - center) * factor
