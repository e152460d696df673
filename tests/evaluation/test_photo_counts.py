"""Pixel counts of each photo: a file that is checked against the figures of its run."""

import numpy as np
import pytest

from mmseg_ganaug.evaluation import RunResult
from mmseg_ganaug.evaluation.photo_counts import (
    class_ious,
    counts_content,
    counts_file,
    read_counts,
    with_counts,
)

#: IoU of 'road' 50 %, 'pole' 25 %; no 'rider'.
COUNTS = np.array(
    [
        [[3, 6, 4], [0, 1, 1], [0, 0, 0]],
        [[2, 4, 3], [1, 3, 2], [0, 0, 0]],
    ]
)


def run(**ious):
    found = {'road': 50.0, 'pole': 25.0, 'rider': None, **ious}
    return RunResult('plain', 3, 37.5, 60.0, found, 'toy')


def test_counts_are_read_back_and_the_same_bytes_are_written_again(tmp_path):
    path = counts_file(tmp_path, 'plain', 3)
    assert path.name == 'plain-seed3.csv'
    path.write_text(counts_content(COUNTS))
    found = read_counts(path)
    assert found.dtype == np.int64
    assert np.array_equal(found, COUNTS)
    assert counts_content(found) == path.read_text()
    assert path.read_text().splitlines()[:2] == [
        'intersection_0,union_0,label_0,intersection_1,union_1,label_1,'
        'intersection_2,union_2,label_2',
        '3,6,4,0,1,1,0,0,0',
    ]


def test_ious_are_those_of_the_sums():
    ious = class_ious(COUNTS.sum(axis=0))
    assert ious[:2].tolist() == [50.0, 25.0]
    assert np.isnan(ious[2])


def test_counts_belong_to_the_run_whose_figures_they_give(tmp_path):
    counts_file(tmp_path, 'plain', 3).write_text(counts_content(COUNTS))
    assert np.array_equal(with_counts(run(), tmp_path).counts, COUNTS)
    assert with_counts(run(pole=26.0), tmp_path).counts is None
    assert with_counts(run(rider=0.0), tmp_path).counts is None
    assert with_counts(run(sky=1.0), tmp_path).counts is None


def test_missing_and_damaged_counts_are_left_out(tmp_path):
    assert with_counts(run(), tmp_path).counts is None
    path = counts_file(tmp_path, 'plain', 3)
    whole = counts_content(COUNTS)
    for length in (0, 1, len(whole) // 2, len(whole) - 1):
        path.write_text(whole[:length])
        with pytest.raises(ValueError, match=r'plain-seed3\.csv holds'):
            read_counts(path)
        assert with_counts(run(), tmp_path).counts is None


HEADER = 'intersection_0,union_0,label_0\n'


@pytest.mark.parametrize(
    'wrong',
    [
        HEADER,
        HEADER + '1,2\n',
        HEADER + '1,2,3.5\n',
        HEADER + '1,2,3\n4,5\n',
        HEADER + '1,2,3',
        HEADER + '1,2,99999999999999999999\n',
        'photo,road,pole\n1,2,3\n',
        'intersection_0,union_0\n1,2\n',
        '\x93NUMPY',
    ],
)
def test_other_files_are_refused(wrong, tmp_path):
    path = tmp_path / 'a.csv'
    path.write_text(HEADER + '1,2,3\n')
    assert read_counts(path).tolist() == [[[1, 2, 3]]]
    path.write_text(wrong)
    with pytest.raises(ValueError, match=r'a\.csv holds no counts'):
        read_counts(path)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / 'a.csv'
    path.write_bytes(b'\xff\xfe\x00')
    with pytest.raises(ValueError, match=r'a\.csv holds no counts'):
        read_counts(path)


def test_counts_are_no_part_of_the_json_values_and_of_equality(tmp_path):
    counts_file(tmp_path, 'plain', 3).write_text(counts_content(COUNTS))
    found = with_counts(run(), tmp_path)
    assert found.to_json() == run().to_json()
    assert found == with_counts(run(), tmp_path)
