"""Replays recipes: layers laid over a base, or a map built of layers alone."""

from dataclasses import replace
from typing import Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np

from mmseg_ganaug.recompose.canvas import (
    Canvas,
    DonorMaps,
    PhotoUse,
    RecomposedMap,
    fill_holes,
)
from mmseg_ganaug.recompose.layers import (
    Layer,
    Tone,
    class_layer,
    count_class,
    keep_objects,
    paint_class,
)
from mmseg_ganaug.recompose.objects import number_parts
from mmseg_ganaug.recompose.placement import Placement, place
from mmseg_ganaug.recompose.recipe import PlanError, Recipe
from mmseg_ganaug.recompose.replay_options import ReplayOptions
from mmseg_ganaug.recompose.source import LabelSource, LabelValueError, histogram

# A group of objects is laid where at least this share of it is to be seen.
_SEEN = 0.5


def replay(
    recipe: Recipe,
    source: LabelSource,
    with_photo: bool = False,
    match_tone: Tone = False,
) -> RecomposedMap:
    """Makes the label map of a recipe: the same recipe gives the same bytes.

    Args:
        recipe: The recipe; nothing else but the source is needed.
        source: The label maps it refers to.
        with_photo: Recombine the real photos along with the labels (copy-paste,
            Ghiasi et al., CVPR 2021); the source is then a
            :class:`~mmseg_ganaug.recompose.source.PhotoSource`.
        match_tone: Donors' pixels take the light of the base's photo, or under Recon
            of the first donor's; by 'gain', by multiplying alone. See
            :func:`~mmseg_ganaug.recompose.match_tone`.

    Raises:
        PlanError: If the recipe is not valid or does not fit the source.
        LabelValueError: If a label map is not valid, or the sizes differ.
    """
    if recipe.recomposer not in _REPLAYS:
        raise PlanError(
            f'no recomposer is called {recipe.recomposer!r}; there are {list(_REPLAYS)}'
        )
    if (recipe.base is None) != (recipe.recomposer == 'Recon'):
        raise PlanError(f'{recipe.recomposer} with the base {recipe.base}')
    recipe.check_numbers(len(source), source.num_classes, 'a recipe')
    photos = PhotoUse.of(with_photo, match_tone)
    if recipe.base is not None and recipe.parts:
        return _paste_objects(recipe, source, photos)
    return _REPLAYS[recipe.recomposer](recipe, source, photos)


def _paste_layers(
    recipe: Recipe, source: LabelSource, photos: PhotoUse
) -> RecomposedMap:
    """Lays the recipe's layers over its base.

    Ignore regions of a donor are no layer and are never pasted; those of the base
    stay where nothing is pasted.

    Raises:
        LabelValueError: If a map is not valid, or of another size than the base.
    """
    options = recipe.options
    maps = DonorMaps(source, recipe.base, options.resize_donors, photos)
    base = maps.label_map(recipe.base)
    canvas = Canvas(maps)
    smallest = max(1, options.min_area * base.size)
    pasted, rejected = [], 0
    for number in range(len(recipe.classes)):
        others = recipe.fallback_donors[number] if recipe.fallback_donors else ()
        chosen = None
        for donor in (recipe.donors[number], *others):
            layer = _donor_layer(maps, recipe, number, donor)
            if layer is not None and options.allows_place(layer, maps.shape):
                layer = _visible(layer, base, recipe.classes, options)
                if layer.area >= smallest:
                    chosen = donor
                    break
            rejected += 1
        pasted.append(chosen)
        if chosen is not None:
            canvas.lay(layer)
    return canvas.finished(base, pasted, rejected)


def _paste_objects(
    recipe: Recipe, source: LabelSource, photos: PhotoUse
) -> RecomposedMap:
    """Lays groups of objects over the recipe's base, the farthest first.

    Raises:
        LabelValueError: If a map is not valid, or of another size than the base.
    """
    maps = DonorMaps(source, recipe.base, recipe.options.resize_donors, photos)
    maps.grow(recipe.growth, recipe.options)
    base = maps.label_map(recipe.base)
    canvas = Canvas(maps, marks=True)
    front = _Front(base, maps.object_ids(recipe.base), recipe.options.things)
    pasted = [
        _lay_objects(canvas, maps, recipe, number, base, front)
        for number in range(len(recipe.classes))
    ]
    return canvas.finished(base, pasted, pasted.count(None))


def _lay_objects(
    canvas: Canvas,
    maps: DonorMaps,
    recipe: Recipe,
    number: int,
    base: np.ndarray,
    front: '_Front',
) -> Optional[int]:
    """Lays a group of objects, whole or not at all.

    Returns:
        The donor; None where an object is not there, or too little is to be seen.
    """
    donor, parts = recipe.donors[number], recipe.parts[number]
    layers = maps.objects(donor, parts)
    if len(layers) < len(parts):
        return None
    box = _joint_box(layers)
    placement = recipe.placements[number] if recipe.placements else Placement()
    placed = [place(layer, placement, maps.shape, box) for layer in layers]
    whole = [layer for layer in placed if layer is not None]
    if not whole:
        return None
    bottom = _joint_box(whole)[0].stop
    visible = [
        _visible(front.cut(layer, bottom), base, (), recipe.options) for layer in whole
    ]
    area = sum(layer.area for layer in visible)
    smallest = max(1, recipe.options.min_area * base.size)
    if area < max(smallest, _SEEN * sum(layer.area for layer in whole)):
        return None
    for layer in visible:
        canvas.lay(layer)
    return donor


def _joint_box(layers: Sequence[Layer]) -> Tuple[slice, slice]:
    """Returns the rows and columns that layers lie in together."""
    boxes = [layer.box for layer in layers]
    rows, columns = (
        slice(min(b[axis].start for b in boxes), max(b[axis].stop for b in boxes))
        for axis in (0, 1)
    )
    return rows, columns


class _Front:
    """Finds the objects of a base that stand in front of what is laid over it.

    Args:
        base: uint8 [H, W].
        instance_map: int32 [H, W], or None.
        things: Classes of objects that can stand in front.
    """

    def __init__(
        self,
        base: np.ndarray,
        instance_map: Optional[np.ndarray],
        things: Tuple[int, ...],
    ) -> None:
        self._base = base
        self._instance_map = instance_map
        self._things = things
        self._bottoms: Dict[int, np.ndarray] = {}

    def cut(self, layer: Layer, bottom: int) -> Layer:
        """Cuts away what is hidden by objects that reach below a row.

        Args:
            layer: What is laid over the base.
            bottom: The row below its lowest pixel.
        """
        mask = layer.mask
        beneath = self._base[layer.box]
        found = histogram(beneath[mask])
        for class_id in self._things:
            if found[class_id]:
                mask = mask & (self._bottom_of(class_id)[layer.box] <= bottom)
        return replace(layer, mask=mask)

    def _bottom_of(self, class_id: int) -> np.ndarray:
        """Returns the row below each pixel's object: int32 [H, W], 0 elsewhere."""
        if class_id not in self._bottoms:
            layer = class_layer(self._base, class_id)
            assert layer is not None, 'the class is in the base'
            if self._instance_map is not None:
                layer.ids = self._instance_map[layer.box]
            numbers, boxes, _ = number_parts(layer)
            table = np.append(0, layer.top + boxes[:, 1] + boxes[:, 3])
            bottoms = np.zeros(self._base.shape, np.int32)
            bottoms[layer.box] = table[numbers]
            self._bottoms[class_id] = bottoms
        return self._bottoms[class_id]


def _donor_layer(
    maps: DonorMaps, recipe: Recipe, number: int, donor: int
) -> Optional[Layer]:
    """Returns layer ``number`` of the recipe as a donor gives it, at its place."""
    layer = maps.layer(donor, recipe.classes[number])
    if layer is None:
        return None
    if recipe.options.max_objects:
        rng = np.random.default_rng([recipe.seed, number])
        ids = maps.object_ids(donor)
        ids = None if ids is None else ids[layer.box]
        layer = keep_objects(layer, recipe.options.max_objects, rng, ids)
    placement = recipe.placements[number] if recipe.placements else Placement()
    return place(layer, placement, maps.shape)


def _visible(
    layer: Layer, base: np.ndarray, classes: Tuple[int, ...], options: ReplayOptions
) -> Layer:
    """Cuts away what goes behind guarded classes of the base."""
    beneath, mask = base[layer.box], layer.mask
    hidden = histogram(beneath[mask])
    for class_id in {*classes, *options.guarded}:
        if hidden[class_id] and (
            class_id in classes
            or not _may_hide(hidden[class_id], base, beneath, class_id, options)
        ):
            mask = mask & (beneath != class_id)
    return replace(layer, mask=mask)


def _may_hide(
    hidden: int,
    base: np.ndarray,
    beneath: np.ndarray,
    class_id: int,
    options: ReplayOptions,
) -> bool:
    # The counts in the layer's box are quick, and mostly enough to decide.
    return any(
        hidden <= options.max_hidden * count_class(part, class_id)
        for part in (beneath, base)
    )


def _rebuild_map(
    recipe: Recipe, source: LabelSource, photos: PhotoUse
) -> RecomposedMap:
    """Builds the recipe's map from its layers, back to front.

    Ignore regions of the donors are no layers. With ``fill='nearest'`` the
    background is closed before the other layers are laid over it, so that it is the
    road that grows into a hole, and not the pole beside it. Filled pixels belong to
    no instance.

    Raises:
        LabelValueError: If a map is not valid, of another size than the first
            donor, or nothing at all is covered.
    """
    options = recipe.options
    work = _Rebuilding(recipe, source, photos)
    background = []
    if options.fill == 'nearest':
        background = [
            number
            for number, class_id in enumerate(recipe.classes)
            if class_id in options.background
        ]
    laid = [work.lay(number) for number in background]
    closed = any(laid)
    if closed:
        work.fill()
    first = 0
    # The rearmost layers lie there already, if they are of the background.
    while closed and background[first : first + 1] == [first]:
        first += 1
    for number in range(first, len(recipe.classes)):
        work.lay(number)
    if options.fill == 'nearest' and not closed:
        work.fill()
    if recipe.parts:
        work.lay_objects()
    return work.canvas.finished(None, work.pasted, work.rejected)


class _Rebuilding:
    """Lays the layers of one recipe.

    Attributes:
        canvas: The map being built; ignore where nothing lies yet. Its photo is that
            of the first donor there.
        pasted: The donor of each layer; None where it does not show the class, or
            the layer was rejected.
        rejected: Layers rejected for their place.
    """

    def __init__(self, recipe: Recipe, source: LabelSource, photos: PhotoUse) -> None:
        self._recipe = recipe
        self._source = source
        resize = recipe.options.resize_donors
        self._maps = DonorMaps(source, recipe.donors[0], resize, photos)
        self.canvas = Canvas(self._maps, hole=source.ignore_index)
        self.pasted: List[Optional[int]] = [None] * len(recipe.classes)
        self.rejected = 0
        # Whole maps can then be processed, which is faster than cut-out layers.
        self._plain = self.canvas.plain and recipe.options.min_plausibility == 0

    def lay_objects(self) -> None:
        """Lays the layers that are made of objects, over what is there."""
        beneath = self.canvas.label_map.copy()
        front = _Front(beneath, None, ())
        for number, parts in enumerate(self._recipe.parts):
            if parts:
                self.pasted[number] = _lay_objects(
                    self.canvas, self._maps, self._recipe, number, beneath, front
                )
                self.rejected += self.pasted[number] is None

    def lay(self, number: int) -> bool:
        """Lays one layer of the recipe over the canvas, if its donor shows it.

        Not those made of objects.
        """
        recipe, maps = self._recipe, self._maps
        if recipe.parts and recipe.parts[number]:
            return False
        class_id, donor = recipe.classes[number], recipe.donors[number]
        placement = recipe.placements[number] if recipe.placements else Placement()
        if self._plain and placement == Placement():
            target = self.canvas.label_map
            found = paint_class(target, maps.label_map(donor), class_id)
        else:
            found = self._lay_layer(_donor_layer(maps, recipe, number, donor))
        self.pasted[number] = donor if found else None
        return found

    def _lay_layer(self, layer: Optional[Layer]) -> bool:
        if layer is None:
            return False
        if not self._recipe.options.allows_place(layer, self._maps.shape):
            self.rejected += 1
            return False
        self.canvas.lay(layer)
        return True

    def fill(self) -> None:
        """Fills what nothing covers yet."""
        try:
            fill_holes(self.canvas.label_map, self._source.ignore_index)
        except ValueError as error:
            names = ', '.join(self._source.name(index) for index in self._recipe.maps)
            raise LabelValueError(
                f'{names}: none of the classes {list(self._recipe.classes)} is in '
                'these maps, so no map can be built; collect the statistics and plan '
                'again'
            ) from error


_REPLAYS: Dict[str, Callable[[Recipe, LabelSource, PhotoUse], RecomposedMap]] = {
    'AddSingle': _paste_layers,
    'AddMulti': _paste_layers,
    'Recon': _rebuild_map,
}
