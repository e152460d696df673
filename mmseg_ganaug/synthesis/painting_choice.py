"""Measured figures that decide, class by class, what a generator paints."""

import json
import math
from pathlib import Path
from typing import Any, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from mmengine.logging import print_log
from prettytable import PrettyTable

#: Key of the figures of whole photos in the file of ``generator_fidelity.py``,
FIDELITY_KEY = 'fidelity'
#: and of those of windows.
WINDOWS_KEY = 'windows'
#: The painters in the latter that are compared.
REAL, BLURRED = 'real', 'blurred'
PAINTED, PAINTED_WINDOWS = 'painted', 'painted windows'
# The distance of fewer windows says too little.
_FEWEST = 20
_REMEDY = 'measure it with ganaug fidelity'


class Choice(NamedTuple):
    """What a generator paints.

    Attributes:
        laid: Bool [C], classes whose objects it paints; others keep real pixels.
        holes: Bool [C], classes that it paints where no photo shows them.
    """

    laid: Tuple[bool, ...]
    holes: Tuple[bool, ...]


def choose_painted(
    path: Union[str, Path],
    class_names: Sequence[str],
    min_fidelity: float,
    windows: bool,
) -> Choice:
    """Decides what a generator paints, by a file of figures, and logs why.

    Where the file has figures of windows, a class is painted where its windows come
    no less near to real ones than those of pasted real pixels do; and where no photo
    shows it, if they come nearer than blurred pixels do. Where it has the fidelity of
    each class, that must be at least ``min_fidelity``, too.

    Args:
        path: JSON file that ``ganaug fidelity`` wrote.
        class_names: C names.
        min_fidelity: Smallest fidelity of a class that may be painted.
        windows: Whether windows are painted, not whole photos.

    Raises:
        FileNotFoundError: When there is no such file; says how to get one.
        ValueError: When the file holds no figures, or a class has none.
    """
    figures = _read(path)
    count = len(class_names)
    laid, holes = [True] * count, [True] * count
    table = PrettyTable(['class'])
    table.add_rows([[name] for name in class_names])
    if FIDELITY_KEY in figures:
        fidelity = load_class_fidelity(path)
        laid = holes = list(paintable_classes(fidelity, class_names, min_fidelity))
        column = [f'{fidelity[name]:.2f}' for name in class_names]
        table.add_column(f'fidelity (at least {min_fidelity})', column)
    if WINDOWS_KEY in figures:
        name = PAINTED_WINDOWS if windows else PAINTED
        kids = [_distances(figures, path, each, name) for each in class_names]
        table.add_column(f'KID, {name}', [_shown(kid[0]) for kid in kids])
        table.add_column(f'KID, {REAL} pixels', [_shown(kid[1]) for kid in kids])
        laid = [able and kid[0] <= kid[1] for able, kid in zip(laid, kids)]
        holes = [able and kid[2] <= kid[3] for able, kid in zip(holes, kids)]
    by = ["its donor's pixels", 'generator']
    table.add_column('painted by', [by[able] for able in laid])
    if WINDOWS_KEY in figures:
        table.add_column('holes', [('ignored', by[1])[able] for able in holes])
    print_log(f'What is painted, by {path}:\n{table}', 'current')
    return Choice(tuple(laid), tuple(holes))


def _shown(value: float) -> str:
    return '–' if math.isnan(value) else f'{value:.4f}'  # noqa: RUF001


def _distances(
    figures: Mapping[str, Any], path: Union[str, Path], class_name: str, painter: str
) -> Tuple[float, ...]:
    """Returns the KID of a class: painted, real, its holes painted, blurred.

    NaN, which is no smaller than any other, where there are too few windows.
    """
    keys = (
        (painter, 'kid'),
        (REAL, 'kid'),
        (painter, 'restored_kid'),
        (BLURRED, 'restored_kid'),
    )
    try:
        found = figures[WINDOWS_KEY]['classes'][class_name]
        if found[painter]['windows'] < _FEWEST:
            return (math.nan,) * len(keys)
        values = [found[name][key] for name, key in keys]
        return tuple(math.nan if v is None else float(v) for v in values)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f'{path} holds no figures of {painter!r} windows of {class_name} '
            f'({error!r}): {_REMEDY} --windows'
        ) from error


def paintable_classes(
    fidelity: Mapping[str, float], class_names: Sequence[str], min_fidelity: float
) -> Tuple[bool, ...]:
    """Decides which classes a generator may paint.

    Args:
        fidelity: Class name -> IoU of a segmenter on generated photos over its IoU on
            real ones; NaN where that is unknown, which counts as not paintable.
        class_names: C names.
        min_fidelity: Smallest fidelity of a class that may be painted.

    Raises:
        ValueError: When a class has no figure; names it.
    """
    missing = [name for name in class_names if name not in fidelity]
    if missing:
        raise ValueError(
            f'there is no fidelity of {", ".join(missing)}: measure it for this data '
            f'set; there are {", ".join(fidelity)}'
        )
    return tuple(bool(fidelity[name] >= min_fidelity) for name in class_names)


def load_class_fidelity(path: Union[str, Path]) -> Dict[str, float]:
    """Reads the fidelity of each class.

    Args:
        path (str | Path): JSON file that ``ganaug fidelity``
            wrote.

    Returns:
        dict[str, float]: Class name -> IoU of a segmenter on generated photos over its
        IoU on the real photos of the same label maps: 0 for a class that leaves no
        trace, about 1 for one that is painted as well as it is seen in reality. NaN
        where the segmenter hardly finds the class in real photos either.

    Raises:
        FileNotFoundError: When there is no such file; says how to get one.
        ValueError: When the file holds no fidelity; names it.
    """
    try:
        figures = _read(path)[FIDELITY_KEY]
        fidelity = {
            str(name): math.nan if value is None else float(value)
            for name, value in figures.items()
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f'{path} holds no fidelity of classes ({error!r}): {_REMEDY}'
        ) from error
    wrong = {
        name: value
        for name, value in fidelity.items()
        if value < 0 or math.isinf(value)
    }
    if wrong or not fidelity:
        raise ValueError(f'{path} holds the fidelity {wrong or fidelity}: {_REMEDY}')
    return fidelity


def _read(path: Union[str, Path]) -> Dict[str, Any]:
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'there is no fidelity file {path}: {_REMEDY}')
    found: Any = None
    cause: Optional[Exception] = None
    try:
        found = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        cause = error
    if not isinstance(found, dict) or not {FIDELITY_KEY, WINDOWS_KEY} & found.keys():
        raise ValueError(
            f'{path} holds no fidelity of classes ({cause or found!r}): {_REMEDY}'
        ) from cause
    return found
