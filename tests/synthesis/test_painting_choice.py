"""Measured figures that decide what a generator paints."""

import json
import math

import pytest

from mmseg_ganaug.synthesis.compositing import build_compositing
from mmseg_ganaug.synthesis.painting_choice import choose_painted, paintable_classes

NAMES = ['road', 'pole', 'bus']


def figures(windows=20, **kids):
    """KID of each painter, laid on other photos and restored."""
    return {
        name.replace('_', ' '): dict(windows=windows, kid=laid, restored_kid=restored)
        for name, (laid, restored) in kids.items()
    }


WINDOWS = dict(
    classes=dict(
        # Better than real pixels; its holes are no better than blur.
        road=figures(
            real=(0.3, None), blurred=(0.9, 0.2), painted=(0.2, 0.5),
            painted_windows=(0.4, 0.1),
        ),
        pole=figures(
            real=(0.3, None), blurred=(0.9, 0.6), painted=(0.4, 0.5),
            painted_windows=(0.3, 0.7),
        ),
        bus=figures(
            5, real=(0.3, None), blurred=(0.9, 0.9), painted=(0.0, 0.0),
            painted_windows=(0.0, 0.0),
        ),
    )
)  # fmt: skip


@pytest.fixture
def write(tmp_path):
    def write(**content):
        path = tmp_path / 'figures.json'
        path.write_text(json.dumps(content))
        return str(path)

    return write


def test_fidelity_decides_what_is_paintable():
    fidelity = {'road': 0.9, 'pole': 0.3, 'bus': math.nan, 'more': 1.0}
    assert paintable_classes(fidelity, NAMES, 0.5) == (True, False, False)
    with pytest.raises(ValueError, match='no fidelity of car'):
        paintable_classes(fidelity, ['road', 'car'], 0.5)


def test_a_class_that_loses_against_real_pixels_keeps_them(write):
    path = write(windows=WINDOWS)
    # Of the bus there are too few windows.
    assert choose_painted(path, NAMES, 0.5, False) == (
        (True, False, False),
        (False, True, False),
    )
    assert choose_painted(path, NAMES, 0.5, True) == (
        (False, True, False),
        (True, False, False),
    )


def test_both_kinds_of_figures_must_agree(write):
    path = write(windows=WINDOWS, fidelity=dict(road=0.1, pole=0.9, bus=0.9))
    assert choose_painted(path, NAMES, 0.5, False) == (
        (False,) * 3,
        (False, True, False),
    )


def test_files_of_whole_photos_alone_decide_as_before(write):
    path = write(fidelity=dict(road=0.1, pole=0.9, bus=None))
    way = build_compositing(dict(mode='auto', fidelity=path), NAMES)
    assert way.paintable == (False, True, False)
    assert 'fills' not in way.fingerprint()


def test_the_windows_of_a_composite_choose_the_figures(write):
    path = write(windows=WINDOWS)
    options = dict(mode='auto', fidelity=path)
    whole = build_compositing(options, NAMES)
    parts = build_compositing(dict(options, windows=True), NAMES)
    assert (whole.paintable, whole.fills) == choose_painted(path, NAMES, 0.5, False)
    assert (parts.paintable, parts.fills) == choose_painted(path, NAMES, 0.5, True)


@pytest.mark.parametrize(
    'wrong', [{}, {'classes': {}}, {'classes': {'road': {'painted': {}}}}, [], None]
)
def test_a_file_without_the_figures_of_windows_is_named(write, wrong):
    path = write(windows=wrong)
    with pytest.raises(ValueError, match=r'figures\.json holds no .*--windows'):
        choose_painted(path, NAMES, 0.5, False)
