"""Gives Cityscapes photos label maps of CamVid's 11 classes.

They serve to evaluate in other streets what was trained on CamVid. OUT/annotations
holds the label maps, and OUT/images links to the photos. IMAGES is such as
data/cityscapes/leftImg8bit/val, MASKS such as data/cityscapes/gtFine/val.
"""

import argparse
from pathlib import Path
from typing import Any

# Vehicles but those of two wheels are cars here, walls and bridges buildings, traffic
# lights signs.
LABEL_IDS = {
    'sky': [23],
    'building': [11, 12, 15, 16],
    'pole': [17, 18],
    'road': [7],
    'pavement': [8],
    'tree': [21],
    'signsymbol': [19, 20],
    'fence': [13, 14],
    'car': [26, 27, 28, 29, 30, 31],
    'pedestrian': [24],
    'bicyclist': [25, 32, 33],
}
# Void, ground, parking, rail track and terrain have no class in CamVid.
IGNORED = [0, 1, 2, 3, 4, 5, 6, 9, 10, 22, 255]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.add_argument('images', help='folder of *_leftImg8bit.png')
    parser.add_argument('masks', help='folder of *_gtFine_labelIds.png')
    parser.add_argument('out', type=Path, help='folder of the new data set')


def run(args: argparse.Namespace) -> None:
    """Checks what lies in OUT, then all masks, and writes label maps and links."""
    from mmseg_ganaug.datasets.camvid import CamVidDataset
    from mmseg_ganaug.own_data.classes import MaskClasses
    from mmseg_ganaug.own_data.masks import MaskForm
    from mmseg_ganaug.own_data.pairs import pair_folders
    from mmseg_ganaug.own_data.public_layouts import lay_out

    meta: Any = CamVidDataset.METAINFO
    names = meta['classes']
    classes = MaskClasses(
        names=names,
        values=[LABEL_IDS[name] for name in names],
        ignored=IGNORED,
        form=MaskForm.IDS,
        palette=meta['palette'],
    )
    found = pair_folders(args.images, args.masks, '_gtFine_labelIds.png', fewest=1)
    lay_out(
        args.out,
        'CamVid classes',
        found.pairs,
        classes,
        'no label id of Cityscapes (0 to 33): give the files *_gtFine_labelIds.png as '
        'they were published',
    )
