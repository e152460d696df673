import numpy as np
import pytest
from streets import RIDER, SIGN, streets

from mmseg_ganaug.recompose import AddMulti, LabelStatistics
from mmseg_ganaug.recompose.object_options import ObjectOptions


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(thing=['car']), 'thing'),
        (dict(things='car'), 'things'),
        (dict(together=[('rider',)]), 'together'),
        (dict(together=[('rider', 'bike', 'car')]), 'together'),
        (dict(num_objects=0), 'num_objects'),
        (dict(num_objects=(3, 1)), 'smallest number first'),
        (dict(num_objects=(1, 2, 3)), 'num_objects'),
        (dict(min_plausibility=1.5), 'min_plausibility'),
        (dict(max_hidden=-1), 'max_hidden'),
        (dict(max_tries=0), 'max_tries'),
        (dict(flip_prob=2), 'flip_prob'),
        (dict(shift_range=0.1), 'shift_range'),
        (dict(scale_range=(0, 1)), 'scale_range'),
        (['things'], 'objects'),
    ],
)
def test_a_wrong_option_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        AddMulti(objects=options)


def test_one_number_of_objects_is_a_span():
    assert ObjectOptions(num_objects=3).span() == (3, 3)
    assert ObjectOptions().span() == (1, 4)


def test_statistics_without_objects_say_how_to_collect_them():
    statistics = LabelStatistics.collect(streets(4))
    with pytest.raises(ValueError, match='with_scene=True'):
        AddMulti(objects={}).plan(statistics, 4, 0)


def test_a_class_that_is_no_thing_cannot_be_asked_for():
    statistics = LabelStatistics.collect(streets(20), with_scene=True)
    with pytest.raises(ValueError, match=r'pavement is .*things are .*car.*things='):
        AddMulti(classes=['pavement', 'rider'], objects={}).plan(statistics, 4, 0)
    with pytest.raises(ValueError, match='no class is called'):
        AddMulti(objects=dict(things=['lorry'])).plan(statistics, 4, 0)
    with pytest.raises(ValueError, match='together'):
        AddMulti(objects=dict(together=[('rider', 'lorry')])).plan(statistics, 4, 0)


def test_what_was_found_is_said():
    statistics = LabelStatistics.collect(streets(40), with_scene=True)
    assert ObjectOptions().found(statistics, 0) == (
        'Objects: things are car, rider, bike, pole, sign; moved together: rider with '
        'bike, pole with sign'
    )
    none = ObjectOptions(things=['car'], together=[])
    assert none.found(statistics, 0) == (
        'Objects: things are car; moved together: no classes'
    )


def test_rules_that_find_rare_classes_leave_stuff_out():
    statistics = LabelStatistics.collect(streets(40), with_scene=True)
    plan = AddMulti(classes='rare', objects={}, min_area=0).plan(statistics, 30, 0)
    found = {class_id for recipe in plan for class_id in recipe.classes}
    rare = set(np.flatnonzero(statistics.frequency < 1 / 16))
    assert {RIDER, SIGN} <= found <= rare
