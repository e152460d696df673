"""Persons and riders of ToyStreets, drawn as flat figures that face the camera."""

import math
from typing import List, Optional, Sequence, Tuple

import numpy as np

from mmseg_ganaug.toy_streets.canvas import (
    PERSON,
    RIDER,
    Canvas,
    draw_paint,
    ellipse,
    stack_polygons,
)

_SKIN = ([236, 196, 170], [205, 150, 115], [150, 100, 70], [95, 65, 50])
_HAIR = ([35, 28, 25], [85, 60, 40], [170, 135, 85], [150, 150, 150])

Point = Tuple[float, float]


class _Figure:
    """Draws in metres around the foot point of something at (x, 0, z).

    Args:
        canvas (Canvas): What is drawn on.
        x (float): Lateral position in metres.
        z (float): Depth in metres.
        class_id (int, optional): Class of what is drawn; None for an image of it
            that keeps the labels of what lies below.
        facing (int): 1 or -1 (mirrored).
    """

    def __init__(
        self,
        canvas: Canvas,
        x: float,
        z: float,
        class_id: Optional[int],
        facing: int = 1,
    ) -> None:
        self.canvas = canvas
        self.depth = z
        self.scale = canvas.camera.scale(z)
        self.class_id = class_id
        self.instance = 0 if class_id is None else canvas.new_instance()
        self._foot = canvas.camera.project([x, 0, z])
        self._axes = np.array([facing * self.scale, -self.scale])
        self._polygons: List[np.ndarray] = []
        self._colours: List[np.ndarray] = []

    def to_pixels(self, points: np.ndarray) -> np.ndarray:
        """Maps metres [..., 2] (sideways, up) to canvas pixels."""
        return self._foot + np.asarray(points) * self._axes

    def shape(self, points: np.ndarray, colour: np.ndarray) -> None:
        """Adds a polygon given in metres [N, 2]."""
        self._polygons.append(np.asarray(points))
        self._colours.append(colour)

    def disc(self, center: Point, radii: Point, colour: np.ndarray) -> None:
        """Adds an ellipse given in metres."""
        self.shape(ellipse(center, radii, 10), colour)

    def limb(
        self, joints: Sequence[Point], widths: Sequence[float], colour: np.ndarray
    ) -> None:
        """Adds a chain of tapered parts through joints in metres."""
        least = 1.2 / self.scale
        ends = zip(joints[:-1], joints[1:], widths[:-1], widths[1:])
        for (x0, y0), (x1, y1), near, far in ends:
            length = math.hypot(x1 - x0, y1 - y0) + 1e-6
            across, up = (y0 - y1) / length / 2, (x1 - x0) / length / 2
            near, far = max(near, least), max(far, least)
            quad = [
                [x0 + near * across, y0 + near * up],
                [x1 + far * across, y1 + far * up],
                [x1 - far * across, y1 - far * up],
                [x0 - near * across, y0 - near * up],
            ]
            self.shape(np.array(quad), colour)

    def paint(self) -> None:
        """Paints what was added, in that order."""
        polygons = self.to_pixels(stack_polygons(self._polygons))
        self.canvas.paint(
            polygons, np.array(self._colours), self.depth, self.class_id, self.instance
        )

    def shadow(self, radii: Point, opacity: float, lean: float = 0.0) -> None:
        """Darkens the ground around the feet."""
        spot = ellipse((lean, 0.02), radii, 14)
        softness = 0.04 * self.scale
        self.canvas.glaze(self.to_pixels(spot), (10, 10, 15), opacity, softness)


def _draw_head(
    figure: _Figure, rng: np.random.Generator, center: Point, radius: float
) -> None:
    skin = np.array(_SKIN[rng.integers(len(_SKIN))]) + rng.normal(0, 6, 3)
    hair = np.array(_HAIR[rng.integers(len(_HAIR))], float)
    figure.disc(center, (radius * 0.85, radius), hair)
    if rng.random() < 0.6:  # the face is seen, from the front or from the side
        side = rng.uniform(-0.3, 0.6) * radius
        face = center[0] + side, center[1] - 0.25 * radius
        figure.disc(face, (radius * 0.65, radius * 0.75), skin)


def paint_person(
    canvas: Canvas,
    x: float,
    z: float,
    rng: np.random.Generator,
    shadow: float = 0.0,
    labelled: bool = True,
) -> None:
    """Draws a standing or walking person, perhaps with a bag.

    Args:
        canvas (Canvas): What is drawn on.
        x (float): Lateral position in metres.
        z (float): Depth in metres.
        rng (np.random.Generator): Source of the random numbers.
        shadow (float): Opacity of the shadow, 0..1.
        labelled (bool): False for mannequins and pictures of people, whose pixels
            keep the label of what they are on.
    """
    facing = int(rng.choice([-1, 1]))
    figure = _Figure(canvas, x, z, PERSON if labelled else None, facing)
    tall = rng.uniform(1.05, 1.4) if rng.random() < 0.12 else rng.normal(1.72, 0.09)
    sideways = rng.random() < 0.55
    stride = rng.uniform(0.1, 0.26) * tall if sideways else rng.uniform(0.03, 0.07)
    coat, trousers, shoes = draw_paint(rng), draw_paint(rng) * 0.7, draw_paint(rng)
    skirt = rng.random() < 0.2
    width = (0.15 if sideways else 0.24) * tall * rng.uniform(0.9, 1.25)
    hip, shoulder = 0.48 * tall, 0.82 * tall
    if shadow > 0:
        figure.shadow((0.45, 0.09), shadow, lean=rng.uniform(-0.3, 0.3))
    for foot, shade in ((-stride, 0.8), (stride, 1.0)):
        spread = 0.0 if sideways else np.sign(foot) * 0.05 * tall
        knee = (foot * 0.55 + spread + 0.02, 0.26 * tall)
        leg = [(spread, hip), knee, (foot * 0.9 + spread, 0.03 * tall)]
        figure.limb(leg, (0.1 * tall, 0.075 * tall, 0.055 * tall), trousers * shade)
        toe = foot * 0.9 + spread
        figure.limb([(toe - 0.05, 0.03), (toe + 0.12, 0.03)], (0.07, 0.05), shoes * 0.6)
    hem = rng.uniform(0.28, 0.38) * tall if skirt else rng.uniform(0.4, 0.47) * tall
    flare = 1.4 if skirt else 1.0
    torso = np.array(
        [
            (-width * 0.5, shoulder),
            (-width * 0.45 * flare, hem),
            (width * 0.45 * flare, hem),
            (width * 0.5, shoulder),
            (width * 0.2, shoulder + 0.04 * tall),
            (-width * 0.2, shoulder + 0.04 * tall),
        ]
    )
    swing = rng.uniform(-0.5, 0.5) * stride
    arm_widths = (0.065 * tall, 0.055 * tall, 0.04 * tall)
    for side in (-1, 1):
        if side == 1:  # between the far and the near arm
            figure.shape(torso, coat)
        at = 0.0 if sideways else side * width * 0.52
        arm = [(at, shoulder - 0.02), (at + side * 0.02, 0.64 * tall)]
        arm.append((at + side * swing + rng.normal(0, 0.03), 0.5 * tall))
        figure.limb(arm, arm_widths, coat * (0.85 + 0.1 * side))
    if rng.random() < 0.35:  # a rucksack or a hand bag
        at = (-width * 0.6, 0.68 * tall) if sideways else (width * 0.7, 0.45 * tall)
        figure.disc(at, (0.07 * tall, 0.1 * tall), draw_paint(rng))
    _draw_head(figure, rng, (0.02 * tall, 0.92 * tall), 0.075 * tall)
    figure.paint()


def paint_rider(
    canvas: Canvas,
    x: float,
    z: float,
    rng: np.random.Generator,
    shadow: float = 0.0,
) -> None:
    """Draws a person on a bicycle; both have the class rider.

    Args:
        canvas (Canvas): What is drawn on.
        x (float): Lateral position in metres.
        z (float): Depth in metres.
        rng (np.random.Generator): Source of the random numbers.
        shadow (float): Opacity of the shadow, 0..1.
    """
    figure = _Figure(canvas, x, z, RIDER, int(rng.choice([-1, 1])))
    # How much of the bicycle's length is seen: 0 from behind, 1 from the side.
    length = rng.uniform(0.05, 0.35) if rng.random() < 0.5 else rng.uniform(0.5, 1.0)
    steel, coat, trousers = (draw_paint(rng) for _ in range(3))
    tyre = np.full(3, rng.uniform(20, 60))
    if shadow > 0:
        figure.shadow((0.25 + 0.7 * length, 0.1), shadow)
    radius = 0.34
    for hub in (-0.53 * length, 0.53 * length):
        radii = (max(radius * length, 0.035), radius)
        wheel = ellipse((hub, radius), radii, 18)
        pixels = figure.to_pixels(wheel)
        # The label covers the whole wheel, as annotators draw it.
        canvas.paint(pixels, None, z, RIDER, figure.instance)
        canvas.outline(pixels, tyre, z, 0.055 * figure.scale)
        if length < 0.2:
            canvas.paint(pixels, tyre, z)
    crank, saddle = (-0.05 * length, 0.3), (-0.2 * length, 0.92)
    head_tube, rear = (0.38 * length, 0.85), (-0.53 * length, radius)
    front, bars = (0.53 * length, radius), (0.4 * length, 1.05)
    for tube in ([rear, crank, head_tube], [rear, saddle], [front, bars]):
        figure.limb(tube, [0.045] * len(tube), steel)
    figure.limb([crank, saddle, head_tube], [0.045] * 3, steel)
    hip, shoulder = (-0.2 * length, 1.0), (0.12 * length, rng.uniform(1.42, 1.55))
    spread = 0.12 * (1 - length)
    for side, lift in ((-1, 0.0), (1, 0.22)):
        pedal = (crank[0] + side * (0.12 * length + spread), 0.2 + lift)
        knee = (0.16 * length + side * (spread + 0.02), 0.62 + 0.5 * lift)
        leg = [(hip[0] + side * spread * 0.6, hip[1]), knee, pedal]
        figure.limb(leg, (0.17, 0.13, 0.09), trousers * (0.75 + 0.5 * lift))
    figure.limb([hip, shoulder], (0.25 + 0.1 * (1 - length), 0.28 + spread * 1.2), coat)
    for side in (-1, 1):
        grip = (bars[0] + side * 2.2 * spread, bars[1])
        elbow = (0.3 * length + side * 2.6 * spread, 1.2)
        at = (shoulder[0] + side * 1.5 * spread, shoulder[1] - 0.05)
        figure.limb([at, elbow, grip], (0.11, 0.09, 0.07), coat * (0.85 + 0.1 * side))
    head = (shoulder[0] + 0.07 * length, shoulder[1] + 0.19)
    _draw_head(figure, rng, head, 0.125)
    if rng.random() < 0.5:
        helmet = ellipse((head[0], head[1] + 0.05), (0.13, 0.1), 12)
        figure.shape(np.maximum(helmet, [-np.inf, head[1] + 0.02]), draw_paint(rng))
    figure.paint()
