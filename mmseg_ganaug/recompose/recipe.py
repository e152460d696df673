"""Recipes: everything that replaying one recombination needs, as data."""

import json
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional, Tuple

from mmseg_ganaug.recompose.json_checks import (
    items,
    json_object,
    require,
    whole_number,
    whole_numbers,
)


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
