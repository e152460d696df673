"""Recipes and plans: all that replaying recombinations needs, as data."""

import hashlib
import json
import os
from dataclasses import dataclass, field
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
    overload,
)

from mmseg_ganaug.files import written_whole

_FORMAT = 'mmseg_ganaug.recompose_plan'
_VERSION = 1


class PlanError(ValueError):
    """A plan or recipe is not valid; the message says where and why."""


def require(condition: bool, message: str) -> None:
    """Raises PlanError with ``message`` unless ``condition``."""
    if not condition:
        raise PlanError(message)


def json_object(line: str) -> Dict[str, Any]:
    """Reads a JSON object from one line."""
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise PlanError(f'no JSON: {error}') from error
    require(isinstance(values, dict), 'no JSON object')
    return values


def whole_number(value: Any, name: str) -> int:
    """``value``, if it is a whole number >= 0; ``name`` is for the message."""
    valid = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    require(valid, f'{name}: {value!r} is not a whole number >= 0')
    return value


def items(values: Any, name: str) -> List:
    """``values``, if it is a list."""
    require(isinstance(values, list), f'{name}: {values!r} is no list')
    return values


def whole_numbers(values: Any, name: str) -> Tuple[int, ...]:
    """``values``, if it is a list of whole numbers >= 0."""
    return tuple(whole_number(value, name) for value in items(values, name))


@dataclass(frozen=True)
class Placement:
    """Where a donor's layer goes; by default it keeps its own coordinates.

    Applied in this order: mirrored left to right with the whole donor map, scaled
    about the bottom centre of its box (objects stay on their ground), moved.

    Attributes:
        flip: Mirror the donor map left to right.
        down: Pixels moved down (negative: up).
        right: Pixels moved to the right (negative: to the left).
        scale: Factor of size.
    """

    flip: bool = False
    down: int = 0
    right: int = 0
    scale: float = 1.0


@dataclass(frozen=True)
class Recipe:
    """One recombination: which layers of which maps, and how.

    ``classes``, ``donors``, ``placements`` and ``spares`` run in step, one entry a
    layer, back to front.

    Attributes:
        way: ``'AddSingle'``, ``'AddMulti'`` or ``'Recon'``.
        base: Number of the map that is the scene; None under Recon.
        donors: Number of the map that gives each layer.
        classes: Class of each layer.
        seed: Seed of the random draws made while replaying.
        placements: Placement of each layer; empty = all keep their coordinates.
        spares: Donors that stand in, in order, where a layer is rejected by the
            way's checks; empty = none.
        options: The way's options that replaying needs (JSON values).
    """

    way: str
    base: Optional[int]
    donors: Tuple[int, ...]
    classes: Tuple[int, ...]
    seed: int
    placements: Tuple[Placement, ...] = ()
    spares: Tuple[Tuple[int, ...], ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        layers = len(self.classes)
        require(layers > 0, 'a recipe needs a layer')
        require(len(self.donors) == layers, 'donors and classes differ in length')
        for name in ('placements', 'spares'):
            count = len(getattr(self, name))
            require(count in (0, layers), f'{name} and classes differ in length')
        require(len(set(self.classes)) == layers, 'a class stands twice')

    @property
    def maps(self) -> Tuple[int, ...]:
        """The maps used, base first, each once; spares are not counted."""
        first = () if self.base is None else (self.base,)
        return tuple(dict.fromkeys(first + self.donors))

    def to_json(self, with_options: bool = True) -> str:
        """One line of JSON; without the options where a plan states them once."""
        values: Dict[str, Any] = {
            'way': self.way,
            'base': self.base,
            'donors': self.donors,
            'classes': self.classes,
            'seed': self.seed,
        }
        if self.placements:
            values['placements'] = [
                [p.flip, p.down, p.right, p.scale] for p in self.placements
            ]
        if self.spares:
            values['spares'] = self.spares
        if with_options and self.options:
            values['options'] = dict(self.options)
        return json.dumps(values)

    @classmethod
    def from_json(
        cls, line: str, options: Optional[Mapping[str, Any]] = None
    ) -> 'Recipe':
        """Reads what :meth:`to_json` wrote.

        Args:
            line: One line of JSON. It is not trusted: every type is checked.
            options: The options, where the line does not state them.

        Raises:
            PlanError: If it is not a recipe.
        """
        return cls._from_values(json_object(line), options)

    @classmethod
    def _from_values(
        cls, values: Dict[str, Any], options: Optional[Mapping[str, Any]]
    ) -> 'Recipe':
        known = set(cls.__dataclass_fields__)
        require(set(values) <= known, f'unknown entries {set(values) - known}')
        missing = {'way', 'base', 'donors', 'classes', 'seed'} - set(values)
        require(not missing, f'{sorted(missing)} missing')
        require(isinstance(values['way'], str), 'way is no text')
        base = values['base']
        stated = values.get('options', {} if options is None else options)
        require(isinstance(stated, Mapping), 'options are no object')
        placements = items(values.get('placements', []), 'placements')
        spares = items(values.get('spares', []), 'spares')
        return cls(
            way=values['way'],
            base=None if base is None else whole_number(base, 'base'),
            donors=whole_numbers(values['donors'], 'donors'),
            classes=whole_numbers(values['classes'], 'classes'),
            seed=whole_number(values['seed'], 'seed'),
            placements=tuple(_placement(values) for values in placements),
            spares=tuple(whole_numbers(values, 'spares') for values in spares),
            options=stated,
        )


def _placement(values: Any) -> Placement:
    def whole(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool)

    valid = (
        isinstance(values, list)
        and len(values) == 4
        and isinstance(values[0], bool)
        and whole(values[1])
        and whole(values[2])
        and (whole(values[3]) or isinstance(values[3], float))
        and 0 < values[3] <= 100
    )
    require(valid, f'placements: {values!r} is not [flip, down, right, scale]')
    return Placement(*values)


@dataclass(frozen=True)
class RecomposePlan(Sequence):
    """Recipes for a whole generated set.

    Attributes:
        recipes: One recipe a sample.
        num_maps: Label maps of the source the recipes refer to.
        class_names: Its C class names.
        ignore_index: Its ignore index.
        options: The way's options, shared by all recipes.
    """

    recipes: Tuple[Recipe, ...]
    num_maps: int
    class_names: Tuple[str, ...]
    ignore_index: int
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        for number, recipe in enumerate(self.recipes):
            spares = [spare for spares in recipe.spares for spare in spares]
            for index in (*recipe.maps, *spares):
                require(
                    0 <= index < self.num_maps,
                    f'recipe {number}: there is no map {index}; the source has '
                    f'{self.num_maps}',
                )
            for class_id in recipe.classes:
                require(
                    0 <= class_id < len(self.class_names),
                    f'recipe {number}: there is no class {class_id}; there are '
                    f'{len(self.class_names)}',
                )

    def __len__(self) -> int:
        return len(self.recipes)

    @overload
    def __getitem__(self, index: int) -> Recipe: ...

    @overload
    def __getitem__(self, index: slice) -> Tuple[Recipe, ...]: ...

    def __getitem__(
        self, index: Union[int, slice]
    ) -> Union[Recipe, Tuple[Recipe, ...]]:
        return self.recipes[index]

    def __iter__(self) -> Iterator[Recipe]:
        return iter(self.recipes)

    def lines(self) -> Iterator[str]:
        """The lines of the plan's file: a header, then one recipe a line."""
        yield json.dumps(
            {
                'format': _FORMAT,
                'version': _VERSION,
                'recipes': len(self.recipes),
                'num_maps': self.num_maps,
                'class_names': list(self.class_names),
                'ignore_index': self.ignore_index,
                'options': dict(self.options),
            }
        )
        for recipe in self.recipes:
            yield recipe.to_json(with_options=False)

    def fingerprint(self) -> str:
        """SHA-256 (hexadecimal) of the plan's file."""
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
                header = json_object(file.readline())
                options = _check_header(header)
                read = 1
                for line in file:
                    recipes.append(Recipe.from_json(line, options))
                    read += 1
            read = 0
            require(
                len(recipes) == header['recipes'],
                f'{len(recipes)} recipes found, {header["recipes"]} announced',
            )
            return cls(
                tuple(recipes),
                header['num_maps'],
                tuple(header['class_names']),
                header['ignore_index'],
                options,
            )
        except (PlanError, UnicodeDecodeError) as error:
            raise PlanError(f'{path}, line {read + 1}: {error}') from error


def _check_header(header: Dict[str, Any]) -> Dict[str, Any]:
    require(header.get('format') == _FORMAT, 'this is no recombination plan')
    require(
        header.get('version') == _VERSION,
        f'version {header.get("version")} of the format; this one reads {_VERSION}',
    )
    for name in ('recipes', 'num_maps', 'ignore_index'):
        whole_number(header.get(name), name)
    names = items(header.get('class_names'), 'class_names')
    require(all(isinstance(name, str) for name in names), 'a class name is no text')
    require(isinstance(header.get('options'), dict), 'options are no object')
    return header['options']
