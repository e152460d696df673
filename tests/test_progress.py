"""How far long work is, on a terminal and in a log."""

import io
import sys

import pytest
from mmengine.utils import ProgressBar

from mmseg_ganaug import progress
from mmseg_ganaug.progress import REPORT_TO, Progress, ProgressReport, read_report


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


def test_who_waits_finds_the_newest_figures_in_its_file(
    clock, lines, tmp_path, monkeypatch
):
    path = tmp_path / 'progress.json'
    monkeypatch.setenv(REPORT_TO, str(path))
    assert read_report(path) is None
    with Progress('Reading', total=200) as shown:
        for _ in range(10):
            clock.now += 0.5
            shown.update(2)
    assert read_report(path) == {
        'title': 'Reading',
        'done': 20,
        'total': 200,
        'seconds_left': 45.0,
    }
    assert list(tmp_path.iterdir()) == [path]


def test_steps_that_were_done_before_do_not_count_for_the_time(
    clock, tmp_path, monkeypatch
):
    path = tmp_path / 'progress.json'
    monkeypatch.setenv(REPORT_TO, str(path))
    report = ProgressReport('train', total=300, begin=200)
    clock.now += 10
    report.show(200)
    assert read_report(path) is None
    report.show(210)
    assert read_report(path)['seconds_left'] == 90.0


def test_figures_are_written_a_few_times_a_second_at_most(clock, tmp_path, monkeypatch):
    path = tmp_path / 'progress.json'
    monkeypatch.setenv(REPORT_TO, str(path))
    report = ProgressReport('train', total=300)
    clock.now += 1
    report.show(1)
    clock.now += 0.1
    report.show(2)
    assert read_report(path)['done'] == 1


def test_nobody_who_waits_is_no_error(clock, tmp_path, monkeypatch):
    for value in (None, str(tmp_path / 'gone' / 'progress.json')):
        if value is None:
            monkeypatch.delenv(REPORT_TO, raising=False)
        else:
            monkeypatch.setenv(REPORT_TO, value)
        report = ProgressReport('train', total=3)
        clock.now += 1
        report.show(1)
    assert list(tmp_path.iterdir()) == []
