import numpy as np
import pytest

from mmseg_ganaug.visualization import framed, overlay_label_map

PALETTE = [(200, 0, 0), (0, 100, 0)]


def test_classes_tint_the_photo_and_ignored_pixels_are_hatched():
    photo = np.full((16, 16, 3), 100, np.uint8)
    label_map = np.zeros((16, 16), np.uint8)
    label_map[:, 4:8] = 1
    label_map[:, 8:] = 255
    shown = overlay_label_map(photo, label_map, PALETTE, 255)
    assert (shown[:, :4] == (150, 50, 50)).all()
    assert (shown[:, 4:8] == (50, 100, 50)).all()
    ignored = shown[:, 8:].reshape(-1, 3)
    assert {tuple(pixel) for pixel in ignored.tolist()} == {(80,) * 3, (100,) * 3}
    assert 0.3 < (ignored == 80).mean() < 0.7
    strong = overlay_label_map(photo, label_map, PALETTE, 255, opacity=1)
    assert (strong[:, :4] == PALETTE[0]).all()


def test_wrong_sizes_and_values_are_refused():
    photo = np.zeros((4, 5, 3), np.uint8)
    with pytest.raises(ValueError, match=r'\[4, 5, 3\].*\[5, 4\]'):
        overlay_label_map(photo, np.zeros((5, 4), np.uint8), PALETTE, 255)
    with pytest.raises(ValueError, match='value 7'):
        overlay_label_map(photo, np.full((4, 5), 7, np.uint8), PALETTE, 255)


@pytest.mark.parametrize(
    ('generated', 'colour'), [(True, (230, 159, 0)), (False, (0, 114, 178))]
)
def test_the_frame_tells_the_kind_and_leaves_the_middle(generated, colour):
    image = np.full((12, 20, 3), 9, np.uint8)
    marked = framed(image, generated)
    assert (marked[3:-3, 3:-3] == 9).all()
    for edge in (marked[:3], marked[-3:], marked[:, :3], marked[:, -3:]):
        assert (edge == colour).all()
    assert (image == 9).all()
