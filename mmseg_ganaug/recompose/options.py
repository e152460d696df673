"""What replaying a recipe needs beside its layers."""

from dataclasses import dataclass, fields
from typing import Any, Dict, Mapping, Optional, Tuple, Type, TypeVar

from mmseg_ganaug.option_checks import (
    check_bool,
    check_choice,
    check_share,
    check_whole,
    check_whole_numbers,
)

FILLS = ('nearest', 'ignore')

Options = TypeVar('Options', bound='_Options')


@dataclass(frozen=True)
class _Options:
    """Options of every way.

    Attributes:
        resize_donors: Resize donors to the size of the base (Recon: of the first
            donor); else another size is an error.
        min_plausibility: Smallest plausibility (0..1) of a layer's place; 0 = any.
        prior: The encoded position prior, if ``min_plausibility`` > 0.

    Raises:
        ValueError: If a value is of the wrong type or outside its range.
    """

    resize_donors: bool = False
    min_plausibility: float = 0.0
    prior: Optional[Dict[str, Any]] = None

    def __post_init__(self) -> None:
        check_bool(self, 'resize_donors', self.resize_donors)
        check_share(self, 'min_plausibility', self.min_plausibility)
        if self.min_plausibility > 0 and self.prior is None:
            raise ValueError('min_plausibility needs a position prior')


@dataclass(frozen=True)
class PasteOptions(_Options):
    """Options of AddSingle and AddMulti, beside those of every way.

    Attributes:
        min_area: Smallest visible area of a layer, as a share (0..1) of the map's.
        max_hidden: A layer may hide at most this share (0..1) of a guarded class of
            the base; where it would hide more, it goes behind that class.
        guarded: The guarded classes. The classes that the recipe pastes are guarded
            wholly: nothing of them is hidden.
        objects: Objects kept of a donor's layer at most, drawn by the recipe's
            seed: its instances, or its connected components where it has none;
            0 = the whole layer.

    Raises:
        ValueError: If a value is of the wrong type or outside its range.
    """

    min_area: float = 0.0
    max_hidden: float = 1.0
    guarded: Tuple[int, ...] = ()
    objects: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_share(self, 'min_area', self.min_area)
        check_share(self, 'max_hidden', self.max_hidden)
        check_whole(self, 'objects', self.objects)
        _check_class_ids(self, 'guarded', self.guarded)


@dataclass(frozen=True)
class RebuildOptions(_Options):
    """Options of Recon, beside those of every way.

    Attributes:
        fill: What becomes of pixels that no layer covers: the ``'nearest'`` class of
            the background, or ``'ignore'``.
        background: The classes that may grow into holes; where the donors show none
            of them, or none is stated, every class of the recipe may.

    Raises:
        ValueError: If a value is of the wrong type or outside its range.
    """

    fill: str = 'nearest'
    background: Tuple[int, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice(self, 'fill', self.fill, FILLS)
        _check_class_ids(self, 'background', self.background)


def read_options(kind: Type[Options], values: Mapping[str, Any]) -> Options:
    """Options from JSON values, which are not trusted.

    Raises:
        ValueError: If a name is unknown or a value not valid.
    """
    known = [field.name for field in fields(kind)]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ValueError(f'unknown options {unknown}; there are {known}')
    values = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in values.items()
    }
    return kind(**values)


def _check_class_ids(options: _Options, name: str, values: Any) -> None:
    if values != ():
        check_whole_numbers(options, name, values, 0, 255)
