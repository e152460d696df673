import errno
import hashlib
import os
import signal
import socket
import subprocess
import sys
import textwrap

import pytest

from mmseg_ganaug import files
from mmseg_ganaug.files import (
    evenly_spread,
    file_digest,
    is_temporary,
    remove_leftovers,
    unless_read_only,
    write_atomically,
    written_whole,
)

#: Writes without end into the folder of its argument, and says when it has begun.
WRITER = textwrap.dedent(
    """
    import os, sys
    from mmseg_ganaug import files

    def wait(file):
        print('written', flush=True)
        sys.stdin.read()

    files._flush = wait
    files.write_atomically(os.path.join(sys.argv[1], 'file'), 'whole')
    """
)


@pytest.fixture
def writer(tmp_path):
    """A process that has written a file and not yet renamed it."""
    process = subprocess.Popen(
        [sys.executable, '-c', WRITER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == b'written\n'
    yield process
    process.kill()
    process.communicate(timeout=60)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_whole_and_nothing_else_stays(tmp_path):
    path = tmp_path / 'folder' / 'file'
    assert write_atomically(path, 'first') == path
    write_atomically(path, b'second')
    assert path.read_bytes() == b'second'
    assert names(path.parent) == ['file']


def test_what_was_there_stays_when_writing_fails(tmp_path):
    path = write_atomically(tmp_path / 'file', 'first')
    with pytest.raises(KeyError), written_whole(path) as file:
        file.write(b'half')
        raise KeyError
    assert path.read_text() == 'first'
    assert names(tmp_path) == ['file']


@pytest.mark.parametrize('name', ['x' * 255, 'ä' * 127, os.fsdecode(b'\xff.png')])
def test_a_name_may_be_as_long_and_as_odd_as_the_file_system_allows(tmp_path, name):
    assert write_atomically(tmp_path / name, 'text').read_text() == 'text'


def test_content_is_flushed_before_the_rename(tmp_path, monkeypatch):
    done = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, 'fsync', lambda file: (done.append('fsync'), fsync(file)))
    monkeypatch.setattr(
        os, 'replace', lambda *paths: (done.append('replace'), replace(*paths))
    )
    write_atomically(tmp_path / 'file', 'text')
    assert done == ['fsync', 'replace', 'fsync']


def test_a_file_system_without_fsync_does(tmp_path, monkeypatch):
    def refuse(file):
        raise OSError(errno.EINVAL, 'Invalid argument')

    monkeypatch.setattr(os, 'fsync', refuse)
    assert write_atomically(tmp_path / 'file', 'text').read_text() == 'text'


def test_names_tell_neither_process_nor_host(tmp_path, monkeypatch):
    seen = []
    replace = os.replace
    monkeypatch.setattr(
        os, 'replace', lambda *paths: (seen.append(paths[0].name), replace(*paths))
    )
    for _ in range(3):
        write_atomically(tmp_path / 'file', 'text')
    assert len(set(seen)) == 3
    for name in seen:
        assert is_temporary(name)
        assert socket.gethostname() not in name
        assert str(os.getpid()) not in name.split('-')


def test_leftovers_of_a_killed_writer_are_removed_and_those_of_a_living_one_kept(
    tmp_path, writer
):
    (unfinished,) = names(tmp_path)
    assert is_temporary(unfinished)
    remove_leftovers(tmp_path)
    assert names(tmp_path) == [unfinished]
    writer.send_signal(signal.SIGKILL)
    writer.wait(timeout=60)
    remove_leftovers(tmp_path)
    assert names(tmp_path) == []


def test_a_writer_goes_on_where_others_take_its_file_for_a_leftover(tmp_path, writer):
    (unfinished,) = names(tmp_path)
    (tmp_path / unfinished).unlink()
    writer.communicate(timeout=60)
    assert writer.returncode == 0
    assert (tmp_path / 'file').read_text() == 'whole'
    assert names(tmp_path) == ['file']


def test_a_missing_folder_has_no_leftovers(tmp_path):
    remove_leftovers(tmp_path / 'missing')
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    'name',
    [
        '.tmp-notes',
        '.tmp-host-123-file.png',
        '.tmp-' + '0' * 31,
        '.tmp-' + 'A' * 32,
        '.tmp-' + '0' * 32 + '.png',
        'x.tmp-' + '0' * 32,
    ],
)
def test_files_of_others_are_no_leftovers(tmp_path, name):
    (tmp_path / name).write_text('mine')
    remove_leftovers(tmp_path)
    assert names(tmp_path) == [name]


def test_without_locks_a_leftover_is_removed_when_it_is_old(tmp_path, monkeypatch):
    def refuse(file):
        raise OSError(errno.ENOLCK, 'No locks available')

    monkeypatch.setattr(files, '_lock', refuse)
    path = tmp_path / ('.tmp-' + '0' * 32)
    path.write_text('half')
    remove_leftovers(tmp_path)
    assert path.exists()
    os.utime(path, (0, 0))
    remove_leftovers(tmp_path)
    assert not path.exists()
    assert write_atomically(tmp_path / 'file', 'text').read_text() == 'text'


@pytest.mark.parametrize('reason', [errno.EROFS, errno.EACCES, errno.EPERM])
def test_a_cache_that_cannot_be_written_is_passed_over(reason):
    with unless_read_only():
        raise OSError(reason, os.strerror(reason))


def test_a_full_disk_is_not_passed_over():
    with pytest.raises(OSError, match='No space'), unless_read_only():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ('total', 'most', 'picked'),
    [
        (0, 3, []),
        (2, 3, [0, 1]),
        (10, 1, [0]),
        (10, 3, [0, 4, 9]),
        (10, 10, list(range(10))),
    ],
)
def test_samples_of_many_reach_from_the_first_to_the_last(total, most, picked):
    assert evenly_spread(total, most) == picked


def test_the_digest_of_a_file_is_that_of_its_prefix_and_all_its_blocks(tmp_path):
    content = bytes(range(256)) * 2**13
    (tmp_path / 'file').write_bytes(content)
    whole = hashlib.sha256(b'begins' + content).hexdigest()
    assert file_digest(tmp_path / 'file', b'begins') == whole
    assert file_digest(tmp_path / 'file') == hashlib.sha256(content).hexdigest()
