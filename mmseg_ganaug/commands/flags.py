"""Options that several commands have, under one name and with one meaning."""

import argparse
import os
from typing import Optional

from mmengine.config import DictAction


def add_cfg_options(
    parser: argparse.ArgumentParser, of: str = 'settings of the config'
) -> None:
    """Adds ``--cfg-options``.

    Args:
        parser (ArgumentParser): Of the command.
        of (str): What they override.
    """
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help=f'override {of}: key=value, key="[a,b]" or key="[(a,b),(c,d)]"; nested '
        'keys are joined by dots',
    )


def add_seed(parser: argparse.ArgumentParser, of: str) -> None:
    """Adds ``--seed``.

    Args:
        parser (ArgumentParser): Of the command.
        of (str): What is drawn with it.
    """
    parser.add_argument('--seed', type=int, default=0, help=f'seed of {of}')


def add_jobs(
    parser: argparse.ArgumentParser, does: str, default: Optional[int] = 1
) -> None:
    """Adds ``--jobs``.

    Args:
        parser (ArgumentParser): Of the command.
        does (str): What the processes do.
        default (int, optional): How many there are; None: the command decides.
    """
    parser.add_argument(
        '--jobs', type=int, default=default, help=f'processes that {does}'
    )


def add_yes(parser: argparse.ArgumentParser, does: str) -> None:
    """Adds ``--yes``.

    Args:
        parser (ArgumentParser): Of the command.
        does (str): What is done without a question.
    """
    parser.add_argument('--yes', action='store_true', help=f'{does} without asking')


def add_generated(parser: argparse.ArgumentParser) -> None:
    """Adds ``--generated``, the number of a generated data set.

    Args:
        parser (ArgumentParser): Of the command.
    """
    parser.add_argument(
        '--generated',
        type=int,
        metavar='NUMBER',
        help='which, from 0 on, where the config has several generated data sets',
    )


def add_generator(parser: argparse.ArgumentParser) -> None:
    """Adds ``--generator``.

    Args:
        parser (ArgumentParser): Of the command.
    """
    parser.add_argument(
        '--generator',
        nargs=2,
        metavar=('CONFIG', 'CHECKPOINT'),
        help='a trained generator for generated pairs; a work dir is a checkpoint, too',
    )


def add_launcher(parser: argparse.ArgumentParser) -> None:
    """Adds ``--launcher``, and the rank that some launchers give.

    Args:
        parser (ArgumentParser): Of the command.
    """
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what has started the ranks of a distributed run',
    )
    parser.add_argument(
        '--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS
    )


def set_local_rank(args: argparse.Namespace) -> None:
    """Hands a rank of the command line on to MMEngine.

    Args:
        args (Namespace): Of a command with :func:`add_launcher`.
    """
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
