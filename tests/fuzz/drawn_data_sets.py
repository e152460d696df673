"""Data sets drawn at random, with what must come of each."""

import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional

import cv2
import numpy as np
from hypothesis import strategies as st
from PIL import Image

import mmseg_ganaug  # noqa: F401  (prepares the libraries)

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'datasets'))
import own_loaders

PACK = dict(type='PackSegInputs')
IMAGE = dict(type='LoadImageFromFile')
FLIP = dict(type='RandomFlip', prob=0.5)


@dataclass(repr=False)
class Drawn:
    """A data set on disk, and what is known of it.

    Attributes:
        config: Of the MMSeg data set.
        truth: uint8 [H, W] by label file: what the project means by it.
        ignore_index: Of the data set.
        faults: Texts of which an error must hold one, for each fault that it has.
        note: What was drawn, for the report of a failure.
    """

    config: dict
    truth: Dict[str, np.ndarray]
    ignore_index: int
    num_classes: int
    faults: List[str] = field(default_factory=list)
    label_faults: List[str] = field(default_factory=list)
    note: dict = field(default_factory=dict)

    def __repr__(self):
        return f'Drawn({self.note}, {self.faults}, {self.label_faults})'


NAMES = (
    '{:02d}',
    'frame {:02d}',
    ' {:02d}',
    '{:02d}.v1',
    'a#b%20{:02d}',
    'straße_{:02d}',
    '画像{:02d}',
    'sub/{:02d}',
    '$HOME-{:02d}',
    '{:02d}' + 'x' * 80,
)
SIZES = ((16, 24), (1, 24), (16, 1), (7, 5), (33, 64))
# How a photo is written: suffix, and whether OpenCV gives it whole.
PHOTOS = {
    'png': ('.png', True),
    'jpg': ('.jpg', True),
    'bmp': ('.bmp', True),
    'tif': ('.tif', True),
    'webp': ('.webp', True),
    'PNG': ('.PNG', True),
    'grey png': ('.png', True),
    'palette png': ('.png', True),
    'opaque alpha': ('.png', True),
    'alpha': ('.png', False),
    '16 bits': ('.png', False),
    '12 bits in 16': ('.tif', False),
    'float': ('.tif', False),
    'four bands': ('.tif', False),
    'gif': ('.gif', False),
    'text': ('.png', False),
    'empty': ('.png', False),
}
# How a label map is written, and whether that keeps its values.
LABELS = {
    'png': ('.png', True),
    'palette png': ('.png', True),
    'bmp': ('.bmp', True),
    'tif': ('.tif', True),
    '16 bits that fit': ('.png', True),
    'lossless webp': ('.webp', None),
    'jpg': ('.jpg', False),
    'jpg named png': ('.png', False),
    'lossy webp': ('.webp', False),
    'jpeg 2000': ('.jp2', False),
    '16 bits': ('.png', False),
    'colours': ('.png', False),
    'text': ('.png', False),
    'empty': ('.png', False),
}
# Encoder of true maps, loading transforms, transforms behind them, right or refused.
LOADERS = {
    'stock': (lambda m: m, ['LoadAnnotations'], [], True),
    'threshold': (lambda m: m * 255, ['LoadThreshold'], [], True),
    'divided': (lambda m: m * 255, ['LoadDivided'], [], True),
    'table': (lambda m: own_loaders.IDS[m], ['LoadTable'], [], True),
    'swapped': (lambda m: 1 - m, ['LoadSwapped'], [], True),
    'behind': (lambda m: m * 255, ['LoadAnnotations', 'RemapLabels'], [], True),
    'behind a flip': (lambda m: m * 255, ['LoadAnnotations'], ['RemapLabels'], True),
    'reloaded behind a flip': (
        lambda m: m * 255,
        ['LoadAnnotations'],
        ['ReloadLabels'],
        False,
    ),
    'at random': (lambda m: m * 255, ['LoadAtRandom'], [], False),
}
WRAPPERS = ('none', 'repeat', 'overlap', 'indices', 'unknown', 'unknown option')
DAMAGES = ('none', 'cut photo', 'cut label', 'flipped bit', 'wrong value', 'other size')


@st.composite
def data_sets(draw, folder: Path):
    """Draws a data set, most of whose properties are harmless."""
    shutil.rmtree(folder, ignore_errors=True)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    mostly = st.integers(0, 3).map(bool)  # three of four times nothing special
    plain_photo, plain_label, stock = (draw(mostly) for _ in range(3))
    photo = 'png' if plain_photo else draw(st.sampled_from(sorted(PHOTOS)))
    loader = 'stock' if stock else draw(st.sampled_from(sorted(LOADERS)))
    own = loader != 'stock'
    label = draw(st.sampled_from(sorted(LABELS)))
    label = 'png' if plain_label or own else label
    name = draw(st.sampled_from(NAMES))
    size = SIZES[0] if draw(mostly) else draw(st.sampled_from(SIZES))
    num_classes = 2 if own else draw(st.integers(2, 5))
    # Flat colours survive neither: no object may be lost in a one-pixel map.
    ignore_index = 255 if own else draw(st.sampled_from([255, num_classes, 0]))
    mixed = not draw(mostly)  # photos of several sizes
    reduce_zero = not own and ignore_index == 255 and not draw(mostly)
    wrapper = 'none' if draw(mostly) else draw(st.sampled_from(WRAPPERS))
    damage = 'none' if draw(mostly) else draw(st.sampled_from(DAMAGES))
    count = draw(st.integers(4, 6))
    note = dict(
        photo=photo, label=label, loader=loader, name=name, size=size, wrapper=wrapper,
        damage=damage, classes=num_classes, ignore=ignore_index, reduce=reduce_zero,
        mixed=mixed,
    )  # fmt: skip
    encode, loading, behind, known = LOADERS[loader]
    truth, files = {}, []
    for number in range(count):
        grown = tuple(side + mixed * number // 2 for side in size)
        labels = _true_map(rng, grown, num_classes, ignore_index, own)
        stem = name.format(number)
        photo_path = folder / 'img' / f'{stem}{PHOTOS[photo][0]}'
        label_path = folder / 'ann' / f'{stem}{LABELS[label][0]}'
        for path in (photo_path, label_path):
            path.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (*grown, 3), dtype=np.uint8)
        pixels[0, 0] = 255  # for what stretches to the full range
        _write_photo(photo_path, photo, pixels)
        stored = encode(labels)
        if reduce_zero:
            stored = np.where(labels == 255, 0, labels + 1).astype(np.uint8)
        _write_label(label_path, label, stored)
        truth[str(label_path)] = labels
        files.append((photo_path, label_path))
    drawn = Drawn(
        dict(
            type='BaseSegDataset',
            data_root=str(folder),
            data_prefix=dict(img_path='img', seg_map_path='ann'),
            img_suffix=PHOTOS[photo][0],
            seg_map_suffix=LABELS[label][0],
            metainfo=dict(
                classes=[f'class {i}' for i in range(num_classes)],
                palette=[[40 * i] * 3 for i in range(num_classes)],
            ),
            ignore_index=ignore_index,
            reduce_zero_label=reduce_zero,
            pipeline=[
                IMAGE,
                *(dict(type=step) for step in loading),
                FLIP,
                *(dict(type=step) for step in behind),
                PACK,
            ],
        ),
        truth,
        ignore_index,
        num_classes,
        note=note,
    )
    if not PHOTOS[photo][1]:
        drawn.faults.append(str(folder / 'img'))
    if LABELS[label][1] is not True:
        # Pillow turns a lossless WebP into colours: refused, as it must be.
        drawn.label_faults.append(str(folder / 'ann'))
    if any(1 in labels.shape for labels in truth.values()):
        drawn.label_faults.append(str(folder / 'ann'))
    if not known:
        drawn.label_faults.append('ReloadLabels' if 'Reload' in str(behind) else 'Load')
    _damage(drawn, damage, files[count // 2], folder, own or label != 'png')
    _wrap(drawn, wrapper, files, folder)
    return drawn


def _true_map(rng, size, num_classes, ignore_index, own):
    labels = np.zeros(size, np.uint8)
    for class_id in range(1, num_classes):
        if rng.random() < 0.7:
            y, x = (int(rng.integers(0, max(1, side - 2))) for side in size)
            labels[y : y + 5, x : x + 6] = class_id
    if own:
        labels[0, :1] = 1  # a flip shows
    elif rng.random() < 0.3:
        labels[-1:, :1] = ignore_index
    if not own and rng.random() < 0.05:
        labels[:] = ignore_index
    return labels


def _write_photo(path: Path, kind: str, pixels: np.ndarray) -> None:
    if kind == 'text':
        path.write_text('no image')
    elif kind == 'empty':
        path.write_bytes(b'')
    elif kind == 'gif':
        Image.fromarray(pixels).save(path, 'GIF')
    elif kind == 'palette png':
        Image.fromarray(pixels).quantize(16).save(path)
    elif kind == 'grey png':
        Image.fromarray(pixels[..., 0]).save(path)
    elif kind == 'opaque alpha':
        cv2.imwrite(str(path), np.dstack([pixels, np.full(pixels.shape[:2], 255, 'B')]))
    elif kind in ('alpha', 'four bands'):
        cv2.imwrite(str(path), np.dstack([pixels, pixels[::-1, ::-1, 0] // 2]))
    elif kind == '16 bits':
        cv2.imwrite(str(path), pixels.astype(np.uint16) * 257)
    elif kind == '12 bits in 16':
        cv2.imwrite(str(path), pixels.astype(np.uint16) * 16)
    elif kind == 'float':
        cv2.imwrite(str(path), pixels.astype(np.float32) / 255)
    else:
        Image.fromarray(pixels).save(path, {'jpg': 'JPEG', 'PNG': 'PNG'}.get(kind))


def _write_label(path: Path, kind: str, labels: np.ndarray) -> None:
    image = Image.fromarray(labels)
    if kind == 'text':
        path.write_text('no image')
    elif kind == 'empty':
        path.write_bytes(b'')
    elif kind == 'palette png':
        image.putpalette(list(range(256)) * 3)
        image.save(path)
    elif kind in ('jpg', 'jpg named png'):
        image.save(path, 'JPEG', quality=75)
    elif kind == 'lossless webp':
        image.convert('RGB').save(path, 'WEBP', lossless=True)
    elif kind == 'lossy webp':
        image.convert('RGB').save(path, 'WEBP', quality=60)
    elif kind == 'jpeg 2000':
        image.save(path, 'JPEG2000', irreversible=True)
    elif kind == '16 bits':
        cv2.imwrite(str(path), labels.astype(np.uint16) + 300)
    elif kind == '16 bits that fit':
        cv2.imwrite(str(path), labels.astype(np.uint16))
    elif kind == 'colours':
        Image.fromarray(np.dstack([labels, labels * 3, labels * 7])).save(path)
    else:
        image.save(path)


def _damage(drawn: Drawn, damage: str, files, folder: Path, is_odd: bool) -> None:
    photo, label = files
    if damage == 'cut photo':
        photo.write_bytes(photo.read_bytes()[: photo.stat().st_size * 2 // 3])
        drawn.faults.append(str(photo))
    elif damage == 'other size':
        image = np.zeros((2, 3, 3), np.uint8)
        Image.fromarray(image).save(photo, 'PNG')
        drawn.faults.append(str(photo))
    elif is_odd:
        return  # the other damages are written for PNG files of class ids
    elif damage == 'cut label':
        label.write_bytes(label.read_bytes()[:-20])
        drawn.label_faults.append(str(label))
    elif damage == 'flipped bit':
        content = bytearray(label.read_bytes())
        content[len(content) // 2] ^= 16
        label.write_bytes(bytes(content))
        drawn.label_faults.append(str(label))
    elif damage == 'wrong value':
        labels = cv2.imread(str(label), cv2.IMREAD_UNCHANGED)
        labels[-1, -1] = 200
        cv2.imwrite(str(label), labels)
        drawn.label_faults.append(str(label))


def _wrap(drawn: Drawn, wrapper: str, files, folder: Path) -> None:
    config = drawn.config
    keys = [
        str(photo.relative_to(folder / 'img'))[: -len(config['img_suffix'])]
        for photo, _ in files
    ]
    if wrapper == 'repeat':
        drawn.config = dict(type='RepeatDataset', times=3, dataset=config)
    elif wrapper == 'overlap' and not any(key != key.strip() for key in keys):
        parts = []
        for number, some in enumerate((keys[:3], keys[1:])):
            (folder / f'{number}.txt').write_text('\n'.join(some), encoding='utf-8')
            parts.append(dict(config, ann_file=f'{number}.txt'))
        drawn.config = dict(type='ConcatDataset', datasets=parts)
    elif wrapper == 'indices':
        drawn.config = dict(config, indices=list(range(len(files))))
    elif wrapper == 'unknown':
        drawn.config = dict(
            type='HalfOfDataset', datasets=[config], subset_ratios=[0.5]
        )
        drawn.faults = drawn.label_faults = ['HalfOfDataset']
    elif wrapper == 'unknown option':
        drawn.config = dict(
            type='RepeatDataset', times=1, dataset=config, indices=[0, 1]
        )
        drawn.faults = drawn.label_faults = ['indices']


def problem_of(error: Exception, faults: List[str]) -> Optional[str]:
    """What is wrong with an error: None where it names one of the faults."""
    if not isinstance(error, (ValueError, FileNotFoundError)):
        return f'{type(error).__name__} is no error for people'
    if not any(fault in str(error) for fault in faults):
        return f'none of {faults} is named'
    return None
