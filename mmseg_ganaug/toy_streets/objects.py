"""Trees, fences, poles and traffic signs of ToyStreets."""

from typing import Sequence

import numpy as np

from mmseg_ganaug.toy_streets.canvas import (
    FENCE,
    IGNORE_INDEX,
    POLE,
    TRAFFIC_SIGN,
    VEGETATION,
    Canvas,
    Colour,
    draw_paint,
    ellipse,
)

_LEAVES = ([70, 100, 50], [90, 115, 50], [60, 85, 60], [150, 110, 50], [135, 75, 45])
_METAL = ([120, 122, 125], [60, 62, 64], [165, 165, 160], [45, 75, 60], [110, 85, 60])
_RED, _BLUE, _WHITE = (180, 35, 40), (35, 75, 165), (225, 225, 220)
_YELLOW, _GREEN, _BLACK = (225, 185, 40), (35, 110, 70), (30, 30, 30)
# Corners (0 is a board), turn of the first corner in degrees, colours of rim, face
# and symbol.
_SIGNS = (
    (16, 0, _RED, _WHITE, _BLACK),
    (16, 0, _WHITE, _BLUE, _WHITE),
    (16, 0, _RED, _RED, _WHITE),
    (16, 0, _RED, _BLUE, _RED),
    (3, 90, _RED, _WHITE, _BLACK),
    (3, -90, _RED, _WHITE, _WHITE),
    (3, 90, _RED, _YELLOW, _BLACK),
    (4, 0, _WHITE, _YELLOW, _BLACK),
    (8, 22.5, _WHITE, _RED, _WHITE),
    (0, 0, _WHITE, _BLUE, _WHITE),
    (0, 0, _WHITE, _GREEN, _WHITE),
    (0, 0, _BLACK, _WHITE, _BLACK),
    (0, 0, _BLACK, _YELLOW, _BLACK),
)


def paint_foliage(
    canvas: Canvas,
    center: Sequence[float],
    radii: Sequence[float],
    colour: Colour,
    num_tufts: int,
    rng: np.random.Generator,
) -> None:
    """Draws a crown of leaves as many tufts, darker below.

    Args:
        canvas (Canvas): What is drawn on.
        center (Sequence[float]): World position (x, y, z) in metres.
        radii (Sequence[float]): Half width and half height in metres.
        colour (Sequence[float]): RGB, 0..255.
        num_tufts (int): How many discs make the crown.
        rng (np.random.Generator): Source of the random numbers.
    """
    scale = canvas.camera.scale(center[2])
    angle = rng.uniform(0, 2 * np.pi, num_tufts)
    reach = 0.75 * np.sqrt(rng.uniform(0, 1, num_tufts))
    up = np.sort(reach * np.sin(angle))
    aside = reach * np.cos(angle)
    centers = canvas.camera.project(center) + scale * np.stack(
        [aside * radii[0], -up * radii[1]], axis=1
    )
    sizes = scale * min(radii) * rng.uniform(0.25, 0.55, num_tufts)
    shades = 0.92 + 0.25 * up + rng.normal(0, 0.1, num_tufts)
    tufts = ellipse(centers, np.stack([sizes, 0.85 * sizes], axis=1), 9)
    canvas.paint(tufts, np.asarray(colour) * shades[:, None], center[2], VEGETATION)


def paint_tree(
    canvas: Canvas, x: float, z: float, rng: np.random.Generator, shadow: float
) -> None:
    """Draws a street tree; trunk and crown are vegetation.

    Args:
        canvas (Canvas): What is drawn on.
        x (float): Lateral position in metres.
        z (float): Depth in metres.
        rng (np.random.Generator): Source of the random numbers.
        shadow (float): Opacity of the shadow, 0..1.
    """
    bole = rng.uniform(1.6, 3.2)
    radii = rng.uniform(1.0, 2.4), rng.uniform(1.2, 2.8)
    thick = rng.uniform(0.14, 0.35)
    bark = np.array([85, 70, 58]) + rng.normal(0, 14, 3)
    leaves = np.array(_LEAVES[rng.choice(5, p=[0.3, 0.25, 0.25, 0.12, 0.08])])
    leaves = leaves + rng.normal(0, 10, 3)
    _shade_ground(canvas, x, z, (radii[0], 0.12 * radii[0]), shadow)
    trunk = _upright(canvas, x, z, 0, bole + 0.7 * radii[1], thick)
    canvas.paint(trunk, bark, z, VEGETATION)
    tufts = int(rng.integers(22, 40))
    paint_foliage(canvas, (x, bole + radii[1], z), radii, leaves, tufts, rng)


def paint_fence(
    canvas: Canvas,
    x: float,
    start: float,
    end: float,
    kind: str,
    colour: Colour,
    height: float,
) -> None:
    """Draws a piece of a fence along the street.

    Args:
        canvas (Canvas): What is drawn on.
        x (float): Lateral position in metres.
        start (float): Depth of the near end in metres.
        end (float): Depth of the far end in metres.
        kind (str): 'railing' and 'mesh' let see through, 'planks' and 'barrier' do
            not. The label covers the whole in any case.
        colour (Sequence[float]): RGB, 0..255.
        height (float): In metres.
    """
    middle = (start + end) / 2
    whole = along_street(canvas, x, [start, end], [0, height])
    solid = kind in ('planks', 'barrier')
    canvas.paint(whole, colour if solid else None, middle, FENCE)
    colour = np.asarray(colour)
    if kind == 'mesh':
        canvas.glaze(whole, canvas.seen_through_haze(colour, middle), 0.4)
    if kind == 'barrier':
        strip = along_street(canvas, x, [start, end], [height * 0.4, height * 0.62])
        canvas.paint(strip, colour * 0.75, middle)
        return
    spacing = {'railing': 0.28, 'mesh': 2.0, 'planks': 0.3}[kind]
    at = np.arange(start, end, spacing)[:, None]
    bars = along_street(canvas, x, at + [0, 0.06], [0, height])
    canvas.paint(bars, colour * (0.72 if solid else 1.0), middle)
    for y in (0.12 * height, 0.9 * height):
        rail = along_street(canvas, x, [start, end], [y, y + 0.06])
        canvas.paint(rail, colour * 0.9, middle)


def along_street(
    canvas: Canvas, x: float, depths: np.ndarray, heights: np.ndarray
) -> np.ndarray:
    """Returns upright rectangles along the street, in canvas pixels.

    Args:
        canvas (Canvas): What is drawn on.
        x (float): Lateral position of the plane in metres.
        depths (np.ndarray): Near and far end of each, in metres, [2] or [M, 2].
        heights (np.ndarray): Lower and upper end of each, in metres, [2] or [M, 2].

    Returns:
        np.ndarray: [M, 4, 2].
    """
    depths, heights = np.broadcast_arrays(np.atleast_2d(depths), np.atleast_2d(heights))
    z, y = depths[:, [0, 0, 1, 1]], heights[:, [0, 1, 1, 0]]
    return canvas.camera.project(np.stack([np.full(z.shape, x), y, z], axis=-1))


def paint_pole(
    canvas: Canvas,
    x: float,
    z: float,
    rng: np.random.Generator,
    shadow: float,
    kind: str,
) -> None:
    """Draws a pole.

    Args:
        canvas (Canvas): What is drawn on.
        x (float): Lateral position in metres.
        z (float): Depth in metres.
        rng (np.random.Generator): Source of the random numbers.
        shadow (float): Opacity of the shadow, 0..1.
        kind (str): 'lamp' reaches over the road, 'post' carries nothing, 'sign'
            carries one or two traffic signs, 'bollard' is short.
    """
    instance = canvas.new_instance()
    colour = np.array(_METAL[rng.integers(len(_METAL))]) + rng.normal(0, 8, 3)
    low, high, least, most = {
        'lamp': (5, 8.5, 0.11, 0.2),
        'post': (3, 7, 0.1, 0.22),
        'sign': (2.3, 3.3, 0.07, 0.11),
        'bollard': (0.8, 1.1, 0.12, 0.2),
    }[kind]
    height, thick = rng.uniform(low, high), rng.uniform(least, most)
    _shade_ground(canvas, x, z, (0.5, 0.05), shadow)
    shaft = _upright(canvas, x, z, 0, height, thick)
    canvas.paint(shaft, colour, z, POLE, instance)
    lit_side = shaft[:2].mean(0) - shaft[2:].mean(0)
    sliver = np.stack([shaft[0], shaft[1], shaft[1] - lit_side * 0.3])
    canvas.paint(sliver, colour * 1.25, z)
    if kind == 'lamp':
        reach = -np.sign(x) * rng.uniform(0.8, 2.0)
        arm = [[x, height, z], [x + reach, height + 0.25, z]]
        arm += [[x + reach, height + 0.13, z], [x, height - 0.12, z]]
        canvas.paint(canvas.camera.project(arm), colour, z, POLE, instance)
        tip = canvas.camera.project([x + reach, height + 0.15, z])
        radii = canvas.camera.scale(z) * np.array([0.3, 0.1])
        canvas.paint(ellipse(tip, radii, 10), colour * 0.8, z, POLE, instance)
    elif kind == 'bollard' and rng.random() < 0.6:
        ring = _upright(canvas, x, z, height * 0.75, height * 0.9, thick)
        canvas.paint(ring, draw_paint(rng), z)
    elif kind == 'sign':
        size = rng.uniform(0.32, 0.5)
        top = height - size * 0.9
        _paint_sign(canvas, x, top, z, size, rng)
        if rng.random() < 0.3:
            _paint_sign(canvas, x, top - 1.9 * size, z, size * 0.85, rng)


def _paint_sign(canvas, x, y, z, size, rng) -> None:
    """Draws a traffic sign of radius ``size`` metres; one in eight shows its back."""
    instance = canvas.new_instance()
    corners, turn, *colours = _SIGNS[rng.integers(len(_SIGNS))]
    wear = rng.uniform(0.6, 1.05)
    if rng.random() < 0.12:
        colours = [_METAL[0], _METAL[0], _METAL[1]]
    rim, face, symbol = (np.array(c) * wear for c in colours)
    middle = canvas.camera.project([x, y, z])
    # A sign stands across the street, turned a little to either side.
    scale = canvas.camera.scale(z) * size * np.array([rng.uniform(0.75, 1.0), 1.0])
    if corners == 0:
        wide, tall = rng.uniform(0.7, 1.5), rng.uniform(0.5, 1.0)
        outline = np.array([[-wide, -tall], [wide, -tall], [wide, tall], [-wide, tall]])
    else:
        angle = np.deg2rad(turn) + np.linspace(0, 2 * np.pi, corners, endpoint=False)
        outline = np.stack([np.cos(angle), -np.sin(angle)], axis=1)
    canvas.paint(middle + outline * scale, rim, z, TRAFFIC_SIGN, instance)
    canvas.paint(middle + outline * scale * 0.78, face, z)
    bar = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * rng.uniform(0.1, 0.5, 2)
    canvas.paint(middle + bar * scale, symbol, z)


def paint_litter_bin(
    canvas: Canvas, x: float, z: float, rng: np.random.Generator, shadow: float
) -> None:
    """Draws a bin or a box on the sidewalk; it belongs to no class (ignore).

    Args:
        canvas (Canvas): What is drawn on.
        x (float): Lateral position in metres.
        z (float): Depth in metres.
        rng (np.random.Generator): Source of the random numbers.
        shadow (float): Opacity of the shadow, 0..1.
    """
    height, width = rng.uniform(0.5, 1.3), rng.uniform(0.4, 0.8)
    colour = draw_paint(rng) * 0.8
    _shade_ground(canvas, x, z, (width * 0.8, 0.1), shadow)
    body = _upright(canvas, x, z, 0, height, width)
    canvas.paint(body, colour, z, IGNORE_INDEX)
    lid = _upright(canvas, x, z, height * 0.85, height, width * 1.1)
    canvas.paint(lid, colour * 0.6, z, IGNORE_INDEX)


def _upright(canvas, x, z, bottom, top, width) -> np.ndarray:
    """Returns a thin upright thing as a polygon at least a pixel wide."""
    ends = canvas.camera.project([[x, bottom, z], [x, top, z]])
    # OpenCV fills the pixels on the outline, too: half a pixel more on either side.
    half = max(canvas.camera.scale(z) * width / 2 - 0.5, 0.5)
    left, right = ends - (half, 0), ends + (half, 0)
    return np.stack([left[0], left[1], right[1], right[0]])


def _shade_ground(canvas, x, z, radii, opacity) -> None:
    if opacity > 0:
        spot = canvas.camera.project([x, 0, z])
        scale = canvas.camera.scale(z)
        shape = ellipse(spot, np.asarray(radii) * scale, 14)
        canvas.glaze(shape, (10, 10, 15), opacity, softness=0.05 * scale)
