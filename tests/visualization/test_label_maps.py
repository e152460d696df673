import numpy as np
import pytest

from mmseg_ganaug.visualization import colour_label_map, framed, overlay_label_map

PALETTE = [(200, 0, 0), (0, 100, 0)]
COLOURS = [(128, 64, 128), (0, 0, 142), (153, 153, 153), (1, 2, 3)]


@pytest.mark.parametrize('ignore_index', [4, 255])
def test_classes_have_their_colours_and_ignored_pixels_are_grey(ignore_index):
    label_map = np.array([[0, 1, 2], [3, ignore_index, 0]], np.uint8)
    painted = colour_label_map(label_map, COLOURS, ignore_index)

    assert painted.dtype == np.uint8
    assert painted.shape == (2, 3, 3)
    assert painted[0].tolist() == [list(colour) for colour in COLOURS[:3]]
    assert painted[1, 0].tolist() == list(COLOURS[3])
    assert len(set(painted[1, 1].tolist())) == 1


def test_large_ignored_areas_are_hatched():
    painted = colour_label_map(np.full((20, 20), 255, np.uint8), COLOURS, 255)
    assert len(np.unique(painted)) == 2


def test_a_value_without_a_colour_is_refused():
    with pytest.raises(ValueError, match='value 4, but the palette has 4 colours'):
        colour_label_map(np.array([[0, 4]], np.uint8), COLOURS, 255)
    with pytest.raises(ValueError, match=r'\[2, 2, 3\]'):
        colour_label_map(np.zeros((2, 2, 3), np.uint8), COLOURS, 255)


def test_classes_tint_the_photo_and_ignored_pixels_are_hatched():
    photo = np.full((16, 16, 3), 100, np.uint8)
    label_map = np.zeros((16, 16), np.uint8)
    label_map[:, 4:8] = 1
    label_map[:, 8:] = 255
    shown = overlay_label_map(photo, label_map, PALETTE, 255)
    assert (shown[:, :4] == (50, 50, 150)).all()  # BGR
    assert (shown[:, 4:8] == (50, 100, 50)).all()
    ignored = shown[:, 8:].reshape(-1, 3)
    assert {tuple(pixel) for pixel in ignored.tolist()} == {(80,) * 3, (100,) * 3}
    assert 0.3 < (ignored == 80).mean() < 0.7
    strong = overlay_label_map(photo, label_map, PALETTE, 255, opacity=1)
    assert (strong[:, :4] == PALETTE[0][::-1]).all()


def test_wrong_sizes_and_values_are_refused():
    photo = np.zeros((4, 5, 3), np.uint8)
    with pytest.raises(ValueError, match=r'\[4, 5, 3\].*\[5, 4\]'):
        overlay_label_map(photo, np.zeros((5, 4), np.uint8), PALETTE, 255)
    with pytest.raises(ValueError, match='value 7'):
        overlay_label_map(photo, np.full((4, 5), 7, np.uint8), PALETTE, 255)


@pytest.mark.parametrize(
    ('generated', 'colour'), [(True, (0, 159, 230)), (False, (178, 114, 0))]
)
def test_the_frame_tells_the_kind_and_leaves_the_middle(generated, colour):
    image = np.full((12, 20, 3), 9, np.uint8)
    marked = framed(image, generated)
    assert (marked[3:-3, 3:-3] == 9).all()
    for edge in (marked[:3], marked[-3:], marked[:, :3], marked[:, -3:]):
        assert (edge == colour).all()
    assert (image == 9).all()
