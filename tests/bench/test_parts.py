import numpy as np
import pytest
from planted_data import BIRD, CUP, dataset, make_data, without

from mmseg_ganaug.bench.parts import (
    PART,
    collect_parts,
    find_parts,
    mean_widths,
    object_parts,
)
from mmseg_ganaug.datasets import DatasetLabelSource, build_source


def test_parts_are_components_of_any_size_or_instances():
    labels = np.zeros((20, 30), np.uint8)
    labels[2:6, 3:8] = 1
    labels[18, 0] = 1
    labels[10:12, 10:20] = 255
    labels[0, 29] = 9  # no class
    parts = find_parts(labels, None, 2, 255)
    mine = parts[parts['class_id'] == 1]
    assert sorted(mine['area'].tolist()) == [1, 20]
    assert mine[mine['area'] == 20][['top', 'left', 'height', 'width']].tolist() == [
        (2, 3, 4, 5)
    ]
    assert set(parts['class_id'].tolist()) == {0, 1}
    ids = np.zeros((20, 30), np.int32)
    ids[2:6, 3:5], ids[2:6, 5:8] = 7, 8
    parts = find_parts(labels, ids, 2, 255)
    assert sorted(parts['area'][parts['class_id'] == 1].tolist()) == [8, 12]


def parts_of(*areas, class_id=0):
    parts = np.zeros(len(areas), PART)
    parts['class_id'], parts['area'] = class_id, areas
    parts['height'] = parts['width'] = np.ceil(np.sqrt(areas))
    return parts


def test_small_parts_are_objects_in_a_class_of_small_things_alone():
    mixed, dots = parts_of(1, 2, 11, 12, 400), parts_of(9, 9, 9, 12, class_id=1)
    found = object_parts(np.concatenate([mixed, dots]), 3)
    assert found.tolist() == [False, False, False, True, True, True, True, True, True]


def test_the_width_of_a_pole_is_its_thickness():
    labels = np.zeros((50, 20), np.uint8)
    labels[5:45, 3:6] = 1
    labels[10:20, 10:20] = 2
    widths = mean_widths(find_parts(labels, None, 3, 255)[1:])
    assert widths.tolist() == [3, 10]


def test_kept_parts_are_read_and_damaged_or_changed_ones_are_not(tmp_path):
    cfg = make_data(tmp_path, counts=(3, 1))
    pipeline = cfg.train_dataloader.dataset.pipeline

    def collected():
        config = dataset(tmp_path, 'train', pipeline)
        return collect_parts(DatasetLabelSource(build_source(config)), tmp_path / 'c')

    first = collected()
    assert first['map'].tolist() == sorted(first['map'].tolist())
    (path,) = (tmp_path / 'c').iterdir()
    content = path.read_bytes()
    assert np.array_equal(collected(), first)
    path.write_bytes(content[:50])
    assert np.array_equal(collected(), first)
    assert path.read_bytes() == content
    make_data(tmp_path, lambda labels, *_: without(labels, BIRD), counts=(3, 1))
    assert set(np.unique(collected()['class_id'])) == {0, 1, CUP}
    assert len(list((tmp_path / 'c').iterdir())) == 2


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(tmp_path):
    cfg = make_data(tmp_path, counts=(2, 1))
    (tmp_path / 'file').write_text('of the user')
    source = DatasetLabelSource(build_source(cfg.train_dataloader.dataset))
    assert len(collect_parts(source, tmp_path / 'file')) >= 8
    assert (tmp_path / 'file').read_text() == 'of the user'
    with pytest.raises(FileNotFoundError):
        make_missing = dataset(tmp_path / 'nowhere', 'train', [])
        collect_parts(DatasetLabelSource(build_source(make_missing)), tmp_path)
