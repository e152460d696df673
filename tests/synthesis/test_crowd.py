"""Many processes on one cache, some of them killed, others pruned: the same bytes.

``GANAUG_CROWD=20`` has 20 processes fill the stores, for a minute or two.
"""

import multiprocessing
import os
import re
import signal
import socket
import time

import numpy as np
import pytest
from test_faults import SlowPainter, contents

from mmseg_ganaug.recompose import AddSingle, LabelStatistics, MemoryLabelSource
from mmseg_ganaug.synthesis import (
    SampleMaker,
    SampleStore,
    StoreInUseError,
    find_stores,
    remove_store,
    synthesize,
)

CONTEXT = multiprocessing.get_context('forkserver')
CROWD = int(os.environ.get('GANAUG_CROWD', 4))
SECONDS_BETWEEN_KILLS = 1 if CROWD > 5 else 0.3
NUM_STORES, NUM_SAMPLES, BATCH = 2, 12 * CROWD, 2
PATIENCE = 240


def fill(folder, names, seconds):
    """Fills stores of one cache, one after the other, as runs of two configs do."""
    # Two containers may have one host name, and processes of one number in them.
    socket.gethostname = lambda: 'pod'
    os.getpid = lambda: 3_999_999  # that of no process here
    rng = np.random.default_rng(0)
    maps = [rng.integers(0, 3, (20, 24)).astype(np.uint8) for _ in range(5)]
    source = MemoryLabelSource(maps, 3)
    way = AddSingle()
    statistics = LabelStatistics.collect(source)
    stores = []
    for seed, name in enumerate(names):
        plan = way.plan(statistics, NUM_SAMPLES, seed)
        painter = SlowPainter(folder / 'marks', seconds)
        maker = SampleMaker(plan, NUM_SAMPLES, way.recompose, source, painter)
        store = SampleStore(folder / 'cache', {'name': name})
        missing = store.missing(NUM_SAMPLES)
        if missing:
            store.prepare('plan\n')
            synthesize(maker, missing, store, BATCH)
        stores.append(store)
    return stores


def prune(folder, kept, removed):
    """Removes stores that it does not use, over and over."""
    while True:
        for store in find_stores(folder / 'cache'):
            if store not in kept:
                try:
                    remove_store(store)
                    removed.value += 1
                except StoreInUseError:
                    pass
        time.sleep(0.01)


def names_of(what):
    return [f'{what} {number}' for number in range(NUM_STORES)]


@pytest.mark.slow
@pytest.mark.timeout(2 * PATIENCE)
def test_a_crowd_that_is_killed_and_pruned_beside_ends_with_the_same_bytes(tmp_path):
    alone = tmp_path / 'alone'
    alone.mkdir()
    stores = fill_quietly(alone)
    expected = [contents(store) for store in stores]
    crowd = tmp_path / 'crowd'
    crowd.mkdir()
    folders = [crowd / 'cache' / store.folder.name for store in stores]
    removed = CONTEXT.Value('i', 0)

    def start(target, *arguments):
        process = CONTEXT.Process(target=target, args=arguments, daemon=True)
        process.start()
        return process

    seconds = 2.5 if CROWD > 5 else 0.1
    pruner = start(prune, crowd, folders, removed)
    fillers = [start(fill, crowd, names_of('used'), seconds) for _ in range(CROWD)]
    others = [start(fill, crowd, names_of('other') * 5, 0.0) for _ in range(2)]
    rng = np.random.default_rng(1)
    killed = 0
    ended = time.monotonic() + PATIENCE
    while any(process.is_alive() for process in fillers):
        assert time.monotonic() < ended
        assert pruner.is_alive()
        time.sleep(SECONDS_BETWEEN_KILLS)
        victim = int(rng.integers(CROWD))
        fillers[victim].kill()
        fillers[victim].join(PATIENCE)
        if fillers[victim].exitcode == -signal.SIGKILL:
            killed += 1
            fillers[victim] = start(fill, crowd, names_of('used'), seconds)
    for process in (*fillers, *others):
        process.join(PATIENCE)
    assert [process.exitcode for process in fillers] == [0] * CROWD
    assert [process.exitcode for process in others] == [0, 0]
    assert pruner.is_alive()
    pruner.kill()
    pruner.join(PATIENCE)
    print(f'{CROWD} processes, {killed} killed, {removed.value} stores pruned')
    assert killed >= 5
    assert removed.value >= 5
    for store in set(find_stores(crowd / 'cache')) - set(folders):
        assert remove_store(store) == []
    stores = fill_quietly(crowd)
    assert [store.folder for store in stores] == folders
    assert [contents(store) for store in stores] == expected
    # Nor does anything stay of those killed last, when another process starts.
    for store in stores:
        store.prepare('plan\n')
        with store.filling():
            pass
    left = sorted(path.name for path in (crowd / 'cache').iterdir())
    assert [name for name in left if name[0] != '.'] == sorted(f.name for f in folders)
    assert not [name for name in left if re.fullmatch(r'\.(tmp-.*|.*\..*\.lock)', name)]


def fill_quietly(folder):
    """Fills the stores in this process, which keeps its number and name."""
    getpid, gethostname = os.getpid, socket.gethostname
    try:
        return fill(folder, names_of('used'), 0.0)
    finally:
        os.getpid, socket.gethostname = getpid, gethostname
