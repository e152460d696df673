"""Writes the recombined label maps of a config as files, to be painted elsewhere.

Run again, it goes on where it was. The photos come back by their IDs:
generator=dict(type='PaintedFolder', folder=...) in the config, or ganaug import-photos.
"""

import argparse

from mmseg_ganaug.commands.flags import add_cfg_options, add_generated

#: Of the module that writes prompts, which takes long to import; a test compares them.
TEMPLATE = 'a photo of {classes}'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.add_argument('config', help='config file that trains on generated samples')
    parser.add_argument('out', help='folder for the files')
    parser.add_argument(
        '--missing',
        action='store_true',
        help='only what the store of the config lacks, or its PaintedFolder',
    )
    parser.add_argument(
        '--real',
        action='store_true',
        help='also the real pairs, in the folder real, to train a painter on',
    )
    parser.add_argument(
        '--no-context',
        action='store_true',
        help='no photos and masks of what changed, which need the real photos',
    )
    parser.add_argument('--template', default=TEMPLATE, help='prompt of a sample')
    add_generated(parser)
    add_cfg_options(parser)


def run(args: argparse.Namespace) -> None:
    """Writes the files, and says where they are."""
    from mmseg_ganaug.datasets.export_plan import export_plan, generated_dataset

    config = generated_dataset(args.config, args.cfg_options, args.generated)
    for path in export_plan(
        config,
        args.out,
        args.missing,
        args.real,
        not args.no_context,
        args.template,
    ):
        print(f'Written: {path}')
