"""The outcome of a recombination, and what the recomposers share in making it."""

import threading
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Dict, List, Optional, Sequence, Tuple, cast

import numpy as np

from mmseg_ganaug.recompose.growth import Growth, grow
from mmseg_ganaug.recompose.layers import (
    InstanceCanvas,
    Layer,
    Tone,
    bands,
    class_layer,
    crop_layer,
    match_tone,
)
from mmseg_ganaug.recompose.objects import object_layer
from mmseg_ganaug.recompose.placement import resize_nearest, resize_photo
from mmseg_ganaug.recompose.recipe import Part
from mmseg_ganaug.recompose.replay_options import ReplayOptions
from mmseg_ganaug.recompose.source import (
    LabelSource,
    LabelValueError,
    PhotoSource,
    objects_of,
    read_instance_map,
    read_label_map,
    read_photo,
)

# Pixels among which the nearest is searched: a distance transform of more does not
# stay in a processor's cache, and takes far longer than decoding the map.
_SEARCHED = 180_000
_memory = threading.local()


@dataclass
class RecomposedMap:
    """A new label map.

    Attributes:
        label_map: uint8 [H, W], values 0..C-1 and the ignore index.
        instance_map: int32 [H, W], 0 = no instance, ids 1.. without gaps; None
            where the source has no instance maps.
        base: uint8 [H, W], the base's label map; None under Recon, which has none.
        pasted: The donor of each layer of the recipe; None where the layer was left
            out, because no donor passed the checks or nothing of it was to be seen.
        rejected: Donors that did not pass the checks.
        photo: uint8 or uint16 [H, W, bands], the real pixels under the labels
            (copy-paste); None where labels alone were recombined.
        shown: bool [H, W], where the photo shows what the label map says: everywhere
            but in the holes that Recon filled. None without a photo.
        base_photo: As ``photo``, the photo without what was pasted, read-only;
            None without a photo, or under Recon.
        laid: bool [H, W], where objects were laid; None where layers of whole classes
            were.
    """

    label_map: np.ndarray
    instance_map: Optional[np.ndarray]
    base: Optional[np.ndarray]
    pasted: Tuple[Optional[int], ...]
    rejected: int = 0
    photo: Optional[np.ndarray] = None
    shown: Optional[np.ndarray] = None
    laid: Optional[np.ndarray] = None
    base_photo: Optional[np.ndarray] = None

    @cached_property
    def changed(self) -> np.ndarray:
        """Bool [H, W]: where it shows something else than the base; Recon: all True.

        An object laid over one of its class counts, too.
        """
        if self.base is None:
            return np.ones(self.label_map.shape, bool)
        changed = self.label_map != self.base
        return changed if self.laid is None else changed | self.laid

    @cached_property
    def from_donors(self) -> np.ndarray:
        """Bool [H, W]: where the photo shows pixels of donors; it needs a photo."""
        if self.base is None or self.laid is not None:
            return self.shown if self.base is None else self.laid
        # Layers of whole classes are where the photo is another one.
        return self.changed | (self.photo != self.base_photo).any(axis=2)


class PhotoUse(Enum):
    """Use of the photos when label maps are recombined."""

    NONE = 'none'
    AS_IT_IS = 'as it is'
    #: Donors take the light of the base, or under Recon of the first donor.
    MATCHED = 'matched'
    #: The same, by multiplying alone.
    MATCHED_BY_GAIN = 'matched by gain'

    @classmethod
    def of(cls, with_photo: bool, match_tone: Tone) -> 'PhotoUse':
        """Returns the use that two options state."""
        if not with_photo:
            return cls.NONE
        if match_tone == 'gain':
            return cls.MATCHED_BY_GAIN
        return cls.MATCHED if match_tone else cls.AS_IT_IS


class DonorMaps:
    """Reads the donors of one recombination, each once, at one size.

    Args:
        source: The label maps.
        first: The map that gives the size: the base, or the first donor. Its values
            are checked too; of the others single classes are used, so a wrong value
            could not get into the result.
        resize: Resize maps of another size; else they are an error.
        photos: What the layers get of their donors' photos.

    Raises:
        LabelValueError: If a map is not valid or of another size.
    """

    def __init__(
        self,
        source: LabelSource,
        first: int,
        resize: bool,
        photos: PhotoUse = PhotoUse.NONE,
    ) -> None:
        self._source = source
        self.first = first
        self._resize = resize
        self._use = photos
        self._photos: Dict[int, np.ndarray] = {}
        self._label_maps: Dict[int, np.ndarray] = {first: read_label_map(source, first)}
        self._instance_maps: Dict[int, Optional[np.ndarray]] = {}
        self.shape: Tuple[int, ...] = self._label_maps[first].shape

    def label_map(self, index: int) -> np.ndarray:
        """Reads label map ``index``: uint8 [H, W]; not to be written to."""
        if index not in self._label_maps:
            label_map = read_label_map(self._source, index, check_values=False)
            if label_map.shape != self.shape and not self._resize:
                names = self._source.name(self.first), self._source.name(index)
                raise LabelValueError(
                    f'{names[0]} is {list(self.shape)} and {names[1]} is '
                    f'{list(label_map.shape)}; only maps of one size are combined. '
                    'Set resize_donors=True to resize donors.'
                )
            self._label_maps[index] = resize_nearest(label_map, self.shape)
        return self._label_maps[index]

    def instance_map(self, index: int) -> Optional[np.ndarray]:
        """Reads instance map ``index``: int32 [H, W], or None; not to be written to."""
        if index not in self._instance_maps:
            found = self._source.instance_map(index)
            if found is not None:
                # Its own label map may have been resized; it is compared unresized.
                shape = self._source.label_map(index).shape if self._resize else None
                found = read_instance_map(self._source, index, shape or self.shape)
                found = resize_nearest(found, self.shape)
            self._instance_maps[index] = found
        return self._instance_maps[index]

    def object_ids(self, index: int) -> Optional[np.ndarray]:
        """Returns an instance map without ids that are no objects': int32 [H, W]."""
        return objects_of(self._source, index, self.instance_map(index))

    def photo(self, index: int) -> Optional[np.ndarray]:
        """Reads photo ``index``: [H, W, bands], read-only; None = not needed."""
        if self._use is PhotoUse.NONE:
            return None
        if index not in self._photos:
            shape = self._source.label_map(index).shape if self._resize else self.shape
            photo = read_photo(cast(PhotoSource, self._source), index, shape)
            photo = resize_photo(photo, self.shape)
            if self._use is not PhotoUse.AS_IT_IS and index != self.first:
                gain = self._use is PhotoUse.MATCHED_BY_GAIN
                photo = match_tone(photo, self.photo(self.first), gain=gain)
            self._photos[index] = photo
        return self._photos[index]

    def grow(self, growth: Sequence[Growth], options: ReplayOptions) -> None:
        """Moves borders of the first map."""
        if not growth:
            return
        first = self.first
        grown = grow(
            self.label_map(first),
            growth,
            options.things,
            options.guarded,
            options.max_hidden,
            self.instance_map(first),
            self.photo(first),
        )
        self._label_maps[first] = grown.label_map
        self._instance_maps[first] = grown.instance_map
        if grown.photo is not None:
            self._photos[first] = grown.photo

    def layer(self, index: int, class_id: int) -> Optional[Layer]:
        """Cuts out the layer of a class, and what goes with it; None = not there."""
        layer = class_layer(self.label_map(index), class_id)
        if layer is not None:
            ids, photo = self.instance_map(index), self.photo(index)
            layer.ids = None if ids is None else ids[layer.box]
            layer.pixels = None if photo is None else photo[layer.box]
        return layer

    def objects(self, index: int, parts: Sequence[Part]) -> List[Layer]:
        """Cuts out objects of a map, each with what goes with it.

        Args:
            index: Number of the map.
            parts: The objects, each by its class and one of its pixels.

        Returns:
            A layer for each; none where an object is not there.
        """
        found = []
        for class_id, row, column in parts:
            layer = self._object(index, class_id, (row, column))
            if layer is not None:
                ids, photo = self.instance_map(index), self.photo(index)
                layer.ids = None if ids is None else ids[layer.box]
                layer.pixels = None if photo is None else photo[layer.box]
                found.append(layer)
        return found

    def _object(
        self, index: int, class_id: int, pixel: Tuple[int, int]
    ) -> Optional[Layer]:
        label_map, ids = self.label_map(index), self.object_ids(index)
        if not self._resize:
            return object_layer(label_map, ids, class_id, pixel)
        # Its pixel is one of the map before it was resized.
        unresized = read_label_map(self._source, index, check_values=False)
        ids = read_instance_map(self._source, index, unresized.shape)
        ids = objects_of(self._source, index, ids)
        layer = object_layer(unresized, ids, class_id, pixel)
        if layer is None or unresized.shape == self.shape:
            return layer
        height, width = unresized.shape
        mask = resize_nearest(layer.full_mask((height, width)), self.shape)
        return crop_layer(mask, class_id, layer.instance_id)


class Canvas:
    """A map in the making, on which layers are laid back to front.

    Args:
        maps: The maps of the recombination.
        hole: Label value where nothing lies yet; None = the layers are laid on the
            first of the maps.
        marks: Note where something is laid.

    Attributes:
        label_map: uint8 [H, W].
        plain: There are labels alone, no instances and no photo.
    """

    def __init__(
        self, maps: DonorMaps, hole: Optional[int] = None, marks: bool = False
    ) -> None:
        self._laid = np.zeros(maps.shape, bool) if marks else None
        if hole is None:
            self.label_map = maps.label_map(maps.first).copy()
        else:
            self.label_map = np.full(maps.shape, hole, np.uint8)
        instances, photo = maps.instance_map(maps.first), maps.photo(maps.first)
        self._base_photo = photo if hole is None else None
        self._instances = None
        if instances is not None:
            beneath = instances if hole is None else np.zeros_like(instances)
            self._instances = InstanceCanvas(beneath)
        self._photo = None if photo is None else photo.copy()
        self._shown = None if photo is None else np.full(maps.shape, hole is None)
        self.plain = instances is None and photo is None

    def lay(self, layer: Layer) -> None:
        """Lays a layer over what lies there, with its instances and pixels."""
        where = layer.mask
        if self._laid is not None:
            self._laid[layer.box] |= where
        np.copyto(self.label_map[layer.box], np.uint8(layer.class_id), where=where)
        if self._instances is not None:
            self._instances.paste(layer)
        if self._photo is not None:
            np.copyto(self._photo[layer.box], layer.pixels, where=where[..., None])
            self._shown[layer.box] |= where

    def finished(
        self,
        base: Optional[np.ndarray],
        pasted: Sequence[Optional[int]],
        rejected: int,
    ) -> RecomposedMap:
        """Returns the map as it is now; see :class:`RecomposedMap`."""
        ids = self._instances
        return RecomposedMap(
            label_map=self.label_map,
            instance_map=None if ids is None else ids.finished(),
            base=base,
            pasted=tuple(pasted),
            rejected=rejected,
            photo=self._photo,
            shown=self._shown,
            laid=self._laid,
            base_photo=self._base_photo,
        )


def fill_holes(label_map: np.ndarray, hole: int) -> None:
    """Fills each hole with the class of the nearest covered pixel, in place.

    Distances are those of a 5 x 5 chamfer mask (Borgefors, 1986), within 2 % of the
    Euclidean ones. On maps above 180,000 pixels (360 x 480) the nearest pixel is
    searched on every n-th row and column, n as small as possible: there, a border
    inside a hole may lie up to 2 n pixels beside the exact one.

    Args:
        label_map: uint8 [H, W].
        hole: The value of holes.

    Raises:
        ValueError: If there is nothing but holes.
    """
    import cv2

    step = 1
    while label_map.size > _SEARCHED * step**2:
        step += 1
    sampled = np.ascontiguousarray(label_map[::step, ::step])
    holes = sampled == hole
    if holes.all():
        step, sampled = 1, label_map
        holes = sampled == hole
        if holes.all():
            raise ValueError('no layer covers a pixel, so the holes cannot be filled')
    distance, nearest = _search_memory(holes.shape)
    cv2.distanceTransformWithLabels(
        holes.view(np.uint8),
        cv2.DIST_L2,
        5,
        dst=distance,
        labels=nearest,
        labelType=cv2.DIST_LABEL_PIXEL,
    )
    # Label k is the k-th covered pixel in reading order; labels start at 1.
    classes = sampled[~holes]
    filled = np.take(np.append(classes[:1], classes), nearest)
    width = label_map.shape[1]
    for rows in bands(label_map.shape, step):
        band = label_map[rows]
        holes = band == hole
        if not holes.any():
            continue
        part = filled[rows.start // step : -(-rows.stop // step)]
        if step > 1:
            size = (step * part.shape[1], step * part.shape[0])
            part = cv2.resize(part, size, interpolation=cv2.INTER_NEAREST)
            part = part[: len(band), :width]
        cv2.copyTo(part, holes.view(np.uint8), band)


def _search_memory(shape: Tuple[int, int]) -> Tuple[np.ndarray, np.ndarray]:
    """Arrays for distances and labels, [h, w]; each thread keeps the last ones."""
    if getattr(_memory, 'shape', None) != shape:
        _memory.shape = shape
        _memory.arrays = np.empty(shape, np.float32), np.empty(shape, np.int32)
    return _memory.arrays
