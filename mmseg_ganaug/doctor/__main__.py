"""Finds what is wrong with this environment, and the commands that fix it.

Versions, what goes together, compiled libraries, GPU, disk, and a self-test of every
part of mmseg_ganaug; with a config, its data, too. Ends with 1 where there is a
problem, else with 0.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import asdict
from functools import partial
from typing import Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Union

from mmseg_ganaug.doctor import data, libraries, self_test
from mmseg_ganaug.doctor.check import (
    PROBLEM,
    UNKNOWN,
    Check,
    attempt,
    print_checks,
    print_json,
)
from mmseg_ganaug.doctor.libraries import check_machine
from mmseg_ganaug.doctor.versions import check_installed

Steps = Dict[str, Callable[[], Union[Check, List[Check]]]]
# The step that reads the data of a config.
_DATA = 'data'
LIBRARIES: Steps = {
    'torch': libraries.check_torch,
    'torchvision': libraries.check_torchvision,
    'mmcv': libraries.check_mmcv,
    'gpu': libraries.check_gpu,
}
SELF_TESTS: Steps = {
    'import': self_test.check_import,
    'recompose': self_test.check_recompose,
    'models': self_test.check_models,
    'synthesis': self_test.check_synthesis,
    'datasets': self_test.check_datasets,
    'engine': self_test.check_engine,
    'evaluation': self_test.check_evaluation,
    'visualization': self_test.check_visualization,
}
_COMMAND = (sys.executable, '-W', 'ignore', '-m', 'mmseg_ganaug.doctor')
#: Seconds for all steps of a process; they take about ten.
PATIENCE = 600


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options to a parser."""
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
    # Called by the doctor in a process of its own.
    parser.add_argument('--steps', nargs='+', help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    """Runs all checks.

    Args:
        args (Namespace): See :func:`add_arguments`.

    Returns:
        int: Exit code.
    """
    if args.steps:
        _take_steps(args)
        return 0
    sections: Dict[str, Iterable[Check]] = {
        'Versions': check_installed(),
        'Machine': check_machine(args.cache_dir),
        'Compiled libraries': run_steps(list(LIBRARIES), args.patience),
    }
    if not args.no_self_test:
        sections['Self-test'] = run_steps(list(SELF_TESTS), args.patience)
    if args.config is not None:
        sections['Data'] = run_data(args.config, args.cache_dir, args.patience)
    printed = (print_json if args.json else print_checks)(sections, sys.stdout)
    return int(any(check.status == PROBLEM for check in printed))


def run_data(
    config: str, cache_dir: Optional[str] = None, patience: float = PATIENCE
) -> Iterator[Check]:
    """Checks the data of a config: :func:`mmseg_ganaug.doctor.data.check_data`.

    Args:
        config (str): Path of the config.
        cache_dir (str, optional): Folder in which the label statistics are kept.
            Defaults to None.
        patience (float): Seconds after which it is given up. Defaults to 600.

    Yields:
        Check: All of them when the last is done.
    """
    options = [] if cache_dir is None else [f'--cache-dir={cache_dir}']
    command = (*_COMMAND, config, *options, '--steps')
    yield from run_steps([_DATA], patience, command)


def run_steps(
    names: Sequence[str], patience: float = PATIENCE, command: Sequence[str] = ()
) -> Iterator[Check]:
    """Runs checks one after the other in a process; a new one where it dies.

    Args:
        names (Sequence[str]): Keys of ``LIBRARIES`` and ``SELF_TESTS``, in the order in
            which to run them, or 'data'.
        patience (float): Seconds after which a process is killed. Defaults to 600.
        command (Sequence[str]): What runs the names appended to it. Defaults to the
            doctor itself.

    Yields:
        Check: Those of each name, as soon as they are there.
    """
    command = command or (*_COMMAND, '--steps')
    left = list(names)
    while left:
        with tempfile.TemporaryFile() as log:
            process = subprocess.Popen(
                [*command, *left], stdout=subprocess.PIPE, stderr=log, text=True
            )
            clock = threading.Timer(patience, process.kill)
            clock.start()
            try:
                for line in process.stdout:
                    left.pop(0)
                    yield from (Check(**check) for check in json.loads(line))
                process.wait()
                in_time = clock.is_alive()
            finally:
                clock.cancel()
                process.kill()
                process.wait()
                process.stdout.close()
            if left:
                log.seek(0)
                output = log.read().decode(errors='replace')
                yield _died(left.pop(0), process.returncode, in_time, patience, output)


def _died(
    name: str, returncode: int, in_time: bool, patience: float, output: str
) -> Check:
    if not in_time:
        what = f'not done after {patience:g} s (a busy machine? give --patience)'
    elif returncode < 0:
        what = f'its process was killed by {signal.Signals(-returncode).name}'
    else:
        what = f'its process ended with exit code {returncode}'
    last = output.strip().splitlines()[-1:]
    return Check(name, PROBLEM, ': '.join([what, *last]), UNKNOWN, output[-3000:])


def _take_steps(args) -> None:
    """Takes steps in this process, and prints one line of JSON for each."""
    # Output of libraries must not mix with the results.
    results = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)
    read = partial(data.check_data, args.config, args.cache_dir)
    steps: Steps = {**LIBRARIES, **SELF_TESTS, _DATA: read}
    for name in args.steps:
        found = attempt(name, steps[name])
        checks = found if isinstance(found, list) else [found]
        print(json.dumps([*map(asdict, checks)]), file=results, flush=True)


if __name__ == '__main__':
    _parser = argparse.ArgumentParser(
        prog='python -m mmseg_ganaug.doctor',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_arguments(_parser)
    raise SystemExit(run(_parser.parse_args()))
