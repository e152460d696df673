"""With mmcv-lite, MMSeg imports after this package alone."""

import pytest
from mmengine.registry import DefaultScope

import mmseg_ganaug  # noqa: F401


@pytest.fixture
def scope():
    with DefaultScope.overwrite_default_scope('mmseg'):
        yield
