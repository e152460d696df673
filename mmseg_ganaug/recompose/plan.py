"""Plans: the recipes of a whole generated set, and their file."""

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
    Sequence,
    Tuple,
    Union,
    overload,
)

from mmseg_ganaug.files import written_whole
from mmseg_ganaug.recompose.json_checks import (
    PlanError,
    items,
    json_object,
    require,
    whole_number,
)
from mmseg_ganaug.recompose.recipe import Recipe

_FORMAT = 'mmseg_ganaug.recompose_plan'
_VERSION = 1


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
    options = header.get('options')
    require(isinstance(options, dict), 'options are no object')
    return options
