"""Gives Cityscapes photos label maps of CamVid's 11 classes.

They serve to evaluate in other streets what was trained on CamVid. OUT/annotations
holds the label maps, and OUT/images links to the photos. IMAGES is such as
data/cityscapes/leftImg8bit/val, MASKS such as data/cityscapes/gtFine/val.
"""

import argparse
import os
from pathlib import Path
from typing import Any, Dict, List

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
    from mmseg_ganaug.own_data.convert import (
        find_foreign_label_maps,
        write_label_maps,
    )
    from mmseg_ganaug.own_data.mask_survey import survey_masks
    from mmseg_ganaug.own_data.masks import MaskForm
    from mmseg_ganaug.own_data.pairs import pair_folders
    from mmseg_ganaug.ownership import WorkFolder

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
    links = {
        args.out / 'images' / f'{pair.key}{pair.photo.suffix}': pair.photo.resolve()
        for pair in found.pairs
    }
    work = WorkFolder(args.out, 'CamVid classes', 'OUT')
    kept, label_maps = args.out / 'masks.json', args.out / 'annotations'
    work.refuse(
        [
            *work.in_the_way([kept, *missing_links(links)]),
            *find_foreign_label_maps(label_maps),
        ]
    )
    survey = survey_masks(found.pairs, kept, write=work.write)
    known = {*IGNORED, *(i for ids in LABEL_IDS.values() for i in ids)}
    unknown = sorted(survey.values - known)
    if unknown:
        path = survey.first_mask_with(unknown[0])
        raise ValueError(
            f'{path} shows {survey.form.describe(unknown[0])}, which is no label id of '
            'Cityscapes (0 to 33): give the files *_gtFine_labelIds.png as they were '
            'published'
        )
    write_label_maps(found.pairs, classes, survey.digest, label_maps)
    for link in missing_links(links):
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(links[link])
    print(f'{len(found.pairs)} label maps lie in {label_maps}')


def missing_links(links: Dict[Path, Path]) -> List[Path]:
    """Lists the links that are still to be made."""
    return [
        link
        for link, photo in links.items()
        if not (link.is_symlink() and Path(os.path.realpath(link)) == photo)
    ]
