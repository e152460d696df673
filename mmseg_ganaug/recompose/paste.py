"""Replays AddSingle and AddMulti: layers of donors laid over a base."""

from dataclasses import replace
from typing import Optional, Tuple

import numpy as np

from mmseg_ganaug.recompose.bands import count_class
from mmseg_ganaug.recompose.instances import InstanceCanvas
from mmseg_ganaug.recompose.layers import Layer, keep_objects
from mmseg_ganaug.recompose.options import PasteOptions
from mmseg_ganaug.recompose.placement import Placement, PlacementCheck, place
from mmseg_ganaug.recompose.recipe import Recipe
from mmseg_ganaug.recompose.recomposed import (
    DonorMaps,
    PhotoUse,
    RecomposedMap,
    paste_pixels,
)
from mmseg_ganaug.recompose.source import LabelSource, histogram


def paste_layers(
    recipe: Recipe, source: LabelSource, options: PasteOptions, photos: PhotoUse
) -> RecomposedMap:
    """Lays the recipe's layers over its base.

    Ignore regions of a donor are no layer and are never pasted; those of the base
    stay where nothing is pasted.

    Raises:
        LabelValueError: If a map is not valid, or of another size than the base.
    """
    maps = DonorMaps(source, recipe.base, options.resize_donors, photos)
    check = PlacementCheck(options.min_plausibility, options.prior)
    base = maps.label_map(recipe.base)
    label_map = base.copy()
    instances = maps.instance_map(recipe.base)
    canvas = None if instances is None else InstanceCanvas(instances)
    with_photo = photos is not PhotoUse.NONE
    photo = maps.photo(recipe.base).copy() if with_photo else None
    smallest = max(1, options.min_area * base.size)
    pasted, rejected = [], 0
    for number, class_id in enumerate(recipe.classes):
        spares = recipe.spares[number] if recipe.spares else ()
        chosen = None
        for donor in (recipe.donors[number], *spares):
            layer = _donor_layer(maps, recipe, number, donor, options.objects)
            if layer is not None and check.passes(layer, maps.shape):
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
    maps: DonorMaps, recipe: Recipe, number: int, donor: int, objects: int
) -> Optional[Layer]:
    """Layer ``number`` of the recipe as a donor gives it, at its place."""
    layer = maps.layer(donor, recipe.classes[number])
    if layer is None:
        return None
    if objects:
        rng = np.random.default_rng([recipe.seed, number])
        layer = keep_objects(layer, objects, rng)
    placement = recipe.placements[number] if recipe.placements else Placement()
    return place(layer, placement, maps.shape)


def _visible(
    layer: Layer, base: np.ndarray, classes: Tuple[int, ...], options: PasteOptions
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
    options: PasteOptions,
) -> bool:
    # What lies in the layer's box is quickly counted, and mostly enough to tell.
    return any(
        hidden <= options.max_hidden * count_class(part, class_id)
        for part in (beneath, base)
    )
