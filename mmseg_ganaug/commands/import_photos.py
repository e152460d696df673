"""Takes photos that were painted elsewhere into the store of a config.

Each is ID.png or ID.jpg, of the label maps that ganaug export-plan wrote: RGB, 8 bits,
of the size of its label map. What lacks or cannot be used is named. Composite, filters
and ratio are those of the config. Run again, it goes on where it was.
"""

import argparse

from mmseg_ganaug.commands.flags import add_cfg_options, add_generated


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.add_argument('config', help='config file that trains on generated samples')
    parser.add_argument('folder', help='folder of the photos')
    parser.add_argument(
        '--min-share',
        type=float,
        default=0.9,
        help='share of the photos that has to be there',
    )
    add_generated(parser)
    add_cfg_options(parser)


def run(args: argparse.Namespace) -> None:
    """Imports the photos, and says how to train on them."""
    from mmseg_ganaug.datasets.export_plan import generated_dataset
    from mmseg_ganaug.datasets.import_photos import import_photos

    config = generated_dataset(args.config, args.cfg_options, args.generated)
    imported = import_photos(config, args.folder, args.min_share)
    settings = ''.join(f'    {k}={v!r},\n' for k, v in imported.settings.items())
    print(
        f'{imported.samples} samples in {imported.store.folder}\nTo train on them, set '
        f'in the GANRecomposeDataset of {args.config}:\n{settings}'
    )
