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
        self,
        rng: np.random.Generator,
        classes: np.ndarray,
        grounds: np.ndarray,
        tries: int = 1,
    ) -> np.ndarray:
        """Draws donors for classes, each donor of a class equally likely.

        Args:
            rng: Random numbers.
            classes: int64 [n, k], each a class the group gives, or -1.
            grounds: int64 [n], a map for each row that is not to be a donor.
            tries: Donors wanted for each.

        Returns:
            int64 [n, k, tries]; -1 where the class is -1, or only the ground gives it.
        """
        drawn = np.full((*classes.shape, tries), -1, np.int64)
        for class_id, donors in enumerate(self.donors):
            rows, layers = np.nonzero(classes == class_id)
            if not len(rows):
                continue
            # The place of the ground among the donors is skipped.
            place = np.searchsorted(donors, grounds[rows])
            skips = donors[np.minimum(place, len(donors) - 1)] == grounds[rows]
            left = (len(donors) - skips)[:, None]
            number = rng.integers(np.maximum(left, 1), size=(len(rows), tries))
            number += skips[:, None] & (number >= place[:, None])
            chosen = donors[np.minimum(number, len(donors) - 1)]
            drawn[rows, layers] = np.where(left > 0, chosen, -1)
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
