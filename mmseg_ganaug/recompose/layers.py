"""Layers: the part of a label map that holds one class, or one object."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Iterator, List, Optional, Sequence, Tuple, Union

import numpy as np

# Large maps are worked on in bands of rows: fresh memory for a whole map costs more
# than most operations on it; a band stays in memory that the process already has.
_BAND_PIXELS = 2**18
# Ids below this are renumbered by a table, larger ones by sorting.
_TABLE_SIZE = 2**20
# Fewer pixels than this share of a photo say little about its light.
_SMALLEST_SHARE = 0.05
# Photos whose light differs more are not brought together: what is dark is noise.
_GAINS = (1 / 3, 3.0)

#: How real pixels take the light of another photo: not at all, by mean and spread, or
#: by multiplying alone.
Tone = Union[bool, str]
TONES: Tuple[Tone, ...] = (False, True, 'gain')


@dataclass
class Layer:
    """One class, or one instance of it, cut out of a label map.

    Attributes:
        class_id: The class.
        mask: bool [h, w], the pixels inside the layer's box.
        top: First row of the box in the label map.
        left: First column of the box.
        instance_id: The instance, or 0 for a whole class.
        ids: int32 [h, w], instance of each pixel of a layer that holds a whole
            class; None where there is no instance map.
        pixels: [h, w, bands], what the donor's photo shows in the box; None where
            labels alone are recombined.
    """

    class_id: int
    mask: np.ndarray
    top: int = 0
    left: int = 0
    instance_id: int = 0
    ids: Optional[np.ndarray] = None
    pixels: Optional[np.ndarray] = None

    @property
    def area(self) -> int:
        """Pixels of the layer."""
        return int(np.count_nonzero(self.mask))

    @property
    def box(self) -> Tuple[slice, slice]:
        """Rows and columns of the label map that the layer's mask lies on."""
        height, width = self.mask.shape
        return (
            slice(self.top, self.top + height),
            slice(self.left, self.left + width),
        )

    def full_mask(self, shape: Tuple[int, int]) -> np.ndarray:
        """Returns the mask at the size of the label map: bool [H, W]."""
        mask = np.zeros(shape, bool)
        mask[self.box] = self.mask
        return mask


def crop_layer(
    mask: np.ndarray, class_id: int, instance_id: int = 0
) -> Optional[Layer]:
    """Cuts a full-size mask to its box.

    Args:
        mask: bool [H, W].
        class_id: The class of the layer.
        instance_id: The instance of the layer, 0 = a whole class.

    Returns:
        The layer, or None where the mask is empty.
    """
    rows = np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return None
    top, bottom = rows[0], rows[-1] + 1
    columns = np.flatnonzero(mask[top:bottom].any(axis=0))
    left, right = columns[0], columns[-1] + 1
    return Layer(
        class_id, mask[top:bottom, left:right], int(top), int(left), instance_id
    )


def class_layer(label_map: np.ndarray, class_id: int) -> Optional[Layer]:
    """Cuts out the layer of one class of a label map; None where it is not there."""
    rows = rows_of_class(label_map, class_id)
    layer = crop_layer(label_map[rows] == class_id, class_id)
    if layer is not None:
        layer.top += rows.start
    return layer


def split_layers(
    label_map: np.ndarray,
    classes: Optional[Sequence[int]] = None,
    instance_map: Optional[np.ndarray] = None,
    min_area: float = 0.0,
    ignore_index: int = 255,
    components: bool = False,
) -> List[Layer]:
    """Splits a label map into single-class layers.

    Args:
        label_map: uint8 [H, W].
        classes: The classes wanted; default: every class of the map.
        instance_map: int32 [H, W], 0 = no instance. With it, a class that has
            instances is split into one layer an instance, plus one (instance 0) for
            its pixels outside any. Where instance and label map disagree, the label
            map decides: an instance gives a layer to each class it covers.
        min_area: Smallest area of a layer, as a share of the map's area; smaller
            ones are left out.
        ignore_index: Never a layer.
        components: Split classes without instances into connected components
            (8-neighbours), as a stand-in for instances: touching objects stay
            together, an object cut by an occluder falls apart. The layers are
            numbered 1.. within their class.

    Returns:
        Layers by class id, within a class by instance id.
    """
    if classes is None:
        classes = np.unique(label_map).tolist()
    smallest = max(1, min_area * label_map.size)
    layers = []
    for class_id in sorted(classes):
        layer = None if class_id == ignore_index else class_layer(label_map, class_id)
        if layer is None:
            continue
        layer.ids = None if instance_map is None else instance_map[layer.box]
        layers.extend(split_objects(layer, components))
    return [layer for layer in layers if layer.area >= smallest]


def split_objects(layer: Layer, components: bool) -> List[Layer]:
    """Splits the layer of a class into its objects.

    Args:
        layer: The layer of a whole class.
        components: Split a layer without instances into connected components.

    Returns:
        The layers of its instances (and what belongs to none, as instance 0), or of
        its connected components, or the layer itself.
    """
    if layer.ids is not None and (layer.ids * layer.mask).any():
        return list(_split(layer, layer.ids))
    if components:
        return list(_split(layer, _components(layer.mask)))
    return [layer]


def keep_objects(
    layer: Layer,
    count: int,
    rng: np.random.Generator,
    ids: Optional[np.ndarray] = None,
) -> Layer:
    """Keeps some objects of the layer of a class, drawn at random.

    Args:
        layer: The layer of a whole class.
        count: Objects to keep; connected components where there are no instances.
        rng: Random numbers.
        ids: int32 [h, w], the instances, where these are not those of the layer.
    """
    ids = layer.ids if ids is None else ids
    parts = split_objects(replace(layer, ids=ids), components=True)
    # What is left of a class beside its instances, a crowd mostly, is no object.
    objects = [part for part in parts if part.instance_id] or parts
    if len(parts) == len(objects) <= count:
        return layer
    kept_parts = np.arange(len(objects))
    if len(objects) > count:
        kept_parts = rng.choice(len(objects), count, replace=False)
    mask = np.zeros(layer.mask.shape, bool)
    for number in kept_parts:
        rows, columns = objects[number].box
        mask[
            rows.start - layer.top : rows.stop - layer.top,
            columns.start - layer.left : columns.stop - layer.left,
        ] |= objects[number].mask
    kept = crop_layer(mask, layer.class_id)
    if layer.ids is not None:
        kept.ids = layer.ids[kept.box]
    if layer.pixels is not None:
        kept.pixels = layer.pixels[kept.box]
    kept.top += layer.top
    kept.left += layer.left
    return kept


def _components(mask: np.ndarray) -> np.ndarray:
    """Numbers the connected components of a mask 1..: int32 [h, w]."""
    import cv2

    return cv2.connectedComponents(mask.view(np.uint8), connectivity=8)[1]


def _split(layer: Layer, ids: np.ndarray) -> Iterator[Layer]:
    """Splits a layer by the ids (int [h, w]) of its pixels."""
    # Sort once, then cut each object from its own pixels: objects are many and
    # small, so a comparison of the whole box for each of them would be wasted.
    rows, columns = np.nonzero(layer.mask)
    values = ids[rows, columns]
    order = np.argsort(values, kind='stable')
    rows, columns, values = rows[order], columns[order], values[order]
    starts = np.flatnonzero(np.diff(values, prepend=-1))
    for start, stop in zip(starts, [*starts[1:], len(values)]):
        down, across = rows[start:stop], columns[start:stop]
        top, left = down.min(), across.min()
        mask = np.zeros((down.max() - top + 1, across.max() - left + 1), bool)
        mask[down - top, across - left] = True
        yield Layer(
            layer.class_id,
            mask,
            layer.top + int(top),
            layer.left + int(left),
            int(values[start]),
        )


class InstanceCanvas:
    """An instance map, built up layer by layer.

    Args:
        instance_map: int32 [H, W], 0 = no instance: the base's, or zeros.
    """

    def __init__(self, instance_map: np.ndarray) -> None:
        self._ids = instance_map.copy()
        self._highest = int(self._ids.max())
        if self._highest >= 2**30:
            # Space for more ids.
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
        """Returns the instance map: int32 [H, W], ids 1.. without gaps, 0 = none."""
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


def match_tone(
    photo: np.ndarray,
    reference: np.ndarray,
    where: Optional[np.ndarray] = None,
    spread: bool = True,
    gain: bool = False,
) -> np.ndarray:
    """Gives a photo the light of another one, channel by channel.

    Either each channel is shifted and scaled to the mean and spread of the other photo
    (Reinhard et al., "Color Transfer between Images", IEEE Computer Graphics and
    Applications, 2001; in BGR, so that a grey generated photo stays free of casts), or
    it is multiplied alone, as light does: black stays black.

    Args:
        photo: uint8 or uint16 [H, W, bands].
        reference: The same, the photo with the wanted light.
        where: Bool [H, W], the pixels of both that are compared; None = all.
        spread: Whether the spread is matched too; else the mean alone.
        gain: Whether channels are multiplied alone, by 1/3 to 3.

    Returns:
        As ``photo``; the photo as it is where less than a twentieth is compared.
    """
    if where is None:
        where = np.ones(photo.shape[:2], bool)
    if where.mean() < _SMALLEST_SHARE:
        return photo
    ours, theirs = (p[where].astype(np.float32) for p in (photo, reference))
    mean, wanted = ours.mean(axis=0), theirs.mean(axis=0)
    if gain:
        matched = photo * (wanted / np.maximum(mean, 1)).clip(*_GAINS)
    else:
        scale = theirs.std(axis=0) / np.maximum(ours.std(axis=0), 1) if spread else 1.0
        matched = (photo - mean) * scale + wanted
    return np.round(matched).clip(0, np.iinfo(photo.dtype).max).astype(photo.dtype)


@lru_cache(maxsize=64)
def bands(shape: Tuple[int, int], step: int = 1) -> Tuple[slice, ...]:
    """Cuts the rows of a map into bands.

    Args:
        shape: Height and width of the map.
        step: Every band but the last has a multiple of so many rows.
    """
    height, width = shape
    rows = max(1, _BAND_PIXELS // max(width, 1) // step) * step
    return tuple(
        slice(start, min(start + rows, height)) for start in range(0, height, rows)
    )


def paint_class(target: np.ndarray, label_map: np.ndarray, class_id: int) -> bool:
    """Copies one class of a label map to another map of its size, in place.

    Args:
        target: uint8 [H, W].
        label_map: uint8 [H, W].
        class_id: The class.

    Returns:
        Whether the label map shows the class.
    """
    import cv2

    found = False
    for rows in bands(target.shape):
        mask = label_map[rows] == class_id
        if mask.any():
            found = True
            cv2.copyTo(label_map[rows], mask.view(np.uint8), target[rows])
    return found


def rows_of_class(label_map: np.ndarray, class_id: int) -> slice:
    """Finds the bands of rows from the first to the last that show a class."""
    found = [
        rows for rows in bands(label_map.shape) if (label_map[rows] == class_id).any()
    ]
    return slice(found[0].start, found[-1].stop) if found else slice(0, 0)


def count_class(label_map: np.ndarray, class_id: int) -> int:
    """Counts the pixels of a class."""
    return sum(
        np.count_nonzero(label_map[rows] == class_id) for rows in bands(label_map.shape)
    )
