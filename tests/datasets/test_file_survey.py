"""Every label map and photo is looked at once, before anything long."""

import os
import re
import shutil
import sqlite3
import sys
import time

import cv2
import numpy as np
import own_loaders
import pytest
from mmseg.registry import DATASETS
from PIL import Image
from small_maps import write_png

from mmseg_ganaug.datasets import (
    DatasetLabelSource,
    LabelToImageDataset,
    build_source,
    collect_statistics,
    file_records,
    file_survey,
)
from mmseg_ganaug.recompose.source import LabelValueError

PACK = dict(type='PackSegInputs')


@pytest.fixture(autouse=True)
def records(tmp_path, monkeypatch):
    """Records of this test alone, which trust files that were just written."""
    folder = tmp_path.with_name(f'{tmp_path.name}-xdg')
    monkeypatch.setenv('XDG_CACHE_HOME', str(folder))
    monkeypatch.setattr(file_records, '_SETTLED_SECONDS', 0)
    return folder / 'mmseg_ganaug'


@pytest.fixture
def reads(monkeypatch):
    """Paths whose bytes are read to be checked."""
    paths = []
    get = file_survey.fileio.get

    def noted(path, *args, **kwargs):
        # Loaders read by the same function.
        if sys._getframe(1).f_code.co_filename == file_survey.__file__:
            paths.append(os.path.basename(path))
        return get(path, *args, **kwargs)

    monkeypatch.setattr(file_survey.fileio, 'get', noted)
    return paths


def labels_of(source):
    return DatasetLabelSource(build_source(source))


def entry_points(source, tmp_path):
    """What begins long work on a data set."""
    generated = dict(
        type='mmseg_ganaug.GANRecomposeDataset',
        source=source,
        recomposer=dict(type='AddSingle'),
        generator=dict(type='ColourPainter'),
        num_samples=3,
        cache_dir=str(tmp_path / 'cache'),
    )
    online = dict(
        type='RecomposeLabels',
        source=source,
        recomposer=dict(type='AddSingle'),
        cache_dir=str(tmp_path / 'cache'),
        paste_pixels=True,
    )
    pipeline = [*source['pipeline'][:2], online, PACK]
    return {
        'generated samples': lambda: DATASETS.build(generated),
        "the generator's training": lambda: LabelToImageDataset(source),
        'online recombination': lambda: build_source(dict(source, pipeline=pipeline)),
    }


ENTRIES = ('generated samples', "the generator's training", 'online recombination')


def truncate(path):
    path.write_bytes(path.read_bytes()[:-40])


def flip_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(bytes(content))


def sixteen_bits(path):
    write_png(path, np.full((24, 32, 3), 999, np.uint16))


def alpha(path):
    write_png(path, np.full((24, 32, 4), 99, np.uint8))


def gif(path):
    image = Image.fromarray(np.zeros((24, 32), np.uint8))
    image.save(path, 'GIF')


def smaller(path):
    write_png(path, np.zeros((20, 32, 3), np.uint8))


PHOTO_FAULTS = {
    'truncated': (truncate, '5.png'),
    'a flipped bit': (flip_bit, '5.png'),
    '16 bits': (sixteen_bits, '5.png.*16'),
    'an alpha channel': (alpha, '5.png'),
    'GIF': (gif, '5.png.*GIF'),
    'another size': (smaller, '5.png.*32 x 20.*32 x 24'),
    'gone': (os.remove, '5.png'),
}


@pytest.mark.parametrize('entry', ENTRIES)
@pytest.mark.parametrize('fault', PHOTO_FAULTS)
def test_a_photo_that_training_cannot_use_is_named_first(
    source, tmp_path, fault, entry
):
    spoil, message = PHOTO_FAULTS[fault]
    (tmp_path / 'all.txt').write_text('\n'.join(map(str, range(8))))
    source['ann_file'] = 'all.txt'
    spoil(tmp_path / 'img' / '5.png')
    if fault == 'gone' and entry == 'generated samples':
        pytest.skip('label maps without photos can be painted whole')
    with pytest.raises(ValueError, match=re.compile(message, re.DOTALL)):
        entry_points(source, tmp_path)[entry]()
    assert not list((tmp_path / 'cache').glob('*/images/*'))


def jpeg(path):
    cv2.imwrite(str(path.with_suffix('.jpg')), cv2.imread(str(path), 0))
    path.with_suffix('.jpg').rename(path)


def lossy_webp(path):
    Image.open(path).convert('RGB').save(path, 'WEBP', quality=50)


def wrong_value(path):
    labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    labels[3, 4:6] = 200
    write_png(path, labels)


LABEL_FAULTS = {
    'truncated': (truncate, '5.png'),
    'a flipped bit': (flip_bit, '5.png'),
    'JPEG': (jpeg, '5.png.*loss'),
    'WebP': (lossy_webp, '5.png.*loss'),
    '16 bits': (sixteen_bits, '5.png'),
    'gone': (os.remove, '5.png is missing'),
    'a wrong value': (wrong_value, r'5\.png: label value 200 \(2 pixels\).*1 of 8'),
}


@pytest.mark.parametrize('entry', ENTRIES)
@pytest.mark.parametrize('fault', LABEL_FAULTS)
def test_a_label_map_that_cannot_be_used_is_named_first(source, tmp_path, fault, entry):
    spoil, message = LABEL_FAULTS[fault]
    spoil(tmp_path / 'ann' / '5.png')
    with pytest.raises(ValueError, match=re.compile(message, re.DOTALL)):
        entry_points(source, tmp_path)[entry]()


def test_label_maps_are_not_turned_by_their_exif_tags(source, tmp_path):
    tags = Image.Exif()
    tags[0x0112] = 6
    for path in (tmp_path / 'ann').iterdir():
        Image.open(path).save(path, exif=tags)
    labels = labels_of(source)
    labels.check_photos()
    assert labels.label_map(0).shape == labels.photo(0).shape[:2] == (24, 32)


def test_a_photo_turned_beside_its_label_map_is_explained(source, tmp_path):
    tags = Image.Exif()
    tags[0x0112] = 6
    Image.open(tmp_path / 'img/3.png').save(tmp_path / 'img/3.png', exif=tags)
    with pytest.raises(ValueError, match=r'3\.png.*24 x 32.*32 x 24.*EXIF'):
        labels_of(source).check_photos()


def test_every_file_that_cannot_be_used_is_named_at_once(source, tmp_path):
    for number in (2, 3, 6):
        truncate(tmp_path / 'img' / f'{number}.png')
    with pytest.raises(ValueError, match=r'2\.png.*2 more of the photos.*3\.png.*6'):
        LabelToImageDataset(source)


def test_a_wrong_pixel_that_a_smaller_map_would_not_show_is_found(source, tmp_path):
    path = tmp_path / 'ann' / '4.png'
    labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    labels[23, 31] = 77
    write_png(path, labels)
    for build in (
        lambda: LabelToImageDataset(source, scale=(16, 12)),
        lambda: collect_statistics(
            DatasetLabelSource(build_source(source), (16, 12)), tmp_path / 'cache'
        ),
    ):
        with pytest.raises(LabelValueError, match=r'4\.png: label value 77 \(1 pixels'):
            build()


def test_files_that_have_not_changed_are_not_read_again(source, reads):
    first = labels_of(source)
    digests = first.files_digest(), first.photos_digest()
    assert len(reads) == 16
    reads.clear()
    second = labels_of(source)
    assert (second.files_digest(), second.photos_digest()) == digests
    assert not reads


def test_an_edit_under_the_same_size_and_time_is_noticed(source, tmp_path, reads):
    path = tmp_path / 'ann' / '2.png'
    labels = np.arange(24 * 32, dtype=np.uint8).reshape(24, 32) % 3
    cv2.imwrite(str(path), labels, [cv2.IMWRITE_PNG_COMPRESSION, 0])
    status = path.stat()
    before = labels_of(source).files_digest()
    reads.clear()
    swapped = np.array([1, 0, 2], np.uint8)[labels]
    cv2.imwrite(str(path), swapped, [cv2.IMWRITE_PNG_COMPRESSION, 0])
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    assert path.stat().st_mtime_ns == status.st_mtime_ns
    assert labels_of(source).files_digest() != before
    assert reads == ['2.png']


def test_a_file_that_was_just_written_is_not_relied_on(source, monkeypatch, reads):
    monkeypatch.setattr(file_records, '_SETTLED_SECONDS', 1000)
    labels_of(source).files_digest()
    labels_of(source).files_digest()
    assert len(reads) == 16


def test_equal_contents_elsewhere_are_not_checked_again(source, tmp_path, monkeypatch):
    before = labels_of(source).photos_digest()
    shutil.copytree(tmp_path, tmp_path.with_name('copy'))
    monkeypatch.setattr(file_survey, 'check_photo_file', None)
    monkeypatch.setattr(
        file_survey, '_PHOTOS', file_survey._PHOTOS._replace(check=None)
    )
    moved = dict(source, data_root=str(tmp_path.with_name('copy')))
    assert labels_of(moved).photos_digest() == before


@pytest.mark.parametrize('damage', ['empty', 'cut', 'text'])
def test_damaged_records_are_made_again(source, records, damage, reads):
    before = labels_of(source).files_digest()
    (path,) = records.iterdir()
    content = path.read_bytes()
    path.write_bytes(
        {'empty': b'', 'cut': content[: len(content) // 2], 'text': b'hello' * 999}[
            damage
        ]
    )
    reads.clear()
    assert labels_of(source).files_digest() == before
    assert len(reads) == 8
    reads.clear()
    labels_of(source).files_digest()
    assert not reads


def test_without_a_place_for_records_files_are_read_each_time(
    source, monkeypatch, reads
):
    monkeypatch.setenv('XDG_CACHE_HOME', '/proc/none')
    digests = {labels_of(source).files_digest() for _ in range(2)}
    assert len(digests) == 1
    assert len(reads) == 16


def test_many_processes_may_record_at_once(source, records):
    """A reader that holds the database does not stop another."""
    labels_of(source).files_digest()
    (path,) = records.iterdir()
    holder = sqlite3.connect(path, timeout=1)
    holder.execute('BEGIN IMMEDIATE')
    started = time.monotonic()
    try:
        file_records_timeout = file_records._SECONDS_TO_WAIT
        file_records._SECONDS_TO_WAIT = 0.2
        labels_of(dict(source, indices=4)).files_digest()
        labels_of(source).photos_digest()
    finally:
        file_records._SECONDS_TO_WAIT = file_records_timeout
        holder.close()
    assert time.monotonic() - started < 30


def test_a_helper_that_a_loader_calls_is_noticed_when_it_changes(
    source, tmp_path, monkeypatch, logged
):
    for path in (tmp_path / 'ann').iterdir():
        labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        write_png(path, own_loaders.IDS[labels % 3])
    load, _, pack = source['pipeline']
    source['pipeline'] = [load, dict(type='LoadTable'), pack]
    before = labels_of(source).files_digest()
    assert labels_of(source).files_digest() == before
    monkeypatch.setattr(own_loaders, 'IDS', own_loaders.IDS[::-1])
    assert labels_of(source).files_digest() != before
    assert any('read again' in text for text in logged)


def test_classes_that_no_map_shows_are_pointed_out(source, tmp_path, logged):
    for path in (tmp_path / 'ann').iterdir():
        labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        write_png(path, np.where(labels == 3, 2, labels).astype(np.uint8))
    collect_statistics(labels_of(source), tmp_path / 'cache')
    assert any("No label map shows 'cup'" in text for text in logged)


@pytest.mark.parametrize('share', [0.02, 0.001])
def test_an_ignore_index_that_looks_like_a_class_is_pointed_out(
    source, tmp_path, logged, share
):
    for path in (tmp_path / 'ann').iterdir():
        labels = np.zeros((100, 100), np.uint8)
        labels.ravel()[: round(share * labels.size)] = 255
        write_png(path, labels)
        write_png(tmp_path / 'img' / path.name, np.zeros((100, 100, 3), np.uint8))
    source['metainfo'] = dict(classes=('background', 'object'), palette=[[0] * 3] * 2)
    collect_statistics(labels_of(source), tmp_path / 'cache')
    pointed = [text for text in logged if 'is ignore_index' in text]
    assert bool(pointed) == (share > 0.005)
    assert any("No label map shows 'object'" in text for text in logged)


def test_statistics_are_used_where_nothing_can_be_written(
    source, tmp_path, monkeypatch, logged
):
    cache = tmp_path / 'cache'
    kept = collect_statistics(labels_of(source), cache)
    files = {path: path.stat().st_mtime_ns for path in cache.rglob('*')}
    again = collect_statistics(labels_of(source), cache)
    assert np.array_equal(again.pixels, kept.pixels)
    assert {path: path.stat().st_mtime_ns for path in cache.rglob('*')} == files
    assert sum('Reading label maps' in text for text in logged) == 1
