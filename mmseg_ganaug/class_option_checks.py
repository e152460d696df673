"""Checks of the options that deal with classes; see option_checks.py."""

import math
from typing import Any, Dict, List, Mapping, Optional, Union

from mmseg_ganaug.option_checks import (
    Owner,
    check_number,
    check_numbers,
    check_whole,
    items_of,
    plain,
    refuse,
)

#: Label maps have 8 bits, and one value is for pixels without a class.
MOST_CLASSES = 255
# Summed over the pixels of a batch, larger ones would overflow.
_LARGEST_WEIGHT = 1e9


def check_num_classes(owner: Owner, name: str, value: Any) -> int:
    """Returns ``value``, if an 8-bit label map can hold so many classes.

    Raises:
        ValueError: If it is no whole number 1..255.
    """
    number = plain(value)
    if isinstance(number, int) and number > MOST_CLASSES:
        raise refuse(
            owner,
            name,
            value,
            f'at most {MOST_CLASSES}: label maps have 8 bits here, and one value is '
            'for pixels without a class. Leave classes out, or join some',
        )
    return check_whole(owner, name, value, 1, MOST_CLASSES)


def check_ignore_index(owner: Owner, name: str, value: Any) -> int:
    """Returns ``value``, if a pixel of an 8-bit label map can have it.

    Raises:
        ValueError: If it is no whole number 0..255.
    """
    number = plain(value)
    if isinstance(number, int) and not 0 <= number <= 255:
        raise refuse(
            owner,
            name,
            value,
            'a value that a pixel of an 8-bit label map can have, 0..255. Set '
            'ignore_index=255 in the data set, in the heads of the model and in the '
            'metrics: where no pixel is 255, none is ignored either',
        )
    return check_whole(owner, name, value, 0, 255)


def check_classes(
    owner: Owner, name: str, values: Any, fewest: int = 1
) -> List[Union[str, int]]:
    """Returns ``values`` as a list, if they are different class names or ids.

    Whether there are such classes is checked where the data set is known.

    Args:
        owner: Whose option it is.
        name: The option.
        values: What was given.
        fewest: How many there must be.

    Raises:
        ValueError: If there are fewer, one is neither text nor a whole number 0..254,
            or one stands twice.
    """
    allowed = 'a list of different class names or ids'
    given = items_of(owner, name, values, allowed, fewest=fewest)
    listed = [plain(value) for value in given]
    if not all(map(_is_class, listed)) or len(set(listed)) < len(listed):
        raise refuse(owner, name, values, allowed)
    return listed


def _is_class(item: Any) -> bool:
    if isinstance(item, str):
        return bool(item)
    whole = isinstance(item, int) and not isinstance(item, bool)
    return whole and 0 <= item < MOST_CLASSES


def check_class_weight(
    owner: Owner, name: str, values: Any, num_classes: Optional[int] = None
) -> List[float]:
    """Returns ``values`` as a list, if they can weight classes.

    Args:
        owner: Whose option it is.
        name: The option.
        values: The weight of each class.
        num_classes: Number of classes C, where that is known.

    Raises:
        ValueError: If they are no list of C numbers 0..1e9, or all are 0.
    """
    count = f'one number within 0..{_LARGEST_WEIGHT:g} for each class'
    allowed = f'{count}, not all 0'
    listed = items_of(owner, name, values, allowed)
    weights = list(check_numbers(owner, name, listed, 0, _LARGEST_WEIGHT))
    if not any(weights):
        raise refuse(owner, name, values, allowed)
    if num_classes is not None and len(weights) != num_classes:
        raise refuse(
            owner,
            name,
            values,
            f'{count}: {num_classes} are needed, {len(weights)} are given',
        )
    return weights


def check_class_values(
    owner: Owner, name: str, values: Any, high: float = 1e12, unknown: bool = False
) -> Union[List[float], Dict[Union[str, int], float]]:
    """Returns ``values``, if they are a number 0..high for each class, or for some.

    How many classes there are is checked where the data set is known.

    Args:
        owner: Whose option it is.
        name: The option.
        values: A list of numbers, or a dict by class name or id.
        high: Largest number.
        unknown: NaN and None may stand for a figure that is not known.

    Raises:
        ValueError: If they are not.
    """
    allowed = f'a list of numbers within 0..{high:g}, one a class, or a dict of such'
    named = isinstance(values, Mapping)
    classes = check_classes(owner, name, list(values)) if named else []
    given = list(values.values()) if named else values
    numbers = []
    for value in items_of(owner, name, given, allowed):
        if unknown and (value is None or value != value):
            numbers.append(math.nan)
            continue
        try:
            numbers.append(check_number(owner, name, value, 0, high))
        except ValueError:
            raise refuse(owner, name, values, allowed) from None
    return dict(zip(classes, numbers)) if named else numbers
