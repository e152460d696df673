import errno
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmseg_ganaug.in_the_way import InTheWayError
from mmseg_ganaug.synthesis import Sample, SampleStore, fingerprint_of

PHOTO = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
LABELS = np.array([[0, 1, 2, 255, 0, 1]] * 4, dtype=np.uint8)
REPORT = dict(recipe=0, dropped=0, passed=True, pixels=[9, 8, 7], ignored=[0, 1, 0])


@pytest.fixture
def store(tmp_path):
    store = SampleStore(tmp_path, {'plan': 'a'})
    store.prepare('{"header": 1}\n')
    return store


def files(store):
    return sorted(path.name for path in store.folder.rglob('*') if path.is_file())


def paths_of(store, index):
    """The three files of a sample."""
    report = store.report_folder / f'{index:08d}.json'
    return Path(store.photo_path(index)), Path(store.label_path(index)), report


def test_sample_comes_back_as_it_was_written(store):
    store.write(3, Sample(PHOTO, LABELS))
    photo = cv2.imread(store.photo_path(3))
    labels = cv2.imread(store.label_path(3), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(photo, PHOTO)
    np.testing.assert_array_equal(labels, LABELS)


def test_missing_lists_what_is_not_there_yet(store):
    store.write(1, Sample(PHOTO, LABELS))
    assert store.missing(3) == [0, 2]


def test_sample_without_its_photo_does_not_exist(store):
    store.write(0, Sample(PHOTO, LABELS))
    os.remove(store.photo_path(0))
    assert store.missing(1) == [0]


@pytest.mark.parametrize(
    'name', ['thumb', '00000000 (1)', '0', '000000000', '²0000000', '-0000001', '']
)
def test_files_with_other_names_are_no_samples(store, name):
    store.write(0, Sample(PHOTO, LABELS, REPORT))
    for path in paths_of(store, 0):
        (path.parent / f'{name}{path.suffix}').write_text('mine')
    assert store.present() == {0}
    assert list(store.reports()) == [REPORT]
    assert store.discard_damaged(3, 255) == []


def test_folder_depends_on_everything_the_samples_depend_on(tmp_path):
    folders = {
        SampleStore(tmp_path, {'plan': 'a'}).folder,
        SampleStore(tmp_path, {'plan': 'b'}).folder,
        SampleStore(tmp_path, {'plan': 'a'}, photo_suffix='.jpg').folder,
    }
    assert len(folders) == 3
    assert fingerprint_of({'a': 1, 'b': 2}) == fingerprint_of({'b': 2, 'a': 1})


def test_unknown_photo_format_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"'.bmp'.*\.png, \.jpg"):
        SampleStore(tmp_path, {}, photo_suffix='.bmp')


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


def test_a_disk_that_becomes_read_only_is_named_with_a_remedy(store, monkeypatch):
    def refuse(source, target):
        raise OSError(errno.EROFS, 'Read-only file system')

    monkeypatch.setattr(os, 'replace', refuse)
    with pytest.raises(OSError, match=r'Read-only .* another cache_dir, .* are kept'):
        store.write(0, Sample(PHOTO, LABELS))


def test_folder_that_cannot_be_made_is_named(tmp_path):
    blocker = tmp_path / 'file'
    blocker.write_text('')
    with pytest.raises(OSError, match=f'cannot be stored in {blocker}'):
        SampleStore(blocker, {}).prepare('')


def test_a_store_that_was_removed_is_not_made_again_for_one_sample(store):
    store.photo_folder.rmdir()
    store.label_folder.rmdir()
    store.report_folder.rmdir()
    with pytest.raises(OSError, match=r'was removed while .* start again'):
        store.write(0, Sample(PHOTO, LABELS))
    assert not store.report_folder.exists()


def test_a_folder_of_somebody_else_is_left_as_it_is(tmp_path):
    store = SampleStore(tmp_path, {'plan': 'a'})
    notes = store.folder / 'images' / 'notes.txt'
    notes.parent.mkdir(parents=True)
    notes.write_text('mine')
    with pytest.raises(InTheWayError, match=r'notes\.txt\n.*another cache_dir'):
        store.prepare('plan')
    assert files(store) == ['notes.txt']


@pytest.mark.parametrize('name', ['store.json', 'plan.jsonl', 'ganaug.json'])
def test_a_damaged_file_of_the_store_is_written_again(store, name):
    path = store.folder / name
    whole = path.read_bytes()
    for damaged in (whole[:-2], whole[: len(whole) // 2], b'', b'{}', b'\xff'):
        path.write_bytes(damaged)
        store.prepare('{"header": 1}\n')
        assert path.read_bytes() == whole
    path.unlink()
    store.prepare('{"header": 1}\n')
    assert path.read_bytes() == whole


def test_what_is_whole_is_not_written_again(store, monkeypatch):
    def refuse(*arguments):
        raise AssertionError(arguments)

    monkeypatch.setattr(os, 'replace', refuse)
    store.prepare('{"header": 1}\n')


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def cut(path):
    path.write_bytes(path.read_bytes()[:-2])


def empty(path):
    path.write_bytes(b'')


@pytest.mark.parametrize('damage', [flip_a_bit, cut, empty])
@pytest.mark.parametrize('part', [0, 1, 2], ids=['photo', 'labels', 'report'])
@pytest.mark.parametrize('suffix', ['.png', '.jpg'])
def test_any_damage_is_found_and_that_sample_alone_removed(
    tmp_path, damage, part, suffix
):
    store = SampleStore(tmp_path, {}, photo_suffix=suffix)
    store.prepare('')
    for index in range(3):
        store.write(index, Sample(PHOTO + index, LABELS, REPORT))
    path = paths_of(store, 1)[part]
    damage(path)
    (problem,) = store.discard_damaged(3, 255)
    assert str(path) in problem or part == 2
    assert store.present() == {0, 2}
    store.write(1, Sample(PHOTO + 1, LABELS, REPORT))
    assert store.discard_damaged(3, 255) == []


def says_the_same(content, whole):
    try:
        return json.loads(content) == json.loads(whole)
    except ValueError:
        return False


def test_every_flipped_bit_of_a_sample_is_found(store):
    for path in paths_of(store, 0):
        store.write(0, Sample(PHOTO, LABELS, REPORT))
        whole = path.read_bytes()
        for bit in range(0, 8 * len(whole), 61):
            store.write(0, Sample(PHOTO, LABELS, REPORT))
            content = bytearray(whole)
            content[bit // 8] ^= 1 << bit % 8
            path.write_bytes(content)
            if path.suffix == '.json' and says_the_same(content, whole):
                continue
            assert len(store.discard_damaged(3, 255)) == 1, (path, bit)


def test_swapped_files_are_found(store):
    for index in range(2):
        store.write(index, Sample(PHOTO + index, LABELS))
    first, second = store.photo_path(0), store.photo_path(1)
    content = Path(first).read_bytes(), Path(second).read_bytes()
    Path(second).write_bytes(content[0])
    Path(first).write_bytes(content[1])
    found = store.discard_damaged(3, 255)
    assert [first in found[0], second in found[1]] == [True, True]
    assert store.missing(2) == [0, 1]


def test_damage_is_found_without_the_report_too(store):
    for damage in (flip_a_bit, cut, empty):
        for part in (0, 1):
            store.write(0, Sample(PHOTO, LABELS))
            photo, labels, report = paths_of(store, 0)
            report.unlink()
            assert store.discard_damaged(3, 255) == []
            damage((photo, labels)[part])
            assert len(store.discard_damaged(3, 255)) == 1


def test_values_that_are_no_classes_and_other_sizes_are_found(store):
    store.write(0, Sample(PHOTO, LABELS + np.uint8(3)))
    store.write(1, Sample(PHOTO[:2], LABELS))
    value, size = store.discard_damaged(3, 255)
    assert 'holds values that are no classes, such as 3' in value
    assert 'is (4, 6), but its photo (2, 6)' in size


def test_a_damaged_report_is_left_out_of_the_table_and_nothing_else(store):
    for index in range(3):
        store.write(index, Sample(PHOTO, LABELS, dict(REPORT, recipe=index)))
    path = paths_of(store, 1)[2]
    whole = path.read_text()
    for damaged in ('', whole[:-5], '[]', '{}', whole.replace('9', '8', 1)):
        path.write_text(damaged)
        assert [report['recipe'] for report in store.reports()] == [0, 2]
