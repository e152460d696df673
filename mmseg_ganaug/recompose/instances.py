"""The instance map of a recombination."""

from typing import Tuple

import numpy as np

from mmseg_ganaug.recompose.layers import Layer

# Ids below this are renumbered by a table, larger ones by sorting.
_TABLE_SIZE = 2**20


class InstanceCanvas:
    """An instance map, built up layer by layer.

    Args:
        instance_map: int32 [H, W], 0 = no instance: the base's, or zeros.
    """

    def __init__(self, instance_map: np.ndarray) -> None:
        self._ids = instance_map.copy()
        self._highest = int(self._ids.max())
        if self._highest >= 2**30:
            # Room for the ids to come.
            self._ids = renumber(self._ids)
            self._highest = int(self._ids.max())

    def paste(self, layer: Layer) -> None:
        """Lays a layer over the canvas; its instances stay apart from all before."""
        region = self._ids[layer.box]
        if layer.ids is None or not layer.ids.any():
            np.copyto(region, 0, where=layer.mask)
            return
        ids, count = _dense(layer.ids[layer.mask])
        ids[ids > 0] += self._highest
        region[layer.mask] = ids
        self._highest += count

    def finished(self) -> np.ndarray:
        """The instance map: int32 [H, W], ids 1.. without gaps, 0 = none."""
        return renumber(self._ids)


def renumber(instance_map: np.ndarray) -> np.ndarray:
    """Renumbers ids > 0 to 1.. without gaps, in their order; 0 stays.

    Args:
        instance_map: int [H, W], >= 0.

    Returns:
        int32 [H, W].
    """
    result = np.zeros(instance_map.shape, np.int32)
    inside = instance_map > 0
    result[inside] = _dense(instance_map[inside])[0]
    return result


def _dense(ids: np.ndarray) -> Tuple[np.ndarray, int]:
    """Renumbers ids >= 0 (0 stays): int32 of the same shape, and how many ids."""
    highest = int(ids.max(initial=0))
    if highest < _TABLE_SIZE:
        found = np.zeros(highest + 1, bool)
        found[ids] = True
        found[0] = False
        table = np.cumsum(found, dtype=np.int32)
        return np.where(found, table, 0)[ids].astype(np.int32), int(table[-1])
    values, dense = np.unique(ids, return_inverse=True)
    dense = dense.reshape(ids.shape) + int(values[0] > 0)
    return dense.astype(np.int32), len(values) - int(values[0] == 0)
