"""Recipes and plans: all that replaying recombinations needs, as data."""

import hashlib
import json
import os
from dataclasses import dataclass, fields, replace
from typing import (
    Any,
    Dict,
    Iterator,
    List,
    Mapping,
    Optional,
    Sequence,
    Tuple,
    Union,
)

from mmseg_ganaug.files import written_whole
from mmseg_ganaug.option_checks import (
    check_bool,
    check_mapping,
    check_number,
    check_share,
    check_text,
    check_whole,
    items_of,
)
from mmseg_ganaug.recompose.growth import Growth
from mmseg_ganaug.recompose.placement import Placement
from mmseg_ganaug.recompose.replay_options import (
    DEFAULT_OPTIONS,
    ReplayOptions,
    whole_numbers,
)

#: An object of a donor: its class, and row and column of one of its pixels.
Part = Tuple[int, int, int]

_FORMAT = 'mmseg_ganaug.recompose_plan'
_VERSION = 1


class PlanError(ValueError):
    """A plan or recipe is not valid; the message says where and why."""


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise PlanError(message)


def _json_object(line: str) -> Dict[str, Any]:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise PlanError(f'no JSON: {error}') from error
    _require(isinstance(values, dict), 'no JSON object')
    return values


def _items(name: str, values: Mapping[str, Any]) -> List:
    """Returns the list of a name, which may be empty or missing."""
    return items_of('a recipe', name, values.get(name, []), 'a list', fewest=0)


@dataclass(frozen=True)
class Recipe:
    """One recombination: which layers of which maps, and how.

    ``classes``, ``donors``, ``placements`` and ``fallback_donors`` run in step,
    one entry a layer, back to front.

    Attributes:
        recomposer: ``'AddSingle'``, ``'AddMulti'`` or ``'Recon'``.
        base: Number of the map that is the scene; None under Recon.
        donors: Number of the map that gives each layer.
        classes: Class of each layer.
        seed: Seed of the random draws made while replaying.
        placements: Placement of each layer; empty = all keep their coordinates.
        fallback_donors: Donors of each layer that are tried in order where one is
            rejected; empty = none.
        options: What replaying needs beside the layers.
        parts: Objects of the donor that make each layer: of each its class, and row
            and column of a pixel by which it is found. A layer without parts is its
            whole class; empty = all are. Layers with parts may share a class.
        plausibility: How plausible the place of each layer was (0..1) when the recipe
            was planned, see
            :meth:`~mmseg_ganaug.recompose.object_scene.Scene.plausibility`; empty = not
            looked at. Replaying does not need it.
        growth: Classes of the base whose borders move before anything is laid, see
            :func:`~mmseg_ganaug.recompose.growth.grow`.

    Raises:
        PlanError: If the layers do not fit each other.
    """

    recomposer: str
    base: Optional[int]
    donors: Tuple[int, ...]
    classes: Tuple[int, ...]
    seed: int
    placements: Tuple[Placement, ...] = ()
    fallback_donors: Tuple[Tuple[int, ...], ...] = ()
    options: ReplayOptions = DEFAULT_OPTIONS
    parts: Tuple[Tuple[Part, ...], ...] = ()
    plausibility: Tuple[float, ...] = ()
    growth: Tuple[Growth, ...] = ()

    def __post_init__(self) -> None:
        layers = len(self.classes)
        _require(layers > 0, 'a recipe needs at least one layer')
        _require(len(self.donors) == layers, 'donors and classes differ in length')
        for name in ('placements', 'fallback_donors', 'parts', 'plausibility'):
            count = len(getattr(self, name))
            _require(count in (0, layers), f'{name} and classes differ in length')
        parts = self.parts or ((),) * layers
        whole = [c for c, made_of in zip(self.classes, parts) if not made_of]
        _require(len(set(whole)) == len(whole), 'a class is listed twice')
        _require(
            self.base is not None or not self.growth, 'growth needs a base, not Recon'
        )

    @property
    def maps(self) -> Tuple[int, ...]:
        """The maps used, base first, each once, without fallback donors."""
        first = () if self.base is None else (self.base,)
        return tuple(dict.fromkeys(first + self.donors))

    def check_numbers(self, num_maps: int, num_classes: int, name: str) -> None:
        """Checks that a source has the maps and classes of the recipe.

        Args:
            num_maps: Label maps of the source.
            num_classes: Its classes.
            name: The recipe, for the message.

        Raises:
            PlanError: If one is missing.
        """
        others = [donor for donors in self.fallback_donors for donor in donors]
        parts = [class_id for made_of in self.parts for class_id, *_ in made_of]
        parts += [class_id for class_id, _ in self.growth]
        for what, numbers, count in (
            ('map', (*self.maps, *others), num_maps),
            ('class', (*self.classes, *parts), num_classes),
        ):
            for number in numbers:
                _require(
                    0 <= number < count,
                    f'{name}: there is no {what} {number}; the source has {count}',
                )

    def to_json(self, with_options: bool = True) -> str:
        """Returns one line of JSON; without the options where a plan states them."""
        values: Dict[str, Any] = {
            'recomposer': self.recomposer,
            'base': self.base,
            'donors': self.donors,
            'classes': self.classes,
            'seed': self.seed,
        }
        if self.placements:
            values['placements'] = [
                [p.flip, p.down, p.right, p.scale] for p in self.placements
            ]
        if self.fallback_donors:
            values['fallback_donors'] = self.fallback_donors
        for name in ('parts', 'plausibility', 'growth'):
            if getattr(self, name):
                values[name] = getattr(self, name)
        if with_options:
            values['options'] = self.options.to_json()
        return json.dumps(values)

    @classmethod
    def from_json(cls, line: str, options: Optional[ReplayOptions] = None) -> 'Recipe':
        """Reads what :meth:`to_json` wrote.

        Args:
            line: One line of JSON. It is not trusted: every value is checked.
            options: The options, where the line does not state them.

        Raises:
            PlanError: If it is not a recipe.
        """
        try:
            values = _json_object(line)
            needed = ('recomposer', 'base', 'donors', 'classes', 'seed')
            known = tuple(field.name for field in fields(cls))
            check_mapping('a plan', 'recipe', values, needed, known)
            if 'options' in values:
                options = ReplayOptions.from_json(values['options'])
            base = values['base']
            return cls(
                recomposer=check_text('a recipe', 'recomposer', values['recomposer']),
                base=None if base is None else check_whole('a recipe', 'base', base),
                donors=whole_numbers('donors', values['donors']),
                classes=whole_numbers('classes', values['classes']),
                seed=check_whole('a recipe', 'seed', values['seed']),
                placements=tuple(map(_placement, _items('placements', values))),
                fallback_donors=tuple(
                    whole_numbers('fallback_donors', donors)
                    for donors in _items('fallback_donors', values)
                ),
                options=options or DEFAULT_OPTIONS,
                parts=tuple(map(_parts, _items('parts', values))),
                plausibility=tuple(
                    check_share('a recipe', 'plausibility', value)
                    for value in _items('plausibility', values)
                ),
                growth=tuple(map(_growth, _items('growth', values))),
            )
        except ValueError as error:
            raise PlanError(str(error)) from error


@dataclass(frozen=True)
class RecomposePlan(Sequence):
    """Recipes for a whole generated set.

    Attributes:
        recipes: One recipe a sample.
        num_maps: Label maps of the source the recipes refer to.
        class_names: Its C class names.
        ignore_index: Its ignore index.
        options: What replaying needs beside the layers, shared by all recipes.

    Raises:
        PlanError: If a recipe names a map or class that the source does not have.
    """

    recipes: Tuple[Recipe, ...]
    num_maps: int
    class_names: Tuple[str, ...]
    ignore_index: int
    options: ReplayOptions = DEFAULT_OPTIONS

    def __post_init__(self) -> None:
        for number, recipe in enumerate(self.recipes):
            recipe.check_numbers(
                self.num_maps, len(self.class_names), f'recipe {number}'
            )

    def __len__(self) -> int:
        return len(self.recipes)

    def __getitem__(self, index: Any) -> Any:
        return self.recipes[index]

    def __iter__(self) -> Iterator[Recipe]:
        return iter(self.recipes)

    def repeated(self, each: int, count: int) -> 'RecomposePlan':
        """Returns the plan with recipes repeated.

        Args:
            each: How often each recipe stands there, in a row.
            count: Number of recipes; those at the end are left out.
        """
        recipes = [recipe for recipe in self.recipes for _ in range(each)]
        return replace(self, recipes=tuple(recipes[:count]))

    def lines(self) -> Iterator[str]:
        """Yields the lines of the plan's file: a header, then one recipe a line."""
        yield json.dumps(
            {
                'format': _FORMAT,
                'version': _VERSION,
                'recipes': len(self.recipes),
                'num_maps': self.num_maps,
                'class_names': list(self.class_names),
                'ignore_index': self.ignore_index,
                'options': self.options.to_json(),
            }
        )
        for recipe in self.recipes:
            yield recipe.to_json(with_options=False)

    def fingerprint(self) -> str:
        """Returns the SHA-256 (hexadecimal) of the plan's file."""
        digest = hashlib.sha256()
        for line in self.lines():
            digest.update(line.encode() + b'\n')
        return digest.hexdigest()

    def write(self, path: Union[str, os.PathLike]) -> None:
        """Writes JSON lines: whole or not at all."""
        with written_whole(path) as file:
            file.writelines(line.encode() + b'\n' for line in self.lines())

    @classmethod
    def read(cls, path: Union[str, os.PathLike]) -> 'RecomposePlan':
        """Reads what :meth:`write` wrote; the file is not trusted.

        Raises:
            PlanError: If it is not a plan; the message names file and line.
        """
        recipes: List[Recipe] = []
        read = 0
        try:
            with open(path, encoding='utf-8') as file:
                header = _json_object(file.readline())
                _check_header(header)
                options = ReplayOptions.from_json(header['options'])
                read = 1
                for line in file:
                    recipes.append(Recipe.from_json(line, options))
                    read += 1
            read = 0
            _require(
                len(recipes) == header['recipes'],
                f'{len(recipes)} recipes found, the header gives {header["recipes"]}',
            )
            return cls(
                tuple(recipes),
                header['num_maps'],
                tuple(header['class_names']),
                header['ignore_index'],
                options,
            )
        except ValueError as error:
            raise PlanError(f'{path}, line {read + 1}: {error}') from error


def _check_header(header: Mapping[str, Any]) -> None:
    _require(header.get('format') == _FORMAT, 'this is not a recombination plan')
    _require(
        header.get('version') == _VERSION,
        f'version {header.get("version")} of the format; this one reads {_VERSION}',
    )
    for name in ('recipes', 'num_maps', 'ignore_index'):
        check_whole('a plan', name, header.get(name))
    for name in _items('class_names', header):
        _require(isinstance(name, str), f'class_names: {name!r} is no text')
    _require('options' in header, 'options are missing')


def _parts(values: Any) -> Tuple[Part, ...]:
    allowed = 'a list of [class, row, column]'
    parts = []
    for item in items_of('a recipe', 'parts', values, allowed, fewest=0):
        class_id, row, column = (
            check_whole('a recipe', 'parts', value)
            for value in items_of('a recipe', 'parts', item, allowed, 3)
        )
        parts.append((class_id, row, column))
    return tuple(parts)


def _growth(values: Any) -> Growth:
    class_id, way = items_of('a recipe', 'growth', values, 'a list of [class, way]', 2)
    return (
        check_whole('a recipe', 'growth: class', class_id),
        check_number('a recipe', 'growth: way', way, -1, high=1),
    )


def _placement(values: Any) -> Placement:
    allowed = 'a list of [flip, down, right, scale]'
    flip, down, right, scale = items_of('a recipe', 'placements', values, allowed, 4)
    return Placement(
        check_bool('a recipe', 'placements: flip', flip),
        check_whole('a recipe', 'placements: down', down, float('-inf')),
        check_whole('a recipe', 'placements: right', right, float('-inf')),
        check_number('a recipe', 'placements: scale', scale, above=0, high=100),
    )
