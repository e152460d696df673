"""The classes, the camera and the canvas of ToyStreets scenes."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import List, NamedTuple, Optional, Sequence, Tuple

import cv2
import numpy as np

CLASSES = (
    'road',
    'sidewalk',
    'building',
    'vegetation',
    'sky',
    'car',
    'fence',
    'pole',
    'traffic sign',
    'person',
    'rider',
)
PALETTE = [
    [128, 64, 128],
    [244, 35, 232],
    [70, 70, 70],
    [107, 142, 35],
    [70, 130, 180],
    [0, 0, 142],
    [190, 153, 153],
    [153, 153, 153],
    [220, 220, 0],
    [220, 20, 60],
    [255, 0, 0],
]
(
    ROAD,
    SIDEWALK,
    BUILDING,
    VEGETATION,
    SKY,
    CAR,
    FENCE,
    POLE,
    TRAFFIC_SIGN,
    PERSON,
    RIDER,
) = range(len(CLASSES))
IGNORE_INDEX = 255

# Scenes are drawn this many times larger than asked for, then averaged down, so
# that edges are as soft as in a photo.
SUPERSAMPLING = 2
_SHIFT = 3  # fractional bits of the coordinates handed to OpenCV
_FAR_OUTSIDE = 2**20  # pixels; keeps coordinates in OpenCV's range

Colour = Sequence[float]


class Scene(NamedTuple):
    """A painted scene.

    Attributes:
        image (np.ndarray): RGB photo, uint8 [H, W, 3].
        label_map (np.ndarray): Class ids 0..10 or 255 (ignore), uint8 [H, W].
        instance_map (np.ndarray): 0 where there is no instance, else the id (1..n)
            of one car, person, rider, pole or traffic sign, int32 [H, W].
    """

    image: np.ndarray
    label_map: np.ndarray
    instance_map: np.ndarray


@dataclass(frozen=True)
class Camera:
    """A pinhole camera above a flat street that may bend sideways.

    World coordinates are metres: X to the right, Y up from the ground, Z ahead.

    Attributes:
        focal (float): Focal length in canvas pixels.
        vanishing_x (float): Column in which a straight street vanishes.
        horizon (float): Row of the horizon.
        height (float): Height above the ground in metres.
        bend (float): Curvature of the street in 1/metres, positive to the right.
        width (int): Columns of the canvas.
    """

    focal: float
    vanishing_x: float
    horizon: float
    height: float
    bend: float
    width: int

    def project(self, points: np.ndarray) -> np.ndarray:
        """Projects world points [..., 3] with Z > 0 to canvas pixels [..., 2]."""
        points = np.asarray(points, dtype=np.float64)
        x, y, z = points[..., 0], points[..., 1], points[..., 2]
        pixels = np.empty((*points.shape[:-1], 2))
        pixels[..., 0] = self.vanishing_x + self.focal * (x / z + self.bend * z / 2)
        pixels[..., 1] = self.horizon + self.focal * (self.height - y) / z
        return pixels

    def scale(self, depth: float) -> float:
        """Returns the canvas pixels per metre at a depth."""
        return self.focal / depth

    def first_visible_depth(self, x: float) -> float:
        """Returns the smallest depth at which a point at lateral ``x`` is in view."""
        width = self.width - self.vanishing_x if x > 0 else self.vanishing_x
        return self.focal * abs(x) / width


class Canvas:
    """Image, label map and instance map that are painted back to front.

    Args:
        size (tuple[int, int]): Height and width of the finished scene.
        camera (Camera): Its pixels are those of the enlarged canvas.
        haze (Sequence[float]): RGB colour that far things fade to, 0..255.
        visibility (float): Distance in metres at which 63 % of a colour is haze.
    """

    def __init__(
        self,
        size: Tuple[int, int],
        camera: Camera,
        haze: Colour,
        visibility: float,
    ) -> None:
        self.shape = (size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING)
        self.image = np.zeros((*self.shape, 3), np.uint8)
        self.labels = np.full(self.shape, SKY, np.uint8)
        self.instances = np.zeros(self.shape, np.int32)
        self.camera = camera
        self._haze = np.asarray(haze, np.float64)
        self._visibility = visibility
        self._num_instances = 0

    def new_instance(self) -> int:
        """Hands out the next instance id of this scene."""
        self._num_instances += 1
        return self._num_instances

    def seen_through_haze(self, colour: np.ndarray, depth: float) -> np.ndarray:
        """Returns colours (RGB 0..255, [3] or [M, 3]) as seen ``depth`` metres away."""
        clear = math.exp(-depth / self._visibility)
        mixed = np.asarray(colour) * clear + self._haze * (1 - clear)
        return np.maximum(np.minimum(mixed, 255), 0)

    def paint(
        self,
        polygons: np.ndarray,
        colour: Optional[np.ndarray],
        depth: float = 0.0,
        class_id: Optional[int] = None,
        instance: int = 0,
    ) -> None:
        """Fills polygons, in the order given.

        Args:
            polygons (np.ndarray): Canvas pixels [N, 2], or [M, N, 2] for M polygons.
            colour (np.ndarray, optional): RGB 0..255, [3] or, one for each polygon,
                [M, 3]. None leaves the image as it is (what one sees through).
            depth (float): Distance in metres, for the haze.
            class_id (int, optional): Written to the label map; None leaves labels
                and instances as they are (details of what lies below).
            instance (int): Written to the instance map along with ``class_id``.
        """
        fixed = _fixed_point(polygons)
        if colour is not None:
            tones = self.seen_through_haze(colour, depth).tolist()
            if np.ndim(colour) == 1:
                tones = [tones] * len(fixed)
            for polygon, tone in zip(fixed, tones):
                cv2.fillPoly(self.image, [polygon], tone, cv2.LINE_8, _SHIFT)
        if class_id is not None:
            for polygon in fixed:
                cv2.fillPoly(self.labels, [polygon], class_id, cv2.LINE_8, _SHIFT)
                cv2.fillPoly(self.instances, [polygon], instance, cv2.LINE_8, _SHIFT)

    def outline(
        self, polygon: np.ndarray, colour: Colour, depth: float, width: float
    ) -> None:
        """Draws a closed line, ``width`` canvas pixels wide, on the image alone."""
        tone = self.seen_through_haze(colour, depth).tolist()
        thickness = max(1, round(width))
        fixed = _fixed_point(polygon)
        cv2.polylines(self.image, fixed, True, tone, thickness, cv2.LINE_8, _SHIFT)

    def glaze(
        self,
        polygons: np.ndarray,
        colour: Colour,
        opacity: float,
        softness: float = 0.0,
    ) -> None:
        """Blends a colour over polygons of the image: shadows, glass, light.

        Args:
            polygons (np.ndarray): Canvas pixels [N, 2] or [M, N, 2].
            colour (Sequence[float]): RGB, 0..255.
            opacity (float): 0 leaves the image, 1 replaces it.
            softness (float): Standard deviation in canvas pixels of the blur of the
                polygons' edges.
        """
        corners = np.asarray(polygons).reshape(-1, 2)
        margin = np.ceil(2 * softness)
        left, top = np.maximum(np.floor(corners.min(0)) - margin, 0).astype(int)
        right, bottom = (np.ceil(corners.max(0)) + margin + 1).astype(int)
        window = self.image[top : max(bottom, top), left : max(right, left)]
        if window.size == 0:
            return
        mask = np.zeros(window.shape[:2], np.float32)
        fixed = _fixed_point(np.asarray(polygons) - (left, top))
        cv2.fillPoly(mask, fixed, opacity, cv2.LINE_8, _SHIFT)
        if softness > 0:
            mask = cv2.GaussianBlur(mask, (0, 0), softness)
        mask = mask[..., None]
        window[:] = window * (1 - mask) + np.asarray(colour, np.float32) * mask


def _fixed_point(polygons: np.ndarray) -> List[np.ndarray]:
    limited = np.maximum(np.minimum(polygons, _FAR_OUTSIDE), -_FAR_OUTSIDE)
    fixed = np.rint(limited * 2**_SHIFT).astype(np.int32)
    return [fixed] if fixed.ndim == 2 else list(fixed)


@lru_cache
def _unit_circle(corners: int) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def ellipse(center: np.ndarray, radii: np.ndarray, corners: int = 16) -> np.ndarray:
    """Returns upright ellipses as polygons.

    Args:
        center (np.ndarray): [..., 2] in any unit.
        radii (np.ndarray): [..., 2] in the same unit.
        corners (int): How many corners stand for the curve.

    Returns:
        np.ndarray: [..., corners, 2]; the first corner lies on the first axis.
    """
    center, radii = np.asarray(center), np.asarray(radii)
    return center[..., None, :] + radii[..., None, :] * _unit_circle(corners)


def stack_polygons(polygons: Sequence[np.ndarray]) -> np.ndarray:
    """Stacks polygons [N_i, D] as [M, max N_i, D] by repeating their last corner."""
    lengths = [len(polygon) for polygon in polygons]
    last = np.minimum(np.arange(max(lengths)), np.array(lengths)[:, None] - 1)
    first = np.cumsum([0] + lengths[:-1])[:, None]
    return np.concatenate(polygons)[first + last]


def draw_paint(rng: np.random.Generator) -> np.ndarray:
    """Draws the colour of something man-made, RGB 0..255, float64 [3].

    Cars, clothes, shops, posters and signs share it: a colour names no class.
    """
    value = rng.uniform(25, 235)
    if rng.random() < 0.4:
        return np.clip(value + rng.normal(0, 4, 3), 0, 255)
    hue = rng.choice([0.0, 0.08, 0.14, 0.33, 0.55, 0.62, 0.9]) + rng.normal(0, 0.025)
    channels = np.abs((hue + np.array([0, 2 / 3, 1 / 3])) % 1 * 6 - 3) - 1
    saturation = rng.uniform(0.35, 0.9)
    return value * (1 - saturation + saturation * np.clip(channels, 0, 1))
