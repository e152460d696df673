"""A tool runs in a process of its own: its log, its line, its end."""

import multiprocessing
import os
import re
import signal
import time

import pytest

from mmseg_ganaug.experiments import runner
from mmseg_ganaug.experiments.runner import ToolError, run_tool


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """Writes a tool of one's own, to be found like a shipped one."""

    def write(code):
        path = tmp_path / 'tool.py'
        path.write_text(code)
        monkeypatch.setattr(runner, 'find_shipped', lambda name: path)
        return 'tool.py'

    return write


def test_whole_output_goes_to_the_log_and_one_line_to_the_terminal(
    tool, tmp_path, capsys
):
    name = tool("import sys; print('first'); print(sys.argv[1], end='\\rlast')")
    log = tmp_path / 'logs' / '1.log'
    seconds = run_tool('[1/2] try', name, ['argument'], log)
    assert log.read_bytes() == b'first\nargument\rlast'
    assert seconds > 0
    assert capsys.readouterr().out.splitlines()[-1].startswith('[1/2] try: done in')


def test_the_line_shows_what_the_tool_reports(tool, tmp_path, capsys, monkeypatch):
    name = tool(
        'import time\n'
        'from mmseg_ganaug.progress import Progress\n'
        "progress = Progress('Painting', 200)\n"
        'for step in range(8):\n'
        '    time.sleep(0.1)\n'
        '    progress.update()\n'
        'time.sleep(1)\n'
    )
    monkeypatch.setattr(runner, '_SECONDS_BETWEEN_LINES', 0)
    run_tool('try', name, [], tmp_path / 'log')
    lines = capsys.readouterr().out.splitlines()
    shown = re.fullmatch(r'try: Painting (\d)/200, 0:00:\d\d left', lines[-2])
    assert 4 <= int(shown[1]) <= 8
    # Not by way of the output.
    assert (tmp_path / 'log').read_text() == ''


def test_failure_shows_the_end_of_the_output(tool, tmp_path):
    name = tool(
        "print('long ago', *range(30), 'before', sep='\\n'); "
        "print('bar\\rbar', end='\\r'); raise SystemExit('the reason')"
    )
    with pytest.raises(
        ToolError, match=r'(?s)exit code 1.*before\nbar\nbar\n'
    ) as caught:
        run_tool('try', name, [], tmp_path / 'log')
    assert str(caught.value).endswith('the reason')
    assert 'long ago' not in str(caught.value)


@pytest.fixture
def started(tmp_path):
    """Starts a tool in a runner of its own; the code of the tool says how it waits."""
    begun = []

    def start(code):
        tool, pid = tmp_path / 'tool.py', tmp_path / 'pid'
        tool.write_text(
            'import os, pathlib, time\n'
            f'pathlib.Path({str(pid)!r}).write_text(str(os.getpid()))\n{code}'
        )
        runner = multiprocessing.get_context('forkserver').Process(
            target=run_tool, args=('waits', str(tool), [], str(tmp_path / 'log'))
        )
        runner.start()
        begun.append(runner)
        now = time.monotonic()
        while not pid.exists() or not pid.read_text():
            assert time.monotonic() - now < 60
            time.sleep(0.05)
        return runner, int(pid.read_text())

    yield start
    for process in begun:
        process.kill()


def test_a_tool_is_ended_with_its_runner(started):
    runner, tool = started('time.sleep(600)\n')
    runner.terminate()
    runner.join(60)
    assert runner.exitcode == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(tool, 0)


def test_an_interrupted_runner_waits_until_its_tool_has_ended(started, tmp_path):
    saved = tmp_path / 'saved'
    runner, tool = started(
        'try:\n'
        '    print("ready", flush=True)\n'
        '    time.sleep(600)\n'
        'except KeyboardInterrupt:\n'
        '    time.sleep(2)\n'
        f'    pathlib.Path({str(saved)!r}).touch()\n'
    )
    begun = time.monotonic()
    while 'ready' not in (tmp_path / 'log').read_text():
        assert time.monotonic() - begun < 60
        time.sleep(0.05)
    # As a terminal does, to both.
    os.kill(tool, signal.SIGINT)
    os.kill(runner.pid, signal.SIGINT)
    runner.join(60)
    assert runner.exitcode == 1
    assert saved.exists()
