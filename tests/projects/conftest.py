"""With mmcv-lite, MMSeg imports after this package alone."""

import logging

import pytest
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope

import mmseg_ganaug  # noqa: F401


@pytest.fixture
def scope():
    with DefaultScope.overwrite_default_scope('mmseg'):
        yield


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
