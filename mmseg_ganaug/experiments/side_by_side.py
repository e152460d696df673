"""Several pieces of work at once, each with tools of its own, on one progress line."""

import os
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from queue import Queue
from signal import SIG_DFL, SIGTERM, getsignal, signal
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    Sequence,
    Tuple,
)

from mmseg_ganaug.experiments.runner import ProgressLine, end_tools
from mmseg_ganaug.progress import read_report

_SECONDS_BETWEEN_LOOKS = 0.3
_MOST_SHOWN = 4
#: A piece of work: its name, its worth (such as iterations), and what does it with
#: options of :func:`~mmseg_ganaug.experiments.runner.run_tool`.
Piece = Tuple[str, float, Callable[..., Any]]


class SideBySide:
    """Runs pieces of work in threads, as many at once as there are places.

    The processors are shared out by ``OMP_NUM_THREADS``, unless that is set, and the
    GPUs by ``CUDA_VISIBLE_DEVICES``. Where this process is interrupted or ended, so are
    all tools, and no other begins.

    Args:
        jobs (int): Places, 1 or more.
        total (float): Worth of all that will be run, for the time that is left.
    """

    def __init__(self, jobs: int, total: float) -> None:
        self._jobs = jobs
        self._total = total
        self._done = 0.0
        self._before = 0.0
        self._started = time.monotonic()
        self._places: Queue = Queue()
        for environment in _environments(jobs):
            self._places.put(environment)

    def skip(self, worth: float) -> None:
        """Counts work that was done before."""
        self._done += worth
        self._before += worth

    def run(self, title: str, pieces: Sequence[Piece]) -> List['Future[Any]']:
        """Runs pieces of work, and waits for all of them.

        Args:
            title (str): What the progress line begins with.
            pieces (Sequence[Piece]): The pieces, in the order in which they begin.

        Returns:
            list[Future]: One for each, done: with its result, or its error.
        """
        shown: Dict[str, _Part] = {}
        line = ProgressLine(title)
        futures: Dict[Future[Any], float] = {}
        with _ended_by_sigterm(), ThreadPoolExecutor(self._jobs) as pool:
            try:
                for name, worth, function in pieces:
                    future = pool.submit(self._in_a_place, shown, name, worth, function)
                    futures[future] = worth
                left = set(futures)
                while left:
                    done, left = wait(left, _SECONDS_BETWEEN_LOOKS, FIRST_COMPLETED)
                    self._done += sum(futures[future] for future in done)
                    _raise_unless_ordinary(done)
                    parts = list(shown.values())
                    line.say(
                        f'{len(futures) - len(left)} of {len(futures)} done'
                        + ''.join(f'; {part}' for part in parts[:_MOST_SHOWN])
                        + self._time_left(parts)
                    )
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                # One may have been about to begin.
                while not all(future.done() for future in futures):
                    end_tools()
                    wait(futures, _SECONDS_BETWEEN_LOOKS)
                line.finish('ended')
                raise
        line.finish('done')
        return list(futures)

    def _in_a_place(
        self,
        shown: Dict[str, '_Part'],
        name: str,
        worth: float,
        function: Callable[..., Any],
    ) -> Any:
        environment = self._places.get()
        part = shown[name] = _Part(name, worth)
        try:
            return function(environment=environment, line=part)
        finally:
            shown.pop(name, None)
            self._places.put(environment)

    def _time_left(self, parts: Sequence['_Part']) -> str:
        done = self._done + sum(part.done for part in parts)
        fresh, seconds = done - self._before, time.monotonic() - self._started
        if fresh <= 0:
            return ''
        left = seconds * max(0.0, self._total - done) / fresh
        return f'; about {timedelta(seconds=round(left))} left'


def _raise_unless_ordinary(futures: Iterable['Future[Any]']) -> None:
    """Raises what is no ordinary error, such as KeyboardInterrupt."""
    for future in futures:
        error = future.exception()
        if error is not None and not isinstance(error, Exception):
            raise error


class _Part(ProgressLine):
    """Notes how far a tool is, for the line of all."""

    def __init__(self, name: str, worth: float) -> None:
        self.done = 0.0
        self._text = self._name = name
        self._worth = worth

    def show(self, report: Path) -> None:
        found = read_report(report)
        if found is not None:
            self._text = '{} {title} {done}/{total}'.format(self._name, **found)
            if found['title'] == 'train':
                self.done = self._worth * found['done'] / found['total']

    def finish(self, state: str) -> None:
        self._text = self._name

    def __str__(self) -> str:
        return self._text


def _environments(jobs: int) -> List[Mapping[str, str]]:
    """Returns the variables of each place: its threads, and its GPU."""
    import torch

    has_affinity = hasattr(os, 'sched_getaffinity')
    processors = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    threads = {'OMP_NUM_THREADS': str(max(1, processors // jobs))}
    if 'OMP_NUM_THREADS' in os.environ:
        threads = {}
    gpus = torch.cuda.device_count()
    named = os.environ.get('CUDA_VISIBLE_DEVICES') or ','.join(map(str, range(gpus)))
    return [
        {**threads, 'CUDA_VISIBLE_DEVICES': named.split(',')[place % gpus]}
        if gpus > 1
        else threads
        for place in range(jobs)
    ]


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Has SIGTERM raise SystemExit, unless it has another handler already."""
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or getsignal(SIGTERM) is not SIG_DFL:
        yield
        return

    def end(number: int, frame: Any) -> None:
        raise SystemExit(128 + number)

    before = signal(SIGTERM, end)
    try:
        yield
    finally:
        signal(SIGTERM, before)
