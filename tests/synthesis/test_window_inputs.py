"""Windows as a diffusion model takes them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmseg_ganaug.synthesis.diffusion.window_inputs import (
    Painting,
    classes_in_words,
    spoken,
    window_photo,
)
from mmseg_ganaug.synthesis.windows import Window

PAINTING = Painting(size=64, cell=8, unit=16)
NAMES = ('road', 'SignSymbol', 'rider', 'traffic light')
SIDE = st.integers(1, 300)


def window_input(window, changed, shown=None, photo=None, colours=None):
    shown = np.ones_like(changed) if shown is None else shown
    empty = np.zeros((*changed.shape, 3), np.uint8)
    photo = empty if photo is None else photo
    colours = empty if colours is None else colours
    return PAINTING.window_input(window, colours, photo, shown, changed, 'a', 1)


@pytest.mark.parametrize(
    ('unet', 'vae', 'wanted'),
    [
        # Stable Diffusion 1.5, its inpainting model, and 2: 512 x 512.
        (dict(sample_size=64, blocks=4), 4, Painting(512, 8, 64)),
        # XL: 1024 x 1024.
        (dict(sample_size=128, blocks=3), 4, Painting(1024, 8, 32)),
    ],
)
def test_sizes_are_those_of_the_model(unet, vae, wanted):
    configs = (
        dict(sample_size=unet['sample_size'], block_out_channels=[1] * unet['blocks']),
        dict(block_out_channels=[1] * vae),
    )
    assert Painting.of(*configs) == wanted


@given(SIDE, SIDE)
def test_a_window_keeps_its_shape_and_is_as_large_as_the_model_paints(height, width):
    size = PAINTING.size_of(Window(0, 0, height, width))
    scale = PAINTING.size / np.sqrt(height * width)
    for side, wanted in zip(size, (height * scale, width * scale)):
        assert side % PAINTING.unit == 0
        assert abs(side - wanted) <= PAINTING.unit / 2 or side == PAINTING.unit > wanted


@given(SIDE, SIDE, st.data())
def test_all_that_changed_is_painted_however_thin(height, width, data):
    y, x = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    changed = np.zeros((height, width), bool)
    changed[y, x] = True
    mask = window_input(Window(0, 0, height, width), changed).mask.numpy()[0]
    painted_height, painted_width = mask.shape
    place = (
        int((y + 0.5) * painted_height / height),
        int((x + 0.5) * painted_width / width),
    )
    assert mask[place] == 1
    assert set(np.unique(mask)) <= {0, 1}
    cells = mask.reshape(painted_height // 8, 8, painted_width // 8, 8)
    assert (cells == cells[:, :1, :, :1]).all()


def test_what_did_not_change_is_not_painted():
    changed = np.zeros((64, 64), bool)
    changed[30:34, 30:34] = True
    mask = window_input(Window(0, 0, 64, 64), changed).mask.numpy()[0]
    assert mask[24:40, 24:40].all()
    assert mask.sum() == 16 * 16


def test_a_part_of_the_photo_is_taken_and_brought_back():
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (80, 90, 3), np.uint8)
    window = Window(8, 20, 64, 64)
    made = window_input(window, np.ones((80, 90), bool), photo=photo)
    assert made.image.shape == (3, 64, 64)
    image = made.image.permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(window_photo(image, window), window.of(photo))
    small = Window(8, 20, 10, 20)
    assert window_photo(image, small).shape == (10, 20, 3)


def test_labels_stay_in_their_colours():
    colours = np.array([[0, 0, 0], [200, 10, 0], [0, 90, 255]], np.uint8)
    labels = np.random.default_rng(0).integers(0, 3, (40, 30))
    made = window_input(
        Window(0, 0, 40, 30), np.ones((40, 30), bool), colours=colours[labels]
    )
    found = (made.control.numpy() * 255).round().astype(int).reshape(3, -1)
    assert {tuple(colour) for colour in found.T} == {tuple(c) for c in colours.tolist()}


def test_holes_are_filled_from_their_rim():
    photo = np.full((64, 64, 3), (200, 100, 50), np.uint8)
    shown = np.ones((64, 64), bool)
    shown[20:40, 20:40] = False
    photo[~shown] = 0
    window, changed = Window(0, 0, 64, 64), ~shown
    image = window_input(window, changed, shown, photo).image * 255
    assert abs(image[:, 30, 30] - image[:, 0, 0]).max() <= 2
    nothing = window_input(window, changed, np.zeros_like(shown), photo).image * 255
    assert (nothing == 127).all()


@pytest.mark.parametrize(
    ('pixels', 'wanted'),
    [
        # Of what changed, the largest first; ignored pixels and rims left out.
        ({2: 30, 1: 20, 255: 40}, 'rider, sign symbol'),
        ({2: 200, 1: 1}, 'rider'),
        ({3: 5}, 'signal'),
        # Nothing of a class changed: all that is to be seen.
        ({255: 9}, 'road'),
        ({}, 'road'),
    ],
)
def test_the_prompt_names_what_changed(pixels, wanted):
    labels = np.zeros(400, np.uint8)
    changed = np.zeros(400, bool)
    start = 0
    for value, count in pixels.items():
        labels[start : start + count] = value
        changed[start : start + count] = True
        start += count
    words = {'traffic light': 'signal'}
    shape = (20, 20)
    given_ = classes_in_words(
        labels.reshape(shape), changed.reshape(shape), NAMES, words
    )
    assert given_ == wanted


@pytest.mark.parametrize(
    ('name', 'wanted'),
    [
        ('SignSymbol', 'sign symbol'),
        ('traffic_light', 'traffic light'),
        ('non-drivable fallback', 'non drivable fallback'),
        ('TV', 'tv'),
    ],
)
def test_names_of_classes_become_words(name, wanted):
    assert spoken(name) == wanted
