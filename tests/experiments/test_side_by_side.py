"""Pieces of work run side by side, share the processors, and end with this process."""

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from mmseg_ganaug.experiments import runner, side_by_side
from mmseg_ganaug.experiments.runner import run_tool
from mmseg_ganaug.experiments.side_by_side import SideBySide


def test_as_many_pieces_run_at_once_as_there_are_places():
    meeting = threading.Barrier(2)
    seen = []

    def piece(environment, line):
        meeting.wait(30)
        seen.append(environment)
        return len(seen)

    futures = SideBySide(2, 4).run('try', [(str(n), 1, piece) for n in range(4)])
    assert sorted(future.result(60) for future in futures) == [1, 2, 3, 4]


@pytest.mark.parametrize(('jobs', 'threads'), [(1, '8'), (2, '4'), (16, '1')])
def test_processors_are_shared_out_unless_the_user_did(jobs, threads, monkeypatch):
    monkeypatch.delenv('OMP_NUM_THREADS')
    monkeypatch.setattr(os, 'sched_getaffinity', lambda process: set(range(8)))
    found = side_by_side._environments(jobs)
    assert found == [{'OMP_NUM_THREADS': threads}] * jobs
    monkeypatch.setenv('OMP_NUM_THREADS', '3')
    assert side_by_side._environments(jobs) == [{}] * jobs


def test_gpus_are_dealt_out(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    found = [each['CUDA_VISIBLE_DEVICES'] for each in side_by_side._environments(3)]
    assert found == ['0', '1', '0']
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '5,7')
    found = [each['CUDA_VISIBLE_DEVICES'] for each in side_by_side._environments(3)]
    assert found == ['5', '7', '5']


def test_an_error_is_kept_and_the_others_go_on():
    def fails(environment, line):
        raise ValueError('wrong')

    pieces = [('a', 1, fails), ('b', 1, lambda environment, line: 'fine')]
    first, second = SideBySide(1, 2).run('try', pieces)
    assert str(first.exception()) == 'wrong'
    assert second.result(60) == 'fine'


def test_the_line_shows_the_parts_and_the_time_left(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(runner, '_SECONDS_BETWEEN_LINES', 0)
    monkeypatch.setattr(side_by_side, '_SECONDS_BETWEEN_LOOKS', 0.05)
    report = tmp_path / 'report.json'
    report.write_text('{"title": "train", "done": 5, "total": 10, "seconds_left": 1}')

    def piece(environment, line):
        line.show(report)
        time.sleep(0.3)

    places = SideBySide(1, 40)
    places.skip(20)
    places.run('race', [('plain, seed 0', 20, piece)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == 'race: ...'
    assert any(
        line.startswith('race: 0 of 1 done; plain, seed 0 train 5/10; about 0:00:0')
        for line in lines
    )
    assert lines[-1] == 'race: done'


def _two_tools(folder):
    runner.find_shipped = Path
    places = SideBySide(2, 3)

    def piece(number):
        def run(environment, line):
            code = folder / f'tool{number}.py'
            code.write_text(
                'import os, pathlib, time\n'
                f'pathlib.Path({str(folder / f"pid{number}")!r}).write_text('
                'str(os.getpid()))\ntime.sleep(600)\n'
            )
            run_tool('waits', str(code), [], folder / 'log', environment, line)

        return str(number), 1, run

    places.run('try', [piece(number) for number in range(3)])


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_all_tools_end_with_this_process_and_no_other_begins(number, tmp_path):
    process = multiprocessing.get_context('forkserver').Process(
        target=_two_tools, args=(tmp_path,)
    )
    process.start()
    try:
        paths = [tmp_path / f'pid{n}' for n in range(2)]
        begun = time.monotonic()
        while not all(path.exists() and path.read_text() for path in paths):
            assert time.monotonic() - begun < 60
            time.sleep(0.05)
        os.kill(process.pid, number)
        process.join(60)
        assert process.exitcode not in (None, 0)
        for path in paths:
            with pytest.raises(ProcessLookupError):
                os.kill(int(path.read_text()), 0)
        assert not (tmp_path / 'pid2').exists()
    finally:
        process.kill()
