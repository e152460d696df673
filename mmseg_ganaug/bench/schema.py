"""The schema of ``bench.json``, and a check of it (docs/bench_json.md)."""

import math
from typing import Any, Dict, List, Mapping, NamedTuple

from mmseg_ganaug.evaluation.results import BASELINE

SCHEMA = 1


class Maybe(NamedTuple):
    """A value of a shape, or null."""

    shape: Any


class Map(NamedTuple):
    """An object with any keys, whose values have a shape."""

    shape: Any


class OneOf(NamedTuple):
    """One of some texts."""

    texts: tuple


_NUMBER = float
_SHARE = Maybe(_NUMBER)
#: A type stands for its values (float for whole numbers, too), ``[x]`` for a list, and
#: a dict for an object that has these keys and may have others.
SHAPE: Dict[str, Any] = {
    'schema': int,
    'title': str,
    'command': str,
    'config': str,
    'seed': int,
    'minutes': _NUMBER,
    'device': str,
    'versions': Map(str),
    'proxy': {'used': bool, 'name': str},
    'notes': [str],
    'data': {
        'classes': [str],
        'rare': [str],
        'photos': {'train': int, 'choose': int, 'evaluate': int},
        'split': str,
    },
    'diagnosis': {
        'classes': [
            {
                'name': str,
                'pixels': _SHARE,
                'photos': _SHARE,
                'objects': int,
                'median_object_cells': Maybe(_NUMBER),
                'cut_off': Maybe(_SHARE),
                'val_photos': int,
                'val_objects': int,
                'interval': Maybe(_NUMBER),
                'taken_for': Maybe([{'name': str, 'share': _NUMBER}]),
            }
        ],
        'rare': [str],
        'findings': [
            {
                'kind': str,
                'classes': [str],
                'text': str,
                'speaks_for': [str],
                'speaks_against': [str],
                'picture': Maybe(str),
            }
        ],
        'headroom': Maybe(
            {
                'photos': [int],
                'mIoU': [_NUMBER],
                'rare': Maybe([_NUMBER]),
                'rises': Maybe(bool),
                'text': str,
            }
        ),
    },
    'treatments': [
        {
            'name': str,
            'title': str,
            'simplicity': int,
            'note': str,
            'overlay': str,
            'left_after': Maybe(int),
            'failed': Maybe(str),
        }
    ],
    'race': [{'iterations': int, 'seeds': [int], 'entered': [str], 'kept': [str]}],
    'runs': [
        {
            'treatment': str,
            'seed': int,
            'iterations': int,
            'rung': int,
            'on': OneOf(('choose', 'evaluate')),
            'mIoU': _NUMBER,
            'aAcc': _NUMBER,
            'per_class_iou': Map(Maybe(_NUMBER)),
            'curve': [[Any]],
            'seconds': Map(Maybe(_NUMBER)),
            'config': str,
            'work_dir': str,
            'command': str,
            'counts': Maybe(str),
        }
    ],
    'flat': Map({'flat': bool}),
    'disk_bytes': Map(int),
    'comparisons': [
        {
            'treatment': str,
            'against': str,
            'metric': str,
            'difference': Maybe(_NUMBER),
            'low': Maybe(_NUMBER),
            'high': Maybe(_NUMBER),
            'seeds': int,
        }
    ],
    'photos': [
        {
            'treatment': str,
            'against': str,
            'file': str,
            'difference': _NUMBER,
            'photo': str,
            'truth': str,
            'before': str,
            'after': str,
        }
    ],
    'pairs': [{'treatment': str, 'picture': str}],
    'verdict': {
        'kind': OneOf(('use', 'tied', 'nothing')),
        'treatment': Maybe(str),
        'tied': [str],
        'sentence': str,
        'more': [str],
        'open_classes': [
            {
                'name': str,
                'objects': Maybe(int),
                'photos': int,
                'interval': Maybe(_NUMBER),
            }
        ],
    },
}


def check_bench(bench: Any) -> None:
    """Checks that JSON values are a ``bench.json`` of this schema.

    Args:
        bench (Any): What was read.

    Raises:
        ValueError: Names the first few places that are wrong, and what belongs there.
    """
    version = bench.get('schema') if isinstance(bench, Mapping) else None
    if version != SCHEMA:
        raise ValueError(
            f'bench.json has schema {version!r}, but {SCHEMA} is what this version of '
            'mmseg_ganaug reads: run ganaug bench again in a new --work-dir'
        )
    faults = _faults(bench, SHAPE, '') or _unknown_names(bench)
    if faults:
        more = f' and {len(faults) - 5} more' if len(faults) > 5 else ''
        raise ValueError(f'bench.json: {"; ".join(faults[:5])}{more}')


def _faults(value: Any, shape: Any, place: str) -> List[str]:
    if isinstance(shape, Maybe):
        return [] if value is None else _faults(value, shape.shape, place)
    if isinstance(shape, OneOf):
        is_right, wanted = value in shape.texts, ' or '.join(shape.texts)
    elif isinstance(shape, (dict, Map)):
        is_right, wanted = isinstance(value, Mapping), 'an object'
    elif isinstance(shape, list):
        is_right, wanted = isinstance(value, (list, tuple)), 'a list'
    elif shape is float:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        is_right, wanted = number and math.isfinite(value), 'a finite number'
    elif shape is int:
        is_right = isinstance(value, int) and not isinstance(value, bool)
        wanted = 'a whole number'
    else:
        is_right = shape is Any or isinstance(value, shape)
        wanted = {str: 'a text', bool: 'true or false'}.get(shape, '')
    if not is_right:
        return [f'{place or "it"} is {value!r:.60}, but must be {wanted}']
    if isinstance(shape, list):
        parts = [(f'{place}[{i}]', each, shape[0]) for i, each in enumerate(value)]
    elif isinstance(shape, Map):
        parts = [(f'{place}[{k!r}]', each, shape.shape) for k, each in value.items()]
    elif isinstance(shape, dict):
        start = f'{place}.' if place else ''
        missing = [f'{start}{key} is missing' for key in shape if key not in value]
        if missing:
            return missing
        parts = [(f'{start}{key}', value[key], each) for key, each in shape.items()]
    else:
        return []
    return [fault for name, each, of in parts for fault in _faults(each, of, name)]


def _unknown_names(bench: Mapping[str, Any]) -> List[str]:
    """Finds treatments and classes that are named, but not listed."""
    treatments = {each['name'] for each in bench['treatments']}
    classes = set(bench['data']['classes'])
    verdict = bench['verdict']
    compared = bench['comparisons']
    named = {
        'treatments': {BASELINE},
        'runs': {each['treatment'] for each in bench['runs']},
        'comparisons': {
            each[key] for each in compared for key in ('treatment', 'against')
        },
        'photos': {each['treatment'] for each in bench['photos']},
        'pairs': {each['treatment'] for each in bench['pairs']},
        'verdict': {*verdict['tied'], *filter(None, [verdict['treatment']])},
    }
    return [
        *(
            f'{place} names {sorted(names - treatments)}, not among treatments'
            for place, names in named.items()
            if names - treatments
        ),
        *(
            f'data.rare names {name!r}, which is no class'
            for name in bench['data']['rare']
            if name not in classes
        ),
    ]
