"""What differs between two configs, as values to be merged and as text."""

import copy
import keyword
from typing import Any, Dict, Iterator, List, Mapping, Tuple

from mmseg_ganaug.safe_configs import config_text

#: A copy of so short a part of the base is easier to read than its name.
_FEWEST_CHARACTERS = 60


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Dict[str, Any]:
    """Finds what has to be merged over a config to get another one.

    Args:
        old (Mapping): Values of the config.
        new (Mapping): Of the other one; it lacks no name of the first.

    Returns:
        dict[str, Any]: Nested, with ``_delete_`` where the other config lacks options,
        as MMEngine merges it. Lists are whole.
    """
    found = {}
    for name, value in new.items():
        if name not in old:
            found[name] = copy.deepcopy(value)
        elif value != old[name]:
            found[name] = _change(old[name], value)
    return found


def _change(old: Any, new: Any) -> Any:
    if not isinstance(new, dict):
        return copy.deepcopy(new)
    if not isinstance(old, dict) or set(old) - set(new):
        return dict(copy.deepcopy(new), _delete_=True)
    return changes(old, new)


def changes_text(found: Mapping[str, Any], base: Mapping[str, Any]) -> str:
    """Writes changes as the text of a config, under its ``_base_``.

    Args:
        found (Mapping): See :func:`changes`.
        base (Mapping): Values of the base. Its parts are named, not copied, so that
            what they hold is stated once.

    Returns:
        str: Python.
    """
    names: List[Tuple[str, Any]] = []
    marked = _mark(dict(found), list(_parts(base, '_base_')), names)
    text = config_text(marked, first=('_delete_', 'type'))
    for number, (name, _) in enumerate(names):
        text = text.replace(repr(_marker(number)), name)
    return text


def _marker(number: int) -> str:
    return f'<part {number:03d} of the base>'


def _mark(value: Any, parts: List[Tuple[str, Any]], names: List) -> Any:
    """Puts a text in the place of each part of the base."""
    if isinstance(value, (dict, list)) and len(repr(value)) >= _FEWEST_CHARACTERS:
        for name, part in parts:
            if type(part) is type(value) and part == value:
                names.append((name, part))
                return _marker(len(names) - 1)
    if isinstance(value, dict):
        return {key: _mark(item, parts, names) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_mark(item, parts, names) for item in value)
    return value


def _parts(value: Any, name: str) -> Iterator[Tuple[str, Any]]:
    """Yields the parts of a config with the Python that names them, outer first."""
    if isinstance(value, dict):
        inner = [(f'{name}{_access(key)}', item) for key, item in value.items()]
    else:
        inner = [(f'{name}[{number}]', item) for number, item in enumerate(value)]
    inner = [(name, item) for name, item in inner if isinstance(item, (dict, list))]
    yield from inner
    for place, item in inner:
        yield from _parts(item, place)


def _access(key: Any) -> str:
    is_attribute = (
        isinstance(key, str)
        and key.isidentifier()
        and not keyword.iskeyword(key)
        and not hasattr(dict, key)
    )
    return f'.{key}' if is_attribute else f'[{key!r}]'
