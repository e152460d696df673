"""The values of a mask are counted; a file that is no mask is an error naming it."""

import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg_ganaug.own_data.masks import MaskForm, inspect_mask, read_mask_values


def blocks(values, side=6):
    """Squares of each value, side by side."""
    return np.repeat(np.repeat(np.array([values]), side, 0), side, 1).astype(np.uint8)


def save(path, array, mode=None, **options):
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


def inspect(path):
    return inspect_mask(path.read_bytes(), path)


def test_ids_are_counted(tmp_path):
    path = save(tmp_path / 'm.png', blocks([0, 3, 3, 255]))
    content = inspect(path)
    assert content.pixels == {0: 36, 3: 72, 255: 36}
    assert content.size == (24, 6)
    assert not content.is_colour
    assert np.array_equal(read_mask_values(path, MaskForm.IDS), blocks([0, 3, 3, 255]))


def test_bilevel_masks_hold_0_and_1(tmp_path):
    path = save(tmp_path / 'm.png', blocks([0, 255]), mode='1')
    assert inspect(path).pixels == {0: 36, 1: 36}
    assert set(read_mask_values(path, MaskForm.IDS).ravel()) == {0, 1}


def test_palette_masks_give_ids_and_their_colours(tmp_path):
    image = Image.fromarray(blocks([0, 2])).convert('L')
    image = Image.frombytes('P', image.size, image.tobytes())
    image.putpalette([9, 8, 7, 0, 0, 0, 255, 128, 1])
    image.save(tmp_path / 'm.png')
    content = inspect(tmp_path / 'm.png')
    assert content.pixels == {0: 36, 2: 36}
    assert content.palette == {0: 0x090807, 2: 0xFF8001}
    colours = read_mask_values(tmp_path / 'm.png', MaskForm.COLOURS)
    assert set(colours.ravel().tolist()) == {0x090807, 0xFF8001}
    assert content.count_in(MaskForm.IDS) == {0: 36, 2: 36}
    assert content.count_in(MaskForm.COLOURS) == {0x090807: 36, 0xFF8001: 36}


@pytest.mark.parametrize('mode', ['RGB', 'RGBA'])
def test_colours_are_counted(tmp_path, mode):
    array = np.dstack([blocks([128, 0]), blocks([64, 0]), blocks([1, 0])])
    content = inspect(save(tmp_path / 'm.png', array, mode))
    assert content.is_colour
    assert content.pixels == {0x804001: 36, 0: 36}
    assert MaskForm.COLOURS.describe(0x804001) == '128 64 1'


def test_two_entries_of_one_colour_are_one_value(tmp_path):
    image = Image.frombytes('P', (12, 6), blocks([0, 1]).tobytes())
    image.putpalette([9, 9, 9, 9, 9, 9])
    image.save(tmp_path / 'm.png')
    content = inspect(tmp_path / 'm.png')
    assert content.count_in(MaskForm.COLOURS) == {0x090909: 72}
    assert content.count_in(MaskForm.GREYS) == {9: 72}


def disc(size=96):
    image = np.zeros((size, size, 3), np.uint8)
    cv2.circle(image, (48, 48), 30, (255, 40, 0), -1, cv2.LINE_AA)
    return image


UNUSABLE = {
    'smoothed colours': (
        lambda path: save(path, disc()),
        ['blends', 'anti-aliasing', 'PNG', 'nearest'],
    ),
    'smoothed greys': (lambda path: save(path, disc(), 'L'), ['blends']),
    'a photo': (
        lambda path: save(
            path, np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
        ),
        ['1600 grey values or colours', 'right way round'],
    ),
    'a grey photo': (
        lambda path: save(path, np.arange(256, dtype=np.uint8)[None].repeat(4, 0)),
        ['256 grey values', 'photo'],
    ),
    '16 bits': (
        lambda path: save(path, np.full((9, 9), 7001, np.uint16)),
        ['more than 8 bits', '7001', 'instance'],
    ),
    'transparent': (
        lambda path: save(path, np.full((9, 9, 4), 7, np.uint8)),
        ['partly transparent'],
    ),
    'truncated': (
        lambda path: path.write_bytes(
            save(path, np.random.default_rng(0).integers(0, 9, (99, 99), np.uint8))
            .read_bytes()[:900]
        ),
        ['cannot be read'],
    ),
    'no image': (lambda path: path.write_text('hello'), ['cannot be read']),
}  # fmt: skip


@pytest.mark.parametrize('kind', UNUSABLE)
def test_what_is_no_mask_is_named(tmp_path, kind):
    make, words = UNUSABLE[kind]
    path = tmp_path / 'bad.png'
    make(path)
    with pytest.raises(ValueError) as raised:
        inspect(path)
    for word in ['bad.png', *words]:
        assert word in str(raised.value)


LOSSY = {
    'JPEG': (dict(format='JPEG'), 'JPEG file'),
    'lossy WebP': (dict(format='WEBP'), 'lossy WebP'),
    'JPEG 2000': (dict(format='JPEG2000'), 'JPEG 2000'),
    'JPEG in TIFF': (dict(format='TIFF', compression='jpeg'), 'lossy compression'),
}


@pytest.mark.parametrize('kind', LOSSY)
@pytest.mark.parametrize('name', ['m.png', 'm.img'])
def test_lossy_masks_are_refused_whatever_their_name(tmp_path, kind, name):
    options, words = LOSSY[kind]
    array = np.zeros((64, 64, 3), np.uint8)
    array[10:50, 13:47] = (200, 30, 90)
    path = save(tmp_path / name, array, **options)
    with pytest.raises(ValueError, match=words) as raised:
        inspect(path)
    assert str(path) in str(raised.value)
    assert 'Export the label maps' in str(raised.value)


def test_lossless_webp_masks_are_read(tmp_path):
    path = tmp_path / 'm.webp'
    Image.fromarray(blocks([0, 3])).convert('RGB').save(path, lossless=True)
    assert inspect(path).pixels == {0: 36, 0x030303: 36}


@pytest.mark.parametrize(
    'name, kind',
    [('m.png', np.uint16), ('m.tif', np.int16), ('m.tif', np.int32)],
)
def test_ids_of_more_bits_are_read_where_they_fit(tmp_path, name, kind):
    path = tmp_path / name
    cv2.imwrite(str(path), blocks([0, 7, 255]).astype(kind))
    assert inspect(path).pixels == {0: 36, 7: 36, 255: 36}
    assert read_mask_values(path, MaskForm.IDS).tolist() == blocks([0, 7, 255]).tolist()


def test_colours_of_16_bits_are_not_cut_to_8_in_silence(tmp_path):
    path = tmp_path / 'm.png'
    cv2.imwrite(str(path), np.full((9, 9, 3), 700, np.uint16))
    with pytest.raises(ValueError, match='3 bands of 16 bits'):
        inspect(path)


def test_any_flipped_bit_of_a_png_mask_is_found(tmp_path):
    path = save(tmp_path / 'm.png', blocks([0, 3]))
    content = path.read_bytes()
    for position in range(len(content)):
        for bit in range(8):
            changed = bytearray(content)
            changed[position] ^= 1 << bit
            with pytest.raises(ValueError, match=r'm\.png'):
                inspect_mask(bytes(changed), path)


def test_many_classes_with_thin_ones_are_a_mask(tmp_path):
    mask = blocks(range(12))
    # A few thin ones: poles.
    mask[:, ::9] = 20
    mask[0, :7] = 21
    content = inspect(save(tmp_path / 'm.png', mask))
    assert content.thin == {20, 21}
