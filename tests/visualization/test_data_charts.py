import cv2
import numpy as np
import pytest

from mmseg_ganaug.visualization import (
    confusion_chart,
    headroom_chart,
    margin_chart,
    object_size_chart,
    share_chart,
)

RNG = np.random.default_rng(0)
SIZES = RNG.lognormal(0, 1, 200), RNG.integers(10, 500, 200).astype(float)
CHARTS = {
    'sizes': lambda n, path: object_size_chart(dict.fromkeys(n, SIZES), path, 8),
    'shares': lambda n, path: share_chart(
        dict.fromkeys(n, 0.004), dict.fromkeys(n, 0.4), path
    ),
    'margins': lambda n, path: margin_chart(dict.fromkeys(n, (12.0, 1)), 10, path),
    'confusions': lambda n, path: confusion_chart(
        dict.fromkeys(n, (('a', 0.3), ('b', 0.5), ('c', 0.1), ('d', 0.05))), path
    ),
}


@pytest.mark.parametrize('names', [['one'], [f'class {i}' for i in range(60)]])
@pytest.mark.parametrize('chart', CHARTS)
def test_one_class_and_many_give_a_picture_that_can_be_shown(tmp_path, chart, names):
    path = CHARTS[chart](names, tmp_path / 'chart.png')
    image = cv2.imread(str(path))
    height, width = image.shape[:2]
    assert width == 1040 and 200 < height < 3000
    assert image.std() > 5


@pytest.mark.parametrize('chart', CHARTS)
def test_a_chart_of_nothing_is_refused(tmp_path, chart):
    with pytest.raises(ValueError, match='at least one'):
        CHARTS[chart]([], tmp_path / 'chart.png')
    assert not (tmp_path / 'chart.png').exists()


def test_classes_without_objects_are_left_out_of_sizes(tmp_path):
    none = np.zeros(0), np.zeros(0)
    with pytest.raises(ValueError, match='at least one object'):
        object_size_chart({'ghost': none}, tmp_path / 'chart.png', 8)
    object_size_chart({'ghost': none, 'car': SIZES}, tmp_path / 'chart.png', 8)
    assert (tmp_path / 'chart.png').is_file()


def test_headroom_has_a_line_a_figure_and_names_that_are_text(tmp_path):
    series = {'mIoU': [20.0, 30.0, 31.0], '$rare_{x}$': [1.0, 2.0, 4.0]}
    headroom_chart([10, 20, 40], series, tmp_path / 'chart.svg')
    text = (tmp_path / 'chart.svg').read_text()
    assert '$rare_{x}$' in text and '31.0' in text and '>40<' in text
