import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmseg_ganaug import class_option_checks, option_checks
from mmseg_ganaug.class_option_checks import (
    check_class_values,
    check_class_weight,
    check_classes,
    check_ignore_index,
    check_num_classes,
)
from mmseg_ganaug.option_checks import (
    check_choice,
    check_mapping,
    check_names,
    check_number,
    check_numbers,
    check_path,
    check_range,
    check_size,
    check_whole,
    check_whole_numbers,
)

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=3)
    | st.binary(max_size=3)
    | st.just(np.float32('nan'))
    | st.just(np.array([[1, 2]]))
    | st.just(object()),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=2) | st.integers(), inner, max_size=2)
    ),
    max_leaves=5,
)
CHECKS = sorted(
    (
        check
        for module in (option_checks, class_option_checks)
        for name, check in vars(module).items()
        if name.startswith('check_') and check.__module__ == module.__name__
    ),
    key=lambda check: check.__name__,
)


@pytest.mark.parametrize('check', CHECKS, ids=lambda check: check.__name__)
@given(value=ANYTHING)
def test_any_value_is_returned_or_refused_by_name(check, value):
    more = [('a', 'b')] if check is check_choice else []
    try:
        check('Crop', 'side', value, *more)
    except ValueError as error:
        assert type(error) is ValueError
        assert str(error).startswith('Crop: side=')
        assert ': must be ' in str(error)
        assert len(str(error)) < 900


@pytest.mark.parametrize(
    ('checked', 'expected'),
    [
        (check_number('A', 'x', np.float64(0.5), 0, 1), 0.5),
        (check_number('A', 'x', 3, above=2), 3),
        (check_whole('A', 'x', np.int32(4)), 4),
        (check_size('A', 'x', [2, np.int64(3)]), (2, 3)),
        (check_range('A', 'x', np.array([0.5, 0.5])), (0.5, 0.5)),
        (check_numbers('A', 'x', [1, 2.5]), (1, 2.5)),
        (check_whole_numbers('A', 'x', (3, 1), different=True), (3, 1)),
        (check_names('A', 'x', ('a', 'b')), ['a', 'b']),
        (check_choice('A', 'x', np.int64(8), (8, 16)), 8),
        (check_path('A', 'x', Path('a/b')), 'a/b'),
        (check_mapping('A', 'x', dict(a=1), ('a',), ('a', 'b')), dict(a=1)),
        (check_classes('A', 'x', ['road', np.uint8(3)]), ['road', 3]),
        (check_classes('A', 'x', [], fewest=0), []),
        (check_class_values('A', 'x', dict(car=1, bus=0)), dict(car=1, bus=0)),
        (check_class_weight('A', 'x', np.array([0.0, 2.0]), 2), [0.0, 2.0]),
        (check_num_classes('A', 'x', 255), 255),
        (check_ignore_index('A', 'x', 0), 0),
    ],
)
def test_a_good_value_comes_back_as_plain_python(checked, expected):
    assert checked == expected and type(checked) is type(expected)
    json.dumps(checked)


def test_values_that_are_not_known_may_be_left_open():
    values = check_class_values('A', 'iou', [0.5, None, math.nan], 1, unknown=True)
    assert values[0] == 0.5 and all(map(math.isnan, values[1:]))


@pytest.mark.parametrize(
    ('check', 'message'),
    [
        (
            lambda: check_number('A', 'x', 2, 0, 1),
            'A: x=2: must be a number within 0..1',
        ),
        (lambda: check_number('A', 'x', 0, above=0), 'A: x=0: must be a number > 0'),
        (
            lambda: check_whole('A', 'x', '4', 1, 9),
            "A: x='4': must be a whole number within 1..9",
        ),
        (
            lambda: check_names('A', 'x', ['a', 'c'], ['a', 'b']),
            "A: x=['c']: must be a list of different names among a, b",
        ),
        (
            lambda: check_mapping('A', 'x', dict(c=1), ('a',), ('a', 'b')),
            "A: x={'c': 1}: must be a dict with the keys a; b may be there, too",
        ),
        (
            lambda: check_path('A', 'x', '~/a'),
            f"A: x='~/a': must be a path without ~, such as '{Path.home()}/a'",
        ),
        (
            lambda: check_class_weight('A', 'x', [1, 1], 3),
            'A: x=[1, 1]: must be one number within 0..1e+09 for each class: 3 are '
            'needed, 2 are given',
        ),
    ],
)
def test_a_message_has_the_option_the_value_and_what_is_allowed(check, message):
    with pytest.raises(ValueError) as error:
        check()
    assert str(error.value) == message


def test_a_very_long_value_is_cut():
    with pytest.raises(ValueError) as error:
        check_number('A', 'x', list(range(10000)))
    assert len(str(error.value)) < 300
