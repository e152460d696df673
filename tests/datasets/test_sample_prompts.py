"""Prompts tell what a label map shows."""

import numpy as np
import pytest

from mmseg_ganaug.datasets.sample_prompts import check_template, prompt_of

NAMES = ['sky', 'bus', 'rider', 'pole', 'city']


def test_classes_are_named_the_largest_first_and_instances_counted():
    labels = np.zeros((40, 50), np.uint8)
    labels[20:30] = 2
    labels[30:32] = 1
    labels[35] = 4
    labels[36, :10] = 255
    labels[39, 0] = 3
    assert prompt_of(labels, None, NAMES) == 'a photo of sky, rider, bus, city, pole'
    instances = np.zeros(labels.shape, np.uint16)
    instances[20:25], instances[25:30] = 1, 2
    instances[30:32, :20], instances[30:32, 20:40], instances[30:32, 40:] = 3, 4, 9
    instances[35, :20], instances[35, 30:] = 5, 6
    wanted = 'night, sky, 2 riders, 3 buses, 2 cities, pole'
    assert prompt_of(labels, instances, NAMES, 'night, {classes}') == wanted


def test_a_few_stray_pixels_are_not_named():
    labels = np.zeros((100, 100), np.uint8)
    labels[0, :4] = 3
    assert prompt_of(labels, None, NAMES, '{classes}') == 'sky'


def test_a_template_without_a_place_for_the_classes_is_refused():
    assert check_template('x {classes}') == 'x {classes}'
    with pytest.raises(ValueError, match=r'template=.*\{classes\}'):
        check_template('a street {objects}')
