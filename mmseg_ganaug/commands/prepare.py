"""Makes configs of a folder of photos and one of masks, to be trained with.

Looks at all files, finds the classes, splits the photos, and writes configs of a plain
segmenter, of treatments of its rare classes, and of a generator into the work dir:

    ganaug prepare --images photos --masks masks --work-dir work_dirs/mine
"""

import argparse

GO_ON = 'It goes on by'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options; those that are not given are left out."""
    parser.argument_default = argparse.SUPPRESS
    parser.add_argument(
        '--work-dir',
        help='folder for classes, split, converted masks and configs (default: '
        'work_dirs/own-data)',
    )
    add_common(parser)
    add_own_data(parser)


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuses photos without masks."""
    if not {'images', 'masks'} <= set(vars(args)):
        parser.error('it needs --images and --masks')


def run(args: argparse.Namespace) -> None:
    """Writes the configs, and says which."""
    from mmseg_ganaug.own_data.prepare import FolderData

    FolderData(**vars(args)).write_configs()


def add_common(parser: argparse.ArgumentParser) -> None:
    """Adds what the configs of any data set are made with."""
    parser.add_argument(
        '--ways',
        nargs='+',
        choices=['class-weights', 'objects', 'add-single', 'add-multi', 'recon'],
        help='treatments of rare classes; a config is written for each (default: '
        'class-weights, and objects, which pastes objects on top of these; neither '
        'needs a generator)',
    )
    parser.add_argument(
        '--seed', type=int, help='seed of all that is drawn (default: 0)'
    )
    parser.add_argument(
        '--generator-iters', type=int, help='of the generator (default: as its config)'
    )
    parser.add_argument(
        '--segmenter-iters', type=int, help='of each segmenter (default: as its config)'
    )


def add_own_data(parser: argparse.ArgumentParser) -> None:
    """Adds what says where photos and masks are, and how they are read."""
    own = parser.add_argument_group('your own data set')
    own.add_argument('--images', metavar='DIR', help='folder of the photos')
    own.add_argument(
        '--masks',
        metavar='DIR',
        help='folder of the masks, of the same names: PNG files of ids, with a '
        'palette, or in a colour a class',
    )
    own.add_argument(
        '--classes',
        metavar='FILE',
        help='a class a line: "name id", "name R G B", or names in the order of the '
        'ids; "ignore" for no class (default: what is found, see classes.txt in the '
        'work dir)',
    )
    own.add_argument(
        '--mask-suffix', help='how names of masks end, where a folder holds more'
    )
    own.add_argument('--val-images', metavar='DIR', help='photos to validate on')
    own.add_argument('--val-masks', metavar='DIR', help='their masks')
    own.add_argument(
        '--val-share', type=float, help='or this share of the photos (default: 0.2)'
    )
    own.add_argument(
        '--size',
        type=int,
        nargs=2,
        metavar=('W', 'H'),
        help='width and height in training (default: the shape of your photos, with '
        'as many pixels as 192 x 144 on the CPU and 320 x 240 on a GPU)',
    )
