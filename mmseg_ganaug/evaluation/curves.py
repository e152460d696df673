"""Learning curves: what a training reached on the validation data on its way."""

import json
import math
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Sequence, Union

import numpy as np

from mmseg_ganaug.evaluation.run_result import RunResult, class_iou_key

#: A validation as JSON values: iteration, mIoU, class -> IoU (None where absent).
Point = List[Any]


def read_curve(work_dir: Union[str, Path]) -> List[Point]:
    """Reads the validations from the scalars that MMEngine left of a training.

    Each start of a training, resumed ones too, leaves a folder of its own; where two
    hold a validation of the same iteration, that of the later start counts.

    Args:
        work_dir (str | Path): Of the training.

    Returns:
        list[Point]: By iteration. Empty where there were fewer than two validations:
        that is no curve.
    """
    found = _validations(work_dir)
    points = [[step, v['mIoU'], _class_ious(v)] for step, v in sorted(found.items())]
    return points if len(points) > 1 else []


def last_validation(work_dir: Union[str, Path]) -> Dict[str, Any]:
    """Reads what the validation of the latest iteration of a training measured.

    Args:
        work_dir (str | Path): Of the training.

    Returns:
        dict[str, Any]: By name, with the iteration as ``step``; empty where there was
        no validation.
    """
    found = _validations(work_dir)
    return dict(found[max(found)]) if found else {}


def curve_of(run: RunResult) -> Dict[int, float]:
    """Returns mIoU (per cent) by iteration; empty where the run has no curve.

    Raises:
        ValueError: When its curve is not as :func:`read_curve` gives it; names the run.
    """
    try:
        found = {step: float(miou) for step, miou, _ in run.extra.get('curve') or ()}
    except (TypeError, ValueError) as error:
        raise ValueError(
            f'the curve of {run.method} (seed {run.seed}) is no list of [iteration, '
            f'mIoU, IoU of each class]: {error}'
        ) from error
    return found


def mean_curve(runs: Sequence[RunResult]) -> Dict[int, float]:
    """Averages the curves of a method over its seeds.

    Args:
        runs (Sequence[RunResult]): Of one method; those without a curve are left out.

    Returns:
        dict[int, float]: mIoU in per cent by iteration, at the iterations that all
        curves have.
    """
    curves = [curve for curve in map(curve_of, runs) if curve]
    shared = set.intersection(*map(set, curves)) if curves else set()
    return {step: float(np.mean([c[step] for c in curves])) for step in sorted(shared)}


def _validations(work_dir: Union[str, Path]) -> Dict[int, Mapping[str, Any]]:
    """Reads the validations by iteration; of a later start where two have the same."""
    found = {}
    # The names of the folders are times.
    for path in sorted(Path(work_dir).glob('*/vis_data/scalars.json')):
        for values in _json_lines(path):
            miou, step = values.get('mIoU'), values.get('step')
            if isinstance(miou, (int, float)) and isinstance(step, int):
                found[step] = values
    return found


def _class_ious(values: Mapping[str, Any]) -> Dict[str, Any]:
    prefix = class_iou_key('')
    return {
        name[len(prefix) :]: None if math.isnan(value) else value
        for name, value in values.items()
        if name.startswith(prefix)
    }


def _json_lines(path: Path) -> Iterator[Mapping[str, Any]]:
    """Reads what a training wrote, which may have been killed within a line."""
    for line in path.read_text(encoding='utf-8', errors='replace').splitlines():
        try:
            values = json.loads(line)
        except ValueError:
            continue
        if isinstance(values, Mapping):
            yield values
