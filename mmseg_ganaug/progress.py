"""How far long work is: on a terminal, in a log, and for a process that waits for it.

Where the environment variable :data:`REPORT_TO` names a file, the newest figures are
kept there, as a line of JSON.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any, Dict, Optional, Union

from mmengine.logging import print_log
from mmengine.utils import ProgressBar

#: Environment variable that names the file for the newest figures.
REPORT_TO = 'GANAUG_PROGRESS'
_SECONDS_BETWEEN_LINES = 15
_SECONDS_BETWEEN_REPORTS = 0.2


class ProgressReport:
    """Keeps the newest figures of some work in the file of :data:`REPORT_TO`.

    Does nothing where the variable is not set. A report that cannot be written is left
    out: the work matters more.

    Args:
        title (str): What is done.
        total (int): Number of steps.
        begin (int): Steps that were done before. Defaults to 0.
    """

    def __init__(self, title: str, total: int, begin: int = 0) -> None:
        self._path = os.environ.get(REPORT_TO)
        self._title = title
        self._total = total
        self._begin = begin
        self._started = self._reported = time.monotonic()

    def show(self, done: int) -> None:
        """Writes the figures, a few times a second at most.

        Args:
            done (int): Steps that are done, with those before.
        """
        now = time.monotonic()
        steps = done - self._begin
        if (
            not self._path
            or steps < 1
            or now - self._reported < _SECONDS_BETWEEN_REPORTS
        ):
            return
        self._reported = now
        figures = dict(
            title=self._title,
            done=done,
            total=self._total,
            seconds_left=(self._total - done) * (now - self._started) / steps,
        )
        temporary = f'{self._path}.{os.getpid()}'
        try:
            with open(temporary, 'w', encoding='utf-8') as file:
                json.dump(figures, file)
            os.replace(temporary, self._path)
        except OSError:  # Of who waits, the folder may be gone.
            pass


def read_report(path: Union[str, Path]) -> Optional[Dict[str, Any]]:
    """Reads the newest figures of a process.

    Args:
        path (str | Path): The file that :data:`REPORT_TO` named for it.

    Returns:
        dict | None: ``title``, ``done``, ``total`` and ``seconds_left``; None where
        nothing was reported yet.
    """
    try:
        with open(path, encoding='utf-8') as file:
            return json.load(file)
    except FileNotFoundError:
        return None


class Progress:
    """MMEngine's bar on a terminal; in a log, a line now and then.

    The bar rewrites its line with every step, which a log keeps as one line of
    thousands of characters. ::

        with Progress('Reading label maps', total=len(source)) as progress:
            for index in range(len(source)):
                ...
                progress.update()

    Args:
        title (str): What is done, and to what; ``with`` writes it at the beginning.
        total (int): Number of steps.
    """

    def __init__(self, title: str, total: int) -> None:
        self.done = 0
        self._title = title
        self._total = total
        self._bar: Optional[ProgressBar] = None
        self._report = ProgressReport(title, total)
        self._started = self._logged = time.monotonic()

    def __enter__(self) -> 'Progress':
        print_log(f'{self._title}: {self._total}', logger='current')
        return self.start()

    def __exit__(self, *_) -> None:
        self.finish()

    def start(self) -> 'Progress':
        """Starts the bar without logging the title."""
        if self._total and sys.stdout.isatty():
            self._bar = ProgressBar(self._total)
        return self

    def finish(self) -> None:
        """Ends the line of the progress bar."""
        if self._bar is not None:
            self._bar.file.write('\n')

    def update(self, steps: int = 1) -> None:
        """Counts steps."""
        if steps < 1:
            return
        self.done += steps
        self._report.show(self.done)
        if self._bar is not None:
            self._bar.update(steps)
        elif time.monotonic() - self._logged >= _SECONDS_BETWEEN_LINES:
            self._logged = time.monotonic()
            rate = self.done / (self._logged - self._started)
            left = (self._total - self.done) / rate
            print_log(
                f'{self._title}: {self.done} of {self._total}, {rate:.1f} a second, '
                f'{left:.0f} s left',
                logger='current',
            )

    def update_to(self, done: int) -> None:
        """Counts the steps up to a number of them."""
        self.update(done - self.done)
