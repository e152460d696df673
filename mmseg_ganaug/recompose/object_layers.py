"""Groups of objects laid on maps, as arrays, and what they make of the classes."""

from dataclasses import dataclass, fields
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np

from mmseg_ganaug.recompose.draws import Draws
from mmseg_ganaug.recompose.object_scene import Scene
from mmseg_ganaug.recompose.objects import class_at, relative_boxes
from mmseg_ganaug.recompose.placement import Placement
from mmseg_ganaug.recompose.planner import Expectation
from mmseg_ganaug.recompose.recipe import Recipe
from mmseg_ganaug.recompose.statistics import LabelStatistics

# Where is looked for what a box covers, as shares of its sides.
_INSIDE = np.array([0.125, 0.375, 0.625, 0.875])


@dataclass
class ObjectLayers:
    """n recombinations of at most k groups of objects each, back to front.

    Attributes:
        bases: int64 [n], the map that each stands on.
        classes: int64 [n, k], the class for which each group was drawn.
        groups: int64 [n, k], the groups laid on it; -1 = none.
        moves: float64 [n, k, 4], mirrored (0 or 1), shift down and to the right as
            shares of the map's sides, factor of size.
        plausibility: float64 [n, k], see :meth:`Scene.plausibility`.
    """

    bases: np.ndarray
    classes: np.ndarray
    groups: np.ndarray
    moves: np.ndarray
    plausibility: np.ndarray

    def __getitem__(self, rows: np.ndarray) -> 'ObjectLayers':
        return ObjectLayers(
            self.bases[rows],
            self.classes[rows],
            self.groups[rows],
            self.moves[rows],
            self.plausibility[rows],
        )

    @classmethod
    def empty(cls) -> 'ObjectLayers':
        """Returns no recombination."""
        none = np.zeros((0, 1), np.int64)
        return cls(none[:, 0], none, none, np.zeros((0, 1, 4)), np.zeros((0, 1)))

    @classmethod
    def join(cls, parts: Sequence['ObjectLayers']) -> 'ObjectLayers':
        """Returns the recombinations of all parts, one after the other."""
        names = (field.name for field in fields(cls))
        return cls(*(np.concatenate([getattr(p, n) for p in parts]) for n in names))

    def recipe(
        self, row: int, scene: Scene, sizes: np.ndarray, **others: Any
    ) -> Recipe:
        """Returns the recipe of a recombination.

        Args:
            row: Its number.
            scene: The objects of the source.
            sizes: int64 [N, 2], height and width of the maps.
            others: Other values of the recipe.
        """
        laid = self.groups[row] >= 0
        groups, base = self.groups[row][laid], int(self.bases[row])
        return Recipe(
            base=base,
            donors=tuple(scene.maps[groups].tolist()),
            classes=tuple(self.classes[row][laid].tolist()),
            placements=tuple(self._placements(row, sizes[base])),
            parts=tuple(scene.parts[group] for group in groups),
            plausibility=tuple(self.plausibility[row][laid].round(3).tolist()),
            **others,
        )

    def _placements(self, row: int, size: np.ndarray) -> List[Placement]:
        """Returns the placements of a recombination, in pixels of a map's size."""
        return [
            Placement(
                flip=bool(flip),
                down=round(float(down * size[0])),
                right=round(float(right * size[1])),
                scale=round(float(scale), 3),
            )
            for group, (flip, down, right, scale) in zip(
                self.groups[row], self.moves[row]
            )
            if group >= 0
        ]


def mirrored(boxes: np.ndarray) -> np.ndarray:
    """Mirrors boxes (top, left, bottom, right as shares) left to right: [..., 4]."""
    return np.stack(
        [boxes[..., 0], 1 - boxes[..., 3], boxes[..., 2], 1 - boxes[..., 1]], axis=-1
    )


def move_boxes(boxes: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Moves boxes as :func:`~mmseg_ganaug.recompose.placement.place` moves layers.

    Args:
        boxes: float64 [n, 4], top, left, bottom, right as shares of the map's sides.
        moves: float64 [n, 4], see :attr:`ObjectLayers.moves`.
    """
    boxes = np.where(moves[:, :1] > 0, mirrored(boxes), boxes)
    scale = moves[:, 3]
    height = (boxes[:, 2] - boxes[:, 0]) * scale
    half = (boxes[:, 3] - boxes[:, 1]) * scale / 2
    bottom = boxes[:, 2] + moves[:, 1]
    centre = (boxes[:, 1] + boxes[:, 3]) / 2 + moves[:, 2]
    return np.stack([bottom - height, centre - half, bottom, centre + half], axis=1)


def covered(
    thumbnails: np.ndarray, num_classes: int, maps: np.ndarray, boxes: np.ndarray
) -> np.ndarray:
    """Estimates what boxes cover: float64 [n, C], shares of the box.

    Args:
        thumbnails: uint8 [N, 96, 128], small copies of the maps.
        num_classes: Number of classes C.
        maps: int64 [n], the maps that the boxes lie in.
        boxes: float64 [n, 4], top, left, bottom, right as shares of the map's sides.
    """
    top, left, bottom, right = boxes.T[..., None]
    rows = top + (bottom - top) * np.repeat(_INSIDE, len(_INSIDE))
    columns = left + (right - left) * np.tile(_INSIDE, len(_INSIDE))
    found = class_at(thumbnails, maps, rows, columns)
    result = np.zeros((len(maps), num_classes + 1))
    np.add.at(result, (np.arange(len(maps))[:, None], found), 1 / found.shape[1])
    return result[:, :-1]


def expected_pixels(
    statistics: LabelStatistics, recipes: Sequence[Recipe]
) -> np.ndarray:
    """Estimates the pixels of each class in recipes made of objects: float64 [n, C].

    Args:
        statistics: Of the source, with its objects.
        recipes: The recipes.

    Raises:
        ValueError: If the objects of the recipes are not those of the statistics.
    """
    scene = statistics.scene
    if scene is None:
        raise ValueError('the statistics hold no objects: collect them with_scene=True')
    names = ('map', 'class_id', 'row', 'column')
    known = {key: i for i, key in enumerate(scene.objects[list(names)].tolist())}
    boxes = relative_boxes(scene.objects, statistics.sizes)
    area = statistics.sizes.prod(axis=1)
    content = _without_objects(statistics, recipes)
    for row, recipe in zip(content, recipes):
        base = recipe.maps[0]
        row /= area[base]
        for number, parts in enumerate(recipe.parts):
            if parts:
                found = _part_numbers(known, recipe.donors[number], parts)
                placement = recipe.placements[number]
                _add_group(row, statistics, boxes, found, base, placement)
        row *= area[base]
    return content


def _without_objects(
    statistics: LabelStatistics, recipes: Sequence[Recipe]
) -> np.ndarray:
    """Estimates the pixels on which the objects of recipes are laid: [n, C]."""
    draws = Draws.from_recipes(recipes)
    for classes, recipe in zip(draws.classes, recipes):
        made_of_objects = [len(parts) > 0 for parts in recipe.parts]
        classes[: len(made_of_objects)][made_of_objects] = -1
    options = recipes[0].options
    return Expectation(statistics, options.background, options.fill).pixels(draws)


def _part_numbers(
    known: Dict[Tuple[int, int, int, int], int],
    donor: int,
    parts: Sequence[Tuple[int, int, int]],
) -> List[int]:
    try:
        return [known[donor, part[0], part[1], part[2]] for part in parts]
    except KeyError as error:
        raise ValueError(
            f'map {donor} has no object {error.args[0][1:]} (class, row, column): the '
            'plan was made from other label maps'
        ) from None


def _add_group(
    content: np.ndarray,
    statistics: LabelStatistics,
    boxes: np.ndarray,
    found: Sequence[int],
    base: int,
    placement: Placement,
) -> None:
    """Lays a group (numbers of its objects) over the shares of a map, in place."""
    scene = statistics.scene
    assert scene is not None, 'there are objects'
    objects, size = scene.objects[found], statistics.sizes[base]
    box = np.append(boxes[found, :2].min(axis=0), boxes[found, 2:].max(axis=0))
    down, right = placement.down / size[0], placement.right / size[1]
    moves = np.array([[placement.flip, down, right, placement.scale]], np.float64)
    areas = objects['area'] * placement.scale**2
    areas = areas / statistics.sizes[objects['map'][0]].prod()
    beneath = covered(
        scene.thumbnails, len(content), np.array([base]), move_boxes(box[None], moves)
    )
    content -= np.minimum(beneath[0] * areas.sum(), content)
    np.add.at(content, objects['class_id'].astype(np.int64), areas)
