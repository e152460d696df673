import cv2
import numpy as np
import pytest

from mmseg_ganaug.visualization import GalleryRow, gallery, recomposition_gallery

NAMES = ['sky', 'road', 'car']
PALETTE = [(70, 130, 180), (128, 64, 128), (0, 0, 142)]


def _row(height=48, width=64, caption='AddSingle: car', **changes):
    cells = dict(
        base=np.zeros((height, width), np.uint8),
        recombined=np.full((height, width), 1, np.uint8),
        generated=np.full((height, width, 3), (50, 100, 200), np.uint8),
    )
    cells = {**cells, **changes}
    return GalleryRow({k: v for k, v in cells.items() if v is not None}, caption)


def _sheet(path, rows, **changes):
    values = dict(palette=PALETTE, ignore_index=255, class_names=NAMES)
    recomposition_gallery(rows, path=path, **{**values, **changes})
    return cv2.imread(str(path))[..., ::-1]


def _share(sheet, colour):
    return np.all(sheet == np.array(colour), axis=-1).mean()


def test_maps_and_photos_are_shown_in_their_colours(tmp_path):
    sheet = _sheet(tmp_path / 'a.png', [_row()])
    # Three images of one size, enlarged to a width of 256.
    area = 256 * 192 / sheet[..., 0].size
    for colour in (PALETTE[0], PALETTE[1], (200, 100, 50)):
        assert _share(sheet, colour) == pytest.approx(area, rel=0.02)
    # The third class is in the legend only.
    assert 0 < _share(sheet, PALETTE[2]) < 0.1 * area


def test_a_column_is_drawn_when_any_row_fills_it(tmp_path):
    real = np.full((48, 64, 3), 9, np.uint8)
    widths = [
        _sheet(tmp_path / 'a.png', rows).shape[1]
        for rows in (
            [_row(base=None)],
            [_row(base=None), _row()],
            [_row(base=None), _row(real=real)],
        )
    ]
    assert np.diff(widths).tolist() == [264, 264]


def test_large_images_are_reduced_and_rows_may_differ_in_size(tmp_path):
    sheet = _sheet(tmp_path / 'a.png', [_row(256, 512), _row(100, 100)])
    assert sheet.shape[1] == 2 * 16 + 3 * 400 + 2 * 8
    assert sheet.shape[0] > 200 + 400


def test_thin_objects_keep_their_own_colour_when_the_map_is_resized(tmp_path):
    for width in (64, 480):
        thin = np.zeros((300, width), np.uint8)
        thin[:, 20:22] = 2
        generated = np.zeros((300, width, 3), np.uint8)
        row = _row(recombined=thin, generated=generated, base=None)
        shown = _sheet(tmp_path / 'a.png', [row])[70:300, 16:272]
        assert _share(shown, PALETTE[2]) > 0
        # Between the labels 0 and 2 there is no 1.
        assert _share(shown, PALETTE[1]) == 0


def test_of_many_classes_the_legend_shows_those_that_occur(tmp_path):
    rng = np.random.default_rng(0)
    palette = rng.permutation(250)[:150, None].repeat(3, 1)
    names = [f'class {i}' for i in range(150)]
    few, many = (
        _sheet(
            tmp_path / f'{count}.png',
            [
                _row(
                    recombined=np.arange(48 * 64).reshape(48, 64).astype(np.uint8)
                    % count
                )
            ],
            palette=palette,
            class_names=names,
        )
        for count in (5, 150)
    )
    assert few.shape[0] + 200 < many.shape[0]


def test_photos_alone_of_many_classes_have_a_sheet(tmp_path):
    palette, names = [[9, 9, 9]] * 150, [f'class {i}' for i in range(150)]
    photo = np.zeros((48, 64, 3), np.uint8)
    sheet = _sheet(
        tmp_path / 'a.png',
        [GalleryRow({'real': photo, 'pasted': photo})],
        palette=palette,
        class_names=names,
    )
    assert sheet.shape[1] > 2 * 256


def test_an_ignored_class_is_once_in_the_legend(tmp_path, monkeypatch):
    shown, add_legend = [], gallery.add_legend

    def noted(figure, handles, names, *others, **options):
        shown.extend(names)
        return add_legend(figure, handles, names, *others, **options)

    monkeypatch.setattr(gallery, 'add_legend', noted)
    _sheet(tmp_path / 'a.png', [_row()], ignore_index=0)
    assert shown == ['road', 'car', 'unlabelled']


def test_a_long_caption_does_not_leave_the_sheet(tmp_path):
    sheet = _sheet(
        tmp_path / 'a.png', [_row(base=None, caption='Recon: road, sky, car, ' * 30)]
    )
    assert np.all(sheet[:, -8:] == 255)


def test_long_names_do_not_leave_the_sheet(tmp_path):
    names = ['sky', 'a very long name of a class ' * 9, 'x' * 300]
    row = GalleryRow({'a very long heading ' * 9: np.zeros((48, 64), np.uint8)})
    sheet = _sheet(tmp_path / 'a.png', [row], class_names=names)
    assert sheet.shape[1] == 256 + 2 * 16
    assert np.all(sheet[:, -8:] == 255)


@pytest.mark.parametrize(
    ('rows', 'what'),
    [
        ([], 'at least one row'),
        (
            [_row(recombined=np.full((48, 64), 7, np.uint8))],
            'recombined.*row 0.*value 7',
        ),
        (
            [_row(), _row(recombined=np.zeros((4, 4), np.uint8))],
            r'recom.*row 1.*\[4, 4\]',
        ),
        ([_row(generated=np.zeros((48, 64, 3)))], 'generated.*row 0 is float64'),
        ([_row(real=np.zeros((48, 9, 3), np.uint8))], "'real' of gallery row 0"),
        ([GalleryRow({})], 'no empty rows'),
    ],
)
def test_wrong_arrays_are_named_and_nothing_is_written(tmp_path, rows, what):
    with pytest.raises(ValueError, match=what):
        _sheet(tmp_path / 'a.png', rows)
    assert not list(tmp_path.iterdir())


def test_a_palette_of_another_length_is_refused(tmp_path):
    with pytest.raises(ValueError, match='3 colours for 2 classes'):
        _sheet(tmp_path / 'a.png', [_row()], class_names=NAMES[:2])
