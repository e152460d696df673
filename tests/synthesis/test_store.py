import errno
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from mmseg_ganaug.synthesis import Sample, SampleStore, fingerprint_of

PHOTO = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
LABELS = np.array([[0, 1, 2, 255, 0, 1]] * 4, dtype=np.uint8)


@pytest.fixture
def store(tmp_path):
    store = SampleStore(tmp_path, {'plan': 'a'})
    store.prepare('{"header": 1}\n')
    return store


def files(store):
    return sorted(path.name for path in store.folder.rglob('*') if path.is_file())


def test_sample_comes_back_as_it_was_written(store):
    store.write(3, Sample(PHOTO, LABELS))
    photo = cv2.imread(store.photo_path(3))[..., ::-1]
    labels = cv2.imread(store.label_path(3), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(photo, PHOTO)
    np.testing.assert_array_equal(labels, LABELS)


def test_reduce_zero_label_is_undone_in_the_files(tmp_path):
    store = SampleStore(tmp_path, {}, reduce_zero_label=True)
    store.prepare('')
    store.write(0, Sample(PHOTO, LABELS))
    written = cv2.imread(store.label_path(0), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(written[0], [1, 2, 3, 0, 1, 2])


def test_missing_lists_what_is_not_there_yet(store):
    store.write(1, Sample(PHOTO, LABELS))
    assert store.missing(3) == [0, 2]


def test_sample_without_its_photo_does_not_exist(store):
    store.write(0, Sample(PHOTO, LABELS))
    os.remove(store.photo_path(0))
    assert store.missing(1) == [0]


def test_folder_depends_on_everything_the_samples_depend_on(tmp_path):
    folders = {
        SampleStore(tmp_path, {'plan': 'a'}).folder,
        SampleStore(tmp_path, {'plan': 'b'}).folder,
        SampleStore(tmp_path, {'plan': 'a'}, photo_suffix='.jpg').folder,
        SampleStore(tmp_path, {'plan': 'a'}, reduce_zero_label=True).folder,
    }
    assert len(folders) == 4
    assert fingerprint_of({'a': 1, 'b': 2}) == fingerprint_of({'b': 2, 'a': 1})


def test_unknown_photo_format_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"'.bmp'.*\.png, \.jpg"):
        SampleStore(tmp_path, {}, photo_suffix='.bmp')


def test_leftovers_of_dead_processes_are_cleared_and_those_of_living_ones_kept(store):
    dead = subprocess.Popen([sys.executable, '-c', ''])
    dead.wait()
    host = os.uname().nodename
    gone = store.photo_folder / f'.tmp-{host}-{dead.pid}-00000000.png'
    alive = store.photo_folder / f'.tmp-{host}-{os.getpid()}-00000001.png'
    for path in (gone, alive):
        path.write_bytes(b'half')
    store.prepare('')
    assert not gone.exists()
    assert alive.exists()
    assert store.missing(2) == [0, 1]


def test_full_disk_says_what_is_needed_and_leaves_nothing_half_written(
    store, monkeypatch
):
    def full(source, target):
        raise OSError(errno.ENOSPC, 'No space left on device')

    before = files(store)
    monkeypatch.setattr(os, 'replace', full)
    with pytest.raises(OSError, match=r'disk of .* is full.*samples made so far'):
        store.write(0, Sample(PHOTO, LABELS))
    assert files(store) == before


def test_folder_that_cannot_be_made_is_named(tmp_path):
    blocker = tmp_path / 'file'
    blocker.write_text('')
    with pytest.raises(OSError, match=f'cannot be stored in {blocker}'):
        SampleStore(blocker, {}).prepare('')
