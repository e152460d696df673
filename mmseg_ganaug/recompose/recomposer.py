"""Recomposer: what AddSingle, AddMulti and Recon share."""

from dataclasses import dataclass
from typing import Any, ClassVar, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from mmseg_ganaug.option_checks import check_bool, check_seed, check_share, check_whole
from mmseg_ganaug.recompose.canvas import RecomposedMap
from mmseg_ganaug.recompose.draws import (
    Drawer,
    Draws,
    MapGroup,
    group_maps,
    usable_layers,
)
from mmseg_ganaug.recompose.growth import draw_growth
from mmseg_ganaug.recompose.layers import Tone
from mmseg_ganaug.recompose.object_options import ObjectOptions, refuse_changed
from mmseg_ganaug.recompose.object_planner import ObjectPlanner
from mmseg_ganaug.recompose.object_scene import Scene
from mmseg_ganaug.recompose.placement import PlacementRanges, PositionPrior, Range
from mmseg_ganaug.recompose.planner import Expectation, choose_draws
from mmseg_ganaug.recompose.recipe import Recipe, RecomposePlan
from mmseg_ganaug.recompose.replay import replay
from mmseg_ganaug.recompose.replay_options import ReplayOptions
from mmseg_ganaug.recompose.source import LabelSource
from mmseg_ganaug.recompose.statistics import LabelStatistics
from mmseg_ganaug.recompose.weighting import (
    Target,
    are_listed,
    asked_classes,
    check_asked,
    check_target,
    check_weighting,
    class_weights,
    target_shares,
)

ClassList = Sequence[Union[str, int]]


@dataclass(eq=False)
class Recomposer:
    """Plans recombinations, and makes their label maps.

    The base of AddSingle, AddMulti and Recon, with the options that all of them have.

    Args:
        classes: Names or ids of the requested classes: those that are added, or by
            which Recon draws donors; default: all that occur. Each must have a donor.
            Or ``'rare'``, or another rule that finds them, see
            :func:`~mmseg_ganaug.recompose.weighting.asked_classes`.
        weighting: How often each is requested; default inverse frequency, see
            :func:`~mmseg_ganaug.recompose.weighting.class_weights`.
        target: The class shares that real and generated maps are to reach together,
            see :func:`~mmseg_ganaug.recompose.weighting.target_shares`; the planner
            then weighs the classes instead of ``weighting``.
        choices: With a target, candidates among which each recipe is chosen: more
            come closer to the target, and use fewer maps more often.
        even_bases: With a target: draw the base (Recon: the donor of the background)
            evenly, and choose by gain only among what can be laid on it. So light,
            weather and place, which label maps do not show, keep their shares. False
            comes closer to the target.
        min_area: Smallest area of a layer, as a share (0..1) of the map's: of the
            whole layer when planning; under AddSingle and AddMulti, also of its
            visible part when replaying.
        min_plausibility: Smallest plausibility of a layer's place (0..1, by the
            position prior of the source); less plausible layers are left out, 0
            checks nothing. At 0.1, few layers are rejected at their own place, and
            most cars that were moved into the sky.
        flip_prob: Probability (0..1) that a donor is mirrored left to right. Layers of
            Recon's background always stay where they are.
        shift_range: Largest shift (down, across), as a share of height and width.
        scale_range: Smallest and largest factor of a layer's size; it is scaled
            about its bottom centre.
        resize_donors: Combine maps of different sizes: donors are resized.
        objects: Move whole objects, with what goes with them, to places like those of
            the real maps: options of
            :class:`~mmseg_ganaug.recompose.object_options.ObjectOptions`, ``dict()``
            for the defaults. Default: layers of whole classes, as in the paper.

    Raises:
        ValueError: If an option is of the wrong type or outside its range.
    """

    classes: Optional[Union[str, Mapping[str, Any], ClassList]] = None
    weighting: Optional[Mapping[str, Any]] = None
    target: Optional[Target] = None
    choices: int = 8
    even_bases: bool = True
    min_area: float = 0.0005
    min_plausibility: float = 0.0
    flip_prob: float = 0.0
    shift_range: Range = (0.0, 0.0)
    scale_range: Range = (1.0, 1.0)
    resize_donors: bool = False
    objects: Optional[Mapping[str, Any]] = None

    def __post_init__(self) -> None:
        if self.classes is not None:
            self.classes = check_asked(self, self.classes)
        if self.weighting is not None:
            self.weighting = check_weighting(self, self.weighting)
        if self.target is not None:
            self.target = check_target(self, self.target)
        self.choices = check_whole(self, 'choices', self.choices, 1)
        self.even_bases = check_bool(self, 'even_bases', self.even_bases)
        self.min_area = check_share(self, 'min_area', self.min_area)
        self.min_plausibility = check_share(
            self, 'min_plausibility', self.min_plausibility
        )
        self._placement = PlacementRanges(
            self.flip_prob, self.shift_range, self.scale_range, owner=self
        )
        self.resize_donors = check_bool(self, 'resize_donors', self.resize_donors)
        self.moved = None if self.objects is None else ObjectOptions.of(self.objects)
        if self.moved is not None:
            refuse_changed(self, self._of_layers)

    @property
    def needs_scene(self) -> bool:
        """Whether the statistics must hold the objects."""
        return self.moved is not None

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
            target: In place of the recomposer's own target.

        Raises:
            ValueError: If the source cannot be recombined so; the message
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
                f'with labelled pixels; among the {statistics.num_maps} given there '
                'is no such pair. Add maps, or set resize_donors=True if their sizes '
                'differ.'
            )
        weights = self._weights(statistics, groups, even=shares is not None)
        if self.moved is not None:
            recipes, options = self._plan_objects(
                np.random.default_rng(seed),
                statistics,
                groups,
                weights,
                num_samples,
                shares,
            )
            return self._plan_of(recipes, statistics, options)
        drawer = self._drawer(statistics, usable, groups, weights)
        options = self._replay_options(statistics)
        rng = np.random.default_rng(seed)
        if shares is None:
            draws = drawer.draw(rng, drawer.weights, num_samples)
        else:
            expectation = Expectation(statistics, options.background, options.fill)
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
        recipes = self._recipes(rng, statistics, draws, options)
        return self._plan_of(recipes, statistics, options)

    @staticmethod
    def _plan_of(
        recipes: Sequence[Recipe], statistics: LabelStatistics, options: ReplayOptions
    ) -> RecomposePlan:
        return RecomposePlan(
            recipes=tuple(recipes),
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
        match_tone: Tone = False,
    ) -> RecomposedMap:
        """Makes the label map of a recipe of this recomposer.

        Only recipe and source decide; see
        :func:`~mmseg_ganaug.recompose.replay.replay`.
        """
        if recipe.recomposer != type(self).__name__:
            raise ValueError(
                f'a recipe for {recipe.recomposer}, not {type(self).__name__}'
            )
        return replay(recipe, source, with_photo, match_tone)

    def _plan_objects(
        self,
        rng: np.random.Generator,
        statistics: LabelStatistics,
        groups: List[MapGroup],
        weights: np.ndarray,
        num_samples: int,
        shares: Optional[np.ndarray],
    ) -> Tuple[List[Recipe], ReplayOptions]:
        """Plans recombinations of whole objects.

        Args:
            rng: Random numbers.
            statistics: Of the source.
            groups: The maps that can be combined.
            weights: float64 [C], sum 1.
            num_samples: Recipes wanted.
            shares: float64 [C], the class shares to reach; None = by the weights.
        """
        assert self.moved is not None, 'objects are asked for'
        if are_listed(self.classes, self.weighting if shares is None else None):
            self.moved.check_things(statistics, np.flatnonzero(weights).tolist())
        scene = self.moved.scene(statistics, self.min_area)
        planner = ObjectPlanner(
            statistics,
            scene,
            groups,
            weights,
            self.moved,
            self._one_class,
            self._base_maps(statistics, scene),
            self._base_pixels(statistics, scene),
        )
        layers = planner.plan(rng, num_samples, shares, self.choices, self.even_bases)
        options = self._object_options(statistics, scene)
        seeds = rng.integers(2**31, size=num_samples).tolist()
        growing = self.moved.growing(statistics, scene)
        recipes = []
        for row, seed in enumerate(seeds):
            shown = statistics.pixels[layers.bases[row]] > 0
            recipe = layers.recipe(
                row,
                scene,
                statistics.sizes,
                recomposer=type(self).__name__,
                seed=seed,
                options=options,
                growth=draw_growth(rng, growing, shown, self.moved.grow_range),
            )
            recipes.append(self._object_recipe(recipe, statistics, scene))
        return recipes, options

    #: All objects laid on a map are of one class.
    _one_class = False
    #: Options of layers of whole classes, in place of which objects have their own.
    _of_layers: ClassVar[Tuple[str, ...]] = (
        'min_plausibility',
        'flip_prob',
        'shift_range',
        'scale_range',
    )

    def _base_maps(self, statistics: LabelStatistics, scene: Scene) -> np.ndarray:
        """Finds the maps on which objects can be laid: bool [N]."""
        return np.ones(statistics.num_maps, bool)

    def _base_pixels(self, statistics: LabelStatistics, scene: Scene) -> np.ndarray:
        """Returns what the maps hold on which objects are laid: [N, C] pixels."""
        return statistics.pixels

    def _object_recipe(
        self, recipe: Recipe, statistics: LabelStatistics, scene: Scene
    ) -> Recipe:
        """Completes a recipe for objects on a base."""
        return recipe

    def _object_options(
        self, statistics: LabelStatistics, scene: Scene
    ) -> ReplayOptions:
        """Returns what replaying objects needs beside the layers."""
        assert self.moved is not None, 'objects are asked for'
        return ReplayOptions(
            resize_donors=self.resize_donors,
            min_area=self.min_area,
            max_hidden=self.moved.max_hidden,
            guarded=tuple(np.flatnonzero(self.moved.guarded(statistics)).tolist()),
            things=tuple(np.flatnonzero(scene.things).tolist()),
        )

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
        """Returns what draws the recombinations.

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
        """Returns the weights of classes that have a donor: float64 [C], sum 1."""
        given = np.any([group.gives for group in groups], axis=0)
        weighting = self.weighting or dict(type='inverse_frequency')
        weights = np.ones(statistics.num_classes)
        if not even:
            weights = class_weights(weighting, statistics)
        asked = np.ones(statistics.num_classes, bool)
        if self.classes is not None:
            asked[:] = False
            asked[asked_classes(self.classes, statistics)] = True
        explicit = weighting['type'] == 'explicit' and not even
        stated = asked if are_listed(self.classes, None) else explicit & (weights > 0)
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
            # Each once.
            fallbacks = tuple(
                tuple(dict.fromkeys(d for d in others if d not in (donor, base)))
                for _, (donor, *others) in layers
            )
            recipes.append(
                Recipe(
                    recomposer=type(self).__name__,
                    base=base if base >= 0 else None,
                    donors=first,
                    classes=classes,
                    seed=seed,
                    placements=self._placement.draw(rng, classes, size, still),
                    fallback_donors=fallbacks if any(fallbacks) else (),
                    options=options,
                )
            )
        return recipes
