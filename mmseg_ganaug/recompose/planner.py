"""Chooses recombinations so that real and generated maps reach a target."""

import numpy as np

from mmseg_ganaug.recompose.drawing import Drawer
from mmseg_ganaug.recompose.draws import Draws
from mmseg_ganaug.recompose.expectation import Expectation
from mmseg_ganaug.recompose.statistics import LabelStatistics

# Rounds a plan is made in, at most: after each, the shares reached are looked at.
_ROUNDS = 500


def choose_draws(
    statistics: LabelStatistics,
    shares: np.ndarray,
    num_samples: int,
    choices: int,
    even_bases: bool,
    rng: np.random.Generator,
    drawer: Drawer,
    expectation: Expectation,
) -> Draws:
    """Chooses recombinations towards a target.

    Goes in rounds. The gain of a recombination is the first-order decrease, by its
    expected pixels, of KL(target || shares of real and planned pixels). In each
    round, classes are drawn by what their layers would gain, and for each sample
    the candidate that gains most is kept of several. A layer counts for nothing if
    its donor gave the class more than twice as often as the average donor did: of a
    class with few donors, not only the largest is to be shown.

    Chosen by gain too, the base is often one of the few maps that show little of the
    frequent classes. In CamVid those are frames at dusk: half of a plan stands on
    them, a quarter of the maps are such. ``even_bases`` keeps what labels do not tell
    as it is in the source.

    Args:
        statistics: Of the source: the real maps.
        shares: float64 [C], the target, sum 1.
        num_samples: Recombinations wanted.
        choices: Candidates a sample; 1 = the first is taken.
        even_bases: All candidates of a sample stand on one map, drawn evenly.
        rng: Random numbers.
        drawer: Draws the candidates.
        expectation: Expected pixels of draws.

    Returns:
        The recombinations, in the order they were planned.
    """
    totals = statistics.pixels.sum(axis=0).astype(np.float64)
    layer_area = _mean_layer_area(statistics)
    overlap = expectation.overlap
    uses = _Uses(drawer, statistics.pixels)
    parts = []
    for part in np.array_split(np.arange(num_samples), min(_ROUNDS, num_samples) or 1):
        gains = _pixel_gains(shares, totals)
        # What a layer covers is lost.
        weights = np.maximum(layer_area * (gains - overlap @ gains), 0)
        # No class is ever wholly out: a way may need several.
        weights = np.where(drawer.weights > 0, weights + 1e-6 * weights.max(), 0)
        weights = weights if weights.any() else drawer.weights
        candidates = drawer.draw(
            rng,
            weights / weights.sum(),
            choices * len(part),
            one_ground=choices if even_bases else 1,
        )
        pixels = expectation.pixels(candidates)
        value = pixels @ gains - uses.worn_gains(candidates, gains)
        best = value.reshape(len(part), choices).argmax(axis=1)
        best += np.arange(len(part)) * choices
        parts.append(candidates[best])
        uses.add(parts[-1])
        totals += pixels[best].sum(axis=0)
    return Draws.join(parts)


class _Uses:
    """How often each donor gave each class.

    Args:
        drawer: Knows how many donors there are.
        pixels: int64 [N, C], of the source.
    """

    def __init__(self, drawer: Drawer, pixels: np.ndarray) -> None:
        donors = np.array(
            [[len(donors) for donors in group.donors] for group in drawer.groups]
        ).sum(axis=0)
        self._pixels = pixels
        self._donors = np.maximum(donors, 1)
        self._uses = np.zeros(pixels.shape, np.int32)
        self._totals = np.zeros(len(donors), np.int64)

    def worn_gains(self, draws: Draws, gains: np.ndarray) -> np.ndarray:
        """What layers gain whose donor gave the class too often: float64 [n].

        Args:
            draws: n recombinations.
            gains: float64 [C], gain of a pixel of each class.
        """
        # -1 (no layer) is looked up too, and then left out.
        donors, classes = draws.donors[..., 0], draws.classes
        often = 2 + 2 * self._totals / self._donors
        worn = (self._uses[donors, classes] > often[classes]) & (classes >= 0)
        gained = self._pixels[donors, classes] * np.maximum(gains, 0)[classes]
        return (gained * worn).sum(axis=1)

    def add(self, draws: Draws) -> None:
        """Counts the layers of the recombinations chosen."""
        rows, layers = np.nonzero(draws.classes >= 0)
        classes = draws.classes[rows, layers]
        np.add.at(self._uses, (draws.donors[rows, layers, 0], classes), 1)
        self._totals += np.bincount(classes, minlength=len(self._totals))


def _pixel_gains(shares: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Decrease of the divergence by one more pixel of each class: float64 [C]."""
    asked = shares > 0
    gains = np.full(len(shares), -1 / totals.sum())
    gains[asked] += shares[asked] / totals[asked]
    return gains


def _mean_layer_area(statistics: LabelStatistics) -> np.ndarray:
    """Pixels of a class in a map that shows it, on average: float64 [C]."""
    maps = np.count_nonzero(statistics.pixels, axis=0)
    return statistics.pixels.sum(axis=0) / np.maximum(maps, 1)
