"""Replays Recon: a new map built back to front from layers of several maps."""

from typing import List, Optional

import numpy as np

from mmseg_ganaug.recompose.bands import paint_class
from mmseg_ganaug.recompose.filling import fill_holes
from mmseg_ganaug.recompose.instances import InstanceCanvas
from mmseg_ganaug.recompose.layers import Layer
from mmseg_ganaug.recompose.options import RebuildOptions
from mmseg_ganaug.recompose.placement import Placement, PlacementCheck, place
from mmseg_ganaug.recompose.recipe import Recipe
from mmseg_ganaug.recompose.recomposed import (
    DonorMaps,
    PhotoUse,
    RecomposedMap,
    paste_pixels,
)
from mmseg_ganaug.recompose.source import LabelSource, LabelValueError


def rebuild_map(
    recipe: Recipe, source: LabelSource, options: RebuildOptions, photos: PhotoUse
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
    canvas = _Canvas(recipe, source, options, photos)
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
        options: RebuildOptions,
        photos: PhotoUse,
    ) -> None:
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
        self._check = PlacementCheck(options.min_plausibility, options.prior)
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
        if not self._check.passes(layer, self._maps.shape):
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
                'so nothing can be built; take statistics and plan anew'
            ) from error

    def finished_instances(self) -> Optional[np.ndarray]:
        """The instance map, int32 [H, W]; None where the source has none."""
        return None if self._instances is None else self._instances.finished()
