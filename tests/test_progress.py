"""How far long work is, on a terminal and in a log."""

import io
import sys

import pytest
from mmengine.utils import ProgressBar

from mmseg_ganaug import progress
from mmseg_ganaug.experiments.tool_runner import describe_progress
from mmseg_ganaug.progress import Progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test moves."""

    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(progress, 'time', clock)
    return clock


@pytest.fixture
def lines(monkeypatch):
    """What is logged."""
    lines = []
    monkeypatch.setattr(progress, 'print_log', lambda text, logger: lines.append(text))
    return lines


def test_a_log_gets_a_line_now_and_then(clock, lines):
    with Progress('Reading label maps', total=200) as shown:
        for _ in range(50):
            clock.now += 1
            shown.update(2)
    assert lines[:2] == [
        'Reading label maps: 200',
        'Reading label maps: 30 of 200, 2.0 a second, 85 s left',
    ]
    assert len(lines) == 4
    # The tools that run other tools read it there.
    assert describe_progress(lines[1]) == '30/200, 85 s left'


def test_a_terminal_gets_a_bar(clock, lines, monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, 'stdout', terminal)
    monkeypatch.setattr(
        progress, 'ProgressBar', lambda total: ProgressBar(total, file=terminal)
    )
    with Progress('Reading', total=4) as shown:
        shown.update_to(3)
        shown.update_to(3)
        clock.now += 100
        shown.update()
    assert terminal.getvalue().count('\r') == 2
    assert '4/4' in terminal.getvalue()
    assert lines == ['Reading: 4']


def test_nothing_to_do_is_no_error(lines):
    with Progress('Reading', total=0) as shown:
        shown.update(0)
    assert lines == ['Reading: 0']
