"""How faithfully a generator paints each class, as it was measured and stored."""

import json
import math
from pathlib import Path
from typing import Dict, Union

#: Key of the figures in the file that ``generator_fidelity.py`` writes.
FIDELITY_KEY = 'fidelity'


def load_class_fidelity(path: Union[str, Path]) -> Dict[str, float]:
    """Reads the fidelity of each class.

    Args:
        path (str | Path): JSON file that ``tools/analysis_tools/generator_fidelity.py``
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
    path = Path(path)
    remedy = 'measure it with tools/analysis_tools/generator_fidelity.py'
    if not path.is_file():
        raise FileNotFoundError(f'there is no fidelity file {path}: {remedy}')
    try:
        figures = json.loads(path.read_text(encoding='utf-8'))[FIDELITY_KEY]
        fidelity = {
            str(name): math.nan if value is None else float(value)
            for name, value in figures.items()
        }
    except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        raise ValueError(
            f'{path} holds no fidelity of classes ({error!r}): {remedy}'
        ) from error
    wrong = {
        name: value
        for name, value in fidelity.items()
        if value < 0 or math.isinf(value)
    }
    if wrong or not fidelity:
        raise ValueError(f'{path} holds the fidelity {wrong or fidelity}: {remedy}')
    return fidelity
