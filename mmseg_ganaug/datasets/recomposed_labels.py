"""Recombined label maps without photos, to train a generator on new layouts."""

from typing import Optional, Tuple

import numpy as np

from mmseg_ganaug.datasets.label_source import DatasetLabelSource
from mmseg_ganaug.recompose import LabelStatistics
from mmseg_ganaug.registry import RECOMPOSERS


class RecomposedLabels:
    """Label maps that a way of recombining makes of a data set.

    Args:
        source (DatasetLabelSource): The label maps to recombine.
        recomposer (dict): Config of ``AddSingle``, ``AddMulti`` or ``Recon``.
        num_recipes (int): Number of different recombinations.
        seed (int): Seed of their plan.
    """

    def __init__(
        self,
        source: DatasetLabelSource,
        recomposer: dict,
        num_recipes: int,
        seed: int = 0,
    ) -> None:
        self._source = source
        self._recomposer = RECOMPOSERS.build(recomposer)
        statistics = LabelStatistics.collect(source)
        self._plan = self._recomposer.plan(statistics, num_recipes, seed)

    def __len__(self) -> int:
        return len(self._plan)

    def load(
        self, index: int, size: Tuple[int, int], rng: np.random.Generator
    ) -> Tuple[np.ndarray, Optional[np.ndarray]]:
        """Makes one recombination.

        Args:
            index (int): Number of the recipe.
            size (tuple[int, int]): Height and width; of a larger map a window is
                taken that holds something new.
            rng (np.random.Generator): Draws the window.

        Returns:
            tuple[np.ndarray, np.ndarray | None]: uint8 and int32 [height, width].

        Raises:
            ValueError: When the map is smaller than ``size``.
        """
        made = self._recomposer.recompose(self._plan[index], self._source)
        shape = made.label_map.shape
        if shape[0] < size[0] or shape[1] < size[1]:
            raise ValueError(
                f'a recombined map is {shape}, smaller than the photo beside it, '
                f'{size} (height, width): set scale, so that all have one size'
            )
        changed = np.flatnonzero(made.changed)
        aim = rng.choice(changed) if len(changed) else rng.integers(made.changed.size)
        sides = []
        for at, have, want in zip(np.unravel_index(aim, shape), shape, size):
            # The pixel lies anywhere in the window, not always in its middle.
            start = int(np.clip(at - rng.integers(want), 0, have - want))
            sides.append(slice(start, start + want))
        window = tuple(sides)
        instance_map = made.instance_map
        return (
            made.label_map[window],
            None if instance_map is None else instance_map[window],
        )
