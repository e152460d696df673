"""Class shares that a generated set is to reach, and the distance from them."""

from typing import Any, Mapping, Sequence, Union

import numpy as np

from mmseg_ganaug.class_option_checks import check_class_values
from mmseg_ganaug.option_checks import Owner, check_choice, refuse
from mmseg_ganaug.recompose.statistics import LabelStatistics

Target = Union[str, Sequence[float], Mapping[Union[str, int], float]]


def check_target(owner: Owner, target: Any) -> Target:
    """Returns a target, if it is one for some data set; see :func:`target_shares`.

    Args:
        owner: Whose option it is.
        target: What was given.

    Raises:
        ValueError: If it is neither a name nor shares or factors >= 0, not all 0.
    """
    if isinstance(target, str):
        return check_choice(owner, 'target', target, ('uniform', 'sqrt'))
    values = check_class_values(owner, 'target', target)
    if isinstance(values, list) and not any(values):
        raise refuse(owner, 'target', target, 'shares >= 0, not all 0')
    return values


def target_shares(target: Target, statistics: LabelStatistics) -> np.ndarray:
    """The pixel share each class is to have.

    Args:
        target: ``'uniform'`` (the same for every class), ``'sqrt'`` (the square
            root of the class's frequency), a list of C shares, or a dict of
            multipliers of the class's frequency by name or id (others keep 1).
        statistics: Of the source.

    Returns:
        float64 [C], sum 1; 0 for classes that never occur.

    Raises:
        ValueError: If the target is not one of these.
    """
    frequency = statistics.frequency
    target = check_target('class shares', target)
    if isinstance(target, str):
        shares = frequency**0.5 if target == 'sqrt' else (frequency > 0).astype(float)
    elif isinstance(target, Mapping):
        factors = np.ones(statistics.num_classes)
        factors[statistics.class_ids(list(target), 'target')] = list(target.values())
        shares = frequency * factors
    else:
        shares = np.asarray(target, dtype=np.float64)
        if shares.shape != frequency.shape:
            raise ValueError(
                f'target: {len(frequency)} shares needed, {shares.size} given'
            )
    if not shares.any():
        raise ValueError(f'target={target!r} leaves no class that occurs')
    absent = [
        statistics.class_names[c]
        for c in np.flatnonzero((shares > 0) & (frequency == 0))
    ]
    if absent:
        raise ValueError(f'target: {", ".join(absent)} never occurs; set it to 0')
    return shares / shares.sum()


def divergence(target: np.ndarray, frequency: np.ndarray) -> float:
    """Kullback-Leibler divergence KL(target || frequency) in nats, >= 0.

    Args:
        target: float [C], sum 1.
        frequency: float [C], sum 1.

    Returns:
        0 if both are the same; infinite if a class of the target is missing.
    """
    asked = target > 0
    with np.errstate(divide='ignore'):
        return float(np.sum(target[asked] * np.log(target[asked] / frequency[asked])))
