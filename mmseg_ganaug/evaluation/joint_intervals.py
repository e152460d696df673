"""Intervals of many differences at once: all of them hold in 95 of 100 cases.

Of ten methods without any effect the best looks good. An interval that is right in 95
of 100 cases is not, once it is that of the best: these here are widened such that none
of a family leaves out the truth, in 95 of 100 cases.
"""

import math
from itertools import product
from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from mmseg_ganaug.evaluation.bootstrap import CONFIDENCE, DRAWS, WIDEST, resampled_ious
from mmseg_ganaug.evaluation.differences import Difference
from mmseg_ganaug.evaluation.photo_counts import class_ious

#: A class that fewer photos hold says nothing on other photos.
FEWEST_PHOTOS = 2
_SEED = 0
# Draws of seeds for each draw of photos: far tails need many.
_REPEATS = 4

#: (method, the one it is compared with, figure).
Asked = Tuple[str, str, str]


class _Spread(NamedTuple):
    """How far chance moves the differences asked for: [draws, asked] each."""

    of_photos: np.ndarray
    of_seeds: np.ndarray


class JointRuns:
    """Runs of several methods with the same seeds, evaluated on the same photos.

    A difference may be chance for two reasons. *Photos*: they are drawn again
    (bootstrap), the same ones for all methods. *Seeds*: they are too few to be drawn
    again, so what training leaves to chance is taken to be normal and of one size for
    all methods, which gives (methods - 1) x (seeds - 1) degrees of freedom where a pair
    alone has seeds - 1; a pair that spreads more has its own size. Both are widened to
    Student's tails; for photos, the degrees of freedom are those of the photos that
    hold the classes.

    Args:
        counts (Mapping[str, np.ndarray]): By method, int64 [seeds, photos, classes, 3],
            see :mod:`~mmseg_ganaug.evaluation.photo_counts`.
        figures (Mapping[str, Sequence[int]]): By name, the classes of which the mean
            IoU is taken. Those that fewer than two photos hold are left out.

    Raises:
        ValueError: When there are no methods, or they were evaluated on other photos.
    """

    def __init__(
        self, counts: Mapping[str, np.ndarray], figures: Mapping[str, Sequence[int]]
    ) -> None:
        if not counts or len({found.shape for found in counts.values()}) > 1:
            shapes = {name: found.shape for name, found in counts.items()}
            raise ValueError(f'counts of runs to compare differ in size: {shapes}')
        stacked = np.stack(list(counts.values()))
        labels = stacked[..., 2]
        if not np.array_equal(labels, np.broadcast_to(labels[:1, :1], labels.shape)):
            raise ValueError(f'{list(counts)} were evaluated on different photos')
        self.methods = list(counts)
        self.num_seeds = stacked.shape[1]
        #: Photos that hold each class: [classes].
        self.photos = (labels[0, 0] > 0).sum(axis=0)
        self._figures = {
            name: [each for each in classes if self.photos[each] >= FEWEST_PHOTOS]
            for name, classes in figures.items()
        }
        # As many photos of one size would say as much (Kish); [classes].
        area = labels[0, 0].astype(float)
        squares = np.maximum((area**2).sum(axis=0), 1)
        self._freedom = np.maximum(area.sum(axis=0) ** 2 / squares - 1, 1)
        runs = stacked.reshape(-1, *stacked.shape[2:])
        shape = (len(counts), self.num_seeds, -1)
        whole = class_ious(runs.sum(axis=1)).reshape(shape)
        drawn = resampled_ious(runs).reshape(-1, *shape[:2], runs.shape[2])
        #: Where a class is absent for one run, it is left out of all.
        self._whole = np.where(np.isnan(whole).any(axis=(0, 1)), np.nan, whole)
        absent = np.isnan(drawn).any(axis=(1, 2))[:, None]
        self._drawn = np.where(absent, np.nan, drawn.mean(axis=2))

    def differences(
        self, asked: Sequence[Asked], out_of: Optional[int] = None
    ) -> Dict[Asked, Difference]:
        """Compares methods, with intervals that all hold in 95 of 100 cases.

        Args:
            asked (Sequence[Asked]): The family.
            out_of (int, optional): As many methods were compared before those asked for
                were chosen by what these very runs gave. Defaults to none but these.

        Returns:
            dict[Asked, Difference]: In points; ends are NaN with one seed, and where
            fewer than two photos hold the classes.
        """
        methods = len({method for method, _, _ in asked})
        # Sidak's inequality: the others had as many chances to look good.
        share = methods / max(out_of or methods, methods) if asked else 1.0
        return self._compared(
            asked, lambda moved: joint_margins(moved, CONFIDENCE**share)
        )

    def differences_alone(self, asked: Sequence[Asked]) -> Dict[Asked, Difference]:
        """Does as :meth:`differences`, but each interval alone holds in 95 of 100."""
        return self._compared(
            asked, lambda moved: np.quantile(abs(moved), CONFIDENCE, axis=0)
        )

    def _compared(
        self,
        asked: Sequence[Asked],
        margins_of: Callable[[np.ndarray], np.ndarray],
    ) -> Dict[Asked, Difference]:
        means = {each: self._difference(*each) for each in asked}
        sound = [each for each in asked if not math.isnan(means[each])]
        margins = dict.fromkeys(asked, math.nan)
        if self.num_seeds > 1 and sound:
            spread = self._spread(sound)
            found = margins_of(spread.of_photos + spread.of_seeds)
            margins.update(zip(sound, found.tolist()))
        return {
            (method, other, figure): Difference(
                mean,
                mean - margins[method, other, figure],
                mean + margins[method, other, figure],
                self.num_seeds,
                of_photos=True,
            )
            for (method, other, figure), mean in means.items()
        }

    def photo_share(self, asked: Asked) -> float:
        """Returns which part of the width is owed to photos, 0 to 1, not to seeds."""
        if self.num_seeds < 2 or math.isnan(self._difference(*asked)):
            return math.nan
        # Tails of Student's have no variance: the middle half is compared.
        photos, seeds = (np.median(abs(part)) ** 2 for part in self._spread([asked]))
        return float(photos / (photos + seeds)) if photos + seeds else math.nan

    def photo_margin(self, class_id: int) -> float:
        """Returns half the interval of a class's IoU that is owed to photos alone.

        Args:
            class_id (int): The class.

        Returns:
            float: In points, 50 at most, of the method for which it is smallest: no
            other of them makes it smaller. NaN where fewer than two photos hold the
            class.
        """
        if self.photos[class_id] < FEWEST_PHOTOS:
            return math.nan
        drawn = self._drawn[..., class_id]
        drawn = drawn[~np.isnan(drawn).any(axis=1)]
        moved = drawn - self._whole[..., class_id].mean(axis=1)
        freedom = np.full(moved.shape[1], self._freedom[class_id])
        moved = _as_student(moved, freedom, np.random.default_rng(_SEED))
        return float(min(np.quantile(abs(moved), CONFIDENCE, axis=0).min(), WIDEST))

    def iou(self, method: str, figure: str) -> float:
        """Returns the mean over the seeds, in per cent; NaN where there is none."""
        return float(self._of_figure(self._whole, figure)[self._at(method)].mean())

    def _at(self, method: str) -> int:
        return self.methods.index(method)

    def _of_figure(self, ious: np.ndarray, figure: str) -> np.ndarray:
        """Returns the mean over the classes of a figure: [...], NaN where all are."""
        chosen = ious[..., self._figures[figure]]
        there = ~np.isnan(chosen)
        total, number = np.nansum(chosen, axis=-1), there.sum(axis=-1)
        return np.divide(
            total, number, out=np.full(total.shape, np.nan), where=number > 0
        )

    def _difference(self, method: str, other: str, figure: str) -> float:
        return self.iou(method, figure) - self.iou(other, figure)

    def _spread(self, asked: Sequence[Asked]) -> _Spread:
        rng = np.random.default_rng(_SEED)
        return _Spread(self._of_photos(asked, rng), self._of_seeds(asked, rng))

    def _of_photos(
        self, asked: Sequence[Asked], rng: np.random.Generator
    ) -> np.ndarray:
        columns, freedom = [], []
        for method, other, figure in asked:
            ours, theirs = (self._drawn[:, self._at(each)] for each in (method, other))
            drawn = self._of_figure(ours - theirs, figure)
            columns.append(drawn - self._difference(method, other, figure))
            freedom.append(self._freedom_of(ours - theirs, self._figures[figure]))
        moved = np.stack(columns, axis=1)
        for column in moved.T:
            # Some draws lack all of the classes; others stand in for them. Of each
            # figure its own: hardly a draw holds all of many rare classes.
            lacks = np.isnan(column)
            column[lacks] = np.resize(column[~lacks], lacks.sum())
        moved = np.resize(moved, (DRAWS * _REPEATS, len(asked)))
        return _as_student(moved, np.array(freedom), rng)

    def _freedom_of(self, drawn: np.ndarray, classes: List[int]) -> float:
        """Combines the classes' degrees of freedom (Satterthwaite)."""
        variance = np.nanvar(drawn[:, classes], axis=0)
        total = (variance**2 / self._freedom[classes]).sum()
        return float(variance.sum() ** 2 / total) if total > 0 else 1.0

    def _of_seeds(self, asked: Sequence[Asked], rng: np.random.Generator) -> np.ndarray:
        names = list(dict.fromkeys(figure for _, _, figure in asked))
        values = np.stack([self._of_figure(self._whole, name) for name in names], -1)
        # What neither the method nor the seed explains: [methods x seeds, figures].
        left = values - values.mean(axis=0) - values.mean(axis=1, keepdims=True)
        left = (left + values.mean(axis=(0, 1))).reshape(-1, len(names))
        freedom = (len(self.methods) - 1) * (self.num_seeds - 1)
        size = (DRAWS * _REPEATS * len(self.methods), len(left))
        noise = rng.standard_normal(size) @ left / math.sqrt(freedom * self.num_seeds)
        noise = noise.reshape(DRAWS * _REPEATS, len(self.methods), len(names))
        noise *= _tails(np.full(1, freedom), len(noise), rng)[..., None]
        moved = []
        for method, other, figure in asked:
            ours, theirs, name = self._at(method), self._at(other), names.index(figure)
            pair = values[ours, :, name] - values[theirs, :, name]
            common = math.sqrt(2 * (left[:, name] ** 2).sum() / freedom)
            # Never below what the pair itself shows: methods may differ in it.
            own = max(1.0, float(pair.std(ddof=1)) / common) if common else 1.0
            moved.append(own * (noise[:, ours, name] - noise[:, theirs, name]))
        return np.stack(moved, axis=1)


def joint_margins(moved: np.ndarray, confidence: float = CONFIDENCE) -> np.ndarray:
    """Finds margins that are all kept with the given probability (Beran's, balanced).

    Args:
        moved (np.ndarray): [draws, asked], how far chance moves each.
        confidence (float): The probability, 0 to 1.

    Returns:
        np.ndarray: [asked]; each alone is exceeded equally often.
    """
    size = np.sort(abs(moved), axis=0)
    ranks = np.argsort(np.argsort(abs(moved), axis=0), axis=0)
    level = int(np.quantile(ranks.max(axis=1), confidence, method='higher'))
    return size[level]


def _as_student(
    moved: np.ndarray, freedom: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Widens what was drawn from few: [draws, asked], by freedom [asked]."""
    few = np.sqrt((freedom + 1) / freedom)
    return moved * few * _tails(freedom, len(moved), rng)


def _tails(freedom: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Draws by how much a spread that was estimated is too small: [draws, asked].

    All of a draw are too small together: they are of the same photos and seeds.
    """
    order = rng.permutation(draws)
    found = np.sort(rng.chisquare(freedom, (draws, len(freedom))), axis=0)[order]
    return np.sqrt(freedom / found)


def pairs_of(
    methods: Sequence[str], others: Sequence[str], figures: Sequence[str]
) -> List[Asked]:
    """Lists all comparisons of methods with others, but not of one with itself."""
    return [each for each in product(methods, others, figures) if each[0] != each[1]]
