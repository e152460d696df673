"""Options of replaying recipes."""

from dataclasses import dataclass, fields
from typing import Any, Dict, Optional, Tuple

from mmseg_ganaug.option_checks import (
    check_bool,
    check_choice,
    check_mapping,
    check_share,
    check_whole,
    items_of,
)
from mmseg_ganaug.recompose.layers import Layer
from mmseg_ganaug.recompose.placement import PositionPrior

FILLS = ('nearest', 'ignore')


def whole_numbers(
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
        things: Classes whose objects in the base stay in front of layers made of
            objects that stand higher in the photo, and so farther away.

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
    things: Tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_bool(self, 'resize_donors', self.resize_donors)
        check_share(self, 'min_plausibility', self.min_plausibility)
        check_share(self, 'min_area', self.min_area)
        check_share(self, 'max_hidden', self.max_hidden)
        check_whole(self, 'max_objects', self.max_objects)
        check_choice(self, 'fill', self.fill, FILLS)
        whole_numbers('guarded', self.guarded, high=255)
        whole_numbers('background', self.background, high=255)
        whole_numbers('things', self.things, high=255)
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
        for name in {'guarded', 'background', 'things'} & set(values):
            values[name] = whole_numbers(name, values[name], high=255)
        return cls(**values)


#: Whole layers at their own place, and nothing that is checked.
DEFAULT_OPTIONS = ReplayOptions()
