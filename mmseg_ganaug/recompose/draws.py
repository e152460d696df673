"""Recombinations as arrays, before they become recipes."""

from dataclasses import dataclass
from typing import Sequence, Union

import numpy as np

from mmseg_ganaug.recompose.recipe import Recipe


@dataclass
class Draws:
    """n recombinations of at most k layers, back to front.

    Attributes:
        bases: int64 [n], the base of each; -1 = it has none.
        classes: int64 [n, k], the class of each layer; -1 = no layer.
        donors: int64 [n, k, tries], its donor, and the donors that stand in.
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
        """The draws of all parts, one after the other."""
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
        """The draws of recipes (without the donors that stand in)."""
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
