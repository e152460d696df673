import multiprocessing
import os
import signal
import time

import pytest

from mmseg_ganaug.experiments import tool_runner
from mmseg_ganaug.experiments.tool_runner import ToolError, describe_progress, run_tool


@pytest.mark.parametrize(
    ('line', 'progress'),
    [
        (
            '11/22 15:00:00 - mmengine - INFO - Iter(train) [ 10/300]  base_lr: '
            '1.0000e-04 lr: 1.0000e-04  eta: 0:03:20  time: 0.69',
            '10/300, 0:03:20 left',
        ),
        (
            '11/22 15:00:00 - mmengine - INFO - Iter(test) [ 5/50]    eta: 0:00:03',
            'test 5/50, 0:00:03 left',
        ),
        ('Generating: 8 of 200, 12.3 a second, 15 s left', '8/200, 15 s left'),
        ('Reading label maps: 200', None),
    ],
)
def test_progress_is_read_from_a_line(line, progress):
    assert describe_progress(line) == progress


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """Writes a tool of one's own, to be found like a shipped one."""

    def write(code):
        path = tmp_path / 'tool.py'
        path.write_text(code)
        monkeypatch.setattr(tool_runner, 'find_shipped', lambda name: path)
        return 'tool.py'

    return write


def test_whole_output_goes_to_the_log_and_one_line_to_the_terminal(
    tool, tmp_path, capsys
):
    name = tool("import sys; print('first'); print(sys.argv[1], end='\\rlast')")
    log = tmp_path / 'logs' / '1.log'
    seconds = run_tool('[1/2] try', name, ['argument'], log)
    assert log.read_text() == 'first\nargument\nlast\n'
    assert seconds > 0
    assert capsys.readouterr().out.splitlines()[-1].startswith('[1/2] try: done in')


def test_failure_shows_the_end_of_the_output(tool, tmp_path):
    name = tool("print('before'); raise SystemExit('the reason')")
    with pytest.raises(ToolError, match=r'(?s)exit code 1.*before.*the reason'):
        run_tool('try', name, [], tmp_path / 'log')


def test_a_tool_is_ended_with_its_runner(tmp_path):
    tool, pid = tmp_path / 'tool.py', tmp_path / 'pid'
    tool.write_text(
        'import os, pathlib, time\n'
        f'pathlib.Path({str(pid)!r}).write_text(str(os.getpid()))\n'
        'time.sleep(600)\n'
    )
    runner = multiprocessing.get_context('forkserver').Process(
        target=run_tool, args=('waits', str(tool), [], str(tmp_path / 'log'))
    )
    runner.start()
    started = time.monotonic()
    while not pid.exists() or not pid.read_text():
        assert time.monotonic() - started < 60
        time.sleep(0.05)
    runner.terminate()
    runner.join(60)
    assert runner.exitcode == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
