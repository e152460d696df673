import multiprocessing
import os

import numpy as np
import pytest

from mmseg_ganaug.recompose import (
    LabelStatistics,
    LabelValueError,
    MemoryLabelSource,
    check_label_map,
)
from mmseg_ganaug.recompose.source import label_value_remedies


@pytest.mark.parametrize(
    'label_map, message',
    [
        (np.zeros((4, 4), np.uint16), r'a\.png: .*8-bit.*uint16'),
        (np.zeros((4, 4), np.int64), r'a\.png: .*8-bit.*int64'),
        (np.zeros((4, 4, 3), np.uint8), r'a\.png: .*one channel.*\[4, 4, 3\]'),
        (np.zeros((0, 4), np.uint8), r'a\.png: .*empty'),
        (np.full((4, 4), 5, np.uint8), r'a\.png: label value 5 .*16 pixels.*0\.\.4'),
        (np.full((4, 4), 254, np.uint8), r'a\.png: label value 254 '),
    ],
)
def test_a_map_that_is_no_label_map_is_named_with_value_and_remedy(label_map, message):
    with pytest.raises(LabelValueError, match=message):
        check_label_map(label_map, 5, 255, 'a.png')


@pytest.mark.parametrize('ignore_index', [5, 7, 200, 255, 2])
def test_exactly_classes_and_ignore_index_are_valid(ignore_index):
    for value in range(256):
        label_map = np.array([[0, value]], np.uint8)
        if value < 5 or value == ignore_index:
            check_label_map(label_map, 5, ignore_index, 'a.png')
        else:
            with pytest.raises(LabelValueError, match=f'label value {value} '):
                check_label_map(label_map, 5, ignore_index, 'a.png')


def test_one_wrong_pixel_in_a_large_map_is_found():
    label_map = np.full((1200, 1100), 255, np.uint8)
    label_map[1199, 1099] = 19
    with pytest.raises(LabelValueError, match=r'label value 19 found \(1 pixels\)'):
        check_label_map(label_map, 19, 255, 'a.png')


def test_all_values_of_256_classes_are_valid():
    check_label_map(np.arange(256, dtype=np.uint8)[None], 255, 255, 'a.png')


class DamagedSource(MemoryLabelSource):
    """Maps of which one changes once the source is built."""

    damaged = False

    def label_map(self, index):
        label_map = super().label_map(index)
        return label_map + np.uint8(9) if self.damaged and index == 3 else label_map


@pytest.mark.parametrize('num_workers', [0, 2])
def test_statistics_name_the_wrong_file(num_workers):
    source = DamagedSource(
        [np.zeros((4, 4), np.uint8)] * 5, 2, names=[f'{i}.png' for i in range(5)]
    )
    source.damaged = True
    with pytest.raises(LabelValueError, match=r'^3\.png: label value 9'):
        LabelStatistics.collect(source, num_workers)


@pytest.mark.parametrize(
    'instance_map, message',
    [
        (np.zeros((4, 5), np.int32), r'a\.png: .*\[4, 4\].*\[4, 5\]'),
        (np.zeros((4, 4), np.float32), r'a\.png: .*float32'),
        (np.full((4, 4), -1, np.int32), r'a\.png: .*id -1'),
    ],
)
def test_an_instance_map_that_does_not_fit_is_named(instance_map, message):
    with pytest.raises(LabelValueError, match=message):
        MemoryLabelSource(
            [np.zeros((4, 4), np.uint8)],
            2,
            names=['a.png'],
            instance_maps=[instance_map],
        )


def test_sequences_of_different_length_are_an_error():
    with pytest.raises(ValueError, match='names: 1 needed, 2 given'):
        MemoryLabelSource([np.zeros((4, 4), np.uint8)], 2, names=['a', 'b'])


@pytest.mark.parametrize('num_classes', [0, 256, 300, '3', True, 2.0])
def test_a_number_of_classes_that_8_bits_cannot_hold_is_an_error(num_classes):
    maps = [np.zeros((4, 4), np.uint8)]
    with pytest.raises(ValueError, match=f'num_classes={num_classes!r}.*255'):
        MemoryLabelSource(maps, num_classes)


@pytest.mark.parametrize('ignore_index', [-100, -1, 256, None])
def test_an_ignore_index_that_no_pixel_can_have_is_an_error(ignore_index):
    maps = [np.zeros((4, 4), np.uint8)]
    with pytest.raises(ValueError, match=f'ignore_index={ignore_index}.*0..255'):
        MemoryLabelSource(maps, 2, ignore_index)
    source = MemoryLabelSource(maps * 2, 2)
    source.ignore_index = ignore_index
    with pytest.raises(ValueError, match=f'ignore_index={ignore_index}.*0..255'):
        LabelStatistics.collect(source)


def test_255_classes_and_ignored_pixels_work():
    maps = [np.arange(256, dtype=np.uint8).reshape(16, 16)] * 2
    statistics = LabelStatistics.collect(MemoryLabelSource(maps, 255))
    assert statistics.pixels.sum(axis=1).tolist() == [255, 255]
    assert statistics.ignored.tolist() == [1, 1]


@pytest.mark.parametrize(
    'values, remedies, others',
    [
        ([2], ['ignore_index=2', 'reduce_zero_label=True', 'all 3'], []),
        ([255], ['ignore_index=255'], ['reduce_zero_label', 'classes=']),
        ([3, 5], ['all 6'], ['ignore_index=', 'reduce_zero_label']),
    ],
)
def test_remedies_fit_the_values_and_name_options_of_mmsegmentation(
    values, remedies, others
):
    text = label_value_remedies(values, 2, 0)
    assert all(remedy in text for remedy in [*remedies, 'dataset_converters'])
    assert not any(other in text for other in [*others, 'label_map'])


def test_a_source_that_cannot_be_handed_to_processes_says_what_to_do():
    source = MemoryLabelSource([np.zeros((4, 4), np.uint8)] * 2, 2)
    source.unpicklable = lambda: None
    with pytest.raises(ValueError, match='num_workers=0'):
        LabelStatistics.collect(source, num_workers=2)


class EndingSource(MemoryLabelSource):
    """Ends the process that reads it."""

    def label_map(self, index):
        if multiprocessing.parent_process() is not None:
            os._exit(1)
        return super().label_map(index)


@pytest.mark.timeout(120)
def test_a_process_that_ends_says_what_to_do():
    source = EndingSource([np.zeros((4, 4), np.uint8)] * 2, 2)
    with pytest.raises(RuntimeError, match=r'num_workers=0'):
        LabelStatistics.collect(source, num_workers=1)
