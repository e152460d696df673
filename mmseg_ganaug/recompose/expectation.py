"""What a recombination is expected to hold, from statistics alone."""

from typing import Sequence

import numpy as np

from mmseg_ganaug.recompose.draws import Draws
from mmseg_ganaug.recompose.statistics import LabelStatistics


class Expectation:
    """Expected pixels of recombinations, without reading a label map.

    A layer adds its pixels and hides as many. Which classes it hides follows from
    where its class and theirs usually lie (the position statistics), and from what
    the map beneath holds.

    Args:
        statistics: Of the source.
        background: Classes that fill the holes of a map without a base; where none
            is stated, holes stay without a class.
    """

    def __init__(
        self, statistics: LabelStatistics, background: Sequence[int] = ()
    ) -> None:
        self._pixels = statistics.pixels
        self._ignored = statistics.ignored
        self._area = statistics.sizes.prod(axis=1)
        self._background = list(background)
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
        """Expected pixels of each class: float64 [n, C]."""
        if not len(draws):
            return np.zeros((0, self._pixels.shape[1]))
        based = draws.bases >= 0
        content = np.zeros((len(draws), self._pixels.shape[1] + 1))
        content[:, :-1] = np.where(based[:, None], self._pixels[draws.bases], 0)
        content[:, -1] = np.where(
            based, self._ignored[draws.bases], self._area[draws.donors[:, 0, 0]]
        )
        laid = draws.classes >= 0
        if len(self._background) and not based.any():
            grows = laid & np.isin(draws.classes, self._background)
            self._fill(content, draws, grows)
            laid &= ~grows
        self._paste(content, draws, laid, based)
        return content[:, :-1]

    def _fill(self, content: np.ndarray, draws: Draws, grows: np.ndarray) -> None:
        """Lays the background, and lets it grow into the holes, in place."""
        rows, layers = np.nonzero(grows)
        classes = draws.classes[rows, layers]
        donors = draws.donors[rows, layers, 0]
        # What else the background's donor shows is cut out, and leaves the holes.
        holes = np.zeros_like(content)
        holes[rows, :-1] = self._pixels[donors]
        holes[rows, -1] = self._ignored[donors]
        content[rows, classes] = self._pixels[donors, classes]
        content[:, -1] = 0
        holes[content > 0] = 0
        # Into the hole of a class grows what mostly lies where that class lies.
        for class_id in np.flatnonzero(holes.any(axis=0)):
            beside = self._beneath[class_id] * content
            share = beside / np.maximum(beside.sum(axis=1, keepdims=True), 1e-9)
            content += holes[:, class_id, None] * share

    def _paste(
        self, content: np.ndarray, draws: Draws, laid: np.ndarray, based: np.ndarray
    ) -> None:
        """Lays the other layers over the content, in place."""
        asked = np.zeros_like(content, dtype=bool)
        rows, layers = np.nonzero(laid & based[:, None])
        asked[rows, draws.classes[rows, layers]] = True
        for layer in range(draws.classes.shape[1]):
            rows = np.flatnonzero(laid[:, layer])
            classes = draws.classes[rows, layer]
            area = self._pixels[draws.donors[rows, layer, 0], classes]
            beneath = self._beneath[classes] * content[rows]
            scale = area / np.maximum(beneath.sum(axis=1), 1e-9)
            hidden = np.minimum(beneath * scale[:, None], content[rows])
            # Its own class gains nothing there; classes asked for stay in front.
            stays = asked[rows]
            stays[np.arange(len(rows)), classes] = True
            hidden[stays] = 0
            content[rows] -= hidden
            content[rows, classes] += hidden.sum(axis=1)
