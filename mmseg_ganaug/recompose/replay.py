"""Replays recipes: layers laid over a base, or a map built of layers alone."""

from dataclasses import replace
from typing import Callable, Dict, List, Optional, Tuple

import numpy as np

from mmseg_ganaug.recompose.canvas import (
    DonorMaps,
    PhotoUse,
    RecomposedMap,
    fill_holes,
    paste_pixels,
)
from mmseg_ganaug.recompose.layers import (
    InstanceCanvas,
    Layer,
    count_class,
    keep_objects,
    paint_class,
)
from mmseg_ganaug.recompose.placement import Placement, place
from mmseg_ganaug.recompose.recipe import PlanError, Recipe, ReplayOptions
from mmseg_ganaug.recompose.source import LabelSource, LabelValueError, histogram


def replay(
    recipe: Recipe,
    source: LabelSource,
    with_photo: bool = False,
    match_tone: bool = False,
) -> RecomposedMap:
    """Makes the label map of a recipe: the same recipe gives the same bytes.

    Args:
        recipe: The recipe; nothing else but the source is needed.
        source: The label maps it refers to.
        with_photo: Recombine the real photos along with the labels (copy-paste,
            Ghiasi et al., CVPR 2021); the source is then a
            :class:`~mmseg_ganaug.recompose.source.PhotoSource`.
        match_tone: Donors' pixels take the light of the base's photo, or under Recon
            of the first donor's, see :func:`~mmseg_ganaug.recompose.match_tone`.

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
    return _REPLAYS[recipe.recomposer](
        recipe, source, PhotoUse.of(with_photo, match_tone)
    )


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
    label_map = base.copy()
    instances = maps.instance_map(recipe.base)
    canvas = None if instances is None else InstanceCanvas(instances)
    with_photo = photos is not PhotoUse.NONE
    photo = maps.photo(recipe.base).copy() if with_photo else None
    smallest = max(1, options.min_area * base.size)
    pasted, rejected = [], 0
    for number, class_id in enumerate(recipe.classes):
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
            np.copyto(label_map[layer.box], np.uint8(class_id), where=layer.mask)
            if canvas is not None:
                canvas.paste(layer)
            if photo is not None:
                paste_pixels(photo, layer)
    return RecomposedMap(
        label_map=label_map,
        instance_map=None if canvas is None else canvas.finished(),
        base=base,
        pasted=tuple(pasted),
        rejected=rejected,
        photo=photo,
        shown=np.ones(base.shape, bool) if with_photo else None,
    )


def _donor_layer(
    maps: DonorMaps, recipe: Recipe, number: int, donor: int
) -> Optional[Layer]:
    """Layer ``number`` of the recipe as a donor gives it, at its place."""
    layer = maps.layer(donor, recipe.classes[number])
    if layer is None:
        return None
    if recipe.options.max_objects:
        rng = np.random.default_rng([recipe.seed, number])
        layer = keep_objects(layer, recipe.options.max_objects, rng)
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
    # What lies in the layer's box is quickly counted, and mostly enough to tell.
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
    canvas = _Canvas(recipe, source, photos)
    background = []
    if options.fill == 'nearest':
        background = [
            number
            for number, class_id in enumerate(recipe.classes)
            if class_id in options.background
        ]
    laid = [canvas.lay(number) for number in background]
    closed = any(laid)
    if closed:
        canvas.fill()
    first = 0
    # The rearmost layers lie there already, if they are of the background.
    while closed and background[first : first + 1] == [first]:
        first += 1
    for number in range(first, len(recipe.classes)):
        canvas.lay(number)
    if options.fill == 'nearest' and not closed:
        canvas.fill()
    return RecomposedMap(
        label_map=canvas.label_map,
        instance_map=canvas.finished_instances(),
        base=None,
        pasted=tuple(canvas.pasted),
        rejected=canvas.rejected,
        photo=canvas.photo,
        shown=canvas.shown,
    )


class _Canvas:
    """The map being built.

    Attributes:
        label_map: uint8 [H, W]; ignore where nothing lies yet.
        pasted: The donor of each layer; None where it does not show the class, or
            the layer was rejected.
        rejected: Layers rejected for their place.
        photo: The donors' pixels; those of the first donor where nothing lies.
        shown: bool [H, W], where a layer lies.
    """

    def __init__(
        self,
        recipe: Recipe,
        source: LabelSource,
        photos: PhotoUse,
    ) -> None:
        options = recipe.options
        with_photo = photos is not PhotoUse.NONE
        first = recipe.donors[0]
        self._recipe = recipe
        self._source = source
        self._maps = DonorMaps(source, first, options.resize_donors, photos)
        self.photo = self._maps.photo(first).copy() if with_photo else None
        self.shown = np.zeros(self._maps.shape, bool) if with_photo else None
        self.label_map = np.full(self._maps.shape, source.ignore_index, np.uint8)
        self.pasted: List[Optional[int]] = [None] * len(recipe.classes)
        self.rejected = 0
        self._instances = None
        if self._maps.instance_map(first) is not None:
            empty = np.zeros(self._maps.shape, np.int32)
            self._instances = InstanceCanvas(empty)
        # Then whole maps can be worked on, which is quicker than layers cut out.
        self._plain = (
            self._instances is None and not with_photo and options.min_plausibility == 0
        )

    def lay(self, number: int) -> bool:
        """Lays one layer of the recipe over the canvas, if its donor shows it."""
        recipe, maps = self._recipe, self._maps
        class_id, donor = recipe.classes[number], recipe.donors[number]
        placement = recipe.placements[number] if recipe.placements else Placement()
        if self._plain and placement == Placement():
            found = paint_class(self.label_map, maps.label_map(donor), class_id)
        else:
            found = self._lay_layer(maps.layer(donor, class_id), placement)
        self.pasted[number] = donor if found else None
        return found

    def _lay_layer(self, layer: Optional[Layer], placement: Placement) -> bool:
        if layer is not None:
            layer = place(layer, placement, self._maps.shape)
        if layer is None:
            return False
        if not self._recipe.options.allows_place(layer, self._maps.shape):
            self.rejected += 1
            return False
        np.copyto(self.label_map[layer.box], np.uint8(layer.class_id), where=layer.mask)
        if self._instances is not None:
            self._instances.paste(layer)
        if self.photo is not None:
            paste_pixels(self.photo, layer)
            self.shown[layer.box] |= layer.mask
        return True

    def fill(self) -> None:
        """Fills what nothing covers yet."""
        try:
            fill_holes(self.label_map, self._source.ignore_index)
        except ValueError as error:
            names = ', '.join(self._source.name(index) for index in self._recipe.maps)
            raise LabelValueError(
                f'{names}: none of the classes {list(self._recipe.classes)} is there, '
                'so nothing can be built; take statistics and plan again'
            ) from error

    def finished_instances(self) -> Optional[np.ndarray]:
        """Returns the instance map, int32 [H, W]; None where the source has none."""
        return None if self._instances is None else self._instances.finished()


_REPLAYS: Dict[str, Callable[[Recipe, LabelSource, PhotoUse], RecomposedMap]] = {
    'AddSingle': _paste_layers,
    'AddMulti': _paste_layers,
    'Recon': _rebuild_map,
}
