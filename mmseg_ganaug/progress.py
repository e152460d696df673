"""How far long work is."""

import sys
import time
from typing import Optional

from mmengine.logging import print_log
from mmengine.utils import ProgressBar

_SECONDS_BETWEEN_LINES = 15


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
        self._started = self._told = time.monotonic()

    def __enter__(self) -> 'Progress':
        print_log(f'{self._title}: {self._total}', logger='current')
        return self.start()

    def __exit__(self, *_) -> None:
        self.finish()

    def start(self) -> 'Progress':
        """Begins, without a word."""
        if self._total and sys.stdout.isatty():
            self._bar = ProgressBar(self._total)
        return self

    def finish(self) -> None:
        """Leaves the line of the bar."""
        if self._bar is not None:
            self._bar.file.write('\n')

    def update(self, steps: int = 1) -> None:
        """Counts steps."""
        if steps < 1:
            return
        self.done += steps
        if self._bar is not None:
            self._bar.update(steps)
        elif time.monotonic() - self._told >= _SECONDS_BETWEEN_LINES:
            self._told = time.monotonic()
            rate = self.done / (self._told - self._started)
            left = (self._total - self.done) / rate
            print_log(
                f'{self._title}: {self.done} of {self._total}, {rate:.1f} a second, '
                f'{left:.0f} s left',
                logger='current',
            )

    def update_to(self, done: int) -> None:
        """Counts the steps up to a number of them."""
        self.update(done - self.done)
