"""BalanceReport: the class distribution before, as planned, and after generation."""

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from mmseg_ganaug.recompose.draws import Draws
from mmseg_ganaug.recompose.object_layers import expected_pixels
from mmseg_ganaug.recompose.planner import Expectation
from mmseg_ganaug.recompose.recipe import RecomposePlan
from mmseg_ganaug.recompose.statistics import LabelStatistics
from mmseg_ganaug.recompose.weighting import Target, divergence, target_shares

# Recipes looked at at once: bounds the memory that a large plan takes.
_AT_ONCE = 2**14


@dataclass
class Distribution:
    """Class distribution of a set of label maps.

    Attributes:
        pixel_frequency: float64 [C], share of each class in the labelled pixels.
        image_frequency: float64 [C], share of the maps that show each class, 0..1.
        divergence: KL(target || pixel frequency) in nats; None without a target.
    """

    pixel_frequency: np.ndarray
    image_frequency: np.ndarray
    divergence: Optional[float]


@dataclass
class BalanceReport:
    """Class distribution without and with a generated set.

    Attributes:
        class_names: C names.
        before: Of the real maps alone.
        planned: Of real and generated maps together, as the plan expects it.
        after: The same, as counted in the generated maps; None if not counted.
        target: float64 [C], the pixel shares aimed at; None without a target.
    """

    class_names: Sequence[str]
    before: Distribution
    planned: Distribution
    after: Optional[Distribution]
    target: Optional[np.ndarray]

    @classmethod
    def of_plan(
        cls,
        statistics: LabelStatistics,
        plan: RecomposePlan,
        generated: Optional[np.ndarray] = None,
        target: Optional[Target] = None,
    ) -> 'BalanceReport':
        """Reports on a plan.

        Args:
            statistics: Of the source.
            plan: The plan, made from these statistics.
            generated: int [n, C], pixels of each class in each generated map (such
                as ``LabelStatistics.pixels`` of the generated set), if it is made.
            target: The target to compare with, see
                :func:`~mmseg_ganaug.recompose.weighting.target_shares`.

        Raises:
            ValueError: If plan and statistics are of different sources.
        """
        if (plan.num_maps, list(plan.class_names)) != (
            statistics.num_maps,
            statistics.class_names,
        ):
            raise ValueError('the plan was made from another source')
        shares = None if target is None else target_shares(target, statistics)
        pixels = statistics.pixels.sum(axis=0, dtype=np.float64)
        shown = np.count_nonzero(statistics.pixels, axis=0).astype(np.float64)

        def with_set(more_pixels: Any, more_shown: Any, count: int) -> Distribution:
            total = pixels + more_pixels
            frequency = total / max(total.sum(), 1)
            return Distribution(
                frequency,
                (shown + more_shown) / (statistics.num_maps + count),
                None if shares is None else divergence(shares, frequency),
            )

        after = None
        if generated is not None:
            after = with_set(
                generated.sum(axis=0),
                np.count_nonzero(generated, axis=0),
                len(generated),
            )
        return cls(
            class_names=list(statistics.class_names),
            before=with_set(0, 0, 0),
            planned=with_set(*_expected(statistics, plan), count=len(plan)),
            after=after,
            target=shares,
        )

    def to_dict(self) -> Dict[str, Any]:
        """Returns the report as JSON values; shares 0..1."""
        states = {
            name: getattr(self, name)
            for name in ('before', 'planned', 'after')
            if getattr(self, name) is not None
        }
        classes: List[Dict[str, Any]] = []
        for class_id, name in enumerate(self.class_names):
            row: Dict[str, Any] = {'class': name}
            if self.target is not None:
                row['target'] = float(self.target[class_id])
            for state, found in states.items():
                row[f'pixels_{state}'] = float(found.pixel_frequency[class_id])
                row[f'images_{state}'] = float(found.image_frequency[class_id])
            classes.append(row)
        result: Dict[str, Any] = {'classes': classes}
        if self.target is not None:
            result['divergence'] = {
                state: found.divergence for state, found in states.items()
            }
        return result


def _expected(
    statistics: LabelStatistics, plan: RecomposePlan
) -> Tuple[np.ndarray, np.ndarray]:
    """Returns expected pixels and maps of each class: float64 [C], twice."""
    expectation = Expectation(statistics, plan.options.background, plan.options.fill)
    pixels = np.zeros(statistics.num_classes)
    shown = np.zeros(statistics.num_classes)
    for start in range(0, len(plan), _AT_ONCE):
        recipes = plan[start : start + _AT_ONCE]
        if recipes[0].parts:
            expected = expected_pixels(statistics, recipes)
        else:
            expected = expectation.pixels(Draws.from_recipes(recipes))
        pixels += expected.sum(axis=0)
        # Less than a pixel is what rounding left of a class that was covered.
        shown += np.count_nonzero(expected >= 1, axis=0)
    return pixels, shown
