"""Charts of learning curves and of the ladder."""

import math
import re

import pytest

from mmseg_ganaug.visualization import ladder_chart, learning_curve_chart
from mmseg_ganaug.visualization.evidence_charts import Curves, Step


def texts(path):
    return re.findall(r'<text[^>]*>([^<]*)</text>', path.read_text(encoding='utf-8'))


def test_the_ladder_shows_the_first_value_and_each_gain(tmp_path):
    steps = [
        Step(40.0),
        Step(43.2, 3.2, 1.0, 5.0),
        None,
        Step(41.0),
        Step(40.5, -0.5, math.nan, math.nan),
    ]
    path = tmp_path / 'ladder.svg'
    rungs = ['plain', 'weights', 'missing', '_pasted', 'a $b$ name']
    assert ladder_chart(rungs, {'mIoU': steps, '2 rare': steps}, path) == path
    found = texts(path)
    for text in ('40.0', '+3.2', '41.0', '-0.5', 'mIoU', '2 rare', *rungs):
        assert text in found
    again = ladder_chart(rungs, {'mIoU': steps, '2 rare': steps}, tmp_path / 'b.svg')
    assert again.read_bytes() == path.read_bytes()


def test_each_method_has_a_line_and_each_of_several_seeds_a_thin_one(tmp_path):
    curves = {
        'plain': Curves({10: 5.0, 20: 6.0}, [{10: 5.0, 20: 6.0}]),
        'weights': Curves({10: 6.0, 20: 7.0}, [{10: 5.0, 20: 7.0}, {10: 7.0, 20: 7.0}]),
    }
    path = learning_curve_chart(curves, tmp_path / 'curves.svg')
    assert {'plain', 'weights', 'iteration'} <= set(texts(path))
    assert path.read_text().count('stroke-opacity: 0.35') == 2


def test_nothing_is_no_chart(tmp_path):
    with pytest.raises(ValueError, match='at least one learning curve'):
        learning_curve_chart({}, tmp_path / 'a.png')
    with pytest.raises(ValueError, match='at least one rung'):
        ladder_chart([], {}, tmp_path / 'a.png')
    assert list(tmp_path.iterdir()) == []
