"""Finds which classes masks hold: all that is in them, or what a user lists."""

import colorsys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from mmseg_ganaug.files import write_atomically
from mmseg_ganaug.own_data.class_list import ListedClass, write_class_list
from mmseg_ganaug.own_data.mask_survey import MaskSurvey
from mmseg_ganaug.own_data.masks import (
    describe_colour,
    grey_colour,
    is_grey,
    unpack_colour,
)

_IGNORED = 255
# Ids are small, or fill their range; grey values that stand for classes are neither.
_SMALL_IDS = 64


@dataclass(frozen=True)
class MaskClasses:
    """The classes of a data set and the mask values that stand for them.

    Args:
        names (Sequence[str]): Of the classes, in the order of their ids.
        values (Sequence[Sequence[int]]): Mask values of each: ids 0..255, or colours
            0xRRGGBB.
        ignored (Sequence[int]): Mask values of no class.
        by_colour (bool): Whether values are colours.
        palette (Sequence[tuple[int, int, int]]): RGB colour to show each class in.
    """

    names: Sequence[str]
    values: Sequence[Sequence[int]]
    ignored: Sequence[int]
    by_colour: bool
    palette: Sequence[Tuple[int, int, int]]

    @property
    def are_ids(self) -> bool:
        """Whether masks hold class ids already, and one ignored value at most."""
        ids = [[class_id] for class_id in range(len(self.names))]
        one = len(self.ignored) <= 1
        return not self.by_colour and one and list(map(list, self.values)) == ids

    @property
    def ignore_index(self) -> int:
        """Label value of no class: that of the masks where they hold ids, else 255."""
        return self.ignored[0] if self.are_ids and self.ignored else _IGNORED

    def to_label_map(self, mask: np.ndarray) -> np.ndarray:
        """Makes a label map of a mask.

        Args:
            mask (np.ndarray): ``[H, W]`` ids or colours, all of them known.

        Returns:
            np.ndarray: uint8 ``[H, W]``, 0..C-1 and ``ignore_index``.
        """
        values = [value for of_class in self.values for value in of_class]
        ids = [i for i, of_class in enumerate(self.values) for _ in of_class]
        known = np.array([*values, *self.ignored], np.int64)
        ids += [self.ignore_index] * len(self.ignored)
        order = np.argsort(known)
        return np.array(ids, np.uint8)[order][np.searchsorted(known[order], mask)]

    def describe(self, value: int) -> str:
        """Writes a mask value in words: an id, or ``R G B``."""
        return describe_colour(value) if self.by_colour else str(value)


def find_classes(survey: MaskSurvey) -> MaskClasses:
    """Takes every value of the masks for a class.

    255 is no class where the other values look like ids; so 0 and 255 are two classes,
    and 0, 1 and 255 too.

    Args:
        survey (MaskSurvey): Of the masks.

    Returns:
        MaskClasses: Named by their values.

    Raises:
        ValueError: When there is one value only.
    """
    by_colour = survey.by_colour
    found = sorted(survey.values(by_colour))
    ids = [value for value in found if value != _IGNORED]
    look_like_ids = len(ids) > 1 and (ids[-1] < _SMALL_IDS or 2 * len(ids) > ids[-1])
    ignored = []
    if not by_colour and look_like_ids and _IGNORED in found:
        found, ignored = ids, [_IGNORED]
    names = [
        'rgb_' + describe_colour(value).replace(' ', '_')
        if by_colour
        else f'class_{value}'
        for value in found
    ]
    return _checked(names, [[value] for value in found], ignored, by_colour, survey)


def match_classes(
    survey: MaskSurvey, listed: Sequence[ListedClass], path: Union[str, Path]
) -> MaskClasses:
    """Takes the classes that a user lists.

    Names alone stand for the ids 0, 1, ...; where other values occur, and as many as
    there are names, for these, in rising order.

    Args:
        survey (MaskSurvey): Of the masks.
        listed (Sequence[ListedClass]): The lines of the file.
        path (str | Path): The file, for messages.

    Returns:
        MaskClasses: With those names; an id 255 that is not listed is ignored.

    Raises:
        ValueError: When the list does not fit the masks: another form, a value of the
            masks that is not listed, or fewer than two classes that occur. Names file
            and value.
    """
    by_colour = listed[0].colour is not None
    if by_colour:
        lines = [(item.name, item.colour, item.ignored) for item in listed]
    else:
        by_grey = _require_ids(survey, listed, path)
        ids = _ids(survey, listed, by_grey)
        # Ids in files of three equal channels are grey colours.
        lines = [
            (item.name, grey_colour(i) if by_grey else i, item.ignored)
            for item, i in zip(listed, ids)
        ]
        by_colour = by_grey
        if _IGNORED not in ids:
            white = grey_colour(_IGNORED)
            lines.append(('ignore', white if by_grey else _IGNORED, True))
        lines.sort(key=lambda line: line[1])
    values: Dict[str, List[int]] = {}
    for name, value, is_ignored in lines:
        if not is_ignored:
            values.setdefault(name, []).append(value)
    occurring = survey.values(by_colour)
    ignored = [value for _, value, left_out in lines if left_out and value in occurring]
    missing = sorted(occurring - {value for _, value, _ in lines})
    if missing:
        mask = survey.first_mask_with(missing[0], by_colour)
        written = [describe_colour(v) if by_colour else str(v) for v in missing]
        share = _shares(survey, missing, by_colour)[0]
        raise ValueError(
            f'{mask} shows {written[0]}, but {path} does not list it. Values that lack '
            f'a line: {"; ".join(written[:8])}{"; ..." if len(written) > 8 else ""} '
            f'({100 * share:.3g} % of all pixels). {_how_to_list(missing[0], listed)}'
        )
    return _checked(list(values), list(values.values()), ignored, by_colour, survey)


class FoundClass(NamedTuple):
    """A class, or what is ignored, as found in the masks.

    Attributes:
        id: Class id; None for what is ignored.
        name: Of the class.
        values: Its mask values in words.
        pixel_share: Share of all pixels, 0..1.
        mask_share: Share of the masks that show it, 0..1.
    """

    id: Optional[int]
    name: str
    values: Sequence[str]
    pixel_share: float
    mask_share: float


def describe_classes(survey: MaskSurvey, classes: MaskClasses) -> List[FoundClass]:
    """Describes what was found in the masks, for the user to check.

    Args:
        survey (MaskSurvey): Of the masks.
        classes (MaskClasses): Their classes.

    Returns:
        list[FoundClass]: The classes by id, and what is ignored where it occurs.
    """
    groups = [*enumerate(zip(classes.names, classes.values))]
    if classes.ignored:
        groups.append((None, ('ignored', classes.ignored)))
    return [
        FoundClass(
            class_id,
            name,
            [classes.describe(value) for value in values],
            *_shares(survey, values, classes.by_colour),
        )
        for class_id, (name, values) in groups
    ]


def write_found_classes(
    path: Union[str, Path],
    survey: MaskSurvey,
    classes: MaskClasses,
    write: Callable[[Path, str], Path] = write_atomically,
) -> Path:
    """Writes the classes as a list to be corrected; see :func:`read_class_list`.

    Args:
        path (str | Path): The file.
        survey (MaskSurvey): Of the masks.
        classes (MaskClasses): Their classes.
        write (callable): Writes a text to a path. Defaults to
            :func:`~mmseg_ganaug.files.write_atomically`.

    Returns:
        Path: The file.
    """
    lines = [
        (n, v) for n, of_class in zip(classes.names, classes.values) for v in of_class
    ]
    lines += [('ignore', value) for value in classes.ignored]
    shares = [_shares(survey, [value], classes.by_colour)[0] for _, value in lines]
    return write_class_list(
        path,
        [name for name, _ in lines],
        [classes.describe(value) for _, value in lines],
        [f'{100 * share:.3f} % of the pixels' for share in shares],
        write,
    )


def _require_ids(
    survey: MaskSurvey, listed: Sequence[ListedClass], path: Union[str, Path]
) -> bool:
    """Checks whether ids are stored as grey colours; other colours are an error."""
    if not survey.by_colour:
        return False
    for pair, pixels in zip(survey.pairs, survey.pixels(True)):
        for colour in pixels:
            if not is_grey(colour):
                form = 'ids' if listed[0].id is not None else 'names alone'
                raise ValueError(
                    f'{pair.mask} shows the colour {describe_colour(colour)}, but '
                    f'{path} lists {form}: give lines "name R G B". Started without '
                    '--classes, the quickstart writes the colours that there are'
                )
    return True


def _how_to_list(value: int, listed: Sequence[ListedClass]) -> str:
    """Advises on a value of the masks without a line; all lines must be alike."""
    if listed[0].colour is not None:
        numbers = ', '.join(map(str, unpack_colour(value)))
    else:
        numbers = str(unpack_colour(value)[2])  # an id, or one as a grey colour
    line = f'"name, {numbers}", or "ignore, ..." for no class'
    if listed[0].colour is None and listed[0].id is None:
        return (
            f'Names alone stand for the ids 0 to {len(listed) - 1}: write these behind '
            f'them, as in "{listed[0].name}, 0", then add lines such as {line}'
        )
    return f'Add lines such as {line}'


def _ids(survey: MaskSurvey, listed: Sequence[ListedClass], by_grey: bool) -> List[int]:
    if listed[0].id is not None:
        return [item.id for item in listed]
    found = find_classes(survey)
    values = [
        unpack_colour(value)[0] if by_grey else value for (value,) in found.values
    ]
    if len(values) == len(listed) and values[-1] >= len(listed):
        return values
    return list(range(len(listed)))


def _shares(
    survey: MaskSurvey, values: Sequence[int], by_colour: bool
) -> Tuple[float, float]:
    """Returns the shares of all pixels, and of the masks, that show such a value."""
    total = sum(width * height for width, height in (c.size for c in survey.contents))
    counts = [
        sum(pixels.get(value, 0) for value in values)
        for pixels in survey.pixels(by_colour)
    ]
    return sum(counts) / total, sum(count > 0 for count in counts) / len(counts)


def _checked(
    names: List[str],
    values: List[List[int]],
    ignored: List[int],
    by_colour: bool,
    survey: MaskSurvey,
) -> MaskClasses:
    occurring = survey.values(by_colour)
    shown = [name for name, own in zip(names, values) if occurring & set(own)]
    if len(shown) < 2:
        written = [describe_colour(v) if by_colour else str(v) for v in occurring]
        raise ValueError(
            f'the masks show {len(shown)} class: {", ".join(shown) or "none"} (values '
            f'in the masks: {"; ".join(sorted(written))}; the first is '
            f'{survey.pairs[0].mask}). Two or more are needed: correct the list of '
            'classes, or the masks'
        )
    palette = _palette(values, by_colour, survey)
    return MaskClasses(names, values, ignored, by_colour, palette)


def _palette(
    values: Sequence[Sequence[int]], by_colour: bool, survey: MaskSurvey
) -> List[Tuple[int, int, int]]:
    """Takes the masks' own colours if all classes have one, else evenly spread hues."""
    colours: Dict[int, Optional[int]] = {}
    for content in survey.contents:
        colours.update(content.palette)
    own = [
        of_class[0] if by_colour else colours.get(of_class[0]) for of_class in values
    ]
    if None not in own and len(set(own)) == len(own):
        return [unpack_colour(colour) for colour in own]
    spread: List[Tuple[int, int, int]] = []
    for i in range(len(values)):
        hue, light = i * 0.618034 % 1, (0.95, 0.7, 0.45)[i % 3]
        red, green, blue = colorsys.hsv_to_rgb(hue, 0.75, light)
        spread.append((round(255 * red), round(255 * green), round(255 * blue)))
    return spread
