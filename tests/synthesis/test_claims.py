"""Locks on a store: held by one, dropped by the dead, granted where there are none."""

import errno
import multiprocessing
import os
import signal
import time

import pytest

from mmseg_ganaug import file_locks
from mmseg_ganaug.synthesis import claims as claims_module
from mmseg_ganaug.synthesis.claims import StoreLocks

CONTEXT = multiprocessing.get_context('forkserver')
PATIENCE = 60


def lay_out():
    pass


def hold(store, reports):
    """Fills a store until it is killed."""
    with StoreLocks(store).filling(lay_out) as claims:
        reports.put([claims.take(3), claims.take(4)])
        claims.drop(4)
        reports.put('dropped')
        time.sleep(PATIENCE)


@pytest.fixture
def holder(tmp_path):
    """A process that fills ``tmp_path / 'store'`` and holds a claim to batch 3."""
    reports = CONTEXT.Queue()
    child = CONTEXT.Process(
        target=hold, args=(tmp_path / 'store', reports), daemon=True
    )
    child.start()
    assert reports.get(timeout=PATIENCE) == [True, True]
    assert reports.get(timeout=PATIENCE) == 'dropped'
    yield child
    kill(child)


def kill(child):
    child.kill()
    child.join(PATIENCE)
    assert child.exitcode == -signal.SIGKILL


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_claim_is_held_until_it_is_dropped_or_its_holder_dies(tmp_path, holder):
    with StoreLocks(tmp_path / 'store').filling(lay_out) as claims:
        assert not claims.take(3)
        assert claims.take(4)
        kill(holder)
        assert claims.take(3)


def test_claims_of_one_process_hold_against_each_other(tmp_path):
    locks = StoreLocks(tmp_path / 'store')
    with locks.filling(lay_out) as first, locks.filling(lay_out) as second:
        assert first.take(0)
        assert not second.take(0)
        first.drop(0)
        assert second.take(0)


def test_who_fills_a_store_is_seen_until_he_ends_or_dies(tmp_path, holder):
    locks = StoreLocks(tmp_path / 'store')
    assert len(locks.holders()) == 2
    assert StoreLocks(tmp_path / 'stor').holders() == []
    kill(holder)
    assert locks.holders() == []
    with locks.filling(lay_out):
        assert len(locks.holders()) == 1
    assert locks.holders() == []


def test_a_store_reached_by_a_link_has_the_same_locks(tmp_path, holder):
    (tmp_path / 'link').symlink_to(tmp_path)
    assert len(StoreLocks(tmp_path / 'link' / 'store').holders()) == 2


def test_files_of_locks_do_not_pile_up(tmp_path, holder):
    kill(holder)
    assert len(names(tmp_path)) == 3
    with StoreLocks(tmp_path / 'store').filling(lay_out) as claims:
        for number in range(200):
            assert claims.take(number)
        assert len(names(tmp_path)) >= 200
        for number in range(100):
            claims.drop(number)
    assert names(tmp_path) == ['.store.lock']


def test_nobody_lays_out_a_store_that_another_removes(tmp_path):
    seen = []
    with StoreLocks(tmp_path / 'store').alone():
        reports = CONTEXT.Queue()
        other = CONTEXT.Process(target=hold, args=(tmp_path / 'store', reports))
        other.start()
        time.sleep(1)
        seen.append(reports.empty())
    assert reports.get(timeout=PATIENCE) == [True, True]
    kill(other)
    assert seen == [True]


def refuse_flock(monkeypatch, reason):
    import fcntl

    def refuse(file, operation):
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(fcntl, 'flock', refuse)


@pytest.mark.filterwarnings('ignore:flock not supported')
@pytest.mark.parametrize('reason', [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_without_locks_every_claim_is_granted_and_who_fills_is_still_seen(
    tmp_path, monkeypatch, reason
):
    refuse_flock(monkeypatch, reason)
    locks = StoreLocks(tmp_path / 'store')
    with locks.filling(lay_out) as first, locks.filling(lay_out) as second:
        assert first.take(0)
        assert second.take(0)
        assert len(locks.holders()) == 2
        first.drop(0)
    assert locks.holders() == []


def test_a_lock_file_that_cannot_be_made_keeps_nobody_from_working(
    tmp_path, monkeypatch
):
    locks = StoreLocks(tmp_path / 'store')
    with locks.filling(lay_out) as claims:

        def refuse(path, timeout=0):
            raise OSError(errno.ENOSPC, 'No space left on device')

        monkeypatch.setattr(claims_module, 'take_lock', refuse)
        assert claims.take(0)


def test_what_the_laying_out_raises_comes_through(tmp_path):
    def refuse():
        raise OSError(errno.EROFS, 'Read-only file system')

    filling = StoreLocks(tmp_path / 'store').filling(refuse)
    with pytest.raises(OSError, match='Read-only'), filling:
        pass
    assert StoreLocks(tmp_path / 'store').holders() == []


def test_one_who_clears_leftovers_does_not_hide_that_there_are_locks(
    tmp_path, monkeypatch
):
    take, seen = file_locks.take_lock, []

    def take_too_late(path, timeout=0):
        seen.append(path)
        # The first file is held for a moment by another process.
        return None if len(seen) == 1 else take(path, timeout)

    monkeypatch.setattr(file_locks, 'take_lock', take_too_late)
    with StoreLocks(tmp_path / 'store').filling(lay_out) as first:
        assert first.take(0)
        with StoreLocks(tmp_path / 'store').filling(lay_out) as second:
            assert not second.take(0)
