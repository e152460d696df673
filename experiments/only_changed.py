"""A filter that leaves the labels of what recombination changed, and ignores others.

Where the loss of generated pairs counts is a part of how they are mixed: all pixels of
the bases are in the real half of each batch, too.
"""

import numpy as np
from scipy.ndimage import binary_dilation

from mmseg_ganaug.registry import FILTERS


@FILTERS.register_module()
class OnlyChanged:
    """Ignores what is further than ``margin`` pixels from what was changed.

    The base of a label map is the real one that agrees with it in most pixels: objects
    hide little of it.
    """

    def __init__(self, margin):
        self._margin = margin

    def fingerprint(self):
        """Names everything that the result depends on."""
        return f'OnlyChanged {self._margin}'

    def prepare(self, source, cache_dir):
        """Reads the label maps."""
        self._maps = [source.label_map(index) for index in range(len(source))]
        self._ignore_index = source.ignore_index

    def apply(self, photo, label_map, generated):
        """Ignores the surroundings; drops no pair."""
        bases = [real for real in self._maps if real.shape == label_map.shape]
        base = max(bases, key=lambda real: np.count_nonzero(real == label_map))
        near = binary_dilation(label_map != base, iterations=self._margin)
        return np.where(near, label_map, np.uint8(self._ignore_index))

    def release(self):
        """Frees the label maps."""
        self._maps = []
