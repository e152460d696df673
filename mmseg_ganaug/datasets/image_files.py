"""Checks of image files that find what OpenCV and Pillow pass over.

Both read on where a file is damaged, drop bits and bands, and take the first frame of
several, without a word. The checks here work on the bytes of a file, and keep no state:
many threads may call them.
"""

import io
import json
import shlex
from pathlib import PurePath
from typing import Any, Dict, Optional

import cv2
import numpy as np
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from mmseg_ganaug.datasets.image_headers import (
    ImageFormat,
    probe_format,
    unreadable,
)
from mmseg_ganaug.png_files import find_png_damage

# Opened by their own classes, files are not checked against Image.MAX_IMAGE_PIXELS,
# which is a setting of the whole process.
_OPENERS: Dict[str, Any] = {
    'PNG': PngImagePlugin.PngImageFile,
    'JPEG': JpegImagePlugin.JpegImageFile,
    'TIFF': TiffImagePlugin.TiffImageFile,
    'WEBP': WebPImagePlugin.WebPImageFile,
    'GIF': GifImagePlugin.GifImageFile,
    'JPEG2000': Jpeg2KImagePlugin.Jpeg2KImageFile,
    'BMP': BmpImagePlugin.BmpImageFile,
    'PNM': PpmImagePlugin.PpmImageFile,
}
_NOT_BY_OPENCV = ('GIF', 'NPY', 'AVIF', 'HEIC', 'JPEG XL', 'EXR')
_LABEL_MODES = ('L', 'P', '1')
#: Pillow's modes of whole numbers of 16 and 32 bits.
DEEP_MODES = ('I', 'I;16', 'I;16B', 'I;16L', 'I;16N')
_MOST_PIXELS = 1 << 30  # CV_IO_MAX_IMAGE_PIXELS
# Larger files are not decoded just for a message.
_PIXELS_TO_LOOK_AT = 1 << 26
# What cameras and sensors give in 16 bits.
_DEPTHS = (12, 14, 16)


def check_label_file(content: bytes, path: str) -> ImageFormat:
    """Checks a label map that MMSeg's own loader reads, bit by bit where it can.

    Args:
        content (bytes): The file.
        path (str): Its name, for messages.

    Returns:
        ImageFormat: What its header says.

    Raises:
        ValueError: When the file is damaged or truncated, its format is lossy, it has
            several frames, more than one band or values above 255, or is larger than
            Pillow reads. Names the file, and says what to do.
    """
    found = probe_format(content, path)
    _check_undamaged(content, path, found)
    check_holds_labels(found, path)
    if found.bands > 1 or found.kind == 'float':
        raise _no_label_format(path, _pillow_mode(content, found), found)
    image = decode_image(content, path, found)
    if image.mode in DEEP_MODES:
        values = np.asarray(image)
        # Of these, MMSeg takes the lowest 8 bits.
        if not 0 <= values.min() <= values.max() <= 255:
            raise _no_label_format(path, image.mode, found, values.max())
    elif image.mode not in _LABEL_MODES or found.kind != 'uint':
        raise _no_label_format(path, image.mode, found)
    return found


def check_holds_labels(found: ImageFormat, path: str) -> None:
    """Checks that a file of this format can hold a mask that Pillow gives as it is.

    Args:
        found (ImageFormat): Of the file.
        path (str): Its name, for the message.

    Raises:
        ValueError: When the format is lossy, or may be; is no image; has several
            frames; or has more pixels than ``Image.MAX_IMAGE_PIXELS``
            allows. Names the file.
    """
    _check_lossless(found, path)
    if found.format == 'NPY':
        raise ValueError(
            f'{path} is a NumPy array, which LoadAnnotations does not read: save the '
            'class ids as an 8-bit PNG, or load the file with your own transform'
        )
    if found.frames > 1:
        raise ValueError(
            f'{path} is a {found.format} of several frames or pages, and MMSeg reads '
            'only the first: save the label map alone as an 8-bit PNG'
        )
    if _is_over_limit(found):
        raise ValueError(
            f'{path} is {found.width} x {found.height}, more pixels than Pillow opens '
            '(2 * PIL.Image.MAX_IMAGE_PIXELS), and MMSeg reads label maps with '
            'Pillow. Cut photo and label map into tiles'
        )


def _check_lossless(found: ImageFormat, path: str) -> None:
    remedy = (
        'Export the label maps again as PNG from the program in which they were '
        'drawn; converting this file does not restore the values'
    )
    if found.format == 'JPEG2000':
        raise ValueError(
            f'{path} is a JPEG 2000 file, which is usually lossy, so label values may '
            f'have changed. {remedy}'
        )
    if found.lossy:
        names = {'WEBP': 'lossy WebP file', 'TIFF': 'TIFF with lossy compression'}
        name = names.get(found.format, f'{found.format} file')
        raise ValueError(
            f'{path} is a {name}: lossy compression changes label values, most of all '
            f'at the edges of objects. {remedy}'
        )


def check_photo_file(content: bytes, path: str) -> ImageFormat:
    """Checks a photo that MMSeg's own LoadImageFromFile reads, which is by OpenCV.

    Args:
        content (bytes): The file.
        path (str): Its name, for messages.

    Returns:
        ImageFormat: What its header says.

    Raises:
        ValueError: When the file is damaged or truncated, OpenCV does not read it, or
            would drop bits, bands or frames. Names the file, its format, and a command
            that converts.
    """
    found = probe_format(content, path)
    _check_undamaged(content, path, found)
    pixels = found.width * found.height
    if pixels > _MOST_PIXELS:
        raise ValueError(
            f'{path} is {found.width} x {found.height}, and OpenCV, with which MMSeg '
            f'loads photos, reads {_MOST_PIXELS} pixels at most. Cut photo and label '
            'map into tiles'
        )
    problem = _photo_problem(found)
    if problem is not None:
        raise _convert_first(content, path, found, problem)
    image = decode_image(content, path, found)
    if _has_fourth_band(image):
        problem = 'drops its last band, which is more than opaque alpha'
        raise _convert_first(content, path, found, problem)
    # OpenCV may not read what Pillow opens, except for these two formats.
    if found.format not in ('PNG', 'JPEG') and _by_opencv(content) is None:
        problem = 'does not read this pixel format or compression'
        found = found._replace(format=image.format or found.format)
        raise _convert_first(content, path, found, problem)
    return found


def decode_image(content: bytes, path: str, found: ImageFormat) -> Image.Image:
    """Decodes a whole image, of any size.

    Args:
        content (bytes): The file.
        path (str): Its name, for the message.
        found (ImageFormat): Of the file. A JPEG is read whole, but only an eighth of
            its size is worked out.

    Returns:
        Image.Image: Decoded.

    Raises:
        ValueError: When it is damaged, truncated or no image. Names the file.
    """
    _check_undamaged(content, path, found)
    try:
        # Their own classes check Image.MAX_IMAGE_PIXELS, too.
        if found.format in ('WEBP', 'TIFF') and _is_over_limit(found):
            return _decode_by_opencv(content)
        image = _open(content, found)
        image.draft(image.mode, (1, 1))
        image.load()
    except UnidentifiedImageError as error:
        raise unreadable(path, ValueError('no known image format')) from error
    except Exception as error:  # damaged bytes can make a decoder raise anything
        raise unreadable(path, error) from error
    return image


def _is_over_limit(found: ImageFormat) -> bool:
    limit = Image.MAX_IMAGE_PIXELS
    return limit is not None and found.width * found.height > 2 * limit


def _decode_by_opencv(content: bytes) -> Image.Image:
    array = _by_opencv(content, cv2.IMREAD_UNCHANGED)
    if array is None:
        raise ValueError('it is damaged or truncated')
    if array.ndim == 3:
        array = np.ascontiguousarray(array[..., [2, 1, 0, 3][: array.shape[2]]])
    return Image.fromarray(array)


def _check_undamaged(content: bytes, path: str, found: ImageFormat) -> None:
    damage = None if content else 'the file is empty'
    if found.format == 'PNG':
        damage = find_png_damage(content)
    if damage is not None:
        raise unreadable(path, ValueError(damage))


def _open(content: bytes, found: ImageFormat) -> Image.Image:
    return _OPENERS.get(found.format, Image.open)(io.BytesIO(content))


def _pillow_mode(content: bytes, found: ImageFormat) -> str:
    try:
        return _open(content, found).mode
    except Exception:  # as above; the mode is for a message alone
        return 'unknown to Pillow'


def _no_label_format(
    path: str, mode: str, found: ImageFormat, largest: Optional[float] = None
) -> ValueError:
    return ValueError(
        f'{path} has pixel format {mode}{_samples(found, largest)}; a label map is an '
        '8-bit single-channel image of class ids: convert it first (for many data '
        'sets MMSeg has tools/dataset_converters)'
    )


def _samples(found: ImageFormat, largest: Optional[float] = None) -> str:
    if not found.bands:
        return ''
    bands = f'{found.bands} band' + ('s' if found.bands > 1 else '')
    kind = {'uint': '', 'int': ', signed', 'float': ', floating-point'}[found.kind]
    shown = '' if largest is None else f', values up to {largest:g}'
    return f' ({bands} of {found.bits} bits{kind}{shown})'


def _photo_problem(found: ImageFormat) -> Optional[str]:
    """Finds, by the header, why OpenCV would not read the photo unchanged."""
    if found.format in _NOT_BY_OPENCV:
        return 'does not read this format'
    if found.frames > 1:
        return 'reads one of its frames or pages'
    if found.kind == 'float':
        return 'does not read floating-point numbers as a photo'
    if found.bits > 8:
        return f'keeps 8 of the {found.bits} bits'
    if found.kind == 'int':
        return 'takes negative numbers for large ones'
    if found.format == 'TIFF' and found.bands == 2:
        return 'drops the second of its bands'
    # A JPEG of four bands is in CMYK, which OpenCV converts.
    if found.format != 'JPEG' and found.bands > 4:
        return f'reads 3 of its {found.bands} bands at most'
    return None


def _has_fourth_band(image: Image.Image) -> bool:
    """Checks for more than colours: infrared, or alpha that is not opaque."""
    if image.mode == 'CMYK':
        return image.format != 'JPEG'
    if image.mode not in ('LA', 'PA', 'RGBA', 'RGBX', 'La', 'RGBa'):
        if 'transparency' not in image.info:
            return False
        image = image.convert('RGBA')
    last = np.asarray(image.getchannel(len(image.getbands()) - 1))
    return bool(last.min() < 255)


def _by_opencv(content: bytes, flag: int = cv2.IMREAD_COLOR) -> Optional[np.ndarray]:
    try:
        return cv2.imdecode(np.frombuffer(content, np.uint8), flag)
    except cv2.error:
        return None


def _convert_first(
    content: bytes, path: str, found: ImageFormat, problem: str
) -> ValueError:
    """Returns the error for an intact file that the loader would change."""
    array = None
    readable = found.bands <= 4 and (found.bits <= 16 or found.kind == 'float')
    readable &= found.width * found.height <= _PIXELS_TO_LOOK_AT
    if found.format in ('PNG', 'TIFF', 'PNM', 'JPEG2000') and readable:
        array = _by_opencv(content, cv2.IMREAD_UNCHANGED)
    largest = None
    if array is not None and (found.bits > 8 or found.kind != 'uint'):
        largest = float(np.nanmax(array))
    return ValueError(
        f'{path} is a photo of format {found.format}{_samples(found, largest)}, and '
        f'OpenCV, with which MMSeg loads photos, {problem}. Convert the photos of its '
        'folder to 8-bit PNG files of three bands, for example by\n'
        f'{_command(path, found, largest)}\n'
        'or load them with your own transform'
    )


def _command(path: str, found: ImageFormat, largest: Optional[float]) -> str:
    """Returns a command that converts all files of a folder into one beside it."""
    place = PurePath(path)
    folder = place.parent
    target = folder.parent / f'{folder.name or "photos"}_8bit'
    imports, save = 'from PIL import Image', 'Image.open(f).convert("RGB").save(o)'
    if found.format == 'NPY':
        # RGB, as most arrays are; OpenCV writes BGR.
        imports = 'import cv2, numpy'
        save = 'cv2.imwrite(str(o), numpy.load(f)[..., ::-1])'
    elif found.format in ('HEIC', 'JPEG XL', 'EXR'):
        return f'magick mogrify -format png -depth 8 {shlex.quote(path)}'
    elif found.format == 'TIFF' and (
        found.bands not in (1, 3, 4) or (found.bits > 8 and largest is None)
    ):
        scale = '' if found.bits == 8 else '-scale '
        bands = '-b 1' if found.bands < 3 else '-b 1 -b 2 -b 3'
        return (
            f'gdal_translate -of PNG -ot Byte {scale}{bands} '
            f'{shlex.quote(path)} {shlex.quote(str(target / place.stem) + ".png")}'
        )
    elif largest is not None:
        imports = 'import cv2'
        kept = '[..., :3]' if found.bands > 3 else ''
        save = (
            'cv2.imwrite(str(o), cv2.convertScaleAbs('
            f'cv2.imread(str(f), -1){kept}, alpha=255 / {_white(found, largest):g}))'
        )
    return 'python -c ' + shlex.quote(
        f'{imports}; from pathlib import Path; t = Path({_literal(str(target))}); '
        f't.mkdir(exist_ok=True); [{save} for f in Path({_literal(str(folder))})'
        f'.glob({_literal("*" + place.suffix)}) '
        'for o in [t / (f.stem + ".png")]]'
    )


def _white(found: ImageFormat, largest: float) -> float:
    """Returns the value that becomes 255."""
    if found.kind == 'float':
        return next((w for w in (1, 255) if largest <= 1.1 * w), largest)
    return next((2**bits - 1 for bits in _DEPTHS if largest < 2**bits), largest)


def _literal(text: str) -> str:
    """Writes a Python string in double quotes, for a shell's single quotes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(text)
    return json.dumps(text, ensure_ascii=False)
