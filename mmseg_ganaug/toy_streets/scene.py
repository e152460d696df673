"""Composes and paints one ToyStreets scene."""

from functools import partial
from typing import Callable, List, Tuple

import cv2
import numpy as np

from mmseg_ganaug.option_checks import check_size
from mmseg_ganaug.toy_streets.buildings import paint_sides, paint_skyline
from mmseg_ganaug.toy_streets.canvas import (
    IGNORE_INDEX,
    SUPERSAMPLING,
    Camera,
    Canvas,
    Scene,
    draw_paint,
    ellipse,
)
from mmseg_ganaug.toy_streets.cars import paint_car
from mmseg_ganaug.toy_streets.ground import (
    Street,
    draw_street,
    paint_ground,
    roughen,
    wet_ground,
)
from mmseg_ganaug.toy_streets.light import (
    Light,
    draw_light,
    paint_sky,
    take_photo,
)
from mmseg_ganaug.toy_streets.objects import (
    paint_fence,
    paint_litter_bin,
    paint_pole,
    paint_tree,
)
from mmseg_ganaug.toy_streets.people import paint_person, paint_rider

SMALLEST_SIDE = 32  # pixels; below this the rare things have no pixel left

# Depth in metres and what paints the thing there.
_Thing = Tuple[float, Callable[[], None]]


def paint_scene(
    rng: np.random.Generator, size: Tuple[int, int] = (128, 256), crowd: int = 1
) -> Scene:
    """Paints a street scene as seen from a car.

    The scene is composed in metres: the same generator state gives the same scene
    in every size, but for the sensor noise.

    Args:
        rng (np.random.Generator): The only source of random numbers.
        size (tuple[int, int]): Height and width in pixels, each at least 32.
        crowd (int): How often people, riders and traffic signs are drawn: with 6,
            they are four to six times as frequent.

    Returns:
        Scene: RGB photo uint8 [H, W, 3]; label map uint8 [H, W] with the ids of
        ``CLASSES``, 0..10, and 255 (ignore); instance map int32 [H, W], ids 1..n
        of cars, persons, riders, poles and traffic signs, 0 elsewhere.

    Raises:
        ValueError: If a side is no whole number of at least 32 pixels.
    """
    height, width = check_size('ToyStreets', 'size', size, SMALLEST_SIDE)
    light = draw_light(rng)
    camera = _draw_camera(rng, height * SUPERSAMPLING, width * SUPERSAMPLING)
    street = draw_street(rng)
    canvas = Canvas((height, width), camera, light.haze, light.visibility)
    ground_row = paint_ground(canvas, street, light, rng)
    paint_sky(canvas.image[:ground_row], camera.horizon, light, rng)
    paint_skyline(canvas, rng)
    paint_sides(canvas, street, light, rng)
    roughen(canvas, rng)
    things = _place_traffic(canvas, street, light, rng)
    things += _place_furniture(canvas, street, light, rng)
    things += _place_people(canvas, street, light, rng)
    for _ in range(crowd - 1):
        things += _place_people(canvas, street, light, rng)
        things += _place_signs(canvas, street, light, rng)
    for _, paint in sorted(things, key=lambda thing: -thing[0]):
        paint()
    if rng.random() < 0.15:
        wet_ground(canvas, rng)
    _mask_borders(canvas, rng)
    return _finish(canvas, light, rng)


def _draw_camera(rng: np.random.Generator, height: int, width: int) -> Camera:
    return Camera(
        focal=width * rng.uniform(0.85, 1.2),
        vanishing_x=width * rng.uniform(0.38, 0.62),
        horizon=height * rng.uniform(0.36, 0.52),
        height=rng.uniform(1.3, 1.9),
        bend=rng.normal(0, 0.0012),
        width=width,
    )


def _draw_depth(
    canvas: Canvas, x: float, near: float, far: float, rng: np.random.Generator
) -> float:
    """Draws a depth at which ``x`` is in view; small and large are as likely."""
    near = max(near, 1.08 * canvas.camera.first_visible_depth(x))
    return float(near * np.exp(rng.uniform(0, np.log(max(far / near, 1.1)))))


def _place_traffic(
    canvas: Canvas, street: Street, light: Light, rng: np.random.Generator
) -> List[_Thing]:
    things = []

    def place(x: float, z: float, heading: float) -> None:
        heading += rng.normal(0, 2.5)
        things.append((z, partial(paint_car, canvas, x, z, heading, light, rng)))

    crowd = rng.uniform(0.2, 1.0)
    for x, heading in zip(street.lanes, street.headings):
        z = rng.uniform(9, 45)
        while z < 90:
            if rng.random() < crowd:
                place(x + rng.normal(0, 0.25), z, heading)
            z += rng.uniform(8, 35)
    for kerb, parking in zip(street.kerbs, street.parking):
        z = rng.uniform(6, 14)
        while parking and z < 70:
            if rng.random() < 0.65:
                place(kerb - 1.15 * np.sign(kerb), z, rng.choice([0.0, 180.0]))
            z += rng.uniform(5.8, 8)
    if rng.random() < 0.12:  # one that crosses
        place(
            rng.uniform(*street.kerbs), rng.uniform(14, 40), rng.choice([90.0, 270.0])
        )
    return things


def _place_furniture(
    canvas: Canvas, street: Street, light: Light, rng: np.random.Generator
) -> List[_Thing]:
    """Places trees, poles, signs, fences and bins along both sidewalks."""
    things = []
    shadow = light.shadow
    for kerb, walk in zip(street.kerbs, street.walks):
        out = np.sign(kerb)
        if rng.random() < 0.45:
            z = rng.uniform(9, 18)
            spacing = rng.uniform(7, 18)
            while z < 80:
                at = kerb + out * 0.9, z
                things.append((z, partial(paint_tree, canvas, *at, rng, shadow)))
                z += spacing * rng.uniform(0.8, 1.2)
        if rng.random() < 0.45:
            z = rng.uniform(10, 28)
            spacing = rng.uniform(18, 34)
            while z < 90:
                at = kerb + out * 0.5, z
                kind = rng.choice(['lamp', 'post'], p=[0.8, 0.2])
                things.append((z, partial(paint_pole, canvas, *at, rng, shadow, kind)))
                z += spacing
        for _ in range(rng.choice(4, p=[0.55, 0.3, 0.1, 0.05])):
            things.append(_place_sign(canvas, kerb, 40, light, rng))
        if rng.random() < 0.15:
            start = rng.uniform(8, 20)
            for z in start + 1.8 * np.arange(rng.integers(2, 7)):
                at = kerb + out * 0.35, z
                bollard = partial(paint_pole, canvas, *at, rng, shadow, 'bollard')
                things.append((z, bollard))
        if rng.random() < 0.4:
            at_kerb = rng.random() < 0.35
            x = kerb + out * 0.25 if at_kerb else walk + out * 0.05
            things += _place_fence(canvas, x, rng)
        for _ in range(rng.choice(3, p=[0.7, 0.2, 0.1])):
            x = kerb + out * rng.uniform(0.6, abs(walk - kerb) - 0.4)
            z = _draw_depth(canvas, x, 8, 35, rng)
            things.append((z, partial(paint_litter_bin, canvas, x, z, rng, shadow)))
    return things


def _place_sign(
    canvas: Canvas, kerb: float, far: float, light: Light, rng: np.random.Generator
) -> _Thing:
    x = kerb + np.sign(kerb) * rng.uniform(0.3, 0.8)
    z = _draw_depth(canvas, x, 8, far, rng)
    return z, partial(paint_pole, canvas, x, z, rng, light.shadow, 'sign')


def _place_signs(
    canvas: Canvas, street: Street, light: Light, rng: np.random.Generator
) -> List[_Thing]:
    return [
        _place_sign(canvas, kerb, 25, light, rng)
        for kerb in street.kerbs
        if rng.random() < 0.6
    ]


def _place_fence(canvas: Canvas, x: float, rng: np.random.Generator) -> List[_Thing]:
    kind = rng.choice(
        ['railing', 'mesh', 'planks', 'barrier'], p=[0.4, 0.2, 0.25, 0.15]
    )
    height = rng.uniform(0.9, 1.9) if kind != 'barrier' else rng.uniform(0.6, 1.0)
    if kind == 'planks':
        colour = np.array([125, 95, 65]) * rng.uniform(0.6, 1.4)
    elif kind == 'barrier':
        colour = np.full(3, rng.uniform(120, 190))
    else:
        colour = draw_paint(rng) * 0.75
    start = rng.uniform(3, 20)
    end = start + rng.uniform(8, 40)
    # In pieces, so that what stands before or behind it is sorted rightly.
    edges = np.linspace(start, end, int((end - start) / 3) + 1)
    return [
        (far, partial(paint_fence, canvas, x, near, far, kind, colour, height))
        for near, far in zip(edges[:-1], edges[1:])
    ]


def _place_people(
    canvas: Canvas, street: Street, light: Light, rng: np.random.Generator
) -> List[_Thing]:
    things = []
    shadow = light.shadow
    for _ in range(rng.choice(4, p=[0.35, 0.3, 0.2, 0.15])):
        side = int(rng.integers(2))
        kerb, walk = street.kerbs[side], street.walks[side]
        crossing = rng.random() < 0.2
        ends = street.kerbs if crossing else sorted((kerb, walk))
        x = rng.uniform(*ends)
        z = _draw_depth(canvas, x, 9 if crossing else 7, 36, rng)
        for _ in range(rng.choice([1, 2, 3], p=[0.7, 0.2, 0.1])):  # in company
            things.append((z, partial(paint_person, canvas, x, z, rng, shadow)))
            x += rng.choice([-1, 1]) * rng.uniform(0.5, 0.8)
            z += rng.uniform(-0.4, 0.8)
    if rng.random() < 0.28:
        for _ in range(rng.choice([1, 2], p=[0.8, 0.2])):
            kerb = street.kerbs[int(rng.integers(2))]
            x = kerb - np.sign(kerb) * rng.uniform(0.4, 2.5)
            z = _draw_depth(canvas, x, 8, 32, rng)
            things.append((z, partial(paint_rider, canvas, x, z, rng, shadow)))
    return things


def _mask_borders(canvas: Canvas, rng: np.random.Generator) -> None:
    """Covers what has no label: the camera car's bonnet, a rim without labels."""
    height, width = canvas.shape
    if rng.random() < 0.35:
        rise, middle = rng.uniform(0.04, 0.1) * height, rng.uniform(0.35, 0.65) * width
        bonnet = ellipse((middle, height + rise), (width * 0.62, 2 * rise), 40)
        canvas.paint(bonnet, draw_paint(rng) * 0.7, 0, IGNORE_INDEX)
        shine = ellipse((middle, height + rise), (width * 0.4, 1.6 * rise), 40)
        canvas.glaze(shine, (235, 240, 245), 0.25, softness=3)
    if rng.random() < 0.2:
        rim = max(SUPERSAMPLING, round(height / 128))
        inner = canvas.labels[rim:-rim, rim:-rim], canvas.instances[rim:-rim, rim:-rim]
        canvas.labels = np.pad(inner[0], rim, constant_values=IGNORE_INDEX)
        canvas.instances = np.pad(inner[1], rim)


def _finish(canvas: Canvas, light: Light, rng: np.random.Generator) -> Scene:
    """Brings the canvas down to the final size and takes the photo."""
    height, width = (side // SUPERSAMPLING for side in canvas.shape)
    image = cv2.resize(canvas.image, (width, height), interpolation=cv2.INTER_AREA)
    middle = SUPERSAMPLING // 2
    labels = canvas.labels[middle::SUPERSAMPLING, middle::SUPERSAMPLING]
    instances = canvas.instances[middle::SUPERSAMPLING, middle::SUPERSAMPLING]
    # What ended up hidden leaves no gap in the ids; 0 stays 0.
    seen = np.bincount(instances.ravel()) > 0
    seen[0] = False
    consecutive = np.cumsum(seen, dtype=np.int32) * seen
    return Scene(
        image=take_photo(image, light, rng),
        label_map=np.ascontiguousarray(labels),
        instance_map=consecutive[instances].astype(np.int32),
    )
