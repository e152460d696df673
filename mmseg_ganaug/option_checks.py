"""Checks of the options that a user writes in a config.

Every class checks its options when it is built, by these functions. Each returns the
value as plain Python has it (NumPy's scalars and lists out of JSON or YAML are
welcome), or raises a ValueError that names the owner, the option, the value, and what
is allowed.
"""

import math
import os
from functools import partial
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

#: The name of a class, or an object of it.
Owner = Union[str, object]


def refuse(owner: Owner, name: str, value: Any, allowed: str) -> ValueError:
    """Returns the error that every check raises.

    Args:
        owner: Whose option it is.
        name: The option.
        value: What was given.
        allowed: What may be given, as in "name=value: must be ...".
    """
    who = owner if isinstance(owner, str) else type(owner).__name__
    shown = repr(value)
    if len(shown) > 200:
        shown = f'{shown[:200]}...'
    return ValueError(f'{who}: {name}={shown}: must be {allowed}')


def check_number(
    owner: Owner,
    name: str,
    value: Any,
    low: float = -math.inf,
    high: float = math.inf,
    above: Optional[float] = None,
) -> float:
    """Returns ``value``, if it is a finite number within low..high.

    Args:
        owner: Whose option it is: a class name, or an object of the class.
        name: The option, for the message.
        value: What was given.
        low: Smallest value.
        high: Largest value.
        above: In place of ``low``, what the value must be greater than.

    Raises:
        ValueError: If it is no number (a bool and a string are none), NaN, infinite, or
            outside.
    """
    number = plain(value)
    good = (
        isinstance(number, (int, float))
        and not isinstance(number, bool)
        and math.isfinite(number)
        and low <= number <= high
        and (above is None or number > above)
    )
    if not good:
        raise refuse(owner, name, value, _range('a number', low, high, above))
    return number


def check_share(owner: Owner, name: str, value: Any) -> float:
    """Returns ``value``, if it is a number 0..1; see :func:`check_number`."""
    return check_number(owner, name, value, 0, 1)


def check_whole(
    owner: Owner, name: str, value: Any, low: float = 0, high: float = math.inf
) -> int:
    """Returns ``value``, if it is a whole number within low..high.

    Raises:
        ValueError: If it is none (a bool, a string and 1.0 are none), or outside.
    """
    number = plain(value)
    good = isinstance(number, int) and not isinstance(number, bool)
    if not good or not low <= number <= high:
        raise refuse(owner, name, value, _range('a whole number', low, high))
    return number


def check_seed(owner: Owner, name: str, value: Any) -> int:
    """Returns ``value``, if NumPy and torch take it as a seed.

    Raises:
        ValueError: If it is no whole number 0..2**32 - 1.
    """
    return check_whole(owner, name, value, 0, 2**32 - 1)


def check_bool(owner: Owner, name: str, value: Any) -> bool:
    """Returns ``value``, if it is True or False.

    Raises:
        ValueError: If it is anything else, 0, 1 and 'False' included.
    """
    flag = plain(value)
    if not isinstance(flag, bool):
        raise refuse(owner, name, value, 'True or False')
    return flag


def check_choice(owner: Owner, name: str, value: Any, choices: Sequence) -> Any:
    """Returns ``value``, if it is one of the choices.

    Raises:
        ValueError: If it is none of them; lists them.
    """
    given = plain(value)
    for choice in choices:
        if type(choice) is type(given) and choice == given:
            return choice
    raise refuse(owner, name, value, f'one of {", ".join(map(repr, choices))}')


def check_text(owner: Owner, name: str, value: Any) -> str:
    """Returns ``value``, if it is text that is not empty.

    Raises:
        ValueError: If it is not.
    """
    if not isinstance(value, str) or not value.strip():
        raise refuse(owner, name, value, 'text')
    return str(value)


def check_path(owner: Owner, name: str, value: Any) -> str:
    """Returns ``value`` as text, if it is a path; whether it exists is not looked at.

    Raises:
        ValueError: If it is neither text nor a path, or empty, or begins with ``~``,
            which would be a folder of that name.
    """
    path = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(path, str) or not path.strip():
        raise refuse(owner, name, value, 'a path')
    if os.path.expanduser(path) != path:
        whole = os.path.expanduser(path)
        raise refuse(owner, name, value, f'a path without ~, such as {whole!r}')
    return path


def check_mapping(
    owner: Owner,
    name: str,
    value: Any,
    needed: Sequence[str] = (),
    known: Optional[Sequence[str]] = None,
) -> Dict[str, Any]:
    """Returns ``value`` as a dict, if it is a mapping of text to values.

    Args:
        owner: Whose option it is.
        name: The option.
        value: What was given.
        needed: Keys that must be there.
        known: The keys that may be there; None = any.

    Raises:
        ValueError: If it is no mapping, or a key is missing or unknown.
    """
    if not isinstance(value, Mapping) or not all(isinstance(k, str) for k in value):
        raise refuse(owner, name, value, f'a dict{_keys(needed, known)}')
    missing = [key for key in needed if key not in value]
    unknown = [key for key in value if known is not None and key not in known]
    if missing or unknown:
        raise refuse(owner, name, dict(value), f'a dict{_keys(needed, known)}')
    return dict(value)


def check_numbers(
    owner: Owner,
    name: str,
    values: Any,
    low: float = -math.inf,
    high: float = math.inf,
    length: Optional[int] = None,
) -> Tuple[float, ...]:
    """Returns ``values`` as a tuple, if they are finite numbers within low..high.

    Args:
        owner: Whose option it is.
        name: The option.
        values: What was given: a list, tuple or array.
        low: Smallest value.
        high: Largest value.
        length: How many there must be; None = any number but none.

    Raises:
        ValueError: If they are not.
    """
    allowed = _range(f'a list of {length or "one or more"} numbers', low, high)
    check = partial(check_number, low=low, high=high)
    return _each(owner, name, values, allowed, check, length)


def check_whole_numbers(
    owner: Owner,
    name: str,
    values: Any,
    low: float = 0,
    high: float = math.inf,
    length: Optional[int] = None,
    different: bool = False,
) -> Tuple[int, ...]:
    """Returns ``values`` as a tuple, if they are whole numbers within low..high.

    The arguments are those of :func:`check_numbers`; with ``different``, each number
    may be there once only.

    Raises:
        ValueError: If they are not.
    """
    what = f'{length or "one or more"} {"different " if different else ""}'
    allowed = _range(f'a list of {what}whole numbers', low, high)
    check = partial(check_whole, low=low, high=high)
    numbers = _each(owner, name, values, allowed, check, length)
    if different and len(set(numbers)) < len(numbers):
        raise refuse(owner, name, values, allowed)
    return numbers


def check_size(
    owner: Owner, name: str, values: Any, low: int = 1, order: str = '(height, width)'
) -> Tuple[int, int]:
    """Returns ``values`` as a tuple, if they are two whole numbers >= ``low``.

    Raises:
        ValueError: If they are not.
    """
    allowed = f'two whole numbers {order}, each at least {low}'
    check = partial(check_whole, low=low)
    first, second = _each(owner, name, values, allowed, check, 2)
    return first, second


def check_range(
    owner: Owner,
    name: str,
    values: Any,
    low: float = -math.inf,
    high: float = math.inf,
    above: Optional[float] = None,
) -> Tuple[float, float]:
    """Returns ``values`` as a tuple, if they are a smallest and a largest number.

    Args:
        owner: Whose option it is.
        name: The option.
        values: What was given.
        low: Bound of both.
        high: Bound of both.
        above: In place of ``low``, what both must be greater than.

    Raises:
        ValueError: If they are not, or the second is the smaller one.
    """
    allowed = _range('two numbers, the smaller one first,', low, high, above)
    check = partial(check_number, low=low, high=high, above=above)
    start, stop = _each(owner, name, values, allowed, check, 2)
    if stop < start:
        raise refuse(owner, name, values, allowed)
    return start, stop


def check_names(
    owner: Owner, name: str, values: Any, known: Optional[Sequence[str]] = None
) -> List[str]:
    """Returns ``values`` as a list, if they are different names.

    Args:
        owner: Whose option it is.
        name: The option.
        values: What was given: a list or tuple; one text alone is none.
        known: The names that may be given; None = any.

    Raises:
        ValueError: If there is none, one stands twice, or one is unknown.
    """
    allowed = 'a list of different names'
    if known is not None:
        allowed += f' among {", ".join(known)}'
    listed = items_of(owner, name, values, allowed)
    good = all(isinstance(item, str) and item.strip() for item in listed)
    if not good or len(set(listed)) < len(listed):
        raise refuse(owner, name, values, allowed)
    unknown = [item for item in listed if known is not None and item not in known]
    if unknown:
        raise refuse(owner, name, unknown, allowed)
    return list(listed)


def plain(value: Any) -> Any:
    """Returns a scalar of NumPy as Python has it; all else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def items_of(
    owner: Owner,
    name: str,
    values: Any,
    allowed: str,
    length: Optional[int] = None,
    fewest: int = 1,
) -> List:
    """Returns the items of a list, a tuple or a flat array.

    Args:
        owner: Whose option it is.
        name: The option.
        values: What was given.
        allowed: What may be given, for the message.
        length: How many there must be; None = any number.
        fewest: How many there must be at least.

    Raises:
        ValueError: If it is none of these, or of another length.
    """
    if isinstance(values, np.ndarray) and values.ndim == 1:
        values = values.tolist()
    good = isinstance(values, (list, tuple)) and len(values) >= fewest
    if not good or (length is not None and len(values) != length):
        raise refuse(owner, name, values, allowed)
    return list(values)


def _each(
    owner: Owner,
    name: str,
    values: Any,
    allowed: str,
    check: Callable,
    length: Optional[int] = None,
) -> Tuple:
    """Returns what ``check`` makes of each item; refuses all if it refuses one."""
    listed = items_of(owner, name, values, allowed, length)
    try:
        return tuple(check(owner, name, value) for value in listed)
    except ValueError:
        raise refuse(owner, name, values, allowed) from None


def _range(what: str, low: float, high: float, above: Optional[float] = None) -> str:
    if above is None and not math.isinf(low) and not math.isinf(high):
        return f'{what} within {low:.12g}..{high:.12g}'
    smallest = f'>= {low:.12g}' if above is None else f'> {above:g}'
    smallest = '' if above is None and math.isinf(low) else smallest
    largest = '' if math.isinf(high) else f'<= {high:.12g}'
    bounds = ' and '.join(bound for bound in (smallest, largest) if bound)
    return f'{what} {bounds}'.strip()


def _keys(needed: Sequence[str], known: Optional[Sequence[str]]) -> str:
    if known is not None and not needed:
        return f' whose keys are among {", ".join(known)}'
    text = f' with the keys {", ".join(needed)}' if needed else ''
    more = [key for key in known or () if key not in needed]
    return f'{text}; {", ".join(more)} may be there, too' if more else text


def check_device(owner: Owner, name: str, device: Any) -> Optional[str]:
    """Returns a device, if torch knows such; whether it is there is not looked at.

    Args:
        owner (str | object): Whose option it is.
        name (str): The option.
        device (str, optional): A device such as 'cpu' or 'cuda:0'; None = to be chosen.

    Raises:
        ValueError: When torch knows none of that name.
    """
    if device is None:
        return None
    import torch  # most that is checked needs none

    try:
        torch.device(check_text(owner, name, device))
    except RuntimeError:
        raise refuse(owner, name, device, "a device, as 'cpu' or 'cuda:0'") from None
    return device
