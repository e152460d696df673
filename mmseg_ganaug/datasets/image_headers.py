"""Reads the header of an image file from its bytes.

Pillow and OpenCV hide what matters here: Pillow opens a 16-bit RGB PNG as 8-bit and
cannot open a 16-bit TIFF of three bands, and neither says whether a WebP is lossy.
"""

import ast
import os.path as osp
import struct
from typing import Callable, Dict, Iterator, List, NamedTuple, Sequence, Tuple

from PIL import Image

from mmseg_ganaug.png_files import PNG_SIGNATURE, png_chunks

_ARRAYS = ('.npy', '.npz', '.mat', '.h5', '.hdf5', '.pt', '.pkl', '.nii', '.gz')
UNKNOWN = 'unknown'
_ORIENTATION = 0x0112  # of the EXIF and TIFF tags
# Compression of a TIFF: JPEG in its old and new form, as three vendors write it, JPEG
# 2000, WebP, JPEG XL.
_LOSSY_TIFF = (6, 7, 34892, 33003, 33004, 33005, 34712, 50001, 50002, 52546)
_KINDS = {1: 'uint', 2: 'int', 3: 'float', 4: 'uint', 5: 'int', 6: 'float'}
_INTEGERS = {1: 'B', 3: 'H', 4: 'I', 13: 'I', 16: 'Q', 18: 'Q'}
# LogLuv, in which OpenCV writes floating-point images.
_FLOAT_TIFF = (34676, 34677)
# A smaller copy or a mask of the page before it.
_NO_PAGE = 1 | 4
_BRANDS = {b'avif': 'AVIF', b'avis': 'AVIF', b'heic': 'HEIC', b'heix': 'HEIC',
           b'mif1': 'HEIC', b'hevc': 'HEIC'}  # fmt: skip


class ImageFormat(NamedTuple):
    """Facts from the header of an image file.

    Attributes:
        format: 'PNG', 'JPEG', 'TIFF', 'WEBP', 'GIF', 'JPEG2000', 'BMP', 'PNM', 'NPY',
            'EXR', 'AVIF', 'HEIC', 'JPEG XL' or 'unknown'; of formats that neither
            Pillow nor OpenCV reads, the name alone is known.
        width: In pixels, as stored.
        height: In pixels, as stored.
        bands: Values a pixel; 1 for a palette, alpha counts as one.
        bits: Of a band.
        kind: 'uint', 'int' or 'float'.
        lossy: Whether the compression changes values.
        frames: Pages or frames of an animation; 2 stands for any number above 1.
        orientation: As in EXIF, 1..8.
    """

    format: str
    width: int = 0
    height: int = 0
    bands: int = 0
    bits: int = 0
    kind: str = 'uint'
    lossy: bool = False
    frames: int = 1
    orientation: int = 1

    @property
    def shown_size(self) -> Tuple[int, int]:
        """Width and height after the rotation by EXIF that OpenCV applies."""
        turned = self.orientation > 4 and self.format in ('PNG', 'JPEG', 'TIFF')
        return (self.height, self.width) if turned else (self.width, self.height)


def probe_format(content: bytes, path: str) -> ImageFormat:
    """Reads the header of an image.

    Args:
        content (bytes): The file.
        path (str): Its name, for the message.

    Returns:
        ImageFormat: Its format is 'unknown' where the first bytes are of none listed.

    Raises:
        ValueError: When the header is damaged or cut off. Names the file.
    """
    read = _find_reader(content)
    if read is None:
        return ImageFormat(UNKNOWN)
    try:
        return read(content)
    except Exception as error:  # damaged bytes can raise anything
        raise unreadable(path, ValueError('its header is damaged')) from error


def unreadable(path: str, error: Exception) -> ValueError:
    """Returns the error for a file that is no whole image; names the remedy."""
    suffix = osp.splitext(path)[1].lower()
    if suffix in _ARRAYS:
        return ValueError(
            f"{path} is no image, and MMSeg's own transforms do not load {suffix} "
            'files: give the pipeline of this data set (source=, pipeline=) the '
            'loading transform of your project'
        )
    return ValueError(
        f'{path} cannot be read as an image ({error}): restore the file or take it out '
        'of the data set'
    )


def _find_reader(content: bytes) -> 'Callable[[bytes], ImageFormat] | None':
    for start, read in _READERS.items():
        if content.startswith(start):
            return read
    if content[:4] == b'RIFF' and content[8:12] == b'WEBP':
        return _read_webp
    if content[4:12] == b'jP  \r\n\x87\n':
        return _read_jpeg2000
    if content[4:8] == b'ftyp' and content[8:12] in _BRANDS:
        name = _BRANDS[content[8:12]]
        return lambda _: ImageFormat(name, lossy=True)
    if content[:1] == b'P' and content[1:2] in b'123456' and content[2:3].isspace():
        return _read_pnm
    return None


def _read_png(content: bytes) -> ImageFormat:
    width, height, bits, colour = struct.unpack_from('>IIBB', content, 16)
    frames = orientation = 1
    for kind, start, end in png_chunks(content):
        if kind == b'acTL':
            frames = min(2, struct.unpack_from('>I', content, start)[0])
        elif kind == b'eXIf':
            orientation = _exif_orientation(content[start:end])
    bands = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    return ImageFormat(
        *('PNG', width, height, bands, bits), frames=frames, orientation=orientation
    )


def _read_jpeg(content: bytes) -> ImageFormat:
    orientation, position = 1, 2
    while True:
        if content[position] != 0xFF:
            raise ValueError('no marker')
        marker = content[position + 1]
        if marker == 0xFF:  # a byte that fills up
            position += 1
            continue
        (length,) = struct.unpack_from('>H', content, position + 2)
        start = position + 4
        # Frame headers; C4, C8 and CC are something else.
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            bits, height, width, bands = struct.unpack_from('>BHHB', content, start)
            lossless = marker in (0xC3, 0xC7, 0xCB, 0xCF)
            return ImageFormat(
                *('JPEG', width, height, bands, bits, 'uint', not lossless),
                orientation=orientation,
            )
        if marker == 0xE1 and content[start : start + 6] == b'Exif\0\0':
            orientation = _exif_orientation(content[start : start + length - 2])
        position += 2 + length


def _exif_orientation(tags: bytes) -> int:
    exif = Image.Exif()
    try:
        exif.load(tags)
        found = exif.get(_ORIENTATION, 1)
    except Exception:  # Pillow's parser can raise anything; the pixels may be intact
        return 1
    return found if found in range(1, 9) else 1


def _read_gif(content: bytes) -> ImageFormat:
    width, height, flags = struct.unpack_from('<HHB', content, 6)
    position = 13 + _colour_table(flags)
    frames = 0
    # A file may be cut off, which is found when it is decoded.
    while position < len(content) and content[position] != 0x3B and frames < 2:
        if content[position] == 0x2C:
            frames += 1
            position += 11 + _colour_table(content[position + 9])
        else:
            position += 2
        while position < len(content) and content[position]:
            position += 1 + content[position]
        position += 1
    return ImageFormat('GIF', width, height, 1, 8, frames=max(frames, 1))


def _colour_table(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _read_webp(content: bytes) -> ImageFormat:
    width = height = frames = 0
    lossy = alpha = False
    for kind, start in _webp_chunks(content, 12):
        if kind == b'VP8X':
            alpha = bool(content[start] & 0x10)
            width = 1 + int.from_bytes(content[start + 4 : start + 7], 'little')
            height = 1 + int.from_bytes(content[start + 7 : start + 10], 'little')
        elif kind == b'ANMF':
            frames += 1
            inner = [k for k, _ in _webp_chunks(content, start + 16)][:2]
            lossy |= b'VP8 ' in inner
        elif kind == b'VP8 ':
            lossy = True
            if not width:
                width, height = struct.unpack_from('<HH', content, start + 6)
        elif kind == b'VP8L' and not width:
            (packed,) = struct.unpack_from('<I', content, start + 1)
            width, height = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
            alpha = bool(packed >> 28 & 1)
    if not width:
        raise ValueError('no image')
    size = (width & 0x3FFF, height & 0x3FFF) if not frames else (width, height)
    bands = 4 if alpha else 3
    return ImageFormat(
        'WEBP', *size, bands, 8, lossy=lossy, frames=min(2, max(frames, 1))
    )


def _webp_chunks(content: bytes, position: int) -> Iterator[Tuple[bytes, int]]:
    while position + 8 <= len(content):
        kind, length = struct.unpack_from('<4sI', content, position)
        yield kind, position + 8
        position += 8 + length + length % 2


def _read_jpeg2000(content: bytes) -> ImageFormat:
    start = content.index(b'\xff\x4f\xff\x51')  # beginning and SIZ of a code stream
    right, bottom, left, top = struct.unpack_from('>IIII', content, start + 8)
    bands, depth = struct.unpack_from('>HB', content, start + 40)
    style = content.index(b'\xff\x52', start)  # COD
    # The reversible transform alone can keep every value.
    lossy = content[style + 13] != 1
    kind = 'int' if depth & 0x80 else 'uint'
    bits = (depth & 0x7F) + 1
    return ImageFormat('JPEG2000', right - left, bottom - top, bands, bits, kind, lossy)


def _read_bmp(content: bytes) -> ImageFormat:
    (header,) = struct.unpack_from('<I', content, 14)
    if header == 12:
        width, height, _, bits = struct.unpack_from('<HHHH', content, 18)
    else:
        width, height, _, bits = struct.unpack_from('<iiHH', content, 18)
    has_alpha = header >= 56 and struct.unpack_from('<I', content, 66)[0]
    bands = 1 if bits <= 8 else 4 if has_alpha else 3
    return ImageFormat('BMP', width, abs(height), bands, min(bits, 8))


def _read_pnm(content: bytes) -> ImageFormat:
    words: List[bytes] = []
    for line in content[:4096].split(b'\n'):
        words += line.split(b'#')[0].split()
        if len(words) > 3:
            break
    bits = 1 if words[0] in (b'P1', b'P4') else int(words[3]).bit_length()
    bands = 3 if words[0] in (b'P3', b'P6') else 1
    return ImageFormat('PNM', int(words[1]), int(words[2]), bands, bits)


def _read_npy(content: bytes) -> ImageFormat:
    wide = content[6] > 1
    (length,) = struct.unpack_from('<I' if wide else '<H', content, 8)
    start = 12 if wide else 10
    header = ast.literal_eval(content[start : start + length].decode('latin-1'))
    height, width, bands = (*header['shape'], 1, 1, 1)[:3]
    kind = {'u': 'uint', 'b': 'uint', 'i': 'int'}.get(header['descr'][1], 'float')
    return ImageFormat('NPY', width, height, bands, 8 * int(header['descr'][2:]), kind)


def _read_tiff(content: bytes) -> ImageFormat:
    order = '<' if content[:2] == b'II' else '>'
    is_big = content[2:4] in (b'\x2b\0', b'\0\x2b')
    (first,) = struct.unpack_from(
        order + ('Q' if is_big else 'I'), content, 8 if is_big else 4
    )
    tags, following = _read_directory(content, first, order, is_big)
    frames, seen = 1, {first}
    while following and following not in seen and frames < 2:
        seen.add(following)
        more, following = _read_directory(content, following, order, is_big)
        frames += not more.get(254, (0,))[0] & _NO_PAGE
    compression = tags.get(259, (1,))[0]
    kind = _KINDS.get(tags.get(339, (1,))[0], 'uint')
    return ImageFormat(
        'TIFF',
        tags[256][0],
        tags[257][0],
        tags.get(277, (1,))[0],
        max(tags.get(258, (1,))),
        'float' if compression in _FLOAT_TIFF else kind,
        compression in _LOSSY_TIFF,
        frames,
        tags.get(_ORIENTATION, (1,))[0],
    )


def _read_directory(
    content: bytes, offset: int, order: str, is_big: bool
) -> Tuple[Dict[int, Sequence[int]], int]:
    """Reads the whole numbers in a directory of a TIFF, and the next offset."""
    count_form, entry, place = ('Q', 20, 'Q') if is_big else ('H', 12, 'I')
    (count,) = struct.unpack_from(order + count_form, content, offset)
    offset += struct.calcsize(count_form)
    tags: Dict[int, Sequence[int]] = {}
    if offset + count * entry > len(content):
        raise ValueError('cut off')
    for start in range(offset, offset + count * entry, entry):
        tag, kind, number = struct.unpack_from(order + 'HH' + place, content, start)
        if kind not in _INTEGERS or not 0 < number < 4096:
            continue
        form = f'{order}{number}{_INTEGERS[kind]}'
        value = start + entry - struct.calcsize(place)
        if struct.calcsize(form) > struct.calcsize(place):
            (value,) = struct.unpack_from(order + place, content, value)
        tags[tag] = struct.unpack_from(form, content, value)
    (following,) = struct.unpack_from(order + place, content, offset + count * entry)
    return tags, following


_READERS: Dict[bytes, Callable[[bytes], ImageFormat]] = {
    PNG_SIGNATURE: _read_png,
    b'\xff\xd8\xff': _read_jpeg,
    b'GIF8': _read_gif,
    b'\xff\x4f\xff\x51': _read_jpeg2000,
    b'BM': _read_bmp,
    b'\x93NUMPY': _read_npy,
    b'II*\0': _read_tiff,
    b'MM\0*': _read_tiff,
    b'II+\0': _read_tiff,
    b'MM\0+': _read_tiff,
    b'v/1\x01': lambda _: ImageFormat('EXR', kind='float'),
    b'\xff\x0a': lambda _: ImageFormat('JPEG XL', lossy=True),
    b'\0\0\0\x0cJXL ': lambda _: ImageFormat('JPEG XL', lossy=True),
}
