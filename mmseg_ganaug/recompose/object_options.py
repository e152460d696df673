"""Options of recombining whole objects."""

from dataclasses import dataclass, fields
from typing import Any, List, Optional, Sequence, Tuple, Union

import numpy as np

from mmseg_ganaug.class_option_checks import check_classes
from mmseg_ganaug.option_checks import (
    check_mapping,
    check_numbers,
    check_share,
    check_whole,
    check_whole_numbers,
    items_of,
    refuse,
)
from mmseg_ganaug.recompose.object_scene import Scene
from mmseg_ganaug.recompose.placement import PlacementRanges, Range
from mmseg_ganaug.recompose.statistics import LabelStatistics


def refuse_changed(recomposer: Any, names: Sequence[str]) -> None:
    """Checks that options which do nothing where objects move are left alone.

    Args:
        recomposer: Dataclass with these options.
        names: Of the options.

    Raises:
        ValueError: If one is not at its default; names it.
    """
    for field in fields(recomposer):
        value = getattr(recomposer, field.name)
        value = tuple(value) if isinstance(value, list) else value
        if field.name in names and value != field.default:
            known = {each.name for each in fields(ObjectOptions)}
            remedy = 'leave it out'
            if field.name in known:
                remedy = f'state it within: objects=dict({field.name}=...)'
            raise ValueError(
                f'{type(recomposer).__name__}: {field.name}={value!r} is for layers of '
                f'whole classes, and does nothing where objects move: {remedy}'
            )


@dataclass(frozen=True)
class ObjectOptions:
    """Options of recombining whole objects.

    Args:
        things: Names or ids of the classes of countable objects, the only ones that
            are moved; default: classes whose parts are small and keep away from the
            left and right edges of the maps; where there are instance maps, those that
            have instances, and those of very small parts.
        together: Pairs of things that are moved together where their objects touch,
            such as ``[('rider', 'bicycle')]``; default: those that touch far more often
            than chance has it.
        num_objects: Groups of objects laid on a map: a number, or the smallest and
            the largest.
        min_plausibility: Smallest plausibility (0..1) of a place: 0.1 leaves out
            places that are odder than nine in ten of the real ones, see
            :meth:`~mmseg_ganaug.recompose.object_scene.Scene.plausibility`.
        max_hidden: Groups may hide at most this share (0..1) of a guarded class of the
            base: of those that are rarer than the average.
        flip_prob: Where a group does not fit at its own place: the probability that it
            is mirrored left to right,
        shift_range: the largest shift (down, across), as a share of height and width,
        scale_range: and the range of factors of its size, beside that of the
            perspective: lower in the photo, things are larger.
        max_tries: Groups tried for each that is to be laid.
        grow: Names or ids of ground classes, such as ``['sidewalk']``: their borders
            in the base are moved, see :func:`~mmseg_ganaug.recompose.growth.grow`. The
            expected shares of a plan do not count it, those that are counted do.
        grow_range: Smallest and largest way of a border outwards, as shares of the
            map's height; below zero, classes shrink.

    Raises:
        ValueError: If an option is of the wrong type or outside its range.
    """

    things: Optional[Sequence[Union[str, int]]] = None
    together: Optional[Sequence[Sequence[Union[str, int]]]] = None
    num_objects: Union[int, Tuple[int, int]] = (1, 4)
    min_plausibility: float = 0.2
    max_hidden: float = 0.2
    flip_prob: float = 0.5
    shift_range: Range = (0.05, 0.3)
    scale_range: Range = (0.9, 1.1)
    max_tries: int = 8
    grow: Sequence[Union[str, int]] = ()
    grow_range: Range = (0.0, 0.04)

    def __post_init__(self) -> None:
        if self.things is not None:
            check_classes(self, 'things', self.things)
        if self.together is not None:
            pairs = items_of(
                self, 'together', self.together, 'a list of pairs', None, 0
            )
            for pair in pairs:
                if len(check_classes(self, 'together', pair, 2)) != 2:
                    raise refuse(self, 'together', pair, 'two classes')
        self.span()
        check_share(self, 'min_plausibility', self.min_plausibility)
        check_share(self, 'max_hidden', self.max_hidden)
        check_whole(self, 'max_tries', self.max_tries, 1)
        check_classes(self, 'grow', self.grow, fewest=0)
        low, high = check_numbers(self, 'grow_range', self.grow_range, -0.5, 0.5, 2)
        if low > high:
            raise refuse(self, 'grow_range', self.grow_range, 'smallest number first')
        self.ranges()

    @classmethod
    def of(cls, options: Any) -> 'ObjectOptions':
        """Returns the options that a config states.

        Raises:
            ValueError: If one is unknown or wrong.
        """
        known = tuple(field.name for field in fields(cls))
        return cls(**check_mapping('a recomposer', 'objects', options, (), known))

    def span(self) -> Tuple[int, int]:
        """Returns the smallest and the largest number of groups on a map."""
        if isinstance(self.num_objects, (list, tuple)):
            low, high = check_whole_numbers(
                self, 'num_objects', self.num_objects, 1, 255, 2
            )
            if low > high:
                raise refuse(
                    self, 'num_objects', self.num_objects, 'smallest number first'
                )
            return low, high
        number = check_whole(self, 'num_objects', self.num_objects, 1, 255)
        return number, number

    def ranges(self) -> PlacementRanges:
        """Returns the ranges of the moves."""
        return PlacementRanges(
            self.flip_prob, self.shift_range, self.scale_range, owner=self
        )

    def guarded(self, statistics: LabelStatistics) -> np.ndarray:
        """Finds the classes of which little may be hidden: bool [C]."""
        return statistics.frequency < 1 / statistics.num_classes

    def scene(self, statistics: LabelStatistics, min_area: float) -> Scene:
        """Returns the objects of a source, in groups.

        Args:
            statistics: Of the source, with its objects.
            min_area: Smallest object, as a share (0..1) of its map.

        Raises:
            ValueError: If the objects were not found, or a class is unknown.
        """
        if statistics.scene is None:
            raise ValueError(
                'objects=...: these statistics hold no objects: collect them by '
                'LabelStatistics.collect(source, with_scene=True)'
            )
        classes = statistics.num_classes
        things = together = None
        if self.things is not None:
            things = np.zeros(classes, bool)
            things[statistics.class_ids(self.things, 'things')] = True
        if self.together is not None:
            together = np.zeros((classes, classes), bool)
            for pair in self.together:
                one, other = statistics.class_ids(pair, 'together')
                together[one, other] = together[other, one] = True
        counts, counted = statistics.scene, statistics.instances
        instances = None if counted is None else counted.any(axis=0)
        scene = Scene(counts, statistics.sizes, things, together, min_area, instances)
        if together is not None:
            still = np.flatnonzero(together.any(axis=0) & ~scene.things)
            self._refuse_still(statistics, still)
        return scene

    def _refuse_still(self, statistics: LabelStatistics, classes: np.ndarray) -> None:
        """Raises ValueError where classes of pairs are not moved."""
        if len(classes):
            names = ', '.join(statistics.class_names[c] for c in classes)
            raise ValueError(
                f'objects=...: together={self.together!r} names {names}, which is no '
                'thing, and so is never moved: list all countable classes by '
                'things=[...], or leave it out of together'
            )

    def growing(self, statistics: LabelStatistics, scene: Scene) -> List[int]:
        """Returns the ids of the classes whose borders move.

        Raises:
            ValueError: If one is unknown, a thing, or in no map.
        """
        found = statistics.class_ids(self.grow, 'grow')
        absent = [c for c in found if not statistics.pixels[:, c].any()]
        if absent:
            names = ', '.join(statistics.class_names[c] for c in absent)
            raise ValueError(
                f'objects=...: grow names {names}, which no label map shows: check the '
                'values of the label files, or leave it out'
            )
        things = [statistics.class_names[c] for c in found if scene.things[c]]
        if things:
            raise ValueError(
                f'objects=...: grow is for classes of the ground, but '
                f'{", ".join(things)} is a thing, which is moved as a whole: leave it '
                'out of grow, or out of things'
            )
        return found

    def found(self, statistics: LabelStatistics, min_area: float) -> str:
        """Says which classes are things, and which of them are moved together.

        Args:
            statistics: Of the source, with its objects.
            min_area: Smallest object, as a share (0..1) of its map.
        """
        scene = self.scene(statistics, min_area)
        names = statistics.class_names
        things = ', '.join(names[c] for c in np.flatnonzero(scene.things))
        pairs = ', '.join(
            f'{names[one]} with {names[other]}'
            for one, other in zip(*np.nonzero(np.triu(scene.companions)))
        )
        return (
            f'Objects: things are {things or "no class"}; moved together: '
            f'{pairs or "no classes"}'
        )

    def check_things(self, statistics: LabelStatistics, classes: Sequence[int]) -> None:
        """Checks that classes can be moved as objects.

        Args:
            statistics: Of the source, with its objects.
            classes: Ids of the classes that are asked for.

        Raises:
            ValueError: If one is not taken for a thing; names it.
        """
        things = self.scene(statistics, 0).things
        stuff = [statistics.class_names[c] for c in classes if not things[c]]
        if stuff:
            known = [statistics.class_names[c] for c in np.flatnonzero(things)]
            raise ValueError(
                f'objects=...: {", ".join(stuff)} is asked for, but things are '
                f'{", ".join(known) or "none"}: leave it out of classes '
                'or weights, or list all countable classes by things=[...]'
            )
