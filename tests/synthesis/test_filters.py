"""The mean losses that LossFilter stores: damaged, unwritable, of other data."""

import json

import numpy as np
import pytest

from mmseg_ganaug.recompose import MemoryLabelSource
from mmseg_ganaug.synthesis.filters import LossFilter


class CountingSegmenter:
    """Its loss at each pixel is the label; counts the photos."""

    num_classes = 3
    photos = 0

    def losses(self, photos, label_maps, ignore_index):
        type(self).photos += len(photos)
        return [labels.astype(float) for labels in label_maps]


@pytest.fixture
def prepare(tmp_path, monkeypatch):
    """Prepares a new filter in a folder; returns its limits and what it measured."""
    rng = np.random.default_rng(0)
    maps = [rng.integers(0, 3, (8, 8)).astype(np.uint8) for _ in range(4)]
    source = MemoryLabelSource(
        maps,
        3,
        class_names=['road', 'pole', 'car'],
        photos=[m[..., None] for m in maps],
    )
    source.files_digest = lambda: 'these files'
    checkpoint = tmp_path / 'segmenter.pth'
    checkpoint.write_bytes(b'weights')
    segmenter = dict(config='a.py', checkpoint=str(checkpoint))
    monkeypatch.setattr(LossFilter, '_load', lambda self: CountingSegmenter())

    def run(folder):
        CountingSegmenter.photos = 0
        made = LossFilter(segmenter, factor=2)
        made.prepare(source, folder)
        return made._limits[:3].tolist(), CountingSegmenter.photos

    return run


def test_what_was_measured_is_read_again(prepare, tmp_path):
    assert prepare(tmp_path / 'kept') == ([0, 2, 4], 4)
    assert prepare(tmp_path / 'kept') == ([0, 2, 4], 0)


def test_a_file_cut_at_any_byte_is_measured_again(prepare, tmp_path):
    prepare(tmp_path / 'kept')
    (path,) = (tmp_path / 'kept').iterdir()
    whole = path.read_bytes()
    for length in range(len(whole) - 1):
        path.write_bytes(whole[:length])
        assert prepare(tmp_path / 'kept') == ([0, 2, 4], 4)
        assert path.read_bytes() == whole


@pytest.mark.parametrize(
    'content',
    [
        [],
        3,
        {},
        {'road': 1, 'pole': 1},
        {'road': 1, 'pole': 1, 'car': 'x'},
        {'road': 1, 'pole': 1, 'car': None},
        {'road': 1, 'pole': 1, 'car': -1},
        {'road': 1, 'pole': 1, 'car': float('nan')},
    ],
)
def test_a_file_of_something_else_is_measured_again(prepare, tmp_path, content):
    prepare(tmp_path / 'kept')
    (path,) = (tmp_path / 'kept').iterdir()
    path.write_text(json.dumps(content))
    assert prepare(tmp_path / 'kept') == ([0, 2, 4], 4)


def test_a_folder_that_cannot_be_written_to_stops_nothing(
    prepare, tmp_path, monkeypatch
):
    prepare(tmp_path / 'kept')

    def refuse(path, content):
        raise PermissionError(f'{path} is read-only')

    monkeypatch.setattr('mmseg_ganaug.synthesis.filters.write_atomically', refuse)
    assert prepare(tmp_path / 'kept') == ([0, 2, 4], 0)
    assert prepare(tmp_path / 'other') == ([0, 2, 4], 4)


def test_a_segmenter_of_other_classes_is_named(prepare, tmp_path, monkeypatch):
    monkeypatch.setattr(CountingSegmenter, 'num_classes', 5)
    with pytest.raises(ValueError, match=r'a\.py, has 5 classes, the data set has 3'):
        prepare(tmp_path / 'stored')
