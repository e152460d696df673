"""Tells what is wrong with this environment, and the commands that mend it.

Versions, what goes together, compiled libraries, GPU, disk, and a self-test of every
part of mmseg_ganaug; with a config, its data, too. Ends with 1 where there is a
problem, else with 0.
"""

import argparse
import sys
from typing import Dict, Iterable

from mmseg_ganaug.doctor.check import PROBLEM, Check
from mmseg_ganaug.doctor.child import (
    LIBRARIES,
    PATIENCE,
    ROOMS,
    run_data,
    run_steps,
)
from mmseg_ganaug.doctor.machine import check_machine
from mmseg_ganaug.doctor.output import print_checks, print_json
from mmseg_ganaug.doctor.versions import check_installed


def parse_args():
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog='python -m mmseg_ganaug.doctor',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'config',
        nargs='?',
        help='config of a training, whose label maps and photos are read as well',
    )
    parser.add_argument('--json', action='store_true', help='print JSON')
    parser.add_argument(
        '--no-self-test', action='store_true', help='leave the self-test out'
    )
    parser.add_argument(
        '--cache-dir',
        help='cache_dir of your configs, where it is not in the working folder; with a '
        'config, its label statistics are kept there',
    )
    parser.add_argument(
        '--patience',
        type=float,
        default=PATIENCE,
        help='seconds to wait for the compiled libraries, for the self-test, and for '
        'the data (default: %(default)s)',
    )
    return parser.parse_args()


def main() -> int:
    """Runs all checks.

    Returns:
        int: Exit code.
    """
    args = parse_args()
    sections: Dict[str, Iterable[Check]] = {
        'Versions': check_installed(),
        'Machine': check_machine(args.cache_dir),
        'Compiled libraries': run_steps(list(LIBRARIES), args.patience),
    }
    if not args.no_self_test:
        sections['Self-test'] = run_steps(list(ROOMS), args.patience)
    if args.config is not None:
        sections['Data'] = run_data(args.config, args.cache_dir, args.patience)
    printed = (print_json if args.json else print_checks)(sections, sys.stdout)
    return int(any(check.status == PROBLEM for check in printed))


if __name__ == '__main__':
    raise SystemExit(main())
