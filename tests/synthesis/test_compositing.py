"""What of a stored photo is generated and what is real."""

from dataclasses import replace

import numpy as np
import pytest

from mmseg_ganaug.recompose import RecomposedMap
from mmseg_ganaug.recompose.layers import TONES
from mmseg_ganaug.synthesis.compositing import Compositing, check_composite
from mmseg_ganaug.synthesis.windows import Painted

REAL, PAINTED = 50, 200


def whole(photo):
    return Painted(photo, np.ones(photo.shape[:2], bool))


@pytest.fixture
def made():
    """Class 1 and class 2 pasted on a base of class 0."""
    base = np.zeros((20, 30), np.uint8)
    label_map = base.copy()
    label_map[5:10, 5:10] = 1
    label_map[5:10, 20] = 2  # as thin as a pole
    photo = np.full((20, 30, 3), REAL, np.uint8)
    photo[label_map == 1] = 101
    photo[label_map == 2] = 102
    return RecomposedMap(
        label_map, None, base, (1, 2), photo=photo, shown=np.ones(base.shape, bool)
    )


@pytest.fixture
def painted():
    return np.full((20, 30, 3), PAINTED, np.uint8)


def joined(compositing, made, painted):
    compositing = replace(compositing, match_tone=False)
    pair = compositing.join(made, whole(painted), 255)
    real = ~pair.generated & ~made.changed
    # Filters rely on it: what is not generated is real, but for the feathered rim.
    assert (pair.photo[pair.generated] == PAINTED).all()
    assert real.any() or made.changed.all() or compositing.mode == 'full'
    return pair.photo, pair.label_map


def test_where_nothing_is_painted_the_photo_stays_without_a_warning(made, recwarn):
    black = np.zeros((20, 30, 3), np.uint8)
    nothing = Painted(black, np.zeros((20, 30), bool))
    way = Compositing('auto', paintable=(True, False, False))
    pair = way.join(made, nothing, 255)
    np.testing.assert_array_equal(pair.photo, made.photo)
    assert pair.photo is not made.photo and not recwarn.list


def test_full_is_the_generated_photo(made, painted):
    photo, labels = joined(Compositing('full'), made, painted)
    assert (photo == PAINTED).all()
    np.testing.assert_array_equal(labels, made.label_map)


@pytest.mark.parametrize('feather', [0, 3])
def test_changed_keeps_the_real_background(made, painted, feather):
    photo, labels = joined(Compositing('changed', feather=feather), made, painted)
    assert (photo[made.changed] == PAINTED).all()
    ys, xs = np.nonzero(made.changed)
    grid_y, grid_x = np.mgrid[:20, :30]
    distance = np.hypot(grid_y[..., None] - ys, grid_x[..., None] - xs).min(axis=2)
    assert (photo[distance > feather + 1.2] == REAL).all()
    fading = (photo[..., 0] > REAL) & (photo[..., 0] < PAINTED)
    assert fading.any() == (feather > 0)
    np.testing.assert_array_equal(labels, made.label_map)


def test_auto_takes_the_donors_pixels_of_what_cannot_be_painted(made, painted):
    made.label_map[5:10, 11] = 2  # close beside what is painted
    made.photo[5:10, 11] = 102
    way = Compositing('auto', paintable=(True, True, False), feather=3)
    photo, labels = joined(way, made, painted)
    assert (photo[made.label_map == 1] == PAINTED).all()
    assert (photo[made.label_map == 2] == 102).all()
    assert (photo[15:] == REAL).all()
    np.testing.assert_array_equal(labels, made.label_map)


def test_a_hole_of_a_class_that_cannot_be_painted_teaches_nothing(made, painted):
    made.base = None
    made.shown[:, 15:] = False
    way = Compositing('auto', paintable=(False, True, True), feather=0)
    photo, labels = joined(way, made, painted)
    hole = (made.label_map == 0) & ~made.shown
    assert hole.any()
    assert (labels[hole] == 255).all()
    np.testing.assert_array_equal(labels[~hole], made.label_map[~hole])
    seen = (made.label_map == 0) & made.shown
    assert (photo[seen] == REAL).all()
    assert (photo[made.label_map > 0] == PAINTED).all()
    assert (made.label_map != 255).all()  # the recombination itself is left alone


def test_under_recon_all_has_changed(made, painted):
    made.base = None
    photo, _ = joined(Compositing('changed'), made, painted)
    assert (photo == PAINTED).all()


def test_what_is_painted_takes_the_light_of_what_stays_real(made):
    rng = np.random.default_rng(0)
    # Dusk in the base, where the generator paints noon: half as light, less blue.
    made.photo = rng.integers(20, 100, (20, 30, 3)).astype(np.uint8)
    painted = 2 * made.photo
    painted[..., 2] += 30
    photo = Compositing('changed', feather=0).join(made, whole(painted), 255).photo
    np.testing.assert_allclose(photo.astype(int), made.photo.astype(int), atol=1)
    np.testing.assert_array_equal(photo[~made.changed], made.photo[~made.changed])


@pytest.mark.parametrize('seen', ['all', 'a window'])
def test_by_gain_what_is_painted_black_stays_black(made, seen):
    rng = np.random.default_rng(0)
    made.photo = rng.integers(140, 200, (20, 30, 3)).astype(np.uint8)
    painted = made.photo - 80
    painted[made.changed] = 0
    parts = whole(painted)
    if seen == 'a window':
        parts.seen[:, 25:] = False
    blacks = [
        Compositing('changed', feather=0, match_tone=tone)
        .join(made, parts, 255)
        .photo[made.changed]
        for tone in ('gain', True)
    ]
    assert blacks[0].max() == 0 and blacks[1].min() > 60


def test_under_recon_the_light_is_that_of_the_donors(made, painted):
    made.base = None
    made.shown[:, 15:] = False
    made.photo[made.shown] = 60
    photo = Compositing('changed').join(made, whole(painted), 255).photo
    assert (photo == 60).all()


def test_a_photo_without_real_pixels_keeps_its_light(made, painted):
    made.base = None
    made.shown[:] = False
    assert (
        Compositing('changed').join(made, whole(painted), 255).photo == PAINTED
    ).all()


def test_holes_are_painted_by_their_own_figures(made, painted):
    made.base = None
    made.shown[:, 15:] = False
    way = Compositing('auto', (False, False, False), 0, fills=(True, True, False))
    photo, labels = joined(way, made, painted)
    hole, ignored = ~made.shown & (made.label_map < 2), made.label_map == 2
    assert (photo[hole] == PAINTED).all()
    assert (photo[made.shown & (made.label_map == 1)] == 101).all()
    assert (labels[ignored] == 255).all()
    np.testing.assert_array_equal(labels[~ignored], made.label_map[~ignored])
    assert way.fingerprint()['fills'] == (True, True, False)
    same = replace(way, fills=way.paintable)
    # As in the stores of before there were such.
    assert same.fingerprint() == replace(way, fills=None).fingerprint()


def test_only_what_a_mode_uses_tells_its_photos_apart():
    plain = dict(mode='full', paintable=None, feather=2, match_tone=True)
    assert Compositing().fingerprint() == plain
    assert Compositing('full', (True,), 5, match_tone=False).fingerprint() == plain
    # As in the stores that there are.
    assert Compositing('changed', (True,), 5, match_tone=False).fingerprint() == dict(
        mode='changed', paintable=None, feather=5, match_tone=False
    )
    assert Compositing('auto', (True, False), 0).fingerprint() == dict(
        mode='auto', paintable=(True, False), feather=0, match_tone=True
    )


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(mode='half'), "mode='half'.*'full', 'changed', 'auto'"),
        (dict(mode='auto'), 'ganaug fidelity'),
        (dict(mode='full', feather=-1), 'feather=-1'),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Compositing(**options)


def test_real_keeps_every_pixel_and_ignores_what_no_photo_shows(made):
    made.shown[:, 15:18] = False
    pair = Compositing('real').join(made, None, 255)
    np.testing.assert_array_equal(pair.photo, made.photo)
    assert not pair.generated.any()
    assert (pair.label_map[:, 15:18] == 255).all()
    np.testing.assert_array_equal(
        pair.label_map[made.shown], made.label_map[made.shown]
    )


def test_photos_of_real_pixels_depend_on_their_light_alone():
    plain = Compositing('real').fingerprint()
    assert Compositing('real', feather=9).fingerprint() == plain
    light = [Compositing('real', match_tone=tone).fingerprint() for tone in TONES]
    assert light[1] == plain and plain not in (light[0], light[2])


def test_a_way_to_match_the_light_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match=r"match_tone='mean': .* False, True, 'gain'"):
        Compositing('real', match_tone='mean')


def test_without_a_generator_nothing_is_painted():
    assert check_composite(None, paints=False) == 'real'
    assert check_composite(None, paints=True) == 'full'
    light = dict(mode='real', match_tone=False)
    assert check_composite(light, paints=False) == light
    for wrong in ('full', 'changed', dict(mode='auto', painted=[]), dict(feather=1)):
        with pytest.raises(ValueError, match='generator=None, which paints nothing'):
            check_composite(wrong, paints=False)
