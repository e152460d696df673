"""Runs command-line tools in processes that have their imports behind them."""

import multiprocessing
import os
import runpy
import sys
import time
from pathlib import Path

from mmseg_ganaug.config_search import find_shipped
from mmseg_ganaug.experiments.runner import ToolError

PATIENCE = 240


def run_tool(title, tool, arguments, log_path):
    """Stands for :func:`mmseg_ganaug.experiments.runner.run_tool`.

    A tool that is started imports for five seconds; this one is forked off a
    process of one thread that has done so (see conftest.py).
    """
    started = time.monotonic()
    log_path = Path(log_path)
    log_path.parent.mkdir(parents=True, exist_ok=True)
    command = [str(find_shipped(tool)), *map(str, arguments)]
    process = multiprocessing.get_context('forkserver').Process(
        target=_run, args=(command, str(log_path))
    )
    process.start()
    process.join(PATIENCE)
    if process.exitcode != 0:
        process.kill()
        raise ToolError(f'{title}, {process.exitcode}: {log_path.read_text()[-3000:]}')
    return time.monotonic() - started


def _run(command, log_path):
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(log, stream)
    sys.argv = command
    runpy.run_path(command[0], run_name='__main__')
