"""Finds which classes masks hold: all that is in them, or what a user lists."""

import colorsys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Iterable, List, Optional, Sequence, Tuple, Union

import numpy as np

from mmseg_ganaug.files import write_atomically
from mmseg_ganaug.own_data.class_list import ClassList
from mmseg_ganaug.own_data.mask_survey import MaskSurvey
from mmseg_ganaug.own_data.masks import (
    MOST_VALUES,
    MaskForm,
    is_grey,
    pack_colour,
    unpack_colour,
)
from mmseg_ganaug.own_data.pairs import Pair
from mmseg_ganaug.visualization.table import Table

_IGNORED = 255
# Ids are small, or fill their range; grey values that stand for classes are neither.
_SMALL_IDS = 64
# Share of all pixels below which a class may be there by mistake.
_FEW_PIXELS = 1e-4
_HEAD = """\
# The classes found in the masks, one a line. Correct the names, and start again:
# lines of one name make one class, and "ignore" stands for no class.
"""


@dataclass(frozen=True)
class MaskClasses:
    """The classes of a data set and the mask values that stand for them.

    Args:
        names (Sequence[str]): Of the classes, in the order of their ids.
        values (Sequence[Sequence[int]]): Mask values of each.
        ignored (Sequence[int]): Mask values of no class.
        form (MaskForm): Meaning of the mask values.
        palette (Sequence[tuple[int, int, int]]): RGB colour to show each class in.
    """

    names: Sequence[str]
    values: Sequence[Sequence[int]]
    ignored: Sequence[int]
    form: MaskForm
    palette: Sequence[Tuple[int, int, int]]

    @property
    def are_ids(self) -> bool:
        """Checks whether masks hold class ids, and one ignored value at most."""
        ids = [[class_id] for class_id in range(len(self.names))]
        same = list(map(list, self.values)) == ids and len(self.ignored) <= 1
        return same and self.form is MaskForm.IDS

    @property
    def ignore_index(self) -> int:
        """Returns the label value of no class: that of masks of ids, else 255."""
        return self.ignored[0] if self.are_ids and self.ignored else _IGNORED

    def to_label_map(self, mask: np.ndarray) -> np.ndarray:
        """Makes a label map of a mask.

        Args:
            mask (np.ndarray): ``[H, W]`` values, all of them known.

        Returns:
            np.ndarray: uint8 ``[H, W]``, 0..C-1 and ``ignore_index``.
        """
        values = [value for of_class in self.values for value in of_class]
        ids = [i for i, of_class in enumerate(self.values) for _ in of_class]
        known = np.array([*values, *self.ignored], np.int64)
        ids += [self.ignore_index] * len(self.ignored)
        order = np.argsort(known)
        return np.array(ids, np.uint8)[order][np.searchsorted(known[order], mask)]


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
    found = sorted(survey.values)
    ids = [value for value in found if value != _IGNORED]
    look_like_ids = len(ids) > 1 and (ids[-1] < _SMALL_IDS or 2 * len(ids) > ids[-1])
    if look_like_ids and survey.form is MaskForm.IDS:
        found = ids
    prefix = 'rgb' if survey.form is MaskForm.COLOURS else 'class'
    names = [f'{prefix}_{survey.form.describe(v).replace(" ", "_")}' for v in found]
    ignored = sorted(survey.values - set(found))
    return _checked(names, [[value] for value in found], ignored, survey)


def match_classes(survey: MaskSurvey, listed: ClassList) -> MaskClasses:
    """Takes the classes that a user lists.

    Names alone stand for the ids 0, 1, ...; where other values occur, and as many as
    there are names, for these, in rising order.

    Args:
        survey (MaskSurvey): Of the masks, made with the same list.
        listed (ClassList): The classes.

    Returns:
        MaskClasses: With those names; an id 255 that is not listed is ignored.

    Raises:
        ValueError: When the list does not fit the masks: another form, a value of the
            masks that is not listed, fewer than two classes that occur, or more than
            label maps can hold. Names file and value.
    """
    if listed.has_colours:
        lines = [(item.name, item.value, item.ignored) for item in listed.lines]
    else:
        _require_ids(survey, listed)
        ids = _listed_ids(survey, listed)
        lines = [(item.name, i, item.ignored) for item, i in zip(listed.lines, ids)]
        if _IGNORED not in ids:
            lines.append(('ignore', _IGNORED, True))
        lines.sort(key=lambda line: line[1])
    values: Dict[str, List[int]] = {}
    for name, value, is_ignored in lines:
        if not is_ignored:
            values.setdefault(name, []).append(value)
    ignored = [v for _, v, is_ignored in lines if is_ignored and v in survey.values]
    missing = sorted(survey.values - {value for _, value, _ in lines})
    if missing:
        written = [survey.form.describe(value) for value in missing]
        share = survey.shares(missing)[0]
        raise ValueError(
            f'{survey.first_mask_with(missing[0])} shows {written[0]}, but '
            f'{listed.path} does not list it. Values that lack a line: '
            f'{"; ".join(written[:8])}{"; ..." if len(written) > 8 else ""} '
            f'({100 * share:.3g} % of all pixels). {_how_to_list(written[0], listed)}'
        )
    return _checked(list(values), list(values.values()), ignored, survey)


def tabulate_classes(
    survey: MaskSurvey,
    classes: MaskClasses,
    pairs: Sequence[Pair],
    train: Iterable[str],
    note: str,
) -> Table:
    """Tabulates the classes found in the masks, for the user to check.

    Args:
        survey (MaskSurvey): Of the masks.
        classes (MaskClasses): Their classes.
        pairs (Sequence[Pair]): Those that are split, the first ones of the survey.
        train (Iterable[str]): Keys of the pairs to train on.
        note (str): Last note below the table, on the split.

    Returns:
        Table: A row for each class by its id, and one for ignored values that occur.
        Notes name classes that no training photo shows, and those of few pixels.
    """
    rows = [*zip(classes.names, map(str, range(len(classes.names))), classes.values)]
    if classes.ignored:
        rows.append(('ignored', '-', classes.ignored))
    trained = set(train)
    counted = zip(pairs, survey.pixels)
    shown = set().union(*(pixels for pair, pixels in counted if pair.key in trained))
    absent = [
        name
        for name, values in zip(classes.names, classes.values)
        if not shown & set(values)
    ]
    notes = [f'In no photo to train on: {", ".join(absent)}.'] if absent else []
    what = 'RGB' if survey.form is MaskForm.COLOURS else 'value'
    return Table(
        header=['class', 'id', f'{what} in the masks', '% of pixels', '% of masks'],
        rows=[
            [
                name,
                class_id,
                '; '.join(map(survey.form.describe, values)),
                f'{100 * pixel_share:.3f}',
                f'{100 * mask_share:.1f}',
            ]
            for name, class_id, values in rows
            for pixel_share, mask_share in [survey.shares(values)]
        ],
        title=f'Classes found in {len(survey.pairs)} masks',
        notes=[*notes, *_slips(survey, classes), note],
    )


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
    named = [(name, v) for name, own in zip(classes.names, classes.values) for v in own]
    named += [('ignore', value) for value in classes.ignored]
    lines = [
        f'{name}, {survey.form.describe(value).replace(" ", ", ")}  '
        f'# {100 * survey.shares([value])[0]:.3f} % of the pixels\n'
        for name, value in named
    ]
    return write(Path(path), _HEAD + ''.join(lines))


def _slips(survey: MaskSurvey, classes: MaskClasses) -> List[str]:
    """Points at classes of a few pixels in one mask, which may be a slip of the pen."""
    every = sum(sum(pixels.values()) for pixels in survey.pixels)
    slips = []
    for name, values in zip(classes.names, classes.values):
        counts = [sum(pixels.get(v, 0) for v in values) for pixels in survey.pixels]
        found = [
            (count, pair.mask) for count, pair in zip(counts, survey.pairs) if count
        ]
        if len(found) == 1 and found[0][0] < _FEW_PIXELS * every:
            count, mask = found[0]
            slips.append(f'{name} ({count} pixel{"s" * (count > 1)}, in {mask})')
    if not slips:
        return []
    return [
        f'Hardly there: {", ".join(slips)}. Where that is a slip, correct the mask, or '
        'write "ignore" for the value in the list of classes.'
    ]


def _require_ids(survey: MaskSurvey, listed: ClassList) -> None:
    """Checks that the masks hold ids where the list has ids or names alone."""
    if survey.form is MaskForm.COLOURS:
        colour = min(survey.values, key=is_grey)
        raise ValueError(
            f'{survey.first_mask_with(colour)} shows the colour '
            f'{survey.form.describe(colour)}, but {listed.path} lists '
            f'{"names alone" if listed.has_names_alone else "ids"}: give lines '
            '"name R G B". Started without --classes, it writes the colours that '
            'there are'
        )


def _how_to_list(value: str, listed: ClassList) -> str:
    """Advises on a value of the masks without a line; all lines must be alike."""
    line = f'"name, {value.replace(" ", ", ")}", or "ignore, ..." for no class'
    if listed.has_names_alone:
        return (
            f'Names alone stand for the ids 0 to {len(listed.lines) - 1}: write these '
            f'behind them, as in "{listed.lines[0].name}, 0", then add lines such as '
            f'{line}'
        )
    return f'Add lines such as {line}'


def _listed_ids(survey: MaskSurvey, listed: ClassList) -> List[int]:
    """Returns the id of each line; names alone get theirs by their order."""
    if not listed.has_names_alone:
        return [item.value for item in listed.lines]
    found = [value for (value,) in find_classes(survey).values]
    count = len(listed.lines)
    return found if len(found) == count <= found[-1] else list(range(count))


def _checked(
    names: List[str], values: List[List[int]], ignored: List[int], survey: MaskSurvey
) -> MaskClasses:
    shown = [name for name, own in zip(names, values) if survey.values & set(own)]
    if len(shown) < 2:
        written = sorted(map(survey.form.describe, survey.values))
        raise ValueError(
            f'the masks show {len(shown)} class: {", ".join(shown) or "none"} (values '
            f'in the masks: {"; ".join(written)}; the first is '
            f'{survey.pairs[0].mask}). Two or more are needed: correct the list of '
            'classes, or the masks'
        )
    if len(names) > MOST_VALUES:
        raise ValueError(
            f'{len(names)} classes are listed, but {MOST_VALUES} are the most: label '
            f'maps have 8 bits, and {_IGNORED} stands for no class there. Join some by '
            'giving them one name, or write "ignore" for some'
        )
    palette = _palette([of_class[0] for of_class in values], survey)
    return MaskClasses(names, values, ignored, survey.form, palette)


def _palette(values: Sequence[int], survey: MaskSurvey) -> List[Tuple[int, int, int]]:
    """Takes the masks' own colours if all classes have one, else evenly spread hues."""
    colours: Dict[int, int] = {}
    for content in survey.contents:
        colours.update(content.palette)
    if survey.form is MaskForm.COLOURS:
        own: List[Optional[int]] = [*values]
    elif survey.form is MaskForm.GREYS:
        own = [pack_colour(value, value, value) for value in values]
    else:
        own = [colours.get(value) for value in values]
    if None not in own and len(set(own)) == len(own):
        return [unpack_colour(colour) for colour in own]
    spread: List[Tuple[int, int, int]] = []
    for i in range(len(values)):
        hue, light = i * 0.618034 % 1, (0.95, 0.7, 0.45)[i % 3]
        red, green, blue = colorsys.hsv_to_rgb(hue, 0.75, light)
        spread.append((round(255 * red), round(255 * green), round(255 * blue)))
    return spread
