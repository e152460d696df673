"""Runs checks that may hang or crash in a process apart from the doctor's."""

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
from typing import Callable, Dict, Iterator, List, Optional, Sequence, Union

from mmseg_ganaug.doctor import data, libraries, rooms
from mmseg_ganaug.doctor.check import PROBLEM, UNKNOWN, Check, attempt

Steps = Dict[str, Callable[[], Union[Check, List[Check]]]]
#: The step that reads the data of a config.
DATA = 'data'
LIBRARIES: Steps = {
    'torch': libraries.check_torch,
    'torchvision': libraries.check_torchvision,
    'mmcv': libraries.check_mmcv,
    'gpu': libraries.check_gpu,
}
ROOMS: Steps = {
    'import': rooms.check_import,
    'recompose': rooms.check_recompose,
    'models': rooms.check_models,
    'synthesis': rooms.check_synthesis,
    'datasets': rooms.check_datasets,
    'engine': rooms.check_engine,
    'evaluation': rooms.check_evaluation,
    'visualization': rooms.check_visualization,
}
_COMMAND = (sys.executable, '-W', 'ignore', '-m', __name__)
#: Seconds for all steps of a process; they take about ten.
PATIENCE = 600


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
    options = [f'--config={config}']
    if cache_dir is not None:
        options.append(f'--cache-dir={cache_dir}')
    yield from run_steps([DATA], patience, (*_COMMAND, *options))


def run_steps(
    names: Sequence[str], patience: float = PATIENCE, command: Sequence[str] = ()
) -> Iterator[Check]:
    """Runs checks one after the other in a process; a new one where it dies.

    Args:
        names (Sequence[str]): Keys of ``LIBRARIES`` and ``ROOMS``, in the order in
            which to run them, or ``DATA``.
        patience (float): Seconds after which a process is killed. Defaults to 600.
        command (Sequence[str]): What runs the names appended to it. Defaults to this
            module.

    Yields:
        Check: Those of each name, as soon as they are there.
    """
    command = command or _COMMAND
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
                said = log.read().decode(errors='replace')
                yield _died(left.pop(0), process.returncode, in_time, patience, said)


def _died(
    name: str, returncode: int, in_time: bool, patience: float, said: str
) -> Check:
    if not in_time:
        what = f'not done after {patience:g} s (a busy machine? give --patience)'
    elif returncode < 0:
        what = f'its process was killed by {signal.Signals(-returncode).name}'
    else:
        what = f'its process ended with exit code {returncode}'
    last = said.strip().splitlines()[-1:]
    return Check(name, PROBLEM, ': '.join([what, *last]), UNKNOWN, said[-3000:])


def main() -> None:
    """Runs the checks named on the command line; one line of JSON for each name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('names', nargs='+')
    parser.add_argument('--config')
    parser.add_argument('--cache-dir')
    args = parser.parse_args()
    # What libraries print must not come between the results.
    results = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)
    read = partial(data.check_data, args.config, args.cache_dir)
    steps: Steps = {**LIBRARIES, **ROOMS, DATA: read}
    for name in args.names:
        found = attempt(name, steps[name])
        checks = found if isinstance(found, list) else [found]
        print(json.dumps([*map(asdict, checks)]), file=results, flush=True)


if __name__ == '__main__':
    main()
