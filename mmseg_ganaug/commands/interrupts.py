"""Ctrl-C: one line that says how to go on, and nothing left running."""

import multiprocessing
import os
import signal
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

#: Seconds in which a command and all that it started may end by themselves.
PATIENCE = 3.5


@contextmanager
def ends_when_interrupted(go_on: str) -> Iterator[None]:
    """Ends a command and the processes that it started when it is interrupted.

    The signal is passed on to all of them, since it may have come to this process
    alone. What has not ended after :data:`PATIENCE` is killed: files are written whole
    or not at all, so nothing is lost by that.

    Args:
        go_on (str): What is printed: how to go on.

    Raises:
        SystemExit: With 130 on SIGINT, 143 on SIGTERM, 129 on SIGHUP.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Python allows no handlers there.
        return
    ended_by: List[Tuple[int, float]] = []

    def end(number: int, frame: object) -> None:
        if ended_by:
            return
        # Not by print, which the signal may have interrupted.
        os.write(2, f'\nInterrupted. {go_on}\n'.encode())
        _send(number)
        deadline = time.monotonic() + PATIENCE
        ended_by.append((number, deadline))
        threading.Thread(target=_exit_at, args=(deadline, number), daemon=True).start()
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + number)

    before: Dict[int, Any] = {}
    for name in ('SIGINT', 'SIGTERM', 'SIGHUP'):
        number = getattr(signal, name, None)
        # What is ignored (nohup) stays so.
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, end)
    try:
        yield
        if ended_by:  # What was interrupted took no notice.
            raise KeyboardInterrupt
    except BaseException:
        if not ended_by:
            raise
        number, deadline = ended_by[0]
        _end_all_below(deadline)
        # Errors that follow from the interruption say nothing.
        raise SystemExit(128 + number) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _exit_at(deadline: float, number: int) -> None:
    """Kills what has not ended in time, this process last: it may wait for ever."""
    time.sleep(max(0, deadline - time.monotonic()))
    _send(signal.SIGKILL)
    os._exit(128 + number)


def _end_all_below(deadline: float) -> None:
    """Waits until all processes below have ended, and kills those that do not."""
    # The workers of a loader end with their process; torch would call it their error.
    if hasattr(signal, 'SIGCHLD'):
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for worker in multiprocessing.active_children():
        worker.terminate()
    while _below(os.getpid()) and time.monotonic() < deadline - 0.2:
        time.sleep(0.05)
    _send(signal.SIGKILL)


def _send(number: int) -> None:
    """Sends a signal to all processes below this one."""
    for process in _below(os.getpid()):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process, number)


def _below(parent: int) -> List[int]:
    """Lists the processes that a process started, and those that they started.

    Without ``/proc`` there are none: then a terminal's Ctrl-C reaches them itself.
    """
    children: Dict[int, List[int]] = {}
    for stat in Path('/proc').glob('[0-9]*/stat'):
        with suppress(OSError, ValueError, IndexError):
            # The name, in brackets, may hold anything.
            parts = stat.read_text(errors='replace').rpartition(')')[2].split()
            if parts[0] != 'Z':
                children.setdefault(int(parts[1]), []).append(int(stat.parent.name))
    found: List[int] = []
    left = [parent]
    while left:
        below = children.get(left.pop(), [])
        found += below
        left += below
    return found
