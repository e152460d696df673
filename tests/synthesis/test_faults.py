"""Killed, crowded, damaged: the samples are the same bytes in the end."""

import errno
import multiprocessing
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from mmseg_ganaug.recompose import AddSingle, LabelStatistics, MemoryLabelSource
from mmseg_ganaug.synthesis import SampleMaker, SampleStore, synthesize
from mmseg_ganaug.synthesis.synthesize import _SharedProgress

NUM_SAMPLES, BATCH = 40, 3

CONTEXT = multiprocessing.get_context('forkserver')
PATIENCE = 60


class SlowPainter:
    """Takes a moment, and leaves a mark for each batch."""

    ignore_index = 255
    uses_instances = False

    def __init__(self, marks, seconds):
        self._marks = marks
        self._seconds = seconds

    def paint(self, label_maps, instance_maps=None):
        time.sleep(self._seconds)
        with open(self._marks, 'ab', buffering=0) as file:
            file.write(b'x')
        # What is painted together shows in the bytes.
        return np.repeat(label_maps[..., None] * 9 + len(label_maps), 3, axis=-1)


def work(folder, seconds=0.0):
    """Makes what is missing in a store."""
    rng = np.random.default_rng(0)
    maps = [rng.integers(0, 3, (20, 24)).astype(np.uint8) for _ in range(5)]
    source = MemoryLabelSource(maps, 3)
    way = AddSingle()
    plan = way.plan(LabelStatistics.collect(source), NUM_SAMPLES, 0)
    painter = SlowPainter(folder / 'marks', seconds)
    maker = SampleMaker(plan, NUM_SAMPLES, way.recompose, source, painter)
    store = SampleStore(folder, {'plan': plan.fingerprint()})
    missing = store.missing(NUM_SAMPLES)
    if missing:
        store.prepare('plan\n')
        synthesize(maker, missing, store, BATCH)
    return store


def start(folder, seconds):
    """Does the work in another process."""
    child = CONTEXT.Process(target=work, args=(folder, seconds), daemon=True)
    child.start()
    return child


def exit_code(child):
    child.join(PATIENCE)
    return child.exitcode


def contents(store):
    return {
        str(path.relative_to(store.folder)): path.read_bytes()
        for path in store.folder.rglob('*')
        if path.is_file()
    }


def batches_painted(folder):
    return (folder / 'marks').stat().st_size


@pytest.fixture
def undisturbed(tmp_path):
    folder = tmp_path / 'undisturbed'
    folder.mkdir()
    return contents(work(folder))


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / 'disturbed'
    folder.mkdir()
    return folder


def test_killed_fifty_times_it_ends_with_the_same_bytes(folder, undisturbed):
    rng = np.random.default_rng(1)
    killed = 0
    while killed < 50:
        child = start(folder, 0.01)
        time.sleep(rng.uniform(0.01, 0.15))
        child.kill()
        if exit_code(child) == -signal.SIGKILL:
            killed += 1
        else:
            # It was done already: on to the next fifty.
            (finished,) = folder.glob('*/')
            shutil.rmtree(finished)
    assert contents(work(folder)) == undisturbed


def test_a_generator_may_take_longer_than_a_look_at_the_progress(folder, monkeypatch):
    # Looked at after every batch, of which the first are not written yet.
    monkeypatch.setattr(_SharedProgress, 'update', _SharedProgress._look)
    assert len(work(folder).present()) == NUM_SAMPLES


def test_two_processes_share_the_work(folder, undisturbed):
    children = [start(folder, 0.03) for _ in range(2)]
    assert [exit_code(child) for child in children] == [0, 0]
    assert contents(work(folder)) == undisturbed
    assert batches_painted(folder) == -(-NUM_SAMPLES // BATCH)


def test_nobody_waits_for_a_dead_process(folder, undisturbed):
    children = [start(folder, 0.05) for _ in range(2)]
    time.sleep(0.3)
    children[0].kill()
    assert exit_code(children[0]) == -signal.SIGKILL
    assert exit_code(children[1]) == 0
    assert contents(work(folder)) == undisturbed


def test_a_deleted_label_or_photo_is_made_anew(folder, undisturbed):
    store = work(folder)
    os.unlink(store.label_path(4))
    os.unlink(store.photo_path(11))
    painted = batches_painted(folder)
    assert contents(work(folder)) == undisturbed
    assert batches_painted(folder) == painted + 2


@pytest.mark.parametrize('what', ['photo', 'label'])
@pytest.mark.parametrize('kept', [0, 60])
def test_a_truncated_file_is_found_and_made_anew(folder, undisturbed, what, kept):
    store = work(folder)
    path = store.photo_path(7) if what == 'photo' else store.label_path(7)
    with open(path, 'rb+') as file:
        file.truncate(kept)
    (problem,) = store.discard_damaged(3, 255)
    assert path in problem
    assert contents(work(folder)) == undisturbed
    assert store.discard_damaged(3, 255) == []


def test_what_is_missing_is_found_among_many(tmp_path):
    store = SampleStore(tmp_path, {'plan': 'a'})
    store.prepare('plan\n')
    for number in range(0, 3000):
        open(store.photo_path(number), 'w').close()
        open(store.label_path(number), 'w').close()
    assert store.missing(100_000) == list(range(3000, 100_000))


FULL_DISK = """
import errno, sys
import numpy as np
from mmseg_ganaug.synthesis import Sample, SampleStore

store = SampleStore(sys.argv[1], {'plan': 'a'})
store.prepare('plan')
noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
sample = Sample(noise, noise[..., 0] % 3)
try:
    for index in range(100):
        store.write(index, sample)
except OSError as error:
    assert error.errno == errno.ENOSPC, error
    assert 'make room or choose another cache_dir' in str(error), error
    left = [path.name for path in store.folder.rglob('.tmp-*')]
    assert not left, left
    assert store.present() == set(range(index)), (index, store.present())
    assert store.discard_damaged(3, 255) == []
    print('stopped at', index)
"""


def test_a_disk_that_is_full_stops_it_cleanly(tmp_path):
    mount = f'mount -t tmpfs -o size=1m tmpfs {tmp_path}'
    unshare = ['unshare', '--mount', '--map-root-user', 'sh', '-c']
    try:
        tried = subprocess.run([*unshare, mount], capture_output=True, timeout=60)
    except FileNotFoundError:
        pytest.skip('there is no unshare')
    if tried.returncode:
        pytest.skip(f'no small disk can be made here: {tried.stderr.decode()}')
    command = f'{mount} && {shlex.join([sys.executable, "-c", FULL_DISK])} {tmp_path}'
    done = subprocess.run(
        [*unshare, command], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert 'stopped at' in done.stdout


def test_a_complete_store_is_read_from_a_folder_that_cannot_be_written(
    folder, monkeypatch
):
    expected = contents(work(folder))
    before = sorted(folder.rglob('*'))

    def refuse(*arguments, **options):
        raise OSError(errno.EROFS, 'Read-only file system')

    opened = os.open

    def open_to_read(path, flags, *arguments, **options):
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            refuse()
        return opened(path, flags, *arguments, **options)

    monkeypatch.setattr(os, 'open', open_to_read)
    for name in ('replace', 'rename', 'mkdir', 'unlink', 'utime'):
        monkeypatch.setattr(os, name, refuse)
    store = work(folder)
    assert store.discard_damaged(3, 255) == []
    assert contents(store) == expected
    assert sorted(folder.rglob('*')) == before


READ_ONLY = """
import os, sys
sys.path.insert(0, os.path.dirname(sys.argv[1]))
from pathlib import Path
from test_faults import contents, work

folder = Path(sys.argv[2])
complete, partial = folder / 'complete', folder / 'partial'
try:
    (complete / 'x').write_text('')
except OSError:
    pass
else:
    sys.exit('it can be written')
store = work(complete)
assert store.discard_damaged(3, 255) == []
print(len(contents(store)), 'files read')
try:
    work(partial)
except OSError as error:
    print(error)
"""


def test_on_a_read_only_disk_a_complete_store_is_used_and_a_partial_one_named(folder):
    unshare = ['unshare', '--mount', '--map-root-user', 'sh', '-c']
    remount = (
        f'mount --bind {folder} {folder} && mount -o remount,ro,bind {folder} {folder}'
    )
    try:
        tried = subprocess.run([*unshare, remount], capture_output=True, timeout=60)
    except FileNotFoundError:
        pytest.skip('there is no unshare')
    if tried.returncode:
        pytest.skip(f'nothing can be mounted here: {tried.stderr.decode()}')
    for name in ('complete', 'partial'):
        (folder / name).mkdir()
        store = work(folder / name)
    os.unlink(store.photo_path(7))
    script = shlex.join([sys.executable, '-c', READ_ONLY, __file__, str(folder)])
    done = subprocess.run(
        [*unshare, f'{remount} && {script}'],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert f'{len(contents(store)) + 1} files read' in done.stdout
    assert 'cannot be stored in' in done.stdout
    assert 'choose another cache_dir' in done.stdout


def test_a_store_that_is_removed_while_it_is_filled_gives_one_clear_error(
    folder, monkeypatch
):
    write = SampleStore.write

    def write_and_lose(self, index, sample):
        write(self, index, sample)
        if index == NUM_SAMPLES // 2:
            self.folder.rename(folder / 'moved away')

    monkeypatch.setattr(SampleStore, 'write', write_and_lose)
    with pytest.raises(OSError, match=r'removed while .* start again'):
        work(folder)
    monkeypatch.undo()
    assert len(work(folder).present()) == NUM_SAMPLES


def test_a_sample_that_is_removed_while_others_are_made_is_missed(folder, monkeypatch):
    write = SampleStore.write

    def write_and_lose(self, index, sample):
        write(self, index, sample)
        if index == NUM_SAMPLES - 1:
            os.unlink(self.photo_path(0))

    monkeypatch.setattr(SampleStore, 'write', write_and_lose)
    with pytest.raises(OSError, match=r'1 samples, such as .*00000000\.png, were'):
        work(folder)
