"""Which maps can be base and which can give which class."""

from typing import List

import numpy as np

from mmseg_ganaug.recompose.statistics import LabelStatistics


class MapGroup:
    """Maps that can be combined with each other.

    Attributes:
        members: int64 [M], numbers of the maps, rising.
        donors: C arrays, the members that can give each class.
    """

    def __init__(self, members: np.ndarray, usable: np.ndarray) -> None:
        self.members = members
        self.donors = [members[column] for column in usable[members].T]

    @property
    def gives(self) -> np.ndarray:
        """Bool [C]: some member can give the class."""
        return np.array([len(donors) > 0 for donors in self.donors])

    def draw_donors(
        self, rng: np.random.Generator, classes: np.ndarray, tries: int = 1
    ) -> np.ndarray:
        """Draws donors for classes, each donor of a class equally likely.

        Args:
            rng: Random numbers.
            classes: int64 [...], each a class the group gives, or -1.
            tries: Donors wanted for each.

        Returns:
            int64 [..., tries]; -1 where the class is -1.
        """
        drawn = np.full((*classes.shape, tries), -1, np.int64)
        for class_id, donors in enumerate(self.donors):
            places = classes == class_id
            count = np.count_nonzero(places)
            if count:
                drawn[places] = donors[rng.integers(len(donors), size=(count, tries))]
        return drawn

    def draw_others(self, rng: np.random.Generator, taken: np.ndarray) -> np.ndarray:
        """Draws a member for each row that is not in the row.

        Args:
            rng: Random numbers.
            taken: int64 [n, k], members; -1 = none.

        Returns:
            int64 [n]; -1 where every member is taken.
        """
        drawn = rng.choice(self.members, size=len(taken))
        for _ in range(20):
            again = np.flatnonzero((taken == drawn[:, None]).any(axis=1))
            if not len(again):
                return drawn
            drawn[again] = rng.choice(self.members, size=len(again))
        # Only in tiny groups: look at what is left, row by row.
        for row in again:
            left = np.setdiff1d(self.members, taken[row])
            drawn[row] = rng.choice(left) if len(left) else -1
        return drawn


def usable_layers(statistics: LabelStatistics, min_area: float) -> np.ndarray:
    """Which map can give which class: bool [N, C].

    Args:
        statistics: Of the source.
        min_area: Smallest area of a layer, as a share (0..1) of its map's area.
    """
    area = statistics.sizes.prod(axis=1)
    smallest = np.maximum(np.ceil(min_area * area), 1).astype(np.int64)
    return statistics.pixels >= smallest[:, None]


def group_maps(
    statistics: LabelStatistics, usable: np.ndarray, resize_donors: bool
) -> List[MapGroup]:
    """Groups the maps that are of one size, and have a labelled pixel.

    Args:
        statistics: Of the source.
        usable: bool [N, C], which map can give which class.
        resize_donors: Put maps of all sizes into one group.

    Returns:
        The groups of two or more maps; one map alone cannot be combined.
    """
    members = np.flatnonzero(statistics.labelled > 0)
    if resize_donors:
        groups = [members]
    else:
        # One number for each size: far quicker to sort than pairs.
        size = statistics.sizes[members] @ np.array([2**32, 1])
        order = np.argsort(size, kind='stable')
        groups = np.split(members[order], np.flatnonzero(np.diff(size[order])) + 1)
    return [MapGroup(group, usable) for group in groups if len(group) > 1]
