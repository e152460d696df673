"""Ctrl-C, to a command and its children, and to the command alone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# What a command may do when it is interrupted: wait for a process, which waits for
# another; wait for threads, or for a process that ignores what it is sent.
SLEEP = r'import os, time; os.write(1, b"ready\n"); time.sleep(100)'
DEAF = f'import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); {SLEEP}'
NESTED = """
import subprocess, sys
subprocess.run([sys.executable, '-c', {inner!r}])
"""
COMMAND = """
import argparse, multiprocessing, subprocess, sys, threading, time
from mmseg_ganaug import commands

class Module:
    __doc__ = 'Waits.'
    GO_ON = 'It goes on by'
    add_arguments = staticmethod(lambda parser: parser.add_argument('what'))

    @staticmethod
    def run(args):
        children = [subprocess.Popen([sys.executable, '-c', code]) for code in CODES]
        if args.what == 'threads':
            waiting = [threading.Thread(target=child.wait) for child in children]
            for thread in waiting:
                thread.start()
        if args.what == 'forks':
            worker = multiprocessing.get_context('fork').Process(
                target=time.sleep, args=(100,)
            )
            worker.start()
            time.sleep(1)
            worker.terminate()
            worker.join()
            print('went on', worker.exitcode)
        if args.what == 'stubborn':
            try:
                time.sleep(100)
            finally:
                time.sleep(100)
        for child in children:
            child.wait()

CODES = {codes!r}
commands.module_of = lambda name: Module
commands.run_command('wait', sys.argv[1:])
"""


def start(tmp_path, what, *codes):
    """Starts a command, and waits until its children are there."""
    path = tmp_path / 'command.py'
    path.write_text(COMMAND.replace('{codes!r}', repr(list(codes))))
    process = subprocess.Popen(
        [sys.executable, path, what],
        env=dict(os.environ, PYTHONPATH=str(ROOT)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        restore_signals=True,
    )
    for _ in codes:
        assert process.stdout.readline() == 'ready\n'
    return process


def running_in(session):
    """Processes of a session that are no zombies."""
    found = []
    for stat in Path('/proc').glob('[0-9]*/stat'):
        try:
            state, _, _, number = stat.read_text().rpartition(')')[2].split()[:4]
        except (OSError, ValueError):
            continue
        if int(number) == session and state != 'Z':
            found.append(int(stat.parent.name))
    return found


@pytest.mark.parametrize('to', ['the group', 'the parent'])
@pytest.mark.parametrize(
    ('what', 'codes'),
    [
        ('children', [SLEEP, NESTED.format(inner=SLEEP)]),
        ('deaf', [DEAF, NESTED.format(inner=DEAF)]),
        ('threads', [SLEEP, DEAF]),
        ('stubborn', []),
    ],
)
def test_a_command_ends_with_all_that_it_started(tmp_path, to, what, codes):
    process = start(tmp_path, what, *codes)
    try:
        if not codes:
            time.sleep(3)  # Until it waits.
        began = time.monotonic()
        if to == 'the group':
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=20)[1]
        while running_in(process.pid) and time.monotonic() - began < 10:
            time.sleep(0.05)
        seconds = time.monotonic() - began
        assert process.returncode == 130
        assert f'Interrupted. It goes on by\n  ganaug wait {what}\n' in output
        assert output.count('Interrupted') == 1
        assert not running_in(process.pid)
        assert seconds < 5
        if what == 'children':  # which end by themselves
            assert seconds < 3
    finally:
        if running_in(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)


def test_a_scheduler_ends_a_command_and_what_it_started(tmp_path):
    process = start(tmp_path, 'children', SLEEP, DEAF)
    try:
        process.terminate()
        process.communicate(timeout=20)
        assert process.returncode == 143
        assert not running_in(process.pid)
    finally:
        if running_in(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)


def test_the_end_of_a_worker_that_was_forked_is_not_that_of_the_command(tmp_path):
    process = start(tmp_path, 'forks')
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (0, f'went on {-signal.SIGTERM}\n')
    assert 'Interrupted' not in errors


def test_what_is_ignored_stays_so(tmp_path, monkeypatch):
    from mmseg_ganaug.commands.interrupts import ends_when_interrupted

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        handler = signal.getsignal(signal.SIGINT)
        with ends_when_interrupted('again'):
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGINT) is not handler
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGHUP, before)
