"""The self-test of each room passes here, and sees wrong results."""

import pytest

from mmseg_ganaug.doctor import self_test
from mmseg_ganaug.doctor.__main__ import SELF_TESTS
from mmseg_ganaug.doctor.check import OK, PROBLEM, attempt


@pytest.mark.parametrize('name', SELF_TESTS)
def test_self_test_of_each_room_passes_here(name):
    check = SELF_TESTS[name]()
    assert (check.name, check.status) == (name, OK)


def test_self_test_sees_a_wrong_result(monkeypatch):
    from mmseg_ganaug.evaluation.metrics import ClassIoUMetric

    monkeypatch.setattr(ClassIoUMetric, 'evaluate', lambda self, size: {'IoU.road': 7})
    check = attempt('evaluation', self_test.check_evaluation)
    assert check.status == PROBLEM
    assert 'an IoU of 7, not 50' in check.message
