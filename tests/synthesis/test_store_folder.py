"""What a store consists of; removing one takes that, and nothing else."""

from pathlib import Path

import numpy as np
import pytest

from mmseg_ganaug.synthesis import (
    Sample,
    SampleStore,
    StoreInUseError,
    find_stores,
    remove_store,
)

PHOTO = np.zeros((4, 6, 3), np.uint8)


@pytest.fixture
def store(tmp_path):
    store = SampleStore(tmp_path / 'cache', {'plan': 'a'})
    store.prepare('plan\n')
    for index in range(5):
        store.write(index, Sample(PHOTO, PHOTO[..., 0]))
    return store


def test_a_store_is_found_with_its_size_and_removed_whole(store):
    leftover = store.photo_folder / ('.tmp-' + '0' * 32)
    leftover.write_bytes(b'half')
    files = [path for path in store.folder.rglob('*') if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    assert find_stores(store.folder.parent) == {store.folder: size}
    assert remove_store(store.folder) == []
    assert not store.folder.exists()
    assert find_stores(store.folder.parent) == {}


def test_where_there_is_no_cache_folder_there_are_no_stores(tmp_path):
    assert find_stores(tmp_path / 'missing') == {}
    assert remove_store(tmp_path / 'missing') == []


@pytest.mark.parametrize('mark', ['', '{', '{"tool": "mmseg_ganaug"}', '[]', None])
def test_without_a_whole_mark_nothing_is_removed(store, mark):
    path = store.folder / 'ganaug.json'
    path.unlink()
    if mark is not None:
        path.write_text(mark)
    before = sorted(store.folder.rglob('*'))
    assert find_stores(store.folder.parent) == {}
    assert remove_store(store.folder) == []
    assert sorted(store.folder.rglob('*')) == before


def test_a_mark_for_something_else_makes_no_store(store):
    path = store.folder / 'ganaug.json'
    path.write_text(path.read_text().replace('sample store', 'training'))
    assert find_stores(store.folder.parent) == {}


def test_a_link_to_a_store_is_passed_over(store, tmp_path):
    other = tmp_path / 'other'
    other.mkdir()
    (other / 'link').symlink_to(store.folder)
    assert find_stores(other) == {}
    assert list(find_stores(tmp_path / 'cache')) == [store.folder]


def test_killed_in_between_a_removal_goes_on_the_next_time(store, monkeypatch):
    unlink, calls = Path.unlink, []

    def unlink_some(self, missing_ok=False):
        if self.is_relative_to(store.folder):
            calls.append(self)
            if len(calls) == 8:
                raise KeyboardInterrupt
        unlink(self, missing_ok)

    monkeypatch.setattr(Path, 'unlink', unlink_some)
    with pytest.raises(KeyboardInterrupt):
        remove_store(store.folder)
    monkeypatch.undo()
    assert list(find_stores(store.folder.parent)) == [store.folder]
    assert remove_store(store.folder) == []
    assert not store.folder.exists()


def test_a_store_that_is_being_filled_is_not_removed(store):
    before = sorted(store.folder.rglob('*'))
    with store.filling(), pytest.raises(StoreInUseError, match=store.folder.name):
        remove_store(store.folder)
    assert sorted(store.folder.rglob('*')) == before


def test_a_store_that_is_pruned_before_it_is_filled_is_laid_out_again(store):
    remove_store(store.folder)
    with store.filling():
        assert list(find_stores(store.folder.parent)) == [store.folder]
        assert store.plan_path.read_text() == 'plan\n'
        store.write(0, Sample(PHOTO, PHOTO[..., 0]))
    assert store.present() == {0}
