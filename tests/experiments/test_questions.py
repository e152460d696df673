"""What a matrix may ask of its methods."""

import pytest

from mmseg_ganaug.experiments.questions import Questions, read_questions

METHODS = ['plain', 'weights', 'weights-25', 'weights-50']
SHARE = {'road': 0.9, 'rider': 0.03, 'pole': 0.01}


def read(**settings):
    return read_questions(settings, METHODS, 'matrix.py')


def test_a_matrix_that_asks_nothing_has_nothing_to_keep():
    assert read() == Questions()
    assert read(against=None).to_json() == {}
    assert Questions().rare_classes(SHARE) == ['pole']


def test_what_is_asked_is_kept_and_read_back():
    asked = read(
        against=('weights',),
        rare=('pole', 'rider'),
        ladder=['plain', 'weights', 'weights-doubled'],
        photos={'weights-25': 25, 'weights-50': 50},
        doubled=['plain', 'weights'],
    )
    assert asked.doubled == {'plain': 'plain-doubled', 'weights': 'weights-doubled'}
    assert asked.rare_classes(SHARE) == ['rider', 'pole']
    assert Questions(**asked.to_json()) == asked
    assert read(rare=0.05).rare_classes(SHARE) == ['rider', 'pole']


def test_a_method_may_be_stated_as_the_double_of_another():
    assert read(doubled={'weights-25': 'weights-50'}).doubled == {
        'weights-25': 'weights-50'
    }


def test_a_rare_class_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match=r"rare names \['sky'\]; the classes are"):
        read(rare=['pole', 'sky']).rare_classes(SHARE)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(against='weights'), "against of matrix.py is 'weights', but lists some"),
        (dict(against=['sky']), 'lists some of plain'),
        (dict(ladder=['plain']), 'a ladder has two or more'),
        (dict(ladder=['plain', 'plain']), 'names each method once'),
        (dict(ladder=['plain', 3]), 'lists some of plain'),
        (dict(photos=['plain']), 'gives the number of real photos'),
        (dict(photos={'sky': 2, 'plain': 3}), 'gives the number of real photos'),
        (dict(photos={'plain': 0, 'weights': 3}), 'gives the number of real photos'),
        (dict(photos={'plain': 2.5, 'weights': 3}), 'gives the number of real photos'),
        (dict(photos={'plain': 3}), 'needs two methods or more'),
        (dict(photos={'plain': 3, 'weights': 3}), 'each with another number'),
        (dict(rare=1.5), 'is a share of the pixels'),
        (dict(rare='pole'), 'lists classes'),
        (dict(rare=[3]), 'lists classes'),
        (dict(doubled=['sky']), 'lists some of plain'),
        (dict(doubled={'plain': 'sky'}), 'the method of twice length'),
        (dict(doubled='plain'), 'lists methods'),
    ],
)
def test_a_wrong_value_is_named(settings, message):
    with pytest.raises(ValueError, match=message):
        read(**settings)


def test_the_name_of_a_doubled_method_must_be_free():
    with pytest.raises(ValueError, match="a method 'plain-doubled' already"):
        read_questions(dict(doubled=['plain']), ['plain', 'plain-doubled'], 'm.py')
