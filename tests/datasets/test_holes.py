"""Holes of the shapes that recombination leaves."""

import numpy as np
import pytest
from test_label_to_image import source as pairs_source
from test_label_to_image import write_pair

from mmseg_ganaug.datasets import LabelToImageDataset
from mmseg_ganaug.datasets.holes import Holes

SIZE = (40, 60)


class Maps:
    """Label maps in memory."""

    num_classes = 3
    ignore_index = 255

    def __init__(self, *label_maps):
        self._label_maps = label_maps

    def __len__(self):
        return len(self._label_maps)

    def label_map(self, index):
        return self._label_maps[index]

    def instance_map(self, index):
        return None


def street():
    """A car and a sign on a road that is too large for a hole."""
    label_map = np.zeros(SIZE, np.uint8)
    label_map[20:28, 10:26] = 1
    label_map[4:12, 40:44] = 2
    label_map[:2] = 255
    return label_map


FLAT = Maps(np.zeros(SIZE, np.uint8))
STREETS = Maps(street(), street().T[:40, :40].copy())


def rng(seed=0):
    return np.random.default_rng(seed)


def test_holes_are_objects_of_the_photo_itself():
    holes = Holes(own_prob=1.0, rim=0, share=(0, 0.2))
    label_map = street()
    seen = set()
    for seed in range(20):
        found = holes.draw(label_map, None, FLAT, rng(seed))
        assert not found[label_map == 0].any() and not found[label_map == 255].any()
        seen |= set(np.unique(label_map[found]))
        for class_id in (1, 2):
            part = found[label_map == class_id]
            assert part.all() or not part.any()
    assert seen == {1, 2}


def test_holes_have_shapes_of_other_photos_anywhere():
    sign = np.where(street() == 2, 2, 0).astype(np.uint8)
    holes = Holes(own_prob=0.0, rim=0, share=(0, 0.0134))
    tops = set()
    for seed in range(60):
        found = holes.draw(np.zeros(SIZE, np.uint8), None, Maps(sign), rng(seed))
        rows, columns = np.nonzero(found)
        box = found[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        at_border = rows.min() == 0 or columns.min() == 0
        at_border |= rows.max() == SIZE[0] - 1 or columns.max() == SIZE[1] - 1
        # A second one fits beside a part of the first alone.
        assert at_border or (box.shape == (8, 4) and box.all())
        tops.add(int(rows.min()))
    assert len(tops) > 20


def test_together_they_take_the_share_that_is_asked_for():
    holes = Holes(share=(0.1, 0.3), rim=2)
    shares = [
        holes.draw(street(), None, STREETS, rng(seed)).mean() for seed in range(60)
    ]
    assert min(shares) >= 0.1 and max(shares) <= 0.3
    assert max(shares) - min(shares) > 0.1


def test_shapes_are_larger_than_objects_by_the_rim():
    plain = Holes(own_prob=1.0, rim=0, share=(0, 0.2))
    wide = Holes(own_prob=1.0, rim=3, share=(0, 0.2))
    sizes = [
        (
            plain.draw(street(), None, STREETS, rng(s)).sum(),
            wide.draw(street(), None, STREETS, rng(s)),
        )
        for s in range(30)
    ]
    assert any(found.sum() > size for size, found in sizes)
    car = np.zeros(SIZE, bool)
    car[17:31, 7:29] = True
    sign = np.zeros(SIZE, bool)
    sign[1:15, 37:47] = True
    assert not any((found & ~car & ~sign).any() for _, found in sizes)


def test_the_same_draws_give_the_same_holes():
    holes = Holes()
    first, second = (holes.draw(street(), None, STREETS, rng(3)) for _ in range(2))
    assert (first == second).all()
    assert (first != holes.draw(street(), None, STREETS, rng(4))).any()


def test_without_objects_there_is_no_hole():
    flat = np.zeros(SIZE, np.uint8)
    assert not Holes().draw(flat, None, FLAT, rng()).any()


@pytest.mark.parametrize('with_instances', [False, True])
def test_samples_for_a_generator_have_holes(tmp_path, with_instances):
    label_map = street()
    for name in ('a', 'b'):
        ids = label_map.astype(np.uint16)
        write_pair(tmp_path, name, label_map, instance_map=ids)
    options = dict(pipeline=[])
    if with_instances:
        options.update(with_instances=True, instance_path=('annotations', 'instances'))
    plain = LabelToImageDataset(pairs_source(tmp_path), **options)
    assert 'img_hole' not in plain[0]['inputs']
    dataset = LabelToImageDataset(pairs_source(tmp_path), holes=dict(), **options)
    np.random.seed(0)  # noqa: NPY002 (as MMEngine seeds workers)
    drawn = [dataset[0]['inputs']['img_hole'] for _ in range(6)]
    assert all(tuple(one.shape) == (1, *SIZE) and one.any() for one in drawn)
    assert len({one.numpy().tobytes() for one in drawn}) > 3
    np.random.seed(0)  # noqa: NPY002
    again = [dataset[0]['inputs']['img_hole'] for _ in range(6)]
    assert all((a == b).all() for a, b in zip(drawn, again))
