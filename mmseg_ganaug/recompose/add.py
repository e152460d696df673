"""AddSingle and AddMulti: layers of rare classes laid over a base."""

from dataclasses import replace
from typing import Any, List, Mapping, Optional, Tuple, Union

import numpy as np

from mmseg_ganaug.option_checks import (
    check_share,
    check_whole,
    check_whole_numbers,
    refuse,
)
from mmseg_ganaug.recompose.draws import Drawer, Draws, MapGroup, draw_classes
from mmseg_ganaug.recompose.placement import PlacementRanges, Range
from mmseg_ganaug.recompose.recipe import ReplayOptions
from mmseg_ganaug.recompose.recomposer import ClassList, Way, frequency_rank
from mmseg_ganaug.recompose.statistics import LabelStatistics
from mmseg_ganaug.recompose.weighting import Target


class AddSingle(Way):
    """One base and one class: that class's layer of one donor is laid over the base.

    Args:
        classes: Names or ids of the classes that are added; default: all that
            occur. Each must have a donor.
        weighting: How often each is added; default inverse frequency, see
            :func:`~mmseg_ganaug.recompose.weighting.class_weights`.
        target: The class shares that real and generated maps are to reach together,
            see :func:`~mmseg_ganaug.recompose.weighting.target_shares`; the planner
            then weighs the classes instead of ``weighting``.
        choices: With a target, candidates among which each recipe is chosen: more
            come closer to the target, and use fewer maps more often.
        even_bases: With a target: draw the base evenly, and choose by gain only
            among what can be laid on it. So light, weather and place, which label
            maps do not tell, keep their shares. False comes closer to the target.
        min_area: Smallest area of a layer, as a share (0..1) of the map's: of the
            whole layer when planning, of what is to be seen of it when replaying.
        objects: Objects kept of a donor's layer at most: its instances, or its
            connected components where the source has no instance maps (touching
            objects count as one); 0 = the whole layer. The planner expects whole
            layers.
        max_hidden: A layer may hide at most this share (0..1) of each class of the
            base that is rarer than the average; where it would hide more, it goes
            behind that class. Classes that the recipe adds are never hidden.
        max_tries: Donors tried for a layer until one passes the checks.
        min_plausibility: Smallest plausibility of the layer's place (0..1, by the
            position prior of the source); 0 checks nothing. At 0.1, few layers are
            rejected at their own place, and most cars that were moved into the sky.
        flip_prob: Probability (0..1) that a donor is mirrored left to right.
        shift_range: Largest shift (down, across), as a share of height and width.
        scale_range: Smallest and largest factor of a layer's size; it is scaled
            about its bottom centre.
        resize_donors: Let maps of different sizes meet: donors are resized.
    """

    # Smallest and largest number of classes added.
    _num_classes: Tuple[int, int] = (1, 1)

    def __init__(
        self,
        classes: Optional[ClassList] = None,
        weighting: Optional[Mapping[str, Any]] = None,
        target: Optional[Target] = None,
        choices: int = 8,
        even_bases: bool = True,
        min_area: float = 0.0005,
        objects: int = 0,
        max_hidden: float = 0.5,
        max_tries: int = 3,
        min_plausibility: float = 0.0,
        flip_prob: float = 0.0,
        shift_range: Range = (0.0, 0.0),
        scale_range: Range = (1.0, 1.0),
        resize_donors: bool = False,
    ) -> None:
        placement = PlacementRanges(
            flip_prob, shift_range, scale_range, owner=type(self).__name__
        )
        super().__init__(
            classes,
            weighting,
            target,
            choices,
            even_bases,
            min_area,
            placement,
            min_plausibility,
            resize_donors,
        )
        self.objects = check_whole(self, 'objects', objects)
        self.max_hidden = check_share(self, 'max_hidden', max_hidden)
        self.max_tries = check_whole(self, 'max_tries', max_tries, 1)

    def _replay_options(self, statistics: LabelStatistics) -> ReplayOptions:
        rare = statistics.frequency < 1 / statistics.num_classes
        return replace(
            super()._replay_options(statistics),
            min_area=self.min_area,
            objects=self.objects,
            max_hidden=self.max_hidden,
            guarded=tuple(np.flatnonzero(rare).tolist()),
        )

    def _drawer(
        self,
        statistics: LabelStatistics,
        usable: np.ndarray,
        groups: List[MapGroup],
        weights: np.ndarray,
    ) -> Drawer:
        self._check_changes(statistics, groups)
        fewest, most = self._num_classes
        counts = [np.count_nonzero(weights * group.gives) for group in groups]
        fewest = min(fewest, max(counts))
        groups = [g for g, count in zip(groups, counts) if count >= fewest]
        rank = frequency_rank(statistics)
        return _AddDrawer(
            groups,
            weights,
            (fewest, most),
            rank,
            self.max_tries,
            statistics.presence,
        )

    def _check_changes(
        self, statistics: LabelStatistics, groups: List[MapGroup]
    ) -> None:
        """Raises ValueError where no layer can change a map as it is meant to."""
        members = np.concatenate([group.members for group in groups])
        shown = statistics.presence[members].any(axis=0)
        if np.count_nonzero(shown) > 1:
            return
        way, name = type(self).__name__, statistics.class_names[int(shown.argmax())]
        ignored = statistics.ignored[members].sum()
        if not ignored:
            raise ValueError(
                f'{way}: the label maps show {name} alone, and no pixel without a '
                'class, so that a layer of it changes nothing: check the values of the '
                'label files, or add maps that show another class'
            )
        value = statistics.ignore_index
        classes = statistics.num_classes - (value < statistics.num_classes)
        if classes > 1 and self.classes is None:
            share = 100 * ignored / statistics.sizes[members].prod(axis=1).sum()
            raise ValueError(
                f'{way}: of {classes} classes only {name} has a pixel, so that no '
                f'other can be added. {share:.2g} % of the pixels have the value '
                f'{value} and are ignored: if that is a class, convert the label files '
                f'or set another ignore_index; to lay {name} over them, set '
                f'classes=[{name!r}]'
            )


class _AddDrawer(Drawer):
    """Draws a base, the classes, and a donor for each.

    Args:
        groups: See :class:`Drawer`, as ``weights``.
        weights: float64 [C].
        num_classes: Smallest and largest number of classes.
        rank: int64 [C], order of the layers, back to front.
        tries: Donors drawn for each layer.
        shown: bool [N, C], the classes that each map shows.
    """

    def __init__(
        self,
        groups: List[MapGroup],
        weights: np.ndarray,
        num_classes: Tuple[int, int],
        rank: np.ndarray,
        tries: int,
        shown: np.ndarray,
    ) -> None:
        super().__init__(groups, weights)
        self._num_classes = num_classes
        self._shown = shown
        # Classes are indexed with -1 (no layer) too, which goes behind all.
        self._rank = np.append(rank, len(rank))
        self._tries = tries

    def _draw(
        self,
        rng: np.random.Generator,
        group: MapGroup,
        weights: np.ndarray,
        grounds: np.ndarray,
    ) -> Draws:
        fewest, most = self._num_classes
        # Classes that are added hide none of each other: one must be left beneath.
        beneath = np.count_nonzero(self._shown[group.members].any(axis=0)) - 1
        most = max(min(most, beneath), 1)
        wanted = rng.integers(min(fewest, most), most + 1, size=len(grounds))
        classes = draw_classes(rng, weights * group.gives, wanted)
        order = np.argsort(self._rank[classes], axis=1, kind='stable')
        classes = np.take_along_axis(classes, order, axis=1)
        donors = group.draw_donors(rng, classes, grounds, self._tries)
        bases = grounds.copy()
        # Where only the base could give what was asked for, it gives it to another.
        rows = np.flatnonzero((donors < 0).all(axis=(1, 2)))
        for row in rows:
            bases[row] = rng.choice(group.members[group.members != grounds[row]])
        donors[rows] = group.draw_donors(rng, classes[rows], bases[rows], self._tries)
        return Draws(bases, np.where(donors[..., 0] < 0, -1, classes), donors)


class AddMulti(AddSingle):
    """One base, several classes, from one or several donors, laid over the base.

    The rarest class is laid on top. Where there are not so many classes to add, fewer
    are added: of two classes (an object and its background), one. In a set so small
    that base and donors would coincide, a recipe may have fewer, too.

    Args:
        num_classes: Classes added to a base: a number, or the smallest and the
            largest number; at least 2.
        kwargs: The arguments of :class:`AddSingle`.
    """

    def __init__(
        self, num_classes: Union[int, Tuple[int, int]] = 3, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(num_classes, (list, tuple)):
            num_classes = check_whole(self, 'num_classes', num_classes, 2)
            num_classes = (num_classes, num_classes)
        fewest, most = check_whole_numbers(self, 'num_classes', num_classes, 2, 255, 2)
        if most < fewest:
            raise refuse(self, 'num_classes', num_classes, 'smallest number first')
        self._num_classes = (fewest, most)
