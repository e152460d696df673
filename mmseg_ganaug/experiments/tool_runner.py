"""Runs the command-line tools one after the other, with one progress line each."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, List, Optional, Sequence, Union

from mmseg_ganaug.config_search import find_shipped

# MMEngine's log lines ('Iter(train) [ 10/300]  ... eta: 0:01:10') and those of Progress
# ('Generating: 8 of 200, 12.3 a second, 15 s left').
_ITERATION = re.compile(r'Iter\((train|val|test)\)\s*\[\s*(\d+)/(\d+)\].*?eta: (\S+)')
_STEP = re.compile(r': (\d+) of (\d+), .* a second, (\d+) s left')
_SECONDS_BETWEEN_LINES = 15
_TAIL = 25


class ToolError(RuntimeError):
    """A tool that ended with an error; the message holds the end of its output."""


def run_tool(
    title: str,
    tool: str,
    arguments: Sequence[str],
    log_path: Union[str, Path],
) -> float:
    """Runs a tool of this package in a process of its own.

    The whole output goes to a log file; the terminal shows one line that tells how far
    it is.

    Args:
        title (str): What the progress line says.
        tool (str): Such as 'tools/train.py'.
        arguments (Sequence[str]): Its command line.
        log_path (str | Path): File for its output.

    Returns:
        float: Seconds that it took.

    Raises:
        ToolError: When it fails.
    """
    started = time.monotonic()
    command = [sys.executable, '-u', str(find_shipped(tool)), *map(str, arguments)]
    log_path = Path(log_path)
    log_path.parent.mkdir(parents=True, exist_ok=True)
    line = _ProgressLine(title)
    tail: List[str] = []
    with (
        open(log_path, 'w', buffering=1) as log,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(os.environ, PYTHONWARNINGS='ignore'),
        ) as process,
        _ended_with_us(process),
    ):
        try:
            for text in _lines(process.stdout):
                log.write(text + '\n')
                tail = [*tail[1 - _TAIL :], text]
                line.show(describe_progress(text))
        except KeyboardInterrupt:
            process.wait()
            raise
    seconds = time.monotonic() - started
    if process.returncode:
        line.finish('failed')
        raise ToolError(
            f'{" ".join(command)}\nended with exit code {process.returncode}. The end '
            f'of its output ({log_path} holds all of it):\n\n' + '\n'.join(tail)
        )
    line.finish(f'done in {seconds:.0f} s')
    return seconds


def describe_progress(text: str) -> Optional[str]:
    """Reads how far a tool is from a line of its output.

    Args:
        text (str): A line of MMEngine's log or of
            :class:`~mmseg_ganaug.progress.Progress`.

    Returns:
        str | None: Such as '10/300, 70 s left'; None where the line tells nothing.
    """
    iteration = _ITERATION.search(text)
    if iteration:
        mode, done, total, left = iteration.groups()
        return f'{"" if mode == "train" else mode + " "}{done}/{total}, {left} left'
    step = _STEP.search(text)
    if step:
        return '{}/{}, {} s left'.format(*step.groups())
    return None


@contextmanager
def _ended_with_us(process: subprocess.Popen) -> Iterator[None]:
    """Passes SIGTERM on, which schedulers send to one process and not to its tools."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python allows no handlers there.
        return

    def end(number, frame):
        process.terminate()
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _lines(stream) -> Iterator[str]:
    """Splits a byte stream at line feeds and, for progress bars, carriage returns."""
    rest = b''
    while True:
        block = os.read(stream.fileno(), 1 << 16)
        if not block:
            break
        *whole, rest = re.split(rb'[\r\n]', rest + block)
        for line in whole:
            if line:
                yield line.decode(errors='replace')
    if rest:
        yield rest.decode(errors='replace')


class _ProgressLine:
    """One line that is rewritten on a terminal and repeated now and then in a log."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._shown = time.monotonic()
        self._write('...', last=False)

    def show(self, state: Optional[str]) -> None:
        patience = 0.2 if sys.stdout.isatty() else _SECONDS_BETWEEN_LINES
        if state and time.monotonic() - self._shown > patience:
            self._shown = time.monotonic()
            self._write(state, last=False)

    def finish(self, state: str) -> None:
        self._write(state, last=True)

    def _write(self, state: str, last: bool) -> None:
        text = f'{self._title}: {state}'
        if sys.stdout.isatty():
            print(f'\r\033[K{text}', end='\n' if last else '', flush=True)
        else:
            print(text, flush=True)
