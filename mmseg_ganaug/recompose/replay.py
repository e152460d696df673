"""Replays any recipe."""

from typing import Any, Callable, Dict, Tuple

from mmseg_ganaug.recompose.json_checks import PlanError
from mmseg_ganaug.recompose.options import PasteOptions, RebuildOptions, read_options
from mmseg_ganaug.recompose.paste import paste_layers
from mmseg_ganaug.recompose.rebuild import rebuild_map
from mmseg_ganaug.recompose.recipe import Recipe
from mmseg_ganaug.recompose.recomposed import PhotoUse, RecomposedMap
from mmseg_ganaug.recompose.source import LabelSource

_WAYS: Dict[str, Tuple[Callable[..., RecomposedMap], Any]] = {
    'AddSingle': (paste_layers, PasteOptions),
    'AddMulti': (paste_layers, PasteOptions),
    'Recon': (rebuild_map, RebuildOptions),
}


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
    if recipe.way not in _WAYS:
        raise PlanError(f'no way is called {recipe.way!r}; there are {list(_WAYS)}')
    if (recipe.base is None) != (recipe.way == 'Recon'):
        raise PlanError(f'{recipe.way} with the base {recipe.base}')
    spares = [spare for spares in recipe.spares for spare in spares]
    for index in (*recipe.maps, *spares):
        if not 0 <= index < len(source):
            raise PlanError(f'there is no map {index}; the source has {len(source)}')
    for class_id in recipe.classes:
        if not 0 <= class_id < source.num_classes:
            raise PlanError(
                f'there is no class {class_id}; the source has {source.num_classes}'
            )
    make, options_type = _WAYS[recipe.way]
    try:
        options = read_options(options_type, recipe.options)
    except ValueError as error:
        raise PlanError(f'options of a recipe for {recipe.way}: {error}') from error
    return make(recipe, source, options, PhotoUse.of(with_photo, match_tone))
