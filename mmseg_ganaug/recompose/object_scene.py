"""Learns from label maps what stands where: things, what goes together, neighbours."""

from functools import cached_property
from typing import Dict, Optional, Tuple

import numpy as np

from mmseg_ganaug.recompose.objects import (
    GRID,
    SceneCounts,
    class_at,
    relative_boxes,
)
from mmseg_ganaug.recompose.recipe import Part

# A class of countable things: fewer of its parts than this reach a side of the map, and
# the mean part is a smaller share of it; they count by the root of their area.
_AT_SIDE = 0.4
_PART = 0.1
# Where there are instance maps, a class without instances is one of things if its mean
# part is smaller than this: poles and signs.
_SMALL_PART = 0.01
# What lies at more than this share of the places around an object surrounds it; a class
# that surrounds so many objects of others is what things stand on or in.
_AROUND = 0.6
_SURROUNDS = 0.15
# Two classes go together where so many objects of the one touch one of the other, so
# many times as often as chance has it, and seen from the other nearly so; from fewer
# objects nothing is concluded.
_TOGETHER = 0.4
_LIFT = 1.75
_LIFT_BACK = 1.3
_ENOUGH = 10
# Larger groups, of more objects or of a larger share of the map, are not moved.
_MOST_PARTS = 8
_LARGEST = 0.15
# Chance is counted in the maps that are so far away in the list.
_OTHERS = (1, 7, 31, 50)
# Heights, rows and neighbours are smoothed as if so many objects more had been seen.
_PRIOR = 2.0
# Where neighbours are looked up, as shares of the sides of an object's box.
_ALONG = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
_RELATIONS = ('below', 'beside', 'above')


class Scene:
    """Groups of objects that can be moved, and how plausible a place is for them.

    A group is an object with what goes with it: rider and bike, sign and pole. Two
    classes go together where their objects touch far more often than chance has it.

    Args:
        counts: Of N maps with C classes.
        sizes: int64 [N, 2], height and width of the maps.
        things: bool [C], the classes of countable objects; None = those whose parts
            are small, keep away from the sides of the maps, and do not surround the
            objects of others.
        companions: bool [C, C], symmetric, the classes that go together; None = learn.
        min_area: Smallest area of a group, as a share (0..1) of its map's; smaller
            parts of a group are left out.
        instances: bool [C], the classes that have instances; None = there are no
            instance maps.

    Attributes:
        thumbnails: uint8 [N, 96, 128], small copies of the maps.
        things: bool [C].
        companions: bool [C, C].
        maps: int64 [G], the map of each group.
        boxes: float64 [G, 4], top, left, bottom, right, as shares of the map's sides.
        classes: int64 [G], the class of the group: the rarest of its parts'.
        parts: G tuples of (class, row, column), the largest part first.
        areas: float64 [G, C], share of the map that its parts of each class cover.
    """

    def __init__(
        self,
        counts: SceneCounts,
        sizes: np.ndarray,
        things: Optional[np.ndarray] = None,
        companions: Optional[np.ndarray] = None,
        min_area: float = 0.0,
        instances: Optional[np.ndarray] = None,
    ) -> None:
        self.thumbnails = counts.thumbnails
        self._num_classes = len(counts.spread)
        objects, areas = counts.objects, sizes.prod(axis=1)
        share = objects['area'] / np.maximum(areas[objects['map']], 1)
        if things is None:
            things = _things(counts.spread, instances)
            if instances is None:
                # Whatever min_area is: what is a thing must not depend on it.
                found = objects[things[objects['class_id']]]
                things &= ~self._surrounds(found, sizes)
        self.things = things
        kept = self.things[objects['class_id']] & (share >= min_area)
        number = np.cumsum(kept) - 1
        pairs = counts.touching[kept[counts.touching].all(axis=1)]
        self._objects, self._share = objects[kept], share[kept]
        self._boxes = relative_boxes(self._objects, sizes)
        pairs = number[pairs]
        if companions is None:
            companions = self._learn_companions(pairs)
        self.companions = companions
        classes = self._objects['class_id'].astype(np.int64)
        together = companions[classes[pairs[:, 0]], classes[pairs[:, 1]]]
        group = _connected(len(classes), pairs[together])
        kept = _movable(group, self._share)
        self._objects, self._share = self._objects[kept], self._share[kept]
        self._boxes = self._boxes[kept]
        self._make_groups(np.unique(group[kept], return_inverse=True)[1])

    def _surrounds(self, objects: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """Finds the classes that surround many objects of other classes: bool [C]."""
        maps, classes = (objects[name].astype(np.int64) for name in ('map', 'class_id'))
        boxes = relative_boxes(objects, sizes)
        places = np.concatenate(
            [self._look(relation, maps, boxes) for relation in _RELATIONS], axis=1
        )
        found = np.zeros(self._num_classes, bool)
        for class_id in range(self._num_classes):
            around = (places[classes != class_id] == class_id).mean(axis=1) > _AROUND
            found[class_id] = around.sum() > _SURROUNDS * len(around)
        return found

    def _learn_companions(self, pairs: np.ndarray) -> np.ndarray:
        """Finds the classes that go together: bool [C, C], symmetric."""
        count = self._num_classes
        classes = self._objects['class_id'].astype(np.int64)
        total = np.bincount(classes, minlength=count)
        touches = np.zeros((len(classes), count), bool)
        for one, other in (pairs.T, pairs.T[::-1]):
            touches[one, classes[other]] = True
        # By chance, an object has beside it what lies at its place in other maps.
        number = len(self.thumbnails)
        shifts = [shift for shift in _OTHERS if shift % number]
        maps = self._objects['map'].astype(np.int64)
        near = self._near(maps)
        chance = np.mean(
            [self._near((maps + s) % number) for s in shifts or [0]], axis=0
        )
        share, lift = np.zeros((2, count, count))
        for class_id in np.flatnonzero(total):
            own = classes == class_id
            share[class_id] = touches[own].mean(axis=0)
            least = np.maximum(chance[own].mean(axis=0), 1 / total[class_id])
            lift[class_id] = near[own].mean(axis=0) / least
        found = (share >= _TOGETHER) & (lift >= _LIFT) & (lift.T >= _LIFT_BACK)
        found &= (total >= _ENOUGH)[:, None]
        return found | found.T

    def _near(self, maps: np.ndarray) -> np.ndarray:
        """Finds which classes lie around the boxes of the objects: bool [M, C].

        Args:
            maps: int64 [M], the map in which is looked.
        """
        around = [self._look(relation, maps, self._boxes) for relation in _RELATIONS]
        places = np.concatenate(around, axis=1)
        classes = np.arange(self._num_classes)
        return np.stack([(places == c).any(axis=1) for c in classes], axis=1)

    def _make_groups(self, group: np.ndarray) -> None:
        """Joins objects of one number (int64 [M]) to groups."""
        count = int(group.max(initial=-1)) + 1
        classes = self._objects['class_id'].astype(np.int64)
        self.maps = np.zeros(count, np.int64)
        self.maps[group] = self._objects['map']
        self.areas = np.zeros((count, self._num_classes))
        np.add.at(self.areas, (group, classes), self._share)
        self.boxes = np.tile([1.0, 1.0, 0.0, 0.0], (count, 1))
        for column in range(4):
            extreme = np.minimum if column < 2 else np.maximum
            extreme.at(self.boxes[:, column], group, self._boxes[:, column])
        totals = self.areas.sum(axis=0)
        rarity = np.where(self.areas > 0, totals, np.inf)
        self.classes = rarity.argmin(axis=1) if count else np.zeros(0, np.int64)
        # What a group stands on is beneath its lowest part.
        order = np.lexsort((self._boxes[:, 2], group))
        last = np.flatnonzero(np.diff(group[order], append=-1))
        self._grounds = classes[order[last]]
        order = np.lexsort((-self._share, group))
        ends = np.cumsum(np.bincount(group, minlength=count)).tolist()
        pixels = self._objects[['class_id', 'row', 'column']][order].tolist()
        self.parts: Tuple[Tuple[Part, ...], ...] = tuple(
            tuple(pixels[start:end]) for start, end in zip([0, *ends], ends)
        )

    @cached_property
    def _neighbours(self) -> Dict[str, np.ndarray]:
        """What lies below, beside and above: log of the relative odds, [C, C + 1]."""
        tables = {}
        for relation in _RELATIONS:
            found = self._look(relation, self.maps, self.boxes)
            seen = np.zeros((self._num_classes, self._num_classes + 1))
            keys = self._key(relation)
            rows = np.repeat(keys[:, None], found.shape[1], axis=1)
            inside = found >= 0
            np.add.at(seen, (rows[inside], found[inside]), 1 / found.shape[1])
            mean = seen.sum(axis=0) / max(seen.sum(), 1)
            share = (seen + _PRIOR * mean) / (seen.sum(axis=1, keepdims=True) + _PRIOR)
            share = np.maximum(share, 1e-4)
            tables[relation] = np.log(share / share.max(axis=1, keepdims=True))
        return tables

    def _key(self, relation: str) -> np.ndarray:
        return self._grounds if relation == 'below' else self.classes

    def _look(self, relation: str, maps: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Looks up the classes around boxes: int64 [n, k], -1 outside the map."""
        top, left, bottom, right = boxes.T[..., None]
        down, across = 1.0 / GRID[0], 1.0 / GRID[1]
        along = left + (right - left) * _ALONG
        if relation == 'below':
            rows, columns = np.broadcast_arrays(bottom + down / 2, along)
        elif relation == 'above':
            rows, columns = np.broadcast_arrays(top - down / 2, along)
        else:
            height = top + (bottom - top) * _ALONG
            rows = np.concatenate([height, height], axis=1)
            columns = np.concatenate(
                [
                    np.broadcast_to(left - across / 2, height.shape),
                    np.broadcast_to(right + across / 2, height.shape),
                ],
                axis=1,
            )
        inside = (rows >= 0) & (rows < 1) & (columns >= 0) & (columns < 1)
        return np.where(inside, class_at(self.thumbnails, maps, rows, columns), -1)

    def _terms(
        self, groups: np.ndarray, maps: np.ndarray, boxes: np.ndarray
    ) -> np.ndarray:
        """Scores neighbours below, beside, above, size, row: float64 [n, 5], <= 0."""
        terms = np.zeros((len(groups), len(_RELATIONS) + 2))
        for column, relation in enumerate(_RELATIONS):
            found = self._look(relation, maps, boxes)
            table = self._neighbours[relation][self._key(relation)[groups]]
            values = np.take_along_axis(table, np.maximum(found, 0), axis=1)
            inside = found >= 0
            # Beyond the edge of the map is nothing that could be odd.
            count = np.maximum(inside.sum(axis=1), 1)
            terms[:, column] = np.where(inside, values, 0).sum(axis=1) / count
        line, spread = self._sizes
        classes = self.classes[groups]
        height = np.log(np.maximum(boxes[:, 2] - boxes[:, 0], 1e-3))
        expected = line[classes, 0] + line[classes, 1] * boxes[:, 2]
        terms[:, -2] = -(((height - expected) / spread[classes]) ** 2)
        rows = np.clip((boxes[:, 2] * 16).astype(np.int64), 0, 15)
        terms[:, -1] = self._rows[classes, rows]
        return terms

    @cached_property
    def _sizes(self) -> Tuple[np.ndarray, np.ndarray]:
        """Log height by bottom row: a line [C, 2], and the spread about it [C]."""
        line = np.zeros((self._num_classes, 2))
        spread = np.ones(self._num_classes)
        bottoms = self.boxes[:, 2]
        heights = np.log(np.maximum(bottoms - self.boxes[:, 0], 1e-3))
        for class_id in np.unique(self.classes).tolist():
            own = self.classes == class_id
            x, y = bottoms[own], heights[own]
            slope = 0.0
            if len(x) >= _ENOUGH and x.std() > 1e-3:
                slope = float(np.cov(x, y, bias=True)[0, 1] / x.var())
            line[class_id] = y.mean() - slope * x.mean(), slope
            rest = y - line[class_id, 0] - slope * x
            spread[class_id] = max(float(rest.std()), 0.3)
        return line, spread

    @cached_property
    def _rows(self) -> np.ndarray:
        """Log of how usual a bottom row is, relative to the most usual: [C, 16]."""
        seen = np.zeros((self._num_classes, 16))
        rows = np.minimum((self.boxes[:, 2] * 16).astype(np.int64), 15)
        np.add.at(seen, (self.classes, rows), 1)
        padded = np.pad(seen, ((0, 0), (1, 1)), mode='edge')
        smooth = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:] + _PRIOR / 16
        return np.log(smooth / smooth.max(axis=1, keepdims=True))

    @cached_property
    def _known(self) -> Dict[int, Tuple[np.ndarray, np.ndarray]]:
        """Terms and scores of all groups of a class at their own place, rising."""
        terms = self._terms(np.arange(len(self.maps)), self.maps, self.boxes)
        known = {}
        for class_id in np.unique(self.classes).tolist():
            own = np.sort(terms[self.classes == class_id], axis=0)
            scores = _score(own, terms[self.classes == class_id])
            known[class_id] = own, np.sort(scores)
        return known

    def plausibility(
        self, groups: np.ndarray, maps: np.ndarray, boxes: np.ndarray
    ) -> np.ndarray:
        """Compares places with those of the real maps: float64 [n], 0..1.

        0.1 says that one in ten groups of the class stands, in the real maps, at a
        place that is as odd or odder: by what lies below, beside and above it, by its
        height for its row, and by the row.

        Args:
            groups: int64 [n].
            maps: int64 [n], the map into which each is laid.
            boxes: float64 [n, 4], where, see :attr:`boxes`.
        """
        terms = self._terms(groups, maps, boxes)
        result = np.zeros(len(groups))
        for class_id, (own, scores) in self._known.items():
            rows = self.classes[groups] == class_id
            result[rows] = _rank(scores, _score(own, terms[rows]))
        return result

    def perspective(self, groups: np.ndarray, bottoms: np.ndarray) -> np.ndarray:
        """Computes by what factor groups change in size at other rows: float64 [n].

        Args:
            groups: int64 [n].
            bottoms: float64 [n], the new bottom row, as a share of the height.
        """
        line, _ = self._sizes
        slope = np.maximum(line[self.classes[groups], 1], 0)
        return np.exp(slope * (bottoms - self.boxes[groups, 2]))


def _rank(known: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Returns the share of known values (rising) that are as low or lower: 0..1."""
    return np.searchsorted(known, values + 1e-9, side='right') / len(known)


def _score(known: np.ndarray, terms: np.ndarray) -> np.ndarray:
    """Joins terms [n, k] by their ranks among known ones [m, k], rising: [n], <= 0.

    The sum of the logarithms, as Fisher joins tests: one that is very odd counts more
    than several that are a little so.
    """
    least = 0.5 / len(known)
    ranks = [_rank(a, b) for a, b in zip(known.T, terms.T)]
    return np.log(np.maximum(ranks, least)).sum(axis=0)


def _things(spread: np.ndarray, instances: Optional[np.ndarray]) -> np.ndarray:
    """Finds the classes of countable objects: bool [C]."""
    share = np.maximum(spread[:, 0], 1)
    largest = _PART if instances is None else _SMALL_PART
    found = (
        (spread[:, 0] > 0)
        & (spread[:, 1] / share < largest)
        & (spread[:, 2] / share < _AT_SIDE)
    )
    return found if instances is None else found | instances


def _movable(group: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Finds the objects of groups that are not too large: bool [M].

    Args:
        group: int64 [M], the group of each object.
        share: float64 [M], its share of the map.
    """
    parts = np.bincount(group)
    areas = np.bincount(group, weights=share)
    return ((parts <= _MOST_PARTS) & (areas <= _LARGEST))[group]


def _connected(count: int, pairs: np.ndarray) -> np.ndarray:
    """Numbers the connected components of a graph: int64 [count]."""
    label = np.arange(count)
    while True:
        lower = label.copy()
        for one, other in (pairs.T, pairs.T[::-1]):
            np.minimum.at(lower, one, label[other])
        lower = lower[lower]
        if np.array_equal(lower, label):
            return np.unique(label, return_inverse=True)[1].reshape(count)
        label = lower
