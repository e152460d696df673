"""Makes ToyStreets, a small data set of painted street scenes with rare classes.

Prints how frequent each class is. Run again with the same arguments, it does nothing.
"""

import argparse
from typing import TYPE_CHECKING

from mmseg_ganaug.commands.flags import add_jobs, add_seed

if TYPE_CHECKING:
    from prettytable import PrettyTable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.add_argument('out', help='folder of the data set, e.g. data/toy_streets')
    parser.add_argument('--num-train', type=int, default=200, help='training samples')
    parser.add_argument('--num-val', type=int, default=50, help='validation samples')
    add_seed(parser, 'all scenes')
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        default=(256, 128),
        metavar=('W', 'H'),
        help='width and height of the photos in pixels',
    )
    parser.add_argument(
        '--crowd',
        type=int,
        default=1,
        help='how often people, riders and traffic signs are drawn (default: 1)',
    )
    add_jobs(parser, 'paint')
    parser.add_argument(
        '--overwrite',
        action='store_true',
        help='replace a data set that was made with other arguments',
    )


def frequency_table(manifest: dict) -> 'PrettyTable':
    """Tables the class statistics of a manifest, in percent."""
    from prettytable import PrettyTable

    statistics = manifest['statistics']
    table = PrettyTable(['class'])
    table.align['class'] = 'l'
    table.add_rows([[name] for name in statistics['train']['pixels']])
    for split, counts in statistics.items():
        num_pixels = sum(counts['pixels'].values())
        num_images = manifest[f'num_{split}']
        for kind, total in (('pixels', num_pixels), ('images', num_images)):
            shares = [f'{100 * count / total:.2f}' for count in counts[kind].values()]
            table.add_column(f'{split}: % of {kind}', shares, align='r')
    return table


def run(args: argparse.Namespace) -> None:
    """Makes the data set."""
    from mmseg_ganaug.toy_streets import make_toy_streets

    manifest = make_toy_streets(
        args.out,
        num_train=args.num_train,
        num_val=args.num_val,
        seed=args.seed,
        size=(args.size[1], args.size[0]),
        num_workers=args.jobs,
        overwrite=args.overwrite,
        crowd=args.crowd,
    )
    print(frequency_table(manifest))
