"""AddSingle and AddMulti: layers of rare classes laid over a base."""

from dataclasses import dataclass, replace
from typing import List, Tuple, Union

import numpy as np

from mmseg_ganaug.option_checks import (
    check_share,
    check_whole,
    check_whole_numbers,
    refuse,
)
from mmseg_ganaug.recompose.draws import (
    Drawer,
    Draws,
    MapGroup,
    draw_classes,
    frequency_rank,
)
from mmseg_ganaug.recompose.recomposer import Recomposer
from mmseg_ganaug.recompose.replay_options import ReplayOptions
from mmseg_ganaug.recompose.statistics import LabelStatistics


@dataclass(eq=False)
class AddSingle(Recomposer):
    """One base and one class: that class's layer of one donor is laid over the base.

    Takes the options of :class:`Recomposer`, and these.

    Args:
        max_objects: Objects kept of a donor's layer at most: its instances, or its
            connected components where the source has no instance maps (touching
            objects count as one); 0 = the whole layer. The planner expects whole
            layers.
        max_hidden: A layer may hide at most this share (0..1) of each class of the
            base that is rarer than the average; where it would hide more, it goes
            behind that class. Classes that the recipe adds are never hidden.
        max_tries: Donors tried for a layer until one passes the checks.
    """

    max_objects: int = 0
    max_hidden: float = 0.5
    max_tries: int = 3
    _one_class = True
    _of_layers = (*Recomposer._of_layers, 'max_objects', 'max_hidden', 'max_tries')

    def __post_init__(self) -> None:
        super().__post_init__()
        self.max_objects = check_whole(self, 'max_objects', self.max_objects)
        self.max_hidden = check_share(self, 'max_hidden', self.max_hidden)
        self.max_tries = check_whole(self, 'max_tries', self.max_tries, 1)

    def _added(self) -> Tuple[int, int]:
        """Returns the smallest and the largest number of classes added."""
        return 1, 1

    def _replay_options(self, statistics: LabelStatistics) -> ReplayOptions:
        rare = statistics.frequency < 1 / statistics.num_classes
        return replace(
            super()._replay_options(statistics),
            min_area=self.min_area,
            max_objects=self.max_objects,
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
        fewest, most = self._added()
        counts = [np.count_nonzero(weights * group.gives) for group in groups]
        fewest = min(fewest, max(counts))
        groups = [g for g, count in zip(groups, counts) if count]
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
        name, only = type(self).__name__, statistics.class_names[int(shown.argmax())]
        ignored = statistics.ignored[members].sum()
        if not ignored:
            raise ValueError(
                f'{name}: the label maps show {only} alone, and no pixel without a '
                'class, so a layer of it would change nothing: check the values of '
                'the label files, or add maps that show another class'
            )
        value = statistics.ignore_index
        classes = statistics.num_classes - (value < statistics.num_classes)
        if classes > 1 and self.classes is None:
            share = 100 * ignored / statistics.sizes[members].prod(axis=1).sum()
            raise ValueError(
                f'{name}: of {classes} classes only {only} has pixels, so no other '
                f'can be added. {share:.2g} % of the pixels have the value {value} '
                f'and are ignored: if {value} is a class, convert the label files or '
                f'set another ignore_index; to lay {only} over them, set '
                f'classes=[{only!r}]'
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
        # Classes are indexed with -1 (no layer), too, which is sorted last.
        self._rank = np.append(rank, len(rank))
        self._tries = tries

    def _draw(
        self,
        rng: np.random.Generator,
        group: MapGroup,
        weights: np.ndarray,
        bases: np.ndarray,
    ) -> Draws:
        fewest, most = self._num_classes
        # Classes that are added hide none of each other: one must be left beneath.
        beneath = np.count_nonzero(self._shown[group.members].any(axis=0)) - 1
        most = max(min(most, beneath), 1)
        wanted = rng.integers(min(fewest, most), most + 1, size=len(bases))
        classes = draw_classes(rng, weights * group.gives, wanted)
        order = np.argsort(self._rank[classes], axis=1, kind='stable')
        classes = np.take_along_axis(classes, order, axis=1)
        donors = group.draw_donors(rng, classes, bases, self._tries)
        bases = bases.copy()
        # Where only the base could give what was asked for, it gives it to another.
        rows = np.flatnonzero((donors < 0).all(axis=(1, 2)))
        for row in rows:
            bases[row] = rng.choice(group.members[group.members != bases[row]])
        donors[rows] = group.draw_donors(rng, classes[rows], bases[rows], self._tries)
        return Draws(bases, np.where(donors[..., 0] < 0, -1, classes), donors)


@dataclass(eq=False)
class AddMulti(AddSingle):
    """One base, several classes, from one or several donors, laid over the base.

    The rarest class is laid on top. Where there are not so many classes to add, fewer
    are added: of two classes (an object and its background), one. In a set so small
    that base and donors would coincide, a recipe may have fewer, too.

    Takes the options of :class:`AddSingle`, and this.

    Args:
        num_classes: Classes added to a base: a number, or the smallest and the
            largest number; at least 2.
    """

    num_classes: Union[int, Tuple[int, int]] = 3
    _one_class = False
    _of_layers = (*AddSingle._of_layers, 'num_classes')

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.num_classes, (list, tuple)):
            check_whole_numbers(self, 'num_classes', self.num_classes, 2, 255, 2)
        else:
            self.num_classes = check_whole(self, 'num_classes', self.num_classes, 2)
        fewest, most = self._added()
        if most < fewest:
            raise refuse(self, 'num_classes', self.num_classes, 'smallest number first')

    def _added(self) -> Tuple[int, int]:
        if isinstance(self.num_classes, int):
            return self.num_classes, self.num_classes
        fewest, most = self.num_classes
        return fewest, most
