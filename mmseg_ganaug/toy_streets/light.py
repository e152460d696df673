"""Weather, time of day and the sensor of ToyStreets photos."""

from dataclasses import dataclass
from typing import Tuple

import cv2
import numpy as np


@dataclass(frozen=True)
class Light:
    """Light of a scene.

    Attributes:
        zenith (tuple): RGB of the sky overhead, 0..255.
        haze (tuple): RGB of the sky above the horizon and of the air in between.
        cloud (tuple): RGB of the clouds.
        cloudiness (float): Share of the sky that is covered, 0..1.
        visibility (float): Metres after which haze prevails.
        sun_side (int): -1 or 1, the side of the street that the sun is on; 0 when
            it is hidden.
        shadow (float): Opacity of cast shadows, 0..1.
        lamps (bool): Whether windows and the lights of cars are lit.
        gain (tuple): Factor on the finished photo, one for each of R, G, B.
        noise (float): Standard deviation of the sensor noise, in grey levels.
        blur (float): Standard deviation of the lens blur, in pixels of a photo 128
            rows high.
    """

    zenith: Tuple[float, float, float]
    haze: Tuple[float, float, float]
    cloud: Tuple[float, float, float]
    cloudiness: float
    visibility: float
    sun_side: int
    shadow: float
    lamps: bool
    gain: Tuple[float, float, float]
    noise: float
    blur: float

    def brightness(self, side: int) -> float:
        """Returns the factor on a wall at ``side`` (-1 or 1) that faces the street."""
        return 1.0 if self.sun_side == 0 else 1.0 - 0.2 * self.sun_side * side


def draw_light(rng: np.random.Generator) -> Light:
    """Draws day, overcast or dusk, and a sensor."""
    mood = rng.choice(['day', 'overcast', 'dusk'], p=[0.5, 0.3, 0.2])
    exposure = rng.uniform(0.8, 1.15)
    tint = rng.normal(1.0, 0.05, 3)
    sun_side = int(rng.choice([-1, 1]))
    lamps = False
    if mood == 'day':
        zenith = np.array([75, 125, 195]) + rng.normal(0, 14, 3)
        haze = np.array([190, 208, 225]) + rng.normal(0, 10, 3)
        cloud = np.full(3, rng.uniform(215, 250))
        cloudiness = rng.uniform(0, 0.7)
        visibility = rng.uniform(130, 400)
        shadow = rng.uniform(0.35, 0.6)
    elif mood == 'overcast':
        grey = rng.uniform(145, 215)
        zenith = np.full(3, grey) + rng.normal(0, 6, 3)
        haze = np.full(3, grey + rng.uniform(0, 30)) + rng.normal(0, 5, 3)
        cloud = np.full(3, grey - rng.uniform(10, 45))
        cloudiness = rng.uniform(0.4, 1.0)
        visibility = rng.uniform(60, 220)
        shadow = rng.uniform(0.1, 0.25)
        sun_side = 0
        exposure *= 0.88
    else:
        zenith = np.array([75, 80, 125]) + rng.normal(0, 12, 3)
        haze = np.array([215, 160, 130]) + rng.normal(0, 18, 3)
        cloud = np.array([130, 105, 120]) + rng.normal(0, 12, 3)
        cloudiness = rng.uniform(0.1, 0.8)
        visibility = rng.uniform(90, 260)
        shadow = rng.uniform(0.15, 0.35)
        lamps = True
        exposure *= rng.uniform(0.6, 0.85)
        tint = tint * (1.06, 0.98, 0.97)
    return Light(
        zenith=tuple(zenith),
        haze=tuple(haze),
        cloud=tuple(cloud),
        cloudiness=cloudiness,
        visibility=visibility,
        sun_side=sun_side,
        shadow=shadow,
        lamps=lamps,
        gain=tuple(exposure * tint),
        noise=rng.uniform(1.5, 6.5),
        blur=max(0.0, rng.uniform(-0.3, 0.75)),
    )


def smooth_noise(
    rng: np.random.Generator, shape: Tuple[int, int], cells: Tuple[int, int]
) -> np.ndarray:
    """Draws noise that varies over ``cells`` knots, float32 [H, W], about -1..1.

    It draws the knots alone, so that the same scene can be had in another size.
    """
    knots = rng.uniform(-1, 1, cells).astype(np.float32)
    return cv2.resize(knots, shape[::-1], interpolation=cv2.INTER_CUBIC)


def paint_sky(
    image: np.ndarray, horizon: float, light: Light, rng: np.random.Generator
) -> None:
    """Fills an image with sky: a gradient, clouds and the sun's glow.

    Args:
        image (np.ndarray): RGB, uint8 [H, W, 3]; changed in place.
        horizon (float): Row of the horizon.
        light (Light): How the scene is lit.
        rng (np.random.Generator): Source of the random numbers.
    """
    height, width = image.shape[:2]
    rise = np.clip(1 - np.arange(height) / horizon, 0, 1)[:, None, None]
    haze, zenith = np.array(light.haze), np.array(light.zenith)
    glow = np.zeros((1, width, 1))
    if light.sun_side:
        sun = 0.5 + light.sun_side * rng.uniform(0.1, 0.6)
        glow[0, :, 0] = np.exp(-((np.arange(width) / width - sun) ** 2) / 0.05)
    glow = glow * np.array([45.0, 40, 27])
    clear = haze * (1 - rise) + zenith * rise + glow * (1 - rise)
    cover = smooth_noise(rng, (height, width), (7, 6))
    cover += 0.6 * smooth_noise(rng, (height, width), (19, 13))
    cover += 1.8 * light.cloudiness - 0.9
    cover = 0.85 * np.clip(cover, 0, 1)[..., None]
    clear = np.clip(clear, 0, 255).astype(np.float32)
    image[:] = clear + (np.array(light.cloud, np.float32) - clear) * cover


def take_photo(image: np.ndarray, light: Light, rng: np.random.Generator) -> np.ndarray:
    """Exposes the painted scene: gain, uneven light, vignette, blur, noise.

    Args:
        image (np.ndarray): RGB, uint8 [H, W, 3], in the final size.
        light (Light): How the scene is lit.
        rng (np.random.Generator): Source of the random numbers.

    Returns:
        np.ndarray: RGB, uint8 [H, W, 3].
    """
    height, width = image.shape[:2]
    uneven = 1 + rng.uniform(0.03, 0.1) * smooth_noise(rng, (height, width), (2, 3))
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    vignette = 1 - rng.uniform(0.02, 0.14) * (x**2 + y**2)
    gamma = rng.uniform(0.9, 1.1)
    photo = (image / np.float32(255)) ** np.float32(gamma) * np.float32(255)
    photo *= (uneven * vignette)[..., None]
    photo *= np.asarray(light.gain, np.float32)
    blur = light.blur * height / 128
    if blur > 0.2:
        photo = cv2.GaussianBlur(photo, (0, 0), blur)
    photo += light.noise * rng.standard_normal(photo.shape, dtype=np.float32)
    return np.clip(photo, 0, 255).astype(np.uint8)
