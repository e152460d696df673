"""Recipes and plans: all that replaying recombinations needs, as data."""

import hashlib
import json
import os
from dataclasses import dataclass, fields
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
    check_choice,
    check_mapping,
    check_number,
    check_share,
    check_text,
    check_whole,
    items_of,
)
from mmseg_ganaug.recompose.layers import Layer
from mmseg_ganaug.recompose.placement import Placement, PositionPrior

FILLS = ('nearest', 'ignore')

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


def _whole_numbers(
    name: str, values: Any, high: float = float('inf')
) -> Tuple[int, ...]:
    """Returns a list of whole numbers >= 0, which may be empty, as a tuple."""
    listed = items_of('a recipe', name, values, 'a list of whole numbers', fewest=0)
    return tuple(check_whole('a recipe', name, value, 0, high) for value in listed)


@dataclass(frozen=True)
class ReplayOptions:
    """Options of replaying a recipe; one object for a whole plan.

    Attributes:
        resize_donors: Resize donors to the size of the base (Recon: of the first
            donor); else another size is an error.
        min_plausibility: Smallest plausibility (0..1) of a layer's place; 0 = any.
        prior: The position prior, if ``min_plausibility`` > 0.
        min_area: AddSingle and AddMulti: smallest visible area of a layer, as a share
            (0..1) of the map's.
        max_hidden: A layer may hide at most this share (0..1) of a guarded class of
            the base; where it would hide more, it goes behind that class.
        guarded: The guarded classes. The classes that the recipe adds are guarded
            wholly: nothing of them is hidden.
        max_objects: Objects kept of a donor's layer at most, drawn by the recipe's
            seed: its instances, or its connected components where it has none;
            0 = the whole layer.
        fill: Recon: what becomes of pixels that no layer covers: the ``'nearest'``
            class of the background, or ``'ignore'``.
        background: The classes that may grow into holes; where the donors show none
            of them, or none is stated, every class of the recipe may.

    Raises:
        ValueError: If a value is of the wrong type or outside its range.
    """

    resize_donors: bool = False
    min_plausibility: float = 0.0
    prior: Optional[PositionPrior] = None
    min_area: float = 0.0
    max_hidden: float = 1.0
    guarded: Tuple[int, ...] = ()
    max_objects: int = 0
    fill: str = 'nearest'
    background: Tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_bool(self, 'resize_donors', self.resize_donors)
        check_share(self, 'min_plausibility', self.min_plausibility)
        check_share(self, 'min_area', self.min_area)
        check_share(self, 'max_hidden', self.max_hidden)
        check_whole(self, 'max_objects', self.max_objects)
        check_choice(self, 'fill', self.fill, FILLS)
        _whole_numbers('guarded', self.guarded, high=255)
        _whole_numbers('background', self.background, high=255)
        if self.min_plausibility > 0 and self.prior is None:
            raise ValueError('min_plausibility needs a position prior')

    def allows_place(self, layer: Layer, shape: Tuple[int, ...]) -> bool:
        """Returns whether a layer may lie where it lies in a map of a size."""
        if self.prior is None or self.min_plausibility == 0:
            return True
        return self.prior.plausibility(layer, shape) >= self.min_plausibility

    def to_json(self) -> Dict[str, Any]:
        """Returns the options that differ from their defaults, as JSON values."""
        values = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) != field.default
        }
        if self.prior is not None:
            values['prior'] = self.prior.values.tolist()
        return values

    @classmethod
    def from_json(cls, values: Any) -> 'ReplayOptions':
        """Reads what :meth:`to_json` gave; the values are not trusted.

        Raises:
            ValueError: If a name is unknown or a value not valid.
        """
        known = [field.name for field in fields(cls)]
        values = check_mapping('a recipe', 'options', values, known=known)
        if 'prior' in values:
            values['prior'] = PositionPrior(values['prior'])
        for name in {'guarded', 'background'} & set(values):
            values[name] = _whole_numbers(name, values[name], high=255)
        return cls(**values)


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
    options: ReplayOptions = ReplayOptions()

    def __post_init__(self) -> None:
        layers = len(self.classes)
        _require(layers > 0, 'a recipe needs at least one layer')
        _require(len(self.donors) == layers, 'donors and classes differ in length')
        for name in ('placements', 'fallback_donors'):
            count = len(getattr(self, name))
            _require(count in (0, layers), f'{name} and classes differ in length')
        _require(len(set(self.classes)) == layers, 'a class is listed twice')

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
        for what, numbers, count in (
            ('map', (*self.maps, *others), num_maps),
            ('class', self.classes, num_classes),
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
                donors=_whole_numbers('donors', values['donors']),
                classes=_whole_numbers('classes', values['classes']),
                seed=check_whole('a recipe', 'seed', values['seed']),
                placements=tuple(map(_placement, _items('placements', values))),
                fallback_donors=tuple(
                    _whole_numbers('fallback_donors', donors)
                    for donors in _items('fallback_donors', values)
                ),
                options=options or ReplayOptions(),
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
    options: ReplayOptions = ReplayOptions()

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


def _placement(values: Any) -> Placement:
    allowed = 'a list of [flip, down, right, scale]'
    flip, down, right, scale = items_of('a recipe', 'placements', values, allowed, 4)
    return Placement(
        check_bool('a recipe', 'placements: flip', flip),
        check_whole('a recipe', 'placements: down', down, float('-inf')),
        check_whole('a recipe', 'placements: right', right, float('-inf')),
        check_number('a recipe', 'placements: scale', scale, above=0, high=100),
    )
