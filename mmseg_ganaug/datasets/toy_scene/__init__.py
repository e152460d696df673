"""The painter of ToyStreets: procedural street scenes, NumPy and OpenCV only."""

from mmseg_ganaug.datasets.toy_scene.canvas import (
    CLASSES,
    IGNORE_INDEX,
    PALETTE,
    Scene,
)
from mmseg_ganaug.datasets.toy_scene.scene import SMALLEST_SIDE, paint_scene

# To be raised whenever the same seed gives other pixels than before.
PAINTER_VERSION = 1

__all__ = [
    'CLASSES',
    'IGNORE_INDEX',
    'PAINTER_VERSION',
    'PALETTE',
    'SMALLEST_SIDE',
    'Scene',
    'paint_scene',
]
