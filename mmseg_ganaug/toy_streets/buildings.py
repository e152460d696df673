"""Paints both sides of the street: buildings, gardens and the skyline."""

import numpy as np

from mmseg_ganaug.toy_streets.canvas import (
    BUILDING,
    VEGETATION,
    Canvas,
    draw_paint,
    ellipse,
)
from mmseg_ganaug.toy_streets.ground import FAR, NEAR, Street, strip
from mmseg_ganaug.toy_streets.light import Light
from mmseg_ganaug.toy_streets.objects import along_street, paint_foliage
from mmseg_ganaug.toy_streets.people import paint_person

_WALLS = (
    [176, 160, 140],
    [150, 90, 75],
    [200, 190, 170],
    [125, 125, 130],
    [95, 90, 88],
    [190, 170, 120],
    [120, 140, 120],
    [130, 145, 165],
    [165, 120, 95],
    [215, 212, 208],
)
_DETAILED = 40.0  # metres; what is farther gets no details smaller than windows


def paint_skyline(canvas: Canvas, rng: np.random.Generator) -> None:
    """Closes the view at the end of the street with far buildings and trees.

    Args:
        canvas (Canvas): What is drawn on.
        rng (np.random.Generator): Source of the random numbers.
    """
    left = -100.0
    while left < 100:
        width = rng.uniform(6, 22)
        depth = FAR * rng.uniform(1.0, 1.6)
        if rng.random() < 0.45:
            height = rng.uniform(3, 8)
            middle = (left + width / 2, height * 0.4, depth)
            colour = np.array([70, 95, 55]) + rng.normal(0, 12, 3)
            paint_foliage(canvas, middle, (width * 0.7, height * 0.7), colour, 12, rng)
        else:
            height, right = rng.uniform(5, 18), left + width
            wall = [[left, 0, depth], [left, height, depth]]
            wall += [[right, height, depth], [right, 0, depth]]
            colour = 0.8 * np.array(_WALLS[rng.integers(len(_WALLS))])
            canvas.paint(canvas.camera.project(wall), colour, depth, BUILDING)
        left += width * rng.uniform(0.5, 0.95)


def paint_sides(
    canvas: Canvas, street: Street, light: Light, rng: np.random.Generator
) -> None:
    """Lines both sides of the street with buildings and gardens.

    Args:
        canvas (Canvas): What is drawn on.
        street (Street): The cross-section.
        light (Light): How the scene is lit.
        rng (np.random.Generator): Source of the random numbers.
    """
    for side, walk in zip((-1, 1), street.walks):
        density = rng.uniform(0.35, 1.0)
        plots = []
        end = rng.uniform(-8, 4)
        while end < FAR * 0.9:
            start, end = end, end + rng.uniform(7, 22)
            if end > NEAR + 1:
                plots.append((max(start, NEAR), end))
        for start, end in reversed(plots):  # far ones first
            front = walk + side * rng.choice([0.0, 0.0, 1.5, 4.0])
            paint = _paint_building if rng.random() < density else _paint_garden
            paint(canvas, side, front, start, end, light, rng)


def _paint_building(canvas, side, front, start, end, light, rng) -> None:
    """Draws a facade along the street and the gable that faces the camera."""
    storey, num_storeys = rng.uniform(2.8, 3.8), int(rng.integers(1, 6))
    height = num_storeys * storey + rng.uniform(0.5, 1.2)
    colour = np.array(_WALLS[rng.integers(len(_WALLS))]) + rng.normal(0, 10, 3)
    colour = colour * light.brightness(side)
    middle = (start + end) / 2
    pitched = rng.random() < 0.4
    rise, ridge, back = (2.5 if pitched else 0.0), front + side * 3, front + side * 6
    if pitched:
        top = height + rise
        roof = [[front, height, start], [ridge, top, start]]
        roof += [[ridge, top, end], [front, height, end]]
        tiles = np.array([120, 70, 60]) + rng.normal(0, 18, 3)
        canvas.paint(canvas.camera.project(roof), tiles, middle, BUILDING)
    gable = [[front, 0, start], [front, height, start], [ridge, height + rise, start]]
    gable += [[back, height, start], [back, 0, start]]
    canvas.paint(canvas.camera.project(gable), colour * 0.82, start, BUILDING)
    facade = along_street(canvas, front, [start, end], [0, height])
    canvas.paint(facade, colour, middle, BUILDING)
    for y, brightness in ((height - 0.4, 1.15), (storey, 0.9)):
        ledge = along_street(canvas, front, [start, end], [y, y + 0.3])
        canvas.paint(ledge, colour * brightness, middle)
    _paint_windows(canvas, front, start, end, storey, num_storeys, light, rng)
    if start > _DETAILED:
        return
    if rng.random() < 0.6:
        _paint_shop(canvas, front, start, end, rng)
    for _ in range(rng.integers(0, 3)):  # drainpipes: thin and upright, but no poles
        z = rng.uniform(start, end)
        pipe = along_street(canvas, front, [z, z + 0.15], [0, height])
        canvas.paint(pipe, colour * rng.choice([0.5, 1.25]), z)
    for _ in range(rng.integers(0, 3)):
        _paint_poster(canvas, front, rng.uniform(start, end), rng)


def _paint_windows(canvas, front, start, end, storey, num_storeys, light, rng) -> None:
    spacing = rng.uniform(1.8, 3.4)
    wide, tall = spacing * rng.uniform(0.4, 0.7), storey * rng.uniform(0.4, 0.62)
    z = np.arange(start + 0.6, end - wide, spacing)
    y = storey * (np.arange(num_storeys) + rng.uniform(0.25, 0.32))
    z, y = (grid.reshape(-1, 1) for grid in np.meshgrid(z, y))
    middle = (start + end) / 2
    frames = along_street(
        canvas, front, z + [-0.1, wide + 0.1], y + [-0.12, tall + 0.12]
    )
    canvas.paint(frames, np.full(3, rng.uniform(60, 230)), middle)
    panes = along_street(canvas, front, z + [0, wide], y + [0, tall])
    glass = np.array(light.haze) * rng.uniform(0.25, 0.6)
    canvas.paint(panes, glass, middle)
    dark = rng.random(len(panes)) < 0.35
    canvas.paint(panes[dark], glass * 0.5, middle)
    lit = rng.random(len(panes)) < (0.35 if light.lamps else 0.08)
    canvas.paint(panes[lit], (235, 200, 130), middle)


def _paint_shop(canvas, front, start, end, rng) -> None:
    """Draws a shop window with figures behind the glass and a name board."""
    middle = (start + end) / 2
    window = along_street(canvas, front, [start + 0.5, end - 0.5], [0.4, 2.5])
    canvas.paint(window, draw_paint(rng) * 0.35, middle)
    for _ in range(rng.integers(0, 3)):  # mannequins: like people, but building
        z = rng.uniform(start + 0.5, end - 0.5)
        if 6 < z < _DETAILED:
            paint_person(canvas, front, z, rng, labelled=False)
    canvas.glaze(window, (120, 130, 140), 0.35)
    board = along_street(canvas, front, [start, end], [2.6, 3.2])
    canvas.paint(board, draw_paint(rng), middle)


def _paint_poster(canvas, front, z, rng) -> None:
    """Draws a board in the shapes and colours of traffic signs on a wall."""
    z = max(z, NEAR + 1)
    y, radius = rng.uniform(1.5, 3.8), rng.uniform(0.3, 0.75)
    num_corners = int(rng.choice([3, 4, 8, 16]))
    for size in (radius, 0.72 * radius):
        board = ellipse((y, z), (size, size), num_corners)
        board = np.insert(board, 0, front, axis=1)
        canvas.paint(canvas.camera.project(board), draw_paint(rng), z)


def _paint_garden(canvas, side, front, start, end, light, rng) -> None:
    """Draws a lawn with bushes and trees at its back."""
    back = front + side * rng.uniform(3, 8)
    middle = (start + end) / 2
    green = np.array([85, 105, 60]) + rng.normal(0, 14, 3)
    if rng.random() < 0.5:
        lawn = strip(canvas, front, back, [start, end])
        canvas.paint(lawn, green, middle, VEGETATION)
    height = rng.uniform(1.5, 5.0)
    hedge = along_street(canvas, back, [start, end], [0, height])
    shade = green * 0.75 * light.brightness(side)
    canvas.paint(hedge, shade, middle, VEGETATION)
    for z in np.arange(end, start, -rng.uniform(2.5, 5)):
        radius = rng.uniform(0.5, 0.9) * height
        crown = (back, 0.9 * height, z)
        paint_foliage(canvas, crown, (radius, radius), green, 12, rng)
