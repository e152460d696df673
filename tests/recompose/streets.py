"""Plain streets: things on a road, with riders on bikes, and signs on poles."""

import numpy as np

from mmseg_ganaug.recompose import MemoryLabelSource

NAMES = ['sky', 'road', 'pavement', 'car', 'rider', 'bike', 'pole', 'sign']
SKY, ROAD, PAVEMENT, CAR, RIDER, BIKE, POLE, SIGN = range(8)
SIZE = (96, 128)
HORIZON = 40


def street(rng, size=SIZE, ignore=255):
    """One map, uint8 [H, W]: what is lower is larger, and in front."""
    height, width = size
    scale = height / SIZE[0]
    label_map = np.full(size, SKY, np.uint8)
    label_map[int(HORIZON * scale) :] = ROAD
    label_map[int(HORIZON * scale) :, int(0.8 * width) :] = PAVEMENT
    things = []
    for _ in range(3):
        bottom = rng.uniform(0.5, 0.95)
        things.append((bottom, 'car', rng.uniform(0.1, 0.6)))
    if rng.random() < 0.5:
        things.append((rng.uniform(0.55, 0.95), 'rider', rng.uniform(0.1, 0.6)))
    for _ in range(2):
        things.append((rng.uniform(0.5, 0.9), 'pole', rng.uniform(0.83, 0.95)))
    for bottom, kind, left in sorted(things):
        high = (bottom - 0.35) * height * 0.4
        row, column = int(bottom * height), int(left * width)
        if kind == 'car':
            label_map[row - int(high * 0.6) : row, column : column + int(high)] = CAR
        elif kind == 'rider':
            half, wide = int(high / 2), max(int(high / 3), 2)
            label_map[row - half : row, column : column + wide] = BIKE
            label_map[row - 2 * half : row - half, column : column + wide] = RIDER
        else:
            label_map[row - int(high) : row, column : column + 2] = POLE
            top = row - int(high)
            label_map[top - 5 : top, max(column - 2, 0) : column + 4] = SIGN
    label_map[:2, :2] = ignore
    return label_map


def streets(count=40, seed=0, photos=False, size=SIZE):
    """A source of streets, with photos of one grey a map where asked for."""
    rng = np.random.default_rng(seed)
    return MemoryLabelSource(
        [street(rng, size) for _ in range(count)],
        len(NAMES),
        255,
        NAMES,
        photos=[np.full((*size, 3), 10 + 3 * i, np.uint8) for i in range(count)]
        if photos
        else None,
    )
