"""Draws recombinations at random, as arrays, before they become recipes."""

from dataclasses import dataclass
from typing import List, Sequence, Union

import numpy as np

from mmseg_ganaug.recompose.recipe import Recipe
from mmseg_ganaug.recompose.statistics import LabelStatistics

# Recombinations drawn at once: bounds the memory that a large plan takes.
_AT_ONCE = 2**14


@dataclass
class Draws:
    """n recombinations of at most k layers, back to front.

    Attributes:
        bases: int64 [n], the base of each; -1 = it has none.
        classes: int64 [n, k], the class of each layer; -1 = no layer.
        donors: int64 [n, k, tries], its donor, and the fallback donors.
    """

    bases: np.ndarray
    classes: np.ndarray
    donors: np.ndarray

    def __len__(self) -> int:
        return len(self.bases)

    def __getitem__(self, rows: Union[slice, np.ndarray]) -> 'Draws':
        return Draws(self.bases[rows], self.classes[rows], self.donors[rows])

    @classmethod
    def join(cls, parts: Sequence['Draws']) -> 'Draws':
        """Returns the draws of all parts, one after the other."""
        layers = max(part.classes.shape[1] for part in parts)
        padded = [part._with_layers(layers) for part in parts]
        return cls(
            *(
                np.concatenate([getattr(part, name) for part in padded])
                for name in ('bases', 'classes', 'donors')
            )
        )

    @classmethod
    def from_recipes(cls, recipes: Sequence[Recipe]) -> 'Draws':
        """Returns the draws of recipes, without fallback donors."""
        layers = max((len(recipe.classes) for recipe in recipes), default=0)
        classes = np.full((len(recipes), layers), -1, np.int64)
        donors = classes.copy()
        for row, recipe in enumerate(recipes):
            classes[row, : len(recipe.classes)] = recipe.classes
            donors[row, : len(recipe.donors)] = recipe.donors
        bases = [-1 if recipe.base is None else recipe.base for recipe in recipes]
        return cls(np.array(bases, np.int64), classes, donors[..., None])

    def _with_layers(self, layers: int) -> 'Draws':
        more = layers - self.classes.shape[1]
        return Draws(
            self.bases,
            np.pad(self.classes, ((0, 0), (0, more)), constant_values=-1),
            np.pad(self.donors, ((0, 0), (0, more), (0, 0)), constant_values=-1),
        )


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
        bases: np.ndarray,
        tries: int = 1,
    ) -> np.ndarray:
        """Draws donors for classes, each donor of a class equally likely.

        Args:
            rng: Random numbers.
            classes: int64 [n, k], each a class the group gives, or -1.
            bases: int64 [n], a map for each row, which is not to be a donor.
            tries: Donors wanted for each.

        Returns:
            int64 [n, k, tries]; -1 where the class is -1, or only the base gives it.
        """
        drawn = np.full((*classes.shape, tries), -1, np.int64)
        for class_id, donors in enumerate(self.donors):
            rows, layers = np.nonzero(classes == class_id)
            if not len(rows):
                continue
            # The place of the base among the donors is skipped.
            place = np.searchsorted(donors, bases[rows])
            skips = donors[np.minimum(place, len(donors) - 1)] == bases[rows]
            left = (len(donors) - skips)[:, None]
            number = rng.integers(np.maximum(left, 1), size=(len(rows), tries))
            number += skips[:, None] & (number >= place[:, None])
            chosen = donors[np.minimum(number, len(donors) - 1)]
            drawn[rows, layers] = np.where(left > 0, chosen, -1)
        return drawn


def usable_layers(statistics: LabelStatistics, min_area: float) -> np.ndarray:
    """Finds which map can give which class: bool [N, C].

    Args:
        statistics: Of the source.
        min_area: Smallest area of a layer, as a share (0..1) of its map's area.
    """
    area = statistics.sizes.prod(axis=1)
    smallest = np.maximum(np.ceil(min_area * area), 1).astype(np.int64)
    return statistics.pixels >= smallest[:, None]


def frequency_rank(statistics: LabelStatistics) -> np.ndarray:
    """Ranks the classes by falling pixel frequency: int64 [C], 0 = most frequent."""
    order = np.argsort(-statistics.pixels.sum(axis=0), kind='stable')
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank


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


class Drawer:
    """Draws recombinations of one recomposer.

    Attributes:
        groups: The groups of maps that can be combined.
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
        same_base: int = 1,
    ) -> Draws:
        """Draws recombinations.

        Args:
            rng: Random numbers.
            weights: float64 [C], sum 1, in place of the own ones, > 0 for the same
                classes.
            count: Recombinations wanted.
            same_base: So many in a row have one base; divides ``count``.
        """
        parts = []
        sizes = np.array([len(self._bases(group)) for group in self.groups])
        count, at_once = count // same_base, max(_AT_ONCE // same_base, 1)
        for start in range(0, max(count, 1), at_once):
            wanted = min(at_once, count - start)
            chosen = rng.choice(len(sizes), size=wanted, p=sizes / sizes.sum())
            drawn = []
            for number, group in enumerate(self.groups):
                bases = rng.choice(
                    self._bases(group), size=np.count_nonzero(chosen == number)
                )
                bases = np.repeat(bases, same_base)
                drawn.append(self._draw(rng, group, weights, bases))
            # Back into the order in which the groups were drawn.
            chosen = np.repeat(chosen, same_base)
            order = np.argsort(np.argsort(chosen, kind='stable'), kind='stable')
            parts.append(Draws.join(drawn)[order])
        return Draws.join(parts)

    def _bases(self, group: MapGroup) -> np.ndarray:
        """Returns the maps of a group that can be a base: int64 [n]."""
        return group.members

    def _draw(
        self,
        rng: np.random.Generator,
        group: MapGroup,
        weights: np.ndarray,
        bases: np.ndarray,
    ) -> Draws:
        """Draws recombinations of the maps of one group.

        Args:
            rng: Random numbers.
            group: The group.
            weights: float64 [C].
            bases: int64 [n], the base of each (Recon: its background donor). Only
                where nothing can be laid on it is it another.
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
