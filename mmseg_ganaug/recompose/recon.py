"""Recon: new label maps built from layers of several maps."""

from dataclasses import dataclass, replace
from typing import List, Optional, Tuple, Union

import numpy as np

from mmseg_ganaug.class_option_checks import check_classes
from mmseg_ganaug.option_checks import check_choice, check_share, check_whole
from mmseg_ganaug.recompose.draws import (
    Drawer,
    Draws,
    MapGroup,
    draw_classes,
    frequency_rank,
)
from mmseg_ganaug.recompose.object_scene import Scene
from mmseg_ganaug.recompose.placement import Placement
from mmseg_ganaug.recompose.planner import Expectation
from mmseg_ganaug.recompose.recipe import Recipe
from mmseg_ganaug.recompose.recomposer import ClassList, Recomposer
from mmseg_ganaug.recompose.replay_options import FILLS, ReplayOptions
from mmseg_ganaug.recompose.statistics import LabelStatistics


@dataclass(eq=False)
class Recon(Recomposer):
    """A new map, built back to front from layers of several maps.

    Drawing every class from a map of its own gives scenes that cannot exist, and a
    generator paints them badly. So one donor gives the background: the
    large classes, which then fit each other. Every other class comes from one of the
    other donors, which are drawn by the weights of the classes they show. No map
    survives as a whole: other classes of the background donor are not used.

    Takes the options of :class:`Recomposer`, and these.

    Args:
        num_donors: Donors of a map, the background donor included; at least 2. In a
            set with fewer maps, fewer.
        order: Order of the layers, back to front: ``'frequency'`` (all other
            classes before things, then by falling pixel frequency), or a list of
            class names or ids; classes it does not name follow on top.
        things: Names or ids of the classes of countable objects, which are never
            part of the background; default: classes with instances, where the source
            has instance maps, else none. With ``objects``, the things are those of
            :class:`~mmseg_ganaug.recompose.object_options.ObjectOptions`.
        background_share: The background is made of the most frequent classes, without
            things, that together hold this share (0..1) of the pixels of all of them;
            at least one.
        min_background: Smallest share (0..1) of a background donor's pixels that the
            background classes must cover; the rest has to be filled.
        fill: What becomes of pixels that no layer covers: ``'nearest'`` covered
            class of the background (a pole does not grow into the hole beside it), or
            ``'ignore'``.
    """

    num_donors: int = 6
    order: Union[str, ClassList] = 'frequency'
    things: Optional[ClassList] = None
    background_share: float = 0.95
    min_background: float = 0.6
    fill: str = 'nearest'
    _of_layers = (*Recomposer._of_layers, 'num_donors', 'things')

    def __post_init__(self) -> None:
        super().__post_init__()
        self.num_donors = check_whole(self, 'num_donors', self.num_donors, 2)
        if isinstance(self.order, str):
            self.order = check_choice(self, 'order', self.order, ('frequency',))
        else:
            self.order = check_classes(self, 'order', self.order)
        if self.things is not None:
            self.things = check_classes(self, 'things', self.things, fewest=0)
        self.background_share = check_share(
            self, 'background_share', self.background_share
        )
        self.min_background = check_share(self, 'min_background', self.min_background)
        self.fill = check_choice(self, 'fill', self.fill, FILLS)

    def background_classes(
        self, statistics: LabelStatistics, things: Optional[np.ndarray] = None
    ) -> List[int]:
        """Returns the classes of the background, by falling frequency.

        Args:
            statistics: Of the source.
            things: bool [C], the classes of countable objects; None = those of layers.

        Raises:
            ValueError: If there is no class beside things, or none beside the
                background.
        """
        things = self._things(statistics) if things is None else things
        totals = np.where(things, 0, statistics.pixels.sum(axis=0))
        if not totals.any():
            raise ValueError(
                'Recon: every class that occurs is among things, so none is left for '
                'the background: list only the countable classes in things=[...]'
            )
        order = np.argsort(-totals, kind='stable')
        reached = np.cumsum(totals[order]) >= self.background_share * totals.sum()
        background = order[: int(np.argmax(reached)) + 1]
        background = background[totals[background] > 0]
        rest = np.count_nonzero(statistics.pixels.sum(axis=0)) - len(background)
        # One class at least must be left for the other donors.
        if rest == 0:
            background = background[:-1]
        if not len(background):
            raise ValueError(
                'Recon needs two classes or more, but only '
                f'{statistics.class_names[order[0]]} has pixels: check the values of '
                'the label files, add maps that show another class, or use '
                'AddSingle, which lays it over pixels without a class'
            )
        return background.tolist()

    def layer_order(
        self, statistics: LabelStatistics, things: Optional[np.ndarray] = None
    ) -> List[int]:
        """Returns all C classes, back to front; see :meth:`background_classes`."""
        things = self._things(statistics) if things is None else things
        order = np.lexsort((frequency_rank(statistics), things))
        if isinstance(self.order, str):
            return order.tolist()
        stated = statistics.class_ids(self.order, 'order')
        return stated + [c for c in order.tolist() if c not in stated]

    def _things(self, statistics: LabelStatistics) -> np.ndarray:
        things = np.zeros(statistics.num_classes, bool)
        if self.things is not None:
            things[statistics.class_ids(self.things, 'things')] = True
        elif statistics.instances is not None:
            things = statistics.instances.any(axis=0)
        return things

    def _has_background(
        self, statistics: LabelStatistics, background: List[int]
    ) -> np.ndarray:
        covered = statistics.pixels[:, background].sum(axis=1)
        area = statistics.sizes.prod(axis=1)
        return covered >= np.maximum(self.min_background * area, 1)

    def _base_maps(self, statistics: LabelStatistics, scene: Scene) -> np.ndarray:
        background = self.background_classes(statistics, scene.things)
        return self._has_background(statistics, background)

    def _base_pixels(self, statistics: LabelStatistics, scene: Scene) -> np.ndarray:
        order = np.array(self.layer_order(statistics, scene.things))
        stuff = (statistics.pixels > 0) & ~scene.things
        maps = np.arange(statistics.num_maps)
        donors = np.broadcast_to(maps[:, None, None], (*stuff.shape, 1))
        layers = np.where(stuff[:, order], order, -1)
        background = self.background_classes(statistics, scene.things)
        expectation = Expectation(statistics, background, self.fill)
        return expectation.pixels(Draws(np.full(len(maps), -1), layers, donors))

    def _object_recipe(
        self, recipe: Recipe, statistics: LabelStatistics, scene: Scene
    ) -> Recipe:
        if recipe.growth:
            raise ValueError(
                'Recon: objects=dict(grow=...) moves borders of a base, and Recon has '
                'none: leave grow out, or use AddSingle or AddMulti'
            )
        base = recipe.base
        assert base is not None, 'objects are laid on a map'
        # All of the map but its things, whose holes the background fills.
        stuff = (statistics.pixels[base] > 0) & ~scene.things
        shown = [c for c in self.layer_order(statistics, scene.things) if stuff[c]]
        count = len(shown)
        return replace(
            recipe,
            base=None,
            donors=(base,) * count + recipe.donors,
            classes=(*shown, *recipe.classes),
            placements=(Placement(),) * count + recipe.placements,
            parts=((),) * count + recipe.parts,
            plausibility=(1.0,) * count + recipe.plausibility,
        )

    def _object_options(
        self, statistics: LabelStatistics, scene: Scene
    ) -> ReplayOptions:
        return replace(
            super()._object_options(statistics, scene),
            fill=self.fill,
            background=tuple(self.background_classes(statistics, scene.things)),
        )

    def _replay_options(self, statistics: LabelStatistics) -> ReplayOptions:
        return replace(
            super()._replay_options(statistics),
            fill=self.fill,
            background=tuple(self.background_classes(statistics)),
        )

    def _drawer(
        self,
        statistics: LabelStatistics,
        usable: np.ndarray,
        groups: List[MapGroup],
        weights: np.ndarray,
    ) -> Drawer:
        background = self.background_classes(statistics)
        weights[background] = 0
        has_background = self._has_background(statistics, background)
        groups = [g for g in groups if _pairs(g, weights, has_background, 1)]
        if not groups:
            names = ', '.join(statistics.class_names[c] for c in background)
            raise ValueError(
                f'Recon: no two maps of one size, one to give the background ({names}) '
                'and one to give another class that is asked for. Lower min_area, '
                'min_background or background_share, name other classes, or set '
                'resize_donors=True.'
            )
        usable = usable.copy()
        usable[:, background] = False
        shown = np.zeros_like(usable)
        shown[:, background] = statistics.pixels[:, background] > 0
        order = np.array(self.layer_order(statistics))
        return _ReconDrawer(
            groups, weights, self.num_donors, usable, shown, has_background, order
        )


class _ReconDrawer(Drawer):
    """Draws a background donor and other donors, and deals the classes out to them.

    Args:
        groups: See :class:`Drawer`, as ``weights``.
        weights: float64 [C], 0 for the classes of the background.
        num_donors: Donors of a map.
        usable: bool [N, C], the classes each map can give as another donor.
        shown: bool [N, C], the classes each map gives as the background donor.
        has_background: bool [N], the maps that can be background donors.
        order: int64 [C], all classes, back to front.
    """

    def __init__(
        self,
        groups: List[MapGroup],
        weights: np.ndarray,
        num_donors: int,
        usable: np.ndarray,
        shown: np.ndarray,
        has_background: np.ndarray,
        order: np.ndarray,
    ) -> None:
        super().__init__(groups, weights)
        self._num_others = num_donors - 1
        self._usable = usable
        self._shown = shown
        self._has_background = has_background
        self._order = order

    def _bases(self, group: MapGroup) -> np.ndarray:
        return group.members[self._has_background[group.members]]

    def _draw(
        self,
        rng: np.random.Generator,
        group: MapGroup,
        weights: np.ndarray,
        bases: np.ndarray,
    ) -> Draws:
        bases, count = bases.copy(), len(bases)
        weights = weights * group.gives
        one = np.ones(count * self._num_others, np.int64)
        asked = draw_classes(rng, weights, one).reshape(count, self._num_others)
        others = group.draw_donors(rng, asked, bases)[..., 0]
        # Where only the background donor could give what was asked for.
        for row in np.flatnonzero((others < 0).all(axis=1)):
            pairs = _pairs(group, weights, self._has_background)
            bases[row], others[row, 0] = pairs[rng.integers(len(pairs))]
        # Each class comes from one of the donors that show it, drawn evenly.
        shows = self._usable[others] & (others >= 0)[..., None]
        keys = rng.random(shows.shape) * shows
        donors = np.take_along_axis(others, keys.argmax(axis=1), axis=1)
        donors[~shows.any(axis=1)] = -1
        donors = np.where(self._shown[bases], bases[:, None], donors)[:, self._order]
        classes = np.where(donors >= 0, self._order, -1)
        return Draws(np.full(count, -1), classes, donors[..., None])


def _pairs(
    group: MapGroup, weights: np.ndarray, has_background: np.ndarray, enough: int = 64
) -> List[Tuple[int, int]]:
    """Returns some pairs of a background donor and another, if there are any."""
    firsts = group.members[has_background[group.members]][: enough + 1].tolist()
    pairs = []
    for class_id in np.flatnonzero(weights):
        for other in group.donors[class_id][: enough + 1].tolist():
            pairs += [(first, other) for first in firsts if first != other]
    return pairs
