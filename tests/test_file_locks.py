"""Locks of files; on a file system without locks, work goes on."""

import errno
import fcntl
import os
import threading

import pytest

from mmseg_ganaug.evaluation.run_result import RunResult, add_run, load_runs
from mmseg_ganaug.file_locks import grants_locks, locked
from mmseg_ganaug.ownership import WorkFolder

# What Lustre and NFS say that are mounted without locks, and other systems.
REASONS = [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP]
no_locks = pytest.mark.filterwarnings('ignore:flock not supported')


@pytest.fixture(params=REASONS)
def refused(request, monkeypatch):
    def refuse(file, operation):
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, 'flock', refuse)


def test_who_comes_second_waits(tmp_path):
    seen, done = [], threading.Event()

    def enter():
        with locked(tmp_path / '.lock'):
            seen.append('second')
        done.set()

    with locked(tmp_path / '.lock'):
        thread = threading.Thread(target=enter, daemon=True)
        thread.start()
        assert not done.wait(0.3)
        seen.append('first')
    assert done.wait(20)
    assert seen == ['first', 'second']


@no_locks
def test_without_locks_nobody_waits(tmp_path, refused):
    assert not grants_locks(tmp_path)
    # As a process leaves it that was killed while it held a substitute for a lock.
    (tmp_path / '.lock').write_text('1\nanother-host\n')
    with locked(tmp_path / '.lock'), locked(tmp_path / '.lock'):
        pass


@no_locks
def test_work_folders_and_results_do_without_locks(tmp_path, refused):
    work = WorkFolder(tmp_path / 'work', 'bench')
    for text in ('first', 'second'):
        work.write(work.folder / 'a.txt', text)
    assert (work.folder / 'a.txt').read_text() == 'second'
    run = RunResult('plain', 0, 50.0, 60.0, {'a': 50.0}, 'p')
    add_run(tmp_path / 'p.jsonl', run)
    assert [each.method for each in load_runs(tmp_path / 'p.jsonl')] == ['plain']
