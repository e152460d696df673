import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmseg_ganaug.recompose import (
    LabelStatistics,
    MemoryLabelSource,
    class_weights,
    explicit_weights,
    inverse_frequency_weights,
    iou_weights,
    target_shares,
)
from mmseg_ganaug.recompose.weighting import asked_classes, check_asked, divergence


def statistics_of(pixels, names):
    label_map = np.repeat(np.arange(len(pixels)), pixels).astype(np.uint8)[None]
    source = MemoryLabelSource([label_map], len(pixels), class_names=names)
    return LabelStatistics.collect(source)


STATISTICS = statistics_of([64, 16, 4, 0], ['road', 'car', 'bicycle', 'train'])


def test_inverse_frequency_is_the_softmax_of_rare_class_sampling():
    frequency = np.array([0.5, 0.3, 0.2])
    expected = np.exp((1 - frequency) / 0.1)
    weights = inverse_frequency_weights(frequency, 0.1)
    assert np.allclose(weights, expected / expected.sum())


@given(
    pixels=st.lists(st.integers(0, 1000), min_size=2, max_size=20).filter(any),
    temperature=st.sampled_from([0.001, 0.01, 0.1, 1, 100]),
)
def test_rarer_classes_weigh_more_and_absent_ones_nothing(pixels, temperature):
    frequency = np.array(pixels) / sum(pixels)
    weights = inverse_frequency_weights(frequency, temperature)
    assert np.isclose(weights.sum(), 1)
    assert (weights[frequency == 0] == 0).all()
    order = np.argsort(frequency[frequency > 0])
    assert (np.diff(weights[frequency > 0][order]) <= 1e-12).all()


def test_iou_weights_favour_what_is_badly_recognised():
    weights = iou_weights(np.array([0.9, 0.3, np.nan]), temperature=0.5)
    assert weights[2] == 0
    assert np.isclose(weights[1] / weights[0], np.exp(0.6 / 0.5))


@pytest.mark.parametrize(
    'weighting, expected',
    [
        (dict(type='explicit', weights=[1, 1, 2, 0]), [0.25, 0.25, 0.5, 0]),
        (dict(type='explicit', weights=dict(car=1, bicycle=3)), [0, 0.25, 0.75, 0]),
        (dict(type='explicit', weights={1: 1}), [0, 1, 0, 0]),
        (dict(type='iou', iou=dict(car=0.5, bicycle=0.5)), [0, 0.5, 0.5, 0]),
    ],
)
def test_weights_come_from_a_config_by_name_or_id(weighting, expected):
    assert np.allclose(class_weights(weighting, STATISTICS), expected)


@pytest.mark.parametrize(
    'weighting, message',
    [
        (dict(type='none'), "'none'"),
        (dict(type='explicit', weights=[1, 2]), '4 values needed'),
        (dict(type='explicit', weights=dict(bus=1)), "'bus'"),
        (dict(type='explicit', weights=dict(car=-1)), r'weights=.*-1.*0\.\.1e'),
        (dict(type='explicit', weights=[0, 0, 0, 0]), 'not all 0'),
        (dict(type='explicit'), 'weights'),
        (dict(type='iou', iou=[77, 50, 20, 1]), 'per cent'),
        (dict(type='inverse_frequency', temperature=0), 'temperature'),
        (dict(type='inverse_frequency', t=1), "'t'"),
    ],
)
def test_a_weighting_that_is_none_is_an_error(weighting, message):
    with pytest.raises(ValueError, match=message):
        class_weights(weighting, STATISTICS)


def test_no_class_to_draw_is_an_error():
    with pytest.raises(ValueError, match='no class occurs'):
        inverse_frequency_weights(np.zeros(3))
    with pytest.raises(ValueError, match='not all 0'):
        explicit_weights(np.zeros(3))


@pytest.mark.parametrize(
    'target, expected',
    [
        ('uniform', [1 / 3, 1 / 3, 1 / 3, 0]),
        ('sqrt', [8 / 14, 4 / 14, 2 / 14, 0]),
        ([1, 1, 2, 0], [0.25, 0.25, 0.5, 0]),
        (dict(bicycle=4, car=2), [64 / 112, 32 / 112, 16 / 112, 0]),
    ],
)
def test_targets_are_shares_of_the_classes_that_occur(target, expected):
    assert np.allclose(target_shares(target, STATISTICS), expected)


@pytest.mark.parametrize(
    'target, message',
    [
        ('even', "'even'"),
        ([1, 1], '4 shares needed'),
        ([1, 1, 1, 1], 'train never occurs'),
        (dict(car=-1), r'target=.*-1.*0\.\.1e'),
        (dict(bus=1), "'bus'"),
        (dict(train=3), 'train never occurs: leave it out'),
    ],
)
def test_a_target_that_is_none_is_an_error(target, message):
    with pytest.raises(ValueError, match=message):
        target_shares(target, STATISTICS)


def test_the_divergence_is_zero_at_the_target_and_grows_away_from_it():
    target = np.array([0.5, 0.5, 0])
    values = [
        divergence(target, np.array([0.5 + step, 0.5 - step, 0]))
        for step in (0, 0.1, 0.3, 0.5)
    ]
    assert values[0] == 0
    assert values == sorted(values)
    assert values[-1] == np.inf
    assert np.isclose(divergence(target, np.array([0.25, 0.5, 0.25])), np.log(2) / 2)


@pytest.mark.parametrize(
    'rule, expected',
    [
        ('rare', [2]),
        (dict(rare='share'), [2]),
        (dict(rare='share', below=0.9), [1, 2]),
        (dict(rare='iou', iou=dict(road=0.9, car=0.5, bicycle=0.1)), [2]),
        (dict(rare='iou', iou=[0.9, 0.5, 0.1, None], below=1), [2]),
        (['car', 2], [1, 2]),
    ],
)
def test_classes_are_found_by_a_rule(rule, expected):
    asked = check_asked('AddMulti', rule)
    # 'train' is rarest of all, but no map shows it.
    assert asked_classes(asked, STATISTICS) == expected


def test_rare_by_presence_is_shown_by_few_maps():
    maps = [np.full((4, 4), 0, np.uint8) for _ in range(4)]
    for label_map in maps[:3]:
        label_map[0] = 1
    maps[0][1:3] = 2
    statistics = LabelStatistics.collect(MemoryLabelSource(maps, 3))
    assert asked_classes(dict(rare='presence'), statistics) == [2]
    assert asked_classes(dict(rare='presence', below=0.8), statistics) == [1, 2]


@pytest.mark.parametrize(
    'classes, message',
    [
        ('common', 'classes'),
        (dict(rare='area'), 'share'),
        (dict(below=0.5), 'rare'),
        (dict(rare='share', above=1), 'above'),
        (dict(rare='share', below=2), 'below'),
        (dict(rare='iou'), 'iou'),
        (dict(rare='share', iou=[1, 1]), 'iou'),
        (dict(rare='iou', iou=[50, 60, 70, 80]), 'not per cent'),
    ],
)
def test_a_wrong_rule_is_named(classes, message):
    with pytest.raises(ValueError, match=message):
        check_asked('AddMulti', classes)


def test_a_rule_that_finds_no_class_says_how_near_it_was():
    with pytest.raises(
        ValueError, match=r'no class is rare.*smallest is 0.0476.*below'
    ):
        asked_classes(dict(rare='share', below=0.01), STATISTICS)
