import logging
import multiprocessing
import os
import signal
import traceback
from functools import lru_cache
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import settings
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope

# Before NumPy and torch start their threads. Test processes run beside each other, and
# what they start inherits this.
for _name in ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'):
    os.environ.setdefault(_name, '1')

# A shell ignores Ctrl-C for what it runs in the background; all below inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine must not fail a test.
settings.register_profile('no deadline', deadline=None)
settings.load_profile('no deadline')

_REPOSITORY = Path(__file__).resolve().parent.parent
_forks = []

# What processes of 'forkserver' begin with: it is imported once, and not by each.
multiprocessing.set_forkserver_preload(
    ['mmseg.datasets', 'mmseg_ganaug.datasets', 'mmseg_ganaug.models']
)

# Called by os.fork, which multiprocessing's 'fork' and DataLoader's workers use; not by
# subprocess, 'spawn' and 'forkserver'.
os.register_at_fork(before=lambda: _forks.append(traceback.format_stack()))


@pytest.fixture(autouse=True)
def no_forks():
    """Fails a test that forks: pytest's process has threads, whose locks may be held.

    The limits of pytest-timeout and the workers of pytest-xdist are threads of it.
    """
    _forks.clear()
    yield
    if _forks:
        pytest.fail(
            "this test forks pytest's process, which has threads, and may hang: start "
            "workers with multiprocessing_context='forkserver', and what has to fork "
            'in a process of its own. It was forked in\n' + ''.join(_forks[0][-6:])
        )


@pytest.fixture(autouse=True)
def no_scope_stays():
    """Takes away the default scope that a runner of this process leaves behind."""
    before = DefaultScope._instance_dict.copy()
    yield
    DefaultScope._instance_dict = before


@pytest.fixture
def logged():
    """What is logged, from INFO on."""
    messages = []
    handler = logging.Handler(logging.INFO)
    handler.emit = lambda record: messages.append(record.getMessage())
    logger = MMLogger.get_current_instance()
    logger.addHandler(handler)
    yield messages
    logger.removeHandler(handler)


@pytest.fixture(autouse=True, scope='session')
def records_of_these_tests(tmp_path_factory):
    """Keeps what is remembered of files out of the user's cache folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('XDG_CACHE_HOME', str(tmp_path_factory.mktemp('xdg_cache')))
        yield


@pytest.fixture(scope='session', autouse=True)
def metafiles_are_read_once():
    """Of MMSeg, for each `mmseg::` in a config: half a second each time."""
    with pytest.MonkeyPatch.context() as patch:
        utils = import_module('mmengine.config.utils')
        patch.setattr(utils, 'load', lru_cache(maxsize=None)(utils.load))
        yield


@pytest.fixture(scope='session')
def real_data() -> Path:
    """The folder with camvid/, cityscapes_samples/ and bdd100k_labels/."""
    candidates = [_REPOSITORY.parent / 'shared' / 'data']
    if os.environ.get('GANAUG_DATA'):
        candidates.insert(0, Path(os.environ['GANAUG_DATA']))
    for candidate in candidates:
        if (candidate / 'camvid').is_dir():
            return candidate
    pytest.skip('no real data here: set GANAUG_DATA to the folder that holds camvid/')


def pytest_collection_modifyitems(config, items):
    """Has the files with slow tests begin, so that no worker ends long before another.

    With one process, tests stay in the order of their folders.
    """
    if hasattr(config, 'workerinput'):
        slow = {item.path for item in items if item.get_closest_marker('slow')}
        items.sort(key=lambda item: item.path not in slow)
