r"""Makes ToyStreets in which the answer of ``ganaug bench`` is known.

    python experiments/planted_truths.py shuffled planted/data/toy_streets
    python experiments/planted_truths.py dots planted/data/toy_streets
    cd planted
    ganaug bench demo.py --proxy none --iters 440 \
        --treatments class-weights-sqrt real-pixels

``shuffled``: each photo has the rare classes of another photo's labels, which nothing
can learn. ``dots``: there is one rare class, squares of 3 x 2 pixels in the colour of
a warning vest, smaller than a cell of the output (4 pixels). demo.py inherits
``mmseg_ganaug::pspnet/pspnet_efficientnet-lite0s16-fpn_1xb2-500_toystreets-112x160.py``.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from mmseg_ganaug.toy_streets import CLASSES, make_toy_streets

RARE = [
    CLASSES.index(name) for name in ('fence', 'pole', 'traffic sign', 'person', 'rider')
]
RIDER = CLASSES.index('rider')
GROUND = [CLASSES.index(name) for name in ('road', 'sidewalk')]
DOTS, HEIGHT, WIDTH = 6, 3, 2


def without_rare(label_map):
    """Fills the rare classes of a label map with what is nearest."""
    hole = np.isin(label_map, RARE)
    _, nearest = cv2.distanceTransformWithLabels(
        hole.astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    table = np.zeros(nearest.max() + 1, np.uint8)
    table[nearest[~hole]] = label_map[~hole]
    return np.where(hole, table[nearest], label_map), hole


def shuffle(files):
    """Gives each label map the rare classes of another one."""
    maps = [cv2.imread(str(file), cv2.IMREAD_UNCHANGED) for file in files]
    for number, file in enumerate(files):
        ground, _ = without_rare(maps[number])
        other = maps[(number + len(maps) // 2) % len(maps)]
        cv2.imwrite(str(file), np.where(np.isin(other, RARE), other, ground))


def sow(files, rng):
    """Paints the rare classes over, and dots on the ground."""
    for file in files:
        label_map = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        path = str(file).replace('annotations', 'images')
        photo = cv2.imread(path)
        label_map, hole = without_rare(label_map)
        wide = cv2.dilate(hole.astype(np.uint8), np.ones((3, 3)))
        photo = cv2.inpaint(photo, wide, 3, cv2.INPAINT_TELEA)
        rows, columns = np.nonzero(np.isin(label_map, GROUND))
        for place in rng.choice(len(rows), min(DOTS, len(rows)), replace=False):
            dot = (
                slice(rows[place], rows[place] + HEIGHT),
                slice(columns[place], columns[place] + WIDTH),
            )
            label_map[dot] = RIDER
            photo[dot] = (40, 90, 230) + rng.integers(-20, 20, 3)
        cv2.imwrite(str(file), label_map)
        cv2.imwrite(path, photo)


def main():
    """Makes one of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('truth', choices=['shuffled', 'dots'])
    parser.add_argument('out', help='a folder that is not there yet')
    args = parser.parse_args()
    if Path(args.out).exists():
        parser.error(f'{args.out} is there already: its label maps would be changed')
    crowd = 6 if args.truth == 'shuffled' else 1
    make_toy_streets(args.out, 40, 100, crowd=crowd)
    rng = np.random.default_rng(0)
    for split in ('train', 'val'):
        files = sorted(Path(args.out, 'annotations', split).glob('*.png'))
        if args.truth == 'shuffled':
            shuffle(files)
        else:
            sow(files, rng)


if __name__ == '__main__':
    main()
