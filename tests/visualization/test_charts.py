import math
import sys

import cv2
import numpy as np
import pytest
from matplotlib.text import Text

from mmseg_ganaug.visualization import (
    class_frequency_chart,
    class_iou_chart,
    figure_files,
    frequency_against_iou_chart,
    gain_chart,
)

NAMES = ['road', 'car', 'pole', 'a $b_c$']
SHARES = [0.9, 0.09, 0.0099, 0.0001]


def _class_order(texts):
    # Every tick has a second label, for the other side.
    return list(dict.fromkeys(text for text in texts if text in NAMES))


@pytest.fixture
def drawn_texts(monkeypatch):
    """Collects every text of the figure that a chart saves."""
    texts = []
    save = figure_files.save_figure

    def collect(figure, path, dpi):
        path = save(figure, path, dpi)
        texts.extend(text.get_text() for text in figure.findobj(Text))
        return path

    monkeypatch.setattr(figure_files, 'save_figure', collect)
    return texts


@pytest.mark.parametrize('count', [1, 11, 19, 150])
def test_every_class_is_on_the_charts_and_fits_on_a_phone(tmp_path, drawn_texts, count):
    names = [f'class {i}' for i in range(count)]
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(count))
    ious = dict(zip(names, rng.uniform(0, 100, count)))
    series = {'real': shares, 'generated': shares[::-1]}
    for draw, values in (
        (class_frequency_chart, series),
        (class_iou_chart, {'plain': ious, 'Recon': ious}),
    ):
        path = draw(names, values, tmp_path / 'a.png')
        assert set(names) <= set(drawn_texts)
        height, width = cv2.imread(str(path)).shape[:2]
        assert width < 1200
        assert height < 65 * count + 600
        drawn_texts.clear()


def test_classes_are_ordered_by_frequency_and_a_missing_one_is_spelt_out(
    tmp_path, drawn_texts
):
    class_frequency_chart(
        NAMES,
        {'real': SHARES[::-1], 'generated': [0.5, 0.5, 0.0, 0.0]},
        tmp_path / 'a.png',
    )
    assert _class_order(drawn_texts) == NAMES[::-1]
    assert drawn_texts.count('none') == 2
    assert any('log scale' in text for text in drawn_texts)


def test_the_axis_is_linear_where_the_classes_are_balanced(tmp_path, drawn_texts):
    class_frequency_chart(['a', 'b'], {'real': [0.4, 0.6]}, tmp_path / 'a.png')
    assert 'share of the labelled pixels, %' in drawn_texts


def test_a_long_legend_leaves_the_classes_their_room(tmp_path):
    ious = dict(zip(NAMES, [90.0, 50.0, 10.0, 1.0]))
    names = [f'a method with quite a long name, number {i}' for i in range(40)]
    few = class_iou_chart(NAMES, dict.fromkeys(names[:31], ious), tmp_path / 'a.png')
    many = class_iou_chart(NAMES, dict.fromkeys(names, ious), tmp_path / 'b.png')
    heights = [cv2.imread(str(path)).shape[0] for path in (few, many)]
    # Dots: only the legend has grown, by nine lines.
    assert heights[1] - heights[0] > 9 * 30


def test_gains_and_losses_have_their_numbers_and_colours(tmp_path, drawn_texts):
    gains = {
        'one (3)': {'mIoU': 2.04, 'a $b_c$': 20.0, 'car': 0.0, 'left out': 77.0},
        'two (1)': {'mIoU': -1.0, 'a $b_c$': -20.0, 'car': math.nan, 'left out': 7.0},
    }
    shares = {'car': 0.2, 'a $b_c$': 0.1}
    path = gain_chart(gains, shares, tmp_path / 'a.png')
    assert {'one (3)', 'two (1)', 'a $b_c$', '+2.0', '-1.0', '+0.0'} <= set(drawn_texts)
    assert 'nan' not in ''.join(drawn_texts)
    assert '+77.0' not in drawn_texts
    blue, _, red = (channel.astype(int) for channel in cv2.split(cv2.imread(str(path))))
    assert (blue - red).max() > 60  # the gain of 20
    assert (red - blue).max() > 60  # the loss
    with pytest.raises(ValueError, match=r"'two \(1\)' has no gain of \['sky'\]"):
        gain_chart({'two (1)': gains['two (1)']}, {'sky': 0.5}, tmp_path / 'b.png')


def test_absent_and_zero_ious_are_told_apart(tmp_path, drawn_texts):
    ious = dict(zip(NAMES, [math.nan, 0.0, 80.0, 5.04]))
    class_iou_chart(NAMES, {'plain': ious}, tmp_path / 'a.png')
    assert drawn_texts.count('absent') == 1
    assert {'0', '80', '5.0'} <= set(drawn_texts)
    assert '0.0' not in drawn_texts
    # The best class is on top, the absent one at the bottom.
    assert _class_order(drawn_texts) == ['pole', 'a $b_c$', 'car', 'road']


def test_a_chart_of_absent_classes_only_is_drawn(tmp_path):
    nothing = dict.fromkeys(NAMES, math.nan)
    class_iou_chart(NAMES, {'plain': nothing}, tmp_path / 'a.png')
    class_iou_chart(NAMES * 40, {'plain': nothing}, tmp_path / 'b.png')
    class_frequency_chart(NAMES, {'real': [0.0] * 4}, tmp_path / 'c.png')
    assert math.isnan(
        frequency_against_iou_chart(NAMES, SHARES, nothing, tmp_path / 'd.png')
    )


@pytest.mark.parametrize(
    ('ious', 'expected'),
    [
        ([80.0, 60.0, 40.0, 20.0], 1.0),
        ([20.0, 40.0, 60.0, 80.0], -1.0),
        # Ranks by frequency 4 3 2 1, by IoU 3 4 2 1: 1 - 6 * 2 / (4 * 15) = 0.8.
        ([60.0, 80.0, 40.0, 20.0], 0.8),
        # Without the absent class, ranks 3 2 1 and 3 1 2: 1 - 6 * 2 / (3 * 8) = 0.5.
        ([80.0, 20.0, 40.0, math.nan], 0.5),
        ([50.0, 50.0, 50.0, 50.0], math.nan),
        ([50.0, 40.0, math.nan, math.nan], math.nan),
    ],
)
def test_the_rank_correlation_is_spearmans(tmp_path, ious, expected):
    found = frequency_against_iou_chart(
        NAMES, SHARES, dict(zip(NAMES, ious)), tmp_path / 'a.png'
    )
    assert found == pytest.approx(expected, nan_ok=True)


def test_points_are_named_and_names_do_not_overlap(tmp_path, drawn_texts):
    ious = dict(zip(NAMES, [80.0, 60.0, 40.0, 20.0]))
    frequency_against_iou_chart(NAMES, SHARES, ious, tmp_path / 'a.png')
    assert set(NAMES) <= set(drawn_texts)

    # Thirty points in one place: most names have no room.
    drawn_texts.clear()
    names = [f'class {i}' for i in range(30)]
    same = dict.fromkeys(names, 50.0)
    frequency_against_iou_chart(names, [1 / 30] * 30, same, tmp_path / 'b.png')
    assert 0 < len(set(names) & set(drawn_texts)) <= 6


def test_shares_that_are_per_cent_or_of_another_length_are_refused(tmp_path):
    for shares, what in (([90, 9, 1, 0], 'between 0 and 1'), ([0.5, 0.5], '2 shares')):
        with pytest.raises(ValueError, match=what):
            class_frequency_chart(NAMES, {'real': shares}, tmp_path / 'a.png')
    with pytest.raises(ValueError, match='at least one'):
        class_frequency_chart(NAMES, {}, tmp_path / 'a.png')
    with pytest.raises(ValueError, match=r"'plain' has no IoU of .*'car'"):
        class_iou_chart(NAMES, {'plain': {'road': 1.0}}, tmp_path / 'a.png')
    assert not list(tmp_path.iterdir())


def test_drawing_leaves_the_callers_matplotlib_alone(tmp_path):
    pyplot_before = sys.modules.pop('matplotlib.pyplot', None)
    try:
        class_frequency_chart(['a', 'b'], {'real': [0.4, 0.6]}, tmp_path / 'a.png')
        assert 'matplotlib.pyplot' not in sys.modules
    finally:
        if pyplot_before is not None:
            sys.modules['matplotlib.pyplot'] = pyplot_before
