"""Draws recombinations at random."""

from typing import Sequence

import numpy as np

from mmseg_ganaug.recompose.draws import Draws
from mmseg_ganaug.recompose.pool import MapGroup

# Recombinations drawn at once: bounds the memory that a large plan takes.
_AT_ONCE = 2**14


class Drawer:
    """Draws recombinations of one way.

    Attributes:
        groups: The groups of maps that can be combined this way.
        weights: float64 [C], sum 1: how often each class is asked for.
    """

    def __init__(self, groups: Sequence[MapGroup], weights: np.ndarray) -> None:
        self.groups = list(groups)
        self.weights = weights / weights.sum()

    def draw(
        self,
        rng: np.random.Generator,
        weights: np.ndarray,
        count: int,
        one_ground: int = 1,
    ) -> Draws:
        """Draws recombinations.

        Args:
            rng: Random numbers.
            weights: float64 [C], sum 1, in place of the own ones, > 0 for the same
                classes.
            count: Recombinations wanted.
            one_ground: So many in a row stand on the same map; divides ``count``.
        """
        parts = []
        sizes = np.array([len(self._grounds(group)) for group in self.groups])
        count, at_once = count // one_ground, max(_AT_ONCE // one_ground, 1)
        for start in range(0, max(count, 1), at_once):
            wanted = min(at_once, count - start)
            chosen = rng.choice(len(sizes), size=wanted, p=sizes / sizes.sum())
            drawn = []
            for number, group in enumerate(self.groups):
                grounds = rng.choice(
                    self._grounds(group), size=np.count_nonzero(chosen == number)
                )
                grounds = np.repeat(grounds, one_ground)
                drawn.append(self._draw(rng, group, weights, grounds))
            # Back into the order in which the groups were drawn.
            chosen = np.repeat(chosen, one_ground)
            order = np.argsort(np.argsort(chosen, kind='stable'), kind='stable')
            parts.append(Draws.join(drawn)[order])
        return Draws.join(parts)

    def _grounds(self, group: MapGroup) -> np.ndarray:
        """The maps of a group that a recombination can stand on: int64 [n]."""
        return group.members

    def _draw(
        self,
        rng: np.random.Generator,
        group: MapGroup,
        weights: np.ndarray,
        grounds: np.ndarray,
    ) -> Draws:
        """Draws recombinations of the maps of one group.

        Args:
            rng: Random numbers.
            group: The group.
            weights: float64 [C].
            grounds: int64 [n], the map each is to stand on. Only where nothing can
                be laid on it is it another.
        """
        raise NotImplementedError


def draw_classes(
    rng: np.random.Generator, weights: np.ndarray, count: np.ndarray
) -> np.ndarray:
    """Draws different classes for each sample, one after the other by weight.

    Args:
        rng: Random numbers.
        weights: float [C], not all 0.
        count: int64 [n], classes wanted for each sample.

    Returns:
        int64 [n, k], k the largest count; -1 where a sample wants fewer, or fewer
        have a weight.
    """
    # The Gumbel trick: the k largest keys are a draw without replacement.
    with np.errstate(divide='ignore'):
        keys = np.log(weights) + rng.gumbel(size=(len(count), len(weights)))
    largest = min(int(count.max(initial=0)), int(np.count_nonzero(weights)))
    drawn = np.argsort(-keys, axis=1, kind='stable')[:, :largest]
    return np.where(np.arange(largest) < count[:, None], drawn, -1)
