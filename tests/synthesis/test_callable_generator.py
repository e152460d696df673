"""A function that a config names paints, and errors say what is wrong with it."""

import sys

import numpy as np
import pytest

from mmseg_ganaug.synthesis import CallableGenerator
from mmseg_ganaug.synthesis.generator import paint_photos

SOURCE = """
import numpy as np


def paint(labels, level=10, instances=None, context=None):
    photos = np.repeat(labels[..., None] + np.uint8(level), 3, axis=-1)
    if instances is not None:
        photos[..., 0] = instances
    if context is not None:
        photos[..., 2] = context.seeds[0]
    return photos


def halved(labels):
    return paint(labels)[:, ::2]


constant = 3
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes the module ``own_paint`` as often as a test wants."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, 'dont_write_bytecode', True)

    def write(text=SOURCE, name='own_paint'):
        sys.modules.pop(name, None)
        (tmp_path / f'{name}.py').write_text(text)

    write()
    yield write
    for name in ('own_paint', 'handing_on'):
        sys.modules.pop(name, None)


LABELS = np.array([[[0, 1, 2], [2, 1, 255]]], np.uint8)


def test_the_function_paints_with_its_options(module):
    photos = paint_photos(CallableGenerator('own_paint:paint'), LABELS)
    np.testing.assert_array_equal(photos[..., 1], LABELS + np.uint8(10))
    louder = CallableGenerator('own_paint:paint', dict(level=20))
    assert (paint_photos(louder, LABELS)[0, 0, 0] == 20).all()


def test_it_gets_instances_and_context_where_it_wants_them(module):
    class Context:
        seeds = (77,)

    instances = np.full(LABELS.shape, 5, np.int32)
    generator = CallableGenerator(
        'own_paint:paint', uses_instances=True, uses_context=True
    )
    photos = paint_photos(generator, LABELS, instances, Context())
    assert (photos[..., 0] == 5).all() and (photos[..., 2] == 77).all()


def test_the_fingerprint_is_that_of_code_and_options(module):
    def fingerprint(function='own_paint:paint', **options):
        return CallableGenerator(function, options).fingerprint()

    first = fingerprint()
    assert fingerprint() == first
    found = {first, fingerprint(level=3), fingerprint('own_paint:halved')}
    module('from own_paint import paint\n', 'handing_on')
    found.add(fingerprint('handing_on:paint'))
    module(SOURCE + '# another\n')
    module('from own_paint import paint\n', 'handing_on')
    found |= {fingerprint(), fingerprint('handing_on:paint')}
    assert len(found) == 6


@pytest.mark.parametrize(
    ('function', 'text', 'error', 'message'),
    [
        ('no_module:paint', SOURCE, ImportError, 'no_module cannot be .*PYTHONPATH'),
        ('own_paint:paint', 'import no_such', ImportError, "No module named 'no_such'"),
        ('own_paint:paint', '1 / 0', ImportError, 'ZeroDivisionError'),
        ('own_paint:draw', SOURCE, ValueError, r'own_paint\.py has no function draw'),
        ('own_paint:constant', SOURCE, ValueError, 'has no function constant'),
    ],
)
def test_a_function_that_is_not_there_is_an_error_before_long_work(
    module, function, text, error, message
):
    module(text)
    with pytest.raises(error, match=message):
        CallableGenerator(function).check(3, has_instances=False)


@pytest.mark.parametrize('function', ['paint', ':paint', 'a.b:', 'a:b.c', 'a:b c'])
def test_a_name_that_is_none_is_refused(function):
    with pytest.raises(ValueError, match=r"such as 'my_project\.paint:paint'"):
        CallableGenerator(function)


def test_photos_of_another_size_are_an_error_that_names_the_function(module):
    with pytest.raises(ValueError, match='own_paint:halved gave'):
        paint_photos(CallableGenerator('own_paint:halved'), LABELS)
