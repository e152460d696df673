import os
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine must not fail a test.
settings.register_profile('no deadline', deadline=None)
settings.load_profile('no deadline')

_REPOSITORY = Path(__file__).resolve().parent.parent


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
