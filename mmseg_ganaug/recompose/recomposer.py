"""Defines what the recomposers share."""

from typing import Any, List, Mapping, Optional, Sequence, Union

import numpy as np

from mmseg_ganaug.class_option_checks import check_classes
from mmseg_ganaug.option_checks import check_bool, check_seed, check_share, check_whole
from mmseg_ganaug.recompose.canvas import RecomposedMap
from mmseg_ganaug.recompose.draws import (
    Drawer,
    Draws,
    MapGroup,
    group_maps,
    usable_layers,
)
from mmseg_ganaug.recompose.placement import PlacementRanges, PositionPrior
from mmseg_ganaug.recompose.planner import Expectation, choose_draws
from mmseg_ganaug.recompose.recipe import Recipe, RecomposePlan, ReplayOptions
from mmseg_ganaug.recompose.replay import replay
from mmseg_ganaug.recompose.source import LabelSource
from mmseg_ganaug.recompose.statistics import LabelStatistics
from mmseg_ganaug.recompose.weighting import (
    Target,
    check_target,
    check_weighting,
    class_weights,
    target_shares,
)

ClassList = Sequence[Union[str, int]]


class Way:
    """Base of the three ways.

    Args:
        classes: Names or ids of the classes that are asked for; None = all that
            occur. Each must have a donor.
        weighting: How often each is asked for; None = inverse frequency.
        target: The class shares that real and generated maps are to reach together;
            None = classes are drawn by their weights.
        choices: With a target, candidates among which each recipe is chosen.
        even_bases: With a target, draw the bases evenly.
        min_area: Smallest area of a donor's layer, as a share (0..1) of the map's.
        placement: From what ranges placements are drawn.
        min_plausibility: Smallest plausibility (0..1) of a layer's place.
        resize_donors: Let maps of different sizes meet.

    Raises:
        ValueError: If an option is of the wrong type or outside its range.
    """

    def __init__(
        self,
        classes: Optional[ClassList],
        weighting: Optional[Mapping[str, Any]],
        target: Optional[Target],
        choices: int,
        even_bases: bool,
        min_area: float,
        placement: PlacementRanges,
        min_plausibility: float,
        resize_donors: bool,
    ) -> None:
        self.classes = None
        if classes is not None:
            self.classes = check_classes(self, 'classes', classes)
        if weighting is None:
            weighting = dict(type='inverse_frequency')
        self.weighting = check_weighting(self, weighting)
        self.target = None if target is None else check_target(self, target)
        self.choices = check_whole(self, 'choices', choices, 1)
        self.even_bases = check_bool(self, 'even_bases', even_bases)
        self.min_area = check_share(self, 'min_area', min_area)
        self.placement = placement
        self.min_plausibility = check_share(self, 'min_plausibility', min_plausibility)
        self.resize_donors = check_bool(self, 'resize_donors', resize_donors)

    def plan(
        self,
        statistics: LabelStatistics,
        num_samples: int,
        seed: int,
        target: Optional[Target] = None,
    ) -> RecomposePlan:
        """Plans a generated set.

        Args:
            statistics: Of the source.
            num_samples: Recipes wanted, >= 0.
            seed: The same seed gives the same plan.
            target: In place of the way's own target.

        Raises:
            ValueError: If the source cannot be recombined this way; the message
                names the class or the number that is missing.
        """
        num_samples = check_whole(self, 'num_samples', num_samples)
        seed = check_seed(self, 'seed', seed)
        target = self.target if target is None else target
        shares = None if target is None else target_shares(target, statistics)
        usable = usable_layers(statistics, self.min_area)
        groups = group_maps(statistics, usable, self.resize_donors)
        if not groups:
            raise ValueError(
                f'{type(self).__name__} combines at least two label maps of one size '
                f'with labelled pixels; of the {statistics.num_maps} there are no '
                'two. Add maps, or set resize_donors=True if their sizes differ.'
            )
        weights = self._weights(statistics, groups, even=shares is not None)
        drawer = self._drawer(statistics, usable, groups, weights)
        options = self._replay_options(statistics)
        rng = np.random.default_rng(seed)
        if shares is None:
            draws = drawer.draw(rng, drawer.weights, num_samples)
        else:
            expectation = Expectation(statistics, options.background)
            draws = choose_draws(
                statistics,
                shares,
                num_samples,
                self.choices,
                self.even_bases,
                rng,
                drawer,
                expectation,
            )
        return RecomposePlan(
            recipes=tuple(self._recipes(rng, statistics, draws, options)),
            num_maps=statistics.num_maps,
            class_names=tuple(statistics.class_names),
            ignore_index=statistics.ignore_index,
            options=options,
        )

    def recompose(
        self,
        recipe: Recipe,
        source: LabelSource,
        with_photo: bool = False,
        match_tone: bool = False,
    ) -> RecomposedMap:
        """Makes the label map of a recipe of this way.

        Only recipe and source decide; see
        :func:`~mmseg_ganaug.recompose.replay.replay`.
        """
        if recipe.way != type(self).__name__:
            raise ValueError(f'a recipe for {recipe.way}, not {type(self).__name__}')
        return replay(recipe, source, with_photo, match_tone)

    def _replay_options(self, statistics: LabelStatistics) -> ReplayOptions:
        """Returns what replaying needs beside the layers."""
        checked = self.min_plausibility > 0
        return ReplayOptions(
            resize_donors=self.resize_donors,
            min_plausibility=self.min_plausibility,
            prior=PositionPrior.of(statistics.positions) if checked else None,
        )

    def _drawer(
        self,
        statistics: LabelStatistics,
        usable: np.ndarray,
        groups: List[MapGroup],
        weights: np.ndarray,
    ) -> Drawer:
        """What draws recombinations this way.

        Args:
            statistics: Of the source.
            usable: bool [N, C], which map can give which class.
            groups: The maps that can be combined.
            weights: float64 [C], sum 1.
        """
        raise NotImplementedError

    def _weights(
        self, statistics: LabelStatistics, groups: List[MapGroup], even: bool
    ) -> np.ndarray:
        """Weights of the classes asked for that have a donor: float64 [C], sum 1."""
        given = np.any([group.gives for group in groups], axis=0)
        weights = np.ones(statistics.num_classes)
        if not even:
            weights = class_weights(self.weighting, statistics)
        asked = np.ones(statistics.num_classes, bool)
        if self.classes is not None:
            asked[:] = False
            asked[statistics.class_ids(self.classes)] = True
        explicit = self.weighting['type'] == 'explicit' and not even
        stated = asked if self.classes is not None else explicit & (weights > 0)
        missing = np.flatnonzero(stated & ~given)
        if len(missing):
            names = ', '.join(statistics.class_names[c] for c in missing)
            raise ValueError(
                f'{type(self).__name__}: no donor for {names}: no map that can be '
                f'combined shows it on {self.min_area:g} of its area. Leave the class '
                'out, or lower min_area.'
            )
        weights = np.where(asked & given, weights, 0)
        if not weights.any():
            raise ValueError(
                f'{type(self).__name__}: no class is left to draw; check classes and '
                'weighting (a higher temperature, or weights > 0), or lower min_area'
            )
        return weights / weights.sum()

    def _recipes(
        self,
        rng: np.random.Generator,
        statistics: LabelStatistics,
        draws: Draws,
        options: ReplayOptions,
    ) -> List[Recipe]:
        # The background stays where it is: its classes fit each other.
        still = options.background
        seeds = rng.integers(2**31, size=len(draws)).tolist()
        recipes = []
        for seed, base, classes, donors in zip(
            seeds, draws.bases.tolist(), draws.classes.tolist(), draws.donors.tolist()
        ):
            layers = [(c, d) for c, d in zip(classes, donors) if c >= 0]
            first = tuple(donor for _, (donor, *_) in layers)
            size = statistics.sizes[base if base >= 0 else first[0]]
            classes = tuple(class_id for class_id, _ in layers)
            # Donors that stand in, each once.
            spares = tuple(
                tuple(dict.fromkeys(d for d in others if d not in (donor, base)))
                for _, (donor, *others) in layers
            )
            recipes.append(
                Recipe(
                    way=type(self).__name__,
                    base=base if base >= 0 else None,
                    donors=first,
                    classes=classes,
                    seed=seed,
                    placements=self.placement.draw(rng, classes, size, still),
                    spares=spares if any(spares) else (),
                    options=options,
                )
            )
        return recipes


def frequency_rank(statistics: LabelStatistics) -> np.ndarray:
    """Place of each class by falling pixel frequency: int64 [C], 0 = most frequent."""
    order = np.argsort(-statistics.pixels.sum(axis=0), kind='stable')
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank
