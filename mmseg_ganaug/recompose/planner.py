"""Chooses recombinations so that real and generated maps reach a target."""

from typing import Optional, Sequence

import numpy as np

from mmseg_ganaug.recompose.draws import Drawer, Draws
from mmseg_ganaug.recompose.statistics import LabelStatistics

# Rounds a plan is made in, at most: after each, the shares reached are looked at.
_ROUNDS = 500


class Expectation:
    """Expected pixels of recombinations, without reading a label map.

    A layer adds its pixels and hides as many. Which classes it hides follows from
    where its class and theirs usually lie (the position statistics), and from what
    the map beneath holds.

    Args:
        statistics: Of the source.
        background: Classes that are laid first on a map without a base.
        fill: What becomes of the holes of such a map: the ``'nearest'`` class of the
            background, or ``'ignore'``.
    """

    def __init__(
        self,
        statistics: LabelStatistics,
        background: Sequence[int] = (),
        fill: str = 'nearest',
    ) -> None:
        self._pixels = statistics.pixels
        self._ignored = statistics.ignored
        self._area = statistics.sizes.prod(axis=1)
        self._background = list(background)
        self._fills = fill == 'nearest'
        # Pixels without a class are handled as one more class, the last.
        classes = statistics.num_classes
        positions = np.append(
            statistics.positions.reshape(classes, -1),
            statistics.ignored_positions.reshape(1, -1),
            axis=0,
        )
        where = positions / np.maximum(positions.sum(axis=1, keepdims=True), 1)
        what = positions / np.maximum(positions.sum(axis=0), 1)
        self._overlap = where @ what.T
        totals = np.append(self._pixels.sum(axis=0), self._ignored.sum())
        mean = totals / statistics.num_maps
        # How much likelier than its mean share a class lies beneath another.
        self._beneath = self._overlap / np.maximum(mean, 1e-9)

    @property
    def overlap(self) -> np.ndarray:
        """Float64 [C, C]: share of a class's layer that lies over each class."""
        return self._overlap[:-1, :-1]

    def pixels(self, draws: Draws) -> np.ndarray:
        """Returns the expected pixels of each class: float64 [n, C]."""
        if not len(draws):
            return np.zeros((0, self._pixels.shape[1]))
        based = draws.bases >= 0
        content = np.zeros((len(draws), self._pixels.shape[1] + 1))
        content[:, :-1] = np.where(based[:, None], self._pixels[draws.bases], 0)
        content[:, -1] = np.where(
            based, self._ignored[draws.bases], self._area[draws.donors[:, 0, 0]]
        )
        laid = draws.classes >= 0
        holes = None
        if len(self._background) and not based.any():
            grows = laid & np.isin(draws.classes, self._background)
            holes = self._lay_background(content, draws, grows)
            laid &= ~grows
            if self._fills:
                self._fill(content, holes)
                holes = None
        self._paste(content, holes, draws, laid, based)
        return content[:, :-1]

    def _lay_background(
        self, content: np.ndarray, draws: Draws, grows: np.ndarray
    ) -> np.ndarray:
        """Lays the background, in place.

        Returns:
            float64 [n, C + 1], the pixels of each class that were cut out.
        """
        rows, layers = np.nonzero(grows)
        classes = draws.classes[rows, layers]
        donors = draws.donors[rows, layers, 0]
        # Other classes of the background donor are cut out, and leave the holes.
        holes = np.zeros_like(content)
        holes[rows, :-1] = self._pixels[donors]
        holes[rows, -1] = self._ignored[donors]
        content[rows, classes] = self._pixels[donors, classes]
        content[:, -1] = 0
        holes[content > 0] = 0
        return holes

    def _fill(self, content: np.ndarray, holes: np.ndarray) -> None:
        """Lets the background grow into the holes, in place."""
        # The hole of a class is filled by the classes that mostly lie there.
        for class_id in np.flatnonzero(holes.any(axis=0)):
            beside = self._beneath[class_id] * content
            share = beside / np.maximum(beside.sum(axis=1, keepdims=True), 1e-9)
            content += holes[:, class_id, None] * share

    def _paste(
        self,
        content: np.ndarray,
        holes: Optional[np.ndarray],
        draws: Draws,
        laid: np.ndarray,
        based: np.ndarray,
    ) -> None:
        """Lays the other layers over the content and its open holes, in place."""
        asked = np.zeros_like(content, dtype=bool)
        rows, layers = np.nonzero(laid & based[:, None])
        asked[rows, draws.classes[rows, layers]] = True
        for layer in range(draws.classes.shape[1]):
            rows = np.flatnonzero(laid[:, layer])
            classes = draws.classes[rows, layer]
            area = self._pixels[draws.donors[rows, layer, 0], classes]
            there = content[rows] if holes is None else content[rows] + holes[rows]
            beneath = self._beneath[classes] * there
            scale = area / np.maximum(beneath.sum(axis=1), 1e-9)
            hidden = np.minimum(beneath * scale[:, None], there)
            if holes is not None:
                closed = hidden * holes[rows] / np.maximum(there, 1e-9)
                holes[rows] -= closed
                content[rows, classes] += closed.sum(axis=1)
                hidden -= closed
            # Its own class gains nothing there; classes asked for stay in front.
            stays = asked[rows]
            stays[np.arange(len(rows)), classes] = True
            hidden[stays] = 0
            content[rows] -= hidden
            content[rows, classes] += hidden.sum(axis=1)


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
    them, a quarter of the maps are such. ``even_bases`` keeps what labels do not
    show as it is in the source.

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
        gains = pixel_gains(shares, totals)
        # What a layer covers is lost.
        weights = np.maximum(layer_area * (gains - overlap @ gains), 0)
        # No class is ever wholly out: a recombination may need several.
        weights = np.where(drawer.weights > 0, weights + 1e-6 * weights.max(), 0)
        weights = weights if weights.any() else drawer.weights
        candidates = drawer.draw(
            rng,
            weights / weights.sum(),
            choices * len(part),
            same_base=choices if even_bases else 1,
        )
        pixels = expectation.pixels(candidates)
        value = pixels @ gains - uses.overused_gain(candidates, gains)
        best = value.reshape(len(part), choices).argmax(axis=1)
        best += np.arange(len(part)) * choices
        parts.append(candidates[best])
        uses.add(parts[-1])
        totals += pixels[best].sum(axis=0)
    return Draws.join(parts)


class _Uses:
    """Counts how often each donor gave each class.

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

    def overused_gain(self, draws: Draws, gains: np.ndarray) -> np.ndarray:
        """Returns the gain of layers from overused donors, to be discounted: [n].

        Args:
            draws: n recombinations.
            gains: float64 [C], gain of a pixel of each class.
        """
        # -1 (no layer) is looked up too, and then left out.
        donors, classes = draws.donors[..., 0], draws.classes
        often = 2 + 2 * self._totals / self._donors
        overused = (self._uses[donors, classes] > often[classes]) & (classes >= 0)
        gained = self._pixels[donors, classes] * np.maximum(gains, 0)[classes]
        return (gained * overused).sum(axis=1)

    def add(self, draws: Draws) -> None:
        """Counts the layers of the recombinations chosen."""
        rows, layers = np.nonzero(draws.classes >= 0)
        classes = draws.classes[rows, layers]
        np.add.at(self._uses, (draws.donors[rows, layers, 0], classes), 1)
        self._totals += np.bincount(classes, minlength=len(self._totals))


def pixel_gains(shares: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Returns what a pixel more of each class takes off the divergence: [C]."""
    asked = shares > 0
    gains = np.full(len(shares), -1 / totals.sum())
    gains[asked] += shares[asked] / totals[asked]
    return gains


def _mean_layer_area(statistics: LabelStatistics) -> np.ndarray:
    """Returns the mean pixels of a class in a map that shows it: float64 [C]."""
    maps = np.count_nonzero(statistics.pixels, axis=0)
    return statistics.pixels.sum(axis=0) / np.maximum(maps, 1)
