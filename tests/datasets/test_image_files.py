"""What OpenCV and Pillow pass over in an image file is found, and named."""

import io
import shlex
import struct
import subprocess
import sys
import threading

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mmseg_ganaug.datasets.image_files import (
    check_label_file,
    check_photo_file,
    find_png_damage,
)
from mmseg_ganaug.datasets.image_headers import probe_format

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (40, 60, 3), np.uint8)
GREYS = COLOURS[..., 0]
FOUR = np.dstack([COLOURS, GREYS])
OPAQUE = np.dstack([COLOURS, np.full_like(GREYS, 255)])


def pillow(array, fmt, mode=None, **options):
    image = Image.fromarray(array)
    content = io.BytesIO()
    (image.convert(mode) if mode else image).save(content, fmt, **options)
    return content.getvalue()


def opencv(ending, array):
    return cv2.imencode(ending, array)[1].tobytes()


def animation(fmt):
    content = io.BytesIO()
    frames = [Image.fromarray(np.roll(COLOURS, 9 * i, 1)) for i in range(3)]
    frames[0].save(content, fmt, save_all=True, append_images=frames[1:])
    return content.getvalue()


def tiff(array, **tags):
    """A TIFF as other programs write it, with any number of bands and bits."""
    height, width, bands = array.shape
    big = tags.pop('big', False)
    entries = {
        256: ('I', width),
        257: ('I', height),
        258: ('H', 8 * array.itemsize),
        259: ('H', 1),
        262: ('H', 2 if bands > 2 else 1),
        277: ('H', bands),
        278: ('I', height),
        279: ('I', array.nbytes),
        339: ('H', {'u': 1, 'i': 2, 'f': 3}[array.dtype.kind]),
        **{tag: ('H', value) for tag, value in tags.items()},
    }
    entries[273] = ('I', 0)
    place, count, entry = ('Q', 'Q', 20) if big else ('I', 'H', 12)
    start = 16 if big else 8
    end = start + struct.calcsize(count) + entry * len(entries)
    end += struct.calcsize(place)
    entries[273] = ('I', end)
    head = (
        struct.pack('<2sHHHQ', b'II', 43, 8, 0, start)
        if big
        else struct.pack('<2sHI', b'II', 42, start)
    )
    body = struct.pack(f'<{count}', len(entries))
    for tag, (kind, value) in sorted(entries.items()):
        number = {'H': 3, 'I': 4}[kind]
        packed = struct.pack(f'<{kind}', value).ljust(struct.calcsize(place), b'\0')
        body += struct.pack(f'<HH{place}', tag, number, 1) + packed
    return head + body + struct.pack(f'<{place}', 0) + array.tobytes()


# Content, then: format, bands, bits, kind, lossy, frames.
FORMATS = {
    'PNG': (pillow(COLOURS, 'PNG'), ('PNG', 3, 8, 'uint', False, 1)),
    'palette': (pillow(COLOURS, 'PNG', 'P'), ('PNG', 1, 8, 'uint', False, 1)),
    'bilevel': (pillow(GREYS, 'PNG', '1'), ('PNG', 1, 1, 'uint', False, 1)),
    'alpha': (pillow(FOUR, 'PNG'), ('PNG', 4, 8, 'uint', False, 1)),
    'PNG of 16 bits': (
        opencv('.png', COLOURS.astype(np.uint16) * 16),
        ('PNG', 3, 16, 'uint', False, 1),
    ),
    'APNG': (animation('PNG'), ('PNG', 3, 8, 'uint', False, 2)),
    'JPEG': (pillow(COLOURS, 'JPEG'), ('JPEG', 3, 8, 'uint', True, 1)),
    'CMYK': (pillow(COLOURS, 'JPEG', 'CMYK'), ('JPEG', 4, 8, 'uint', True, 1)),
    'lossy WebP': (pillow(COLOURS, 'WEBP'), ('WEBP', 3, 8, 'uint', True, 1)),
    'lossy WebP, alpha': (pillow(FOUR, 'WEBP'), ('WEBP', 4, 8, 'uint', True, 1)),
    'WebP': (
        pillow(COLOURS, 'WEBP', lossless=True),
        ('WEBP', 3, 8, 'uint', False, 1),
    ),
    'WebP, alpha': (
        pillow(FOUR, 'WEBP', lossless=True),
        ('WEBP', 4, 8, 'uint', False, 1),
    ),
    'animated WebP': (animation('WEBP'), ('WEBP', 3, 8, 'uint', True, 2)),
    'GIF': (pillow(COLOURS, 'GIF'), ('GIF', 1, 8, 'uint', False, 1)),
    'animated GIF': (animation('GIF'), ('GIF', 1, 8, 'uint', False, 2)),
    'JPEG 2000': (pillow(COLOURS, 'JPEG2000'), ('JPEG2000', 3, 8, 'uint', False, 1)),
    'lossy JPEG 2000': (
        pillow(COLOURS, 'JPEG2000', irreversible=True),
        ('JPEG2000', 3, 8, 'uint', True, 1),
    ),
    'BMP': (pillow(COLOURS, 'BMP'), ('BMP', 3, 8, 'uint', False, 1)),
    'PPM': (pillow(COLOURS, 'PPM'), ('PNM', 3, 8, 'uint', False, 1)),
    'TIFF': (pillow(COLOURS, 'TIFF'), ('TIFF', 3, 8, 'uint', False, 1)),
    'JPEG in TIFF': (
        pillow(COLOURS, 'TIFF', compression='jpeg'),
        ('TIFF', 3, 8, 'uint', True, 1),
    ),
    'TIFF of pages': (animation('TIFF'), ('TIFF', 3, 8, 'uint', False, 2)),
    'TIFF of 16 bits': (
        opencv('.tif', COLOURS.astype(np.uint16)),
        ('TIFF', 3, 16, 'uint', False, 1),
    ),
    'BigTIFF of 16 bits': (
        tiff(COLOURS.astype(np.uint16), big=True),
        ('TIFF', 3, 16, 'uint', False, 1),
    ),
    'float TIFF': (
        tiff(COLOURS.astype(np.float32)),
        ('TIFF', 3, 32, 'float', False, 1),
    ),
    'signed TIFF': (tiff(COLOURS.astype(np.int16)), ('TIFF', 3, 16, 'int', False, 1)),
    'TIFF of 6 bands': (
        tiff(np.dstack([COLOURS, COLOURS])),
        ('TIFF', 6, 8, 'uint', False, 1),
    ),
}


@pytest.mark.parametrize('name', FORMATS)
def test_the_header_tells_format_bands_bits_and_loss(name):
    content, expected = FORMATS[name]
    found = probe_format(content, 'x')
    assert (found.width, found.height) == (60, 40)
    assert (found.format, *found[3:8]) == expected


@pytest.mark.parametrize('fmt', ['PNG', 'JPEG', 'TIFF', 'WEBP'])
@pytest.mark.parametrize('orientation', [1, 3, 6])
def test_the_shown_size_is_that_of_opencv(fmt, orientation):
    exif = Image.Exif()
    exif[0x112] = orientation
    content = pillow(COLOURS, fmt, exif=exif)
    shown = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR).shape
    assert probe_format(content, 'x').shown_size == (shown[1], shown[0])


GOOD_PHOTOS = {
    **{name: FORMATS[name][0] for name in
       ('PNG', 'palette', 'bilevel', 'JPEG', 'CMYK', 'lossy WebP', 'WebP', 'JPEG 2000',
        'BMP', 'PPM', 'TIFF', 'JPEG in TIFF')},
    'grey': pillow(GREYS, 'PNG'),
    'opaque PNG': pillow(OPAQUE, 'PNG'),
    'opaque TIFF': opencv('.tif', OPAQUE),
    'opaque grey': pillow(GREYS, 'PNG', 'LA'),
    'one pixel wide': pillow(COLOURS[:, :1].copy(), 'PNG'),
}  # fmt: skip


@pytest.mark.parametrize('name', GOOD_PHOTOS)
def test_photos_that_opencv_gives_whole_pass(name):
    check_photo_file(GOOD_PHOTOS[name], 'x')


NOT_PHOTOS = {
    'PNG of 16 bits': ['PNG', '16 bits', 'values up to 4080', 'alpha=255 / 4095'],
    'alpha': ['PNG', 'last band', 'convert("RGB")'],
    'lossy WebP, alpha': ['WEBP', 'last band'],
    'WebP, alpha': ['WEBP', 'last band'],
    'APNG': ['PNG', 'one of its frames'],
    'animated WebP': ['WEBP', 'one of its frames'],
    'GIF': ['GIF', 'does not read this format', 'convert("RGB")'],
    'animated GIF': ['GIF'],
    'TIFF of pages': ['TIFF', 'one of its frames or pages'],
    'TIFF of 16 bits': ['TIFF', '16 bits', 'values up to 255'],
    'BigTIFF of 16 bits': ['TIFF', '16 bits'],
    'float TIFF': ['TIFF', 'floating-point', 'values up to 255'],
    'signed TIFF': ['TIFF', 'signed'],
    'TIFF of 6 bands': ['TIFF', '6 bands', 'gdal_translate'],
}


@pytest.mark.parametrize('name', NOT_PHOTOS)
def test_photos_that_would_lose_something_are_named(name):
    with pytest.raises(ValueError) as raised:
        check_photo_file(FORMATS[name][0], 'some where/photo.x')
    for word in ['some where/photo.x', *NOT_PHOTOS[name]]:
        assert word in str(raised.value)


def test_a_tiff_of_two_or_four_real_bands_is_no_photo():
    with pytest.raises(ValueError, match='last band'):
        check_photo_file(tiff(FOUR), 'x.tif')
    with pytest.raises(
        ValueError, match=r'second of its bands(.*\n)*.*Byte -b 1 x\.tif'
    ):
        check_photo_file(tiff(COLOURS[..., :2].copy()), 'x.tif')
    with pytest.raises(ValueError, match='last band'):
        check_photo_file(opencv('.tif', FOUR), 'x.tif')


def test_transparent_colours_of_a_palette_are_no_photo():
    content = pillow(COLOURS, 'PNG', 'P', transparency=bytes([0]) * 256)
    with pytest.raises(ValueError, match='last band'):
        check_photo_file(content, 'x.png')


CONVERTED = {
    'twelve bits': ('.tif', lambda array: opencv('.tif', array.astype(np.uint16) * 16)),
    'sixteen bits': ('.png', lambda a: opencv('.png', a.astype(np.uint16) * 257)),
    'float': ('.tif', lambda array: opencv('.tif', array.astype(np.float32) / 255)),
    'four bands': ('.tif', lambda a: opencv('.tif', np.dstack([a, a[..., 0]]))),
    'GIF': ('.gif', lambda array: pillow(array[..., ::-1].copy(), 'GIF')),
}  # fmt: skip


@pytest.mark.parametrize('name', CONVERTED)
def test_the_command_of_the_message_converts_the_folder(tmp_path, name):
    ending, make = CONVERTED[name]
    folder = tmp_path / 'it\'s "a" $folder'
    folder.mkdir()
    # Few grey levels, as a GIF has 256 colours.
    scenes = [
        np.kron(RNG.integers(0, 9, (4, 6, 1)), np.full((9, 9, 3), 28)) for _ in 'ab'
    ]
    scenes[0][0] = 255
    for stem, scene in zip('ab', scenes):
        (folder / f'{stem}{ending}').write_bytes(make(scene.astype(np.uint8)))
    path = folder / f'a{ending}'
    with pytest.raises(ValueError) as raised:
        check_photo_file(path.read_bytes(), str(path))
    command = next(
        line for line in str(raised.value).split('\n') if line.startswith('python -c')
    )
    program = shlex.split(command)[2]
    subprocess.run([sys.executable, '-c', program], check=True, timeout=120)
    for stem, scene in zip('ab', scenes):
        made = tmp_path / f'{folder.name}_8bit' / f'{stem}.png'
        check_photo_file(made.read_bytes(), str(made))
        assert (
            np.abs(cv2.imread(str(made)).astype(int) - scene).max() <= 4
        )  # OpenCV rounds floats


LABELS = {
    'grey': pillow(GREYS, 'PNG'),
    'palette': FORMATS['palette'][0],
    'bilevel': FORMATS['bilevel'][0],
    'palette of 4 bits': pillow(GREYS % 9, 'PNG', 'P', bits=4),
    'palette of 2 bits': pillow(GREYS % 3, 'PNG', 'P', bits=2),
    'GIF': pillow(GREYS, 'GIF'),
    'BMP': pillow(GREYS, 'BMP'),
    'TIFF': pillow(GREYS, 'TIFF', compression='tiff_lzw'),
    'PNG of 16 bits': opencv('.png', GREYS.astype(np.uint16)),
    'TIFF of 16 bits': opencv('.tif', GREYS.astype(np.uint16)),
    'TIFF of 32 bits': tiff(GREYS[..., None].astype(np.uint32)),
    'signed TIFF of 16 bits': opencv('.tif', GREYS.astype(np.int16)),
}


@pytest.mark.parametrize('name', LABELS)
def test_label_maps_of_ids_in_one_band_pass(name):
    check_label_file(LABELS[name], 'x')


DEEPER = {
    'PNG of 16 bits': opencv('.png', GREYS.astype(np.uint16) + 1),
    'TIFF of 16 bits': opencv('.tif', GREYS.astype(np.uint16) + 1),
    'TIFF of 32 bits': tiff(GREYS[..., None].astype(np.uint32) + 1),
    'signed TIFF of 32 bits': opencv('.tif', GREYS.astype(np.int32) + 1),
}


@pytest.mark.parametrize('name', DEEPER)
def test_label_values_of_which_training_would_see_the_lowest_bits_are_named(name):
    with pytest.raises(ValueError, match=r'x has .* values up to 256.*8-bit'):
        check_label_file(DEEPER[name], 'x')


NOT_LABELS = {
    'JPEG': ['JPEG', 'lossy', 'Export'],
    'lossy WebP': ['lossy WebP', 'Export'],
    'lossy JPEG 2000': ['JPEG 2000', 'lossy', 'Export'],
    'JPEG 2000': ['JPEG 2000', 'lossy', 'Export'],
    'JPEG in TIFF': ['TIFF', 'lossy'],
    'animated GIF': ['GIF', 'several frames'],
    'APNG': ['PNG', 'several frames'],
    'TIFF of pages': ['TIFF', 'pages'],
    'PNG': ['pixel format RGB', '8-bit single-channel', 'convert it'],
    'PNG of 16 bits': ['16 bits', '8-bit single-channel'],
    'float TIFF': ['floating-point', '8-bit single-channel'],
}


@pytest.mark.parametrize('name', NOT_LABELS)
def test_what_changes_or_drops_label_values_is_named(name):
    with pytest.raises(ValueError) as raised:
        check_label_file(FORMATS[name][0], 'where/mask.png')
    for word in ['where/mask.png', *NOT_LABELS[name]]:
        assert word in str(raised.value)


def test_a_grey_jpeg_with_the_ending_of_a_png_is_no_label_map():
    with pytest.raises(ValueError, match=r'mask\.png is a JPEG file: lossy'):
        check_label_file(pillow(GREYS % 3, 'JPEG'), 'mask.png')


def test_any_flipped_bit_of_a_png_is_found():
    content = pillow((GREYS[:9, :9] % 3).copy(), 'PNG')
    assert find_png_damage(content) is None
    for position in range(8 * len(content)):
        changed = bytearray(content)
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(ValueError, match='mask'):
            check_label_file(bytes(changed), 'mask')


TRUNCATED = ['PNG', 'JPEG', 'WebP', 'BMP', 'PPM', 'TIFF']


@pytest.mark.parametrize('name', TRUNCATED)
def test_a_photo_cut_anywhere_is_found(name):
    content = FORMATS[name][0]
    for length in {*range(0, len(content), 97), len(content) - 60}:
        with pytest.raises(ValueError, match=r'photo\.x'):
            check_photo_file(content[:length], 'photo.x')


@pytest.mark.parametrize('name', FORMATS)
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_damaged_bytes_give_no_other_error(name, data):
    content = bytearray(FORMATS[name][0])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, min(len(content), 400) - 1))
        content[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    for damaged in (bytes(content), bytes(content[:cut])):
        for check in (check_photo_file, check_label_file):
            try:
                check(damaged, 'file.x')
            except ValueError as error:
                assert 'file.x' in str(error)


def test_other_files_are_named():
    for content, word in [(b'', 'empty'), (b'hello', 'no known image format')]:
        for check in (check_label_file, check_photo_file):
            with pytest.raises(ValueError, match=word):
                check(content, 'x.png')
    content = io.BytesIO()
    np.save(content, COLOURS)
    for check in (check_label_file, check_photo_file):
        with pytest.raises(
            ValueError, match=r'x\.png is a (photo of format NPY|NumPy)'
        ):
            check(content.getvalue(), 'x.png')


def test_photos_over_the_limit_of_pillow_work_and_leave_it_alone(monkeypatch):
    content = FORMATS['PNG'][0]
    alpha = FORMATS['WebP, alpha'][0]
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 60 * 40 // 2 - 1)
    with pytest.raises(Image.DecompressionBombError):
        Image.open(io.BytesIO(content))
    for name in ('PNG', 'JPEG', 'WebP', 'TIFF', 'BMP'):
        check_photo_file(FORMATS[name][0], 'x')
        with pytest.raises(ValueError, match='cannot be read'):
            check_photo_file(FORMATS[name][0][:-200], 'x')
    with pytest.raises(ValueError, match='last band'):
        check_photo_file(alpha, 'x')
    assert Image.MAX_IMAGE_PIXELS == 60 * 40 // 2 - 1
    with pytest.raises(ValueError, match=r'mask\.png is 60 x 40, .*into tiles'):
        check_label_file(LABELS['grey'], 'mask.png')


def test_threads_may_check_at_once():
    errors = []

    def check():
        try:
            for content in GOOD_PHOTOS.values():
                check_photo_file(content, 'x')
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=check) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors
