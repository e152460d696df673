"""Gives Cityscapes photos label maps of CamVid's 11 classes.

What was trained on CamVid can so be judged in other streets. OUT/annotations holds the
label maps, and OUT/images links to the photos. IMAGES is such as
data/cityscapes/leftImg8bit/val, MASKS such as data/cityscapes/gtFine/val.
"""

import argparse
from pathlib import Path

from mmseg_ganaug.datasets.camvid import CamVidDataset
from mmseg_ganaug.datasets.folder_pairs import pair_folders
from mmseg_ganaug.datasets.label_conversion import write_label_maps
from mmseg_ganaug.datasets.mask_classes import MaskClasses
from mmseg_ganaug.datasets.mask_survey import survey_masks

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


def parse_args():
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('images', help='folder of *_leftImg8bit.png')
    parser.add_argument('masks', help='folder of *_gtFine_labelIds.png')
    parser.add_argument('out', type=Path, help='folder of the new data set')
    return parser.parse_args()


def main():
    """Runs the tool."""
    args = parse_args()
    names = CamVidDataset.METAINFO['classes']
    classes = MaskClasses(
        names=names,
        values=[LABEL_IDS[name] for name in names],
        ignored=IGNORED,
        by_colour=False,
        palette=CamVidDataset.METAINFO['palette'],
    )
    try:
        found = pair_folders(args.images, args.masks, '_gtFine_labelIds.png', fewest=1)
        survey = survey_masks(found.pairs, args.out / 'masks.json')
        known = {*IGNORED, *(i for ids in LABEL_IDS.values() for i in ids)}
        unknown = sorted(survey.values(by_colour=False) - known)
        if unknown:
            path = survey.first_mask_with(unknown[0], by_colour=False)
            raise ValueError(
                f'{path} shows {unknown[0]}, which is no label id of Cityscapes (0 to '
                '33): give the files *_gtFine_labelIds.png as they were published'
            )
        write_label_maps(found.pairs, classes, survey.digest, args.out / 'annotations')
        for pair in found.pairs:
            _link(args.out / 'images' / f'{pair.key}{pair.photo.suffix}', pair.photo)
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(f'error: {error}') from error
    print(f'{len(found.pairs)} label maps lie in {args.out / "annotations"}')


def _link(link: Path, photo: Path) -> None:
    if link.is_symlink():
        link.unlink()
    elif link.exists():
        raise ValueError(f'{link} is there already, and no link: give another folder')
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(photo.resolve())


if __name__ == '__main__':
    main()
