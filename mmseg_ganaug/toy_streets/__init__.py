"""ToyStreets: street scenes painted by code, NumPy and OpenCV only."""

from mmseg_ganaug.toy_streets.canvas import CLASSES, IGNORE_INDEX, PALETTE, Scene
from mmseg_ganaug.toy_streets.make import (
    PAINTER_VERSION,
    foreign_files,
    make_toy_streets,
)
from mmseg_ganaug.toy_streets.scene import SMALLEST_SIDE, paint_scene

__all__ = [
    'CLASSES',
    'IGNORE_INDEX',
    'PAINTER_VERSION',
    'PALETTE',
    'SMALLEST_SIDE',
    'Scene',
    'foreign_files',
    'make_toy_streets',
    'paint_scene',
]
