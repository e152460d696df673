"""Label maps of four classes, and how they are written."""

from pathlib import Path

import cv2
import numpy as np

CLASSES = ('ground', 'wall', 'bird', 'cup')
PIPELINE = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]


def make_label_map(rng: np.random.Generator, size=(24, 32)) -> np.ndarray:
    """Ground below wall, and now and then a bird or a cup; a border of ignore."""
    label_map = np.zeros(size, np.uint8)
    label_map[: rng.integers(6, 14)] = 1
    for class_id in (2, 3):
        if rng.random() < 0.5:
            y, x = rng.integers(2, size[0] - 8), rng.integers(2, size[1] - 8)
            label_map[y : y + 4, x : x + 5] = class_id
    label_map[:, :1] = 255
    return label_map


def write_png(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)
