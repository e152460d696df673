"""Makes ToyStreets, a small data set of painted street scenes with rare classes.

Prints how frequent each class is. Run again with the same arguments, it does nothing.
"""

import argparse

from prettytable import PrettyTable

from mmseg_ganaug.tool_errors import errors_as_messages
from mmseg_ganaug.toy_streets import make_toy_streets


def parse_args():
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument('out', help='folder of the data set, e.g. data/toy_streets')
    parser.add_argument('--num-train', type=int, default=200, help='training samples')
    parser.add_argument('--num-val', type=int, default=50, help='validation samples')
    parser.add_argument('--seed', type=int, default=0, help='seed of all scenes')
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        default=(128, 256),
        metavar=('HEIGHT', 'WIDTH'),
        help='size of the images in pixels',
    )
    parser.add_argument('--num-workers', type=int, default=1, help='processes')
    parser.add_argument(
        '--overwrite',
        action='store_true',
        help='replace a data set that was made with other arguments',
    )
    return parser.parse_args()


def frequency_table(manifest: dict) -> PrettyTable:
    """Tables the class statistics of a manifest, in percent."""
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


@errors_as_messages()
def main():
    """Runs the tool."""
    args = parse_args()
    manifest = make_toy_streets(
        args.out,
        num_train=args.num_train,
        num_val=args.num_val,
        seed=args.seed,
        size=tuple(args.size),
        num_workers=args.num_workers,
        overwrite=args.overwrite,
    )
    print(frequency_table(manifest))


if __name__ == '__main__':
    main()
