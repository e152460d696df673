"""Checks of JSON that is not trusted."""

import json
from typing import Any, Dict, List, Tuple


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
