"""Replays recipes: layers laid over a base, or a map built of layers alone."""

from dataclasses import replace
from typing import Callable, Dict, List, Optional, Tuple

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


def _donor_layer(
    maps: DonorMaps, recipe: Recipe, number: int, donor: int
) -> Optional[Layer]:
    """Returns layer ``number`` of the recipe as a donor gives it, at its place."""
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

    def lay(self, number: int) -> bool:
        """Lays one layer of the recipe over the canvas, if its donor shows it."""
        recipe, maps = self._recipe, self._maps
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
