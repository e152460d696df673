"""Finds out what is wrong with the rare classes of your data, and what helps.

Three ways in, none of which needs code:

    ganaug bench                                     ToyStreets, as a demonstration
    ganaug bench --images photos --masks masks       a folder of photos, one of masks
    ganaug bench my_config.py                        any MMSeg config, as it stands

It looks at the data, trains treatments against each other, short ones first, and leaves
a report with a verdict. Run again, it goes on where it was.
"""

import argparse
from importlib import import_module

from mmseg_ganaug.commands.flags import (
    add_cfg_options,
    add_generator,
    add_jobs,
    add_seed,
    add_yes,
)

GO_ON = 'What is done is kept, and what was begun is resumed, by the same again:'
# Of the generator that is trained, with one crop each.
_GENERATOR_ITERATIONS = 1500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.add_argument('config', nargs='?', help='config of a training')
    parser.add_argument('--images', metavar='DIR', help='or a folder of photos,')
    parser.add_argument(
        '--masks', metavar='DIR', help='and one of their masks, of the same names'
    )
    parser.add_argument(
        '--classes',
        metavar='FILE',
        help='list of the classes of the masks, a "name id" or "name R G B" a line '
        '(default: what is found, see data/classes.txt in the work dir)',
    )
    parser.add_argument(
        '--mask-suffix', help='how names of masks end, where a folder holds more'
    )
    parser.add_argument(
        '--work-dir',
        help='folder of all results (default: work_dirs/bench-NAME)',
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        '--minutes',
        type=float,
        help='how long it may take (default: 10 on ToyStreets, else 60)',
    )
    length.add_argument(
        '--iters', type=int, help='or the length of the longest training'
    )
    parser.add_argument(
        '--treatments',
        nargs='+',
        metavar='NAME',
        help='which, see ganaug apply --help (default: those that need no generator; '
        'on ToyStreets, three of them)',
    )
    parser.add_argument(
        '--proxy',
        default='default',
        metavar='default|none|CONFIG',
        help='network that is trained: a small one, that of your config, or that of '
        'another config',
    )
    parser.add_argument(
        '--judge-on',
        nargs='+',
        action='extend',
        metavar='KEY=VALUE',
        help='settings of the config that name a second split, on which the verdict is '
        'found (default: half of the validation photos, which choose nothing)',
    )
    add_generator(parser)
    parser.add_argument(
        '--train-generator',
        type=int,
        nargs='?',
        const=_GENERATOR_ITERATIONS,
        metavar='ITERS',
        help='train a small pix2pixHD for painted pairs first, on the training photos '
        f'(default: {_GENERATOR_ITERATIONS} iterations, minutes on a CPU)',
    )
    add_seed(parser, 'all that is drawn')
    add_jobs(
        parser,
        'train side by side (default: one for each GPU or processor, up to 4)',
        default=None,
    )
    add_yes(parser, 'begin')
    add_cfg_options(parser)


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuses two ways in at once."""
    if bool(args.images) != bool(args.masks):
        parser.error('--images and --masks need each other')
    if args.config and args.images:
        parser.error('give a config, or --images and --masks')


def run(args: argparse.Namespace) -> None:
    """Runs it."""
    import_module('mmseg_ganaug.bench.bench').run_bench(args)
