"""Ctrl-C: one line that says how to go on, and nothing left running."""

import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Dict, Iterator, List

#: Seconds in which a command and all that it started may end by themselves.
PATIENCE = 3.5
#: Name of the thread that waits for a signal.
WATCHING = 'ganaug-interrupts'
# The handlers before, while a command runs.
_before: Dict[int, Any] = {}


@contextmanager
def ends_when_interrupted(go_on: str) -> Iterator[None]:
    """Ends a command and the processes that it started when it is interrupted.

    The signal is passed on to all of them, since it may have come to this process
    alone. What has not ended after :data:`PATIENCE` is killed: files are written whole
    or not at all, so nothing is lost by that.

    The process then ends with the exit code 130 on SIGINT, 143 on SIGTERM, 129 on
    SIGHUP.

    Args:
        go_on (str): What is printed: how to go on.
    """
    if _before or threading.current_thread() is not threading.main_thread():
        yield  # Python allows no handlers there.
        return
    ended_by: List[int] = []
    announced = threading.Event()

    def end(number: int, frame: object) -> None:
        if not ended_by:
            ended_by.append(number)
            raise KeyboardInterrupt

    for name in ('SIGINT', 'SIGTERM', 'SIGHUP'):
        found = getattr(signal, name, None)
        # What is ignored (nohup) stays so.
        if found is not None and signal.getsignal(found) is not signal.SIG_IGN:
            _before[found] = signal.signal(found, end)
    # Handlers wait until a step of the training has been computed; a thread does not.
    receiver, sender = os.pipe()
    os.set_blocking(sender, False)
    fd = signal.set_wakeup_fd(sender, warn_on_full_buffer=False)
    threading.Thread(
        name=WATCHING,
        target=_watch,
        args=(receiver, sorted(_before), go_on, announced),
        daemon=True,
    ).start()
    try:
        yield
        if ended_by:  # What was interrupted took no notice.
            raise KeyboardInterrupt
    except BaseException:
        if not ended_by:
            raise
        announced.wait(1)
        _end_workers()
        # Errors that follow from the interruption say nothing. To take the libraries
        # apart would take Python seconds.
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # It is closed.
                stream.flush()
        os._exit(128 + ended_by[0])
    finally:
        _restore(fd)
        if not ended_by:  # Otherwise the thread still has an eye on the others.
            os.close(sender)


def _restore(fd: int = -1) -> None:
    """Puts the handlers back; in processes that are forked off, too."""
    with suppress(ValueError):  # Another thread of Python may not.
        for number, handler in _before.items():
            signal.signal(number, handler)
        if _before:
            signal.set_wakeup_fd(fd)
    _before.clear()


if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=_restore)


def _watch(
    receiver: int, numbers: List[int], go_on: str, announced: threading.Event
) -> None:
    """Waits for a signal, and kills what has not ended in time, this process last."""
    with open(receiver, 'rb', buffering=0) as pipe:
        while number := int.from_bytes(pipe.read(1), 'little'):
            if number in numbers:
                break
        else:
            return
    deadline = time.monotonic() + PATIENCE
    os.write(2, f'\nInterrupted. {go_on}\n'.encode())
    _send(number)
    announced.set()
    time.sleep(max(0, deadline - time.monotonic()))
    _send(signal.SIGKILL)
    os._exit(128 + number)


def _end_workers() -> None:
    """Ends the workers of loaders, and waits for all other processes below."""
    # torch would call it their error.
    if hasattr(signal, 'SIGCHLD'):
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for worker in multiprocessing.active_children():
        worker.terminate()
    # The watching thread ends this where it takes too long.
    while _below(os.getpid()):
        time.sleep(0.05)


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
