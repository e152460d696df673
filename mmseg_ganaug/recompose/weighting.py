"""Weights of classes, and the class shares that a plan is to reach."""

from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

import numpy as np

from mmseg_ganaug.class_option_checks import check_class_values, check_classes
from mmseg_ganaug.option_checks import (
    Owner,
    check_choice,
    check_mapping,
    check_number,
    check_share,
    refuse,
)
from mmseg_ganaug.recompose.statistics import LabelStatistics

ClassValues = Union[Sequence[float], Mapping[Union[str, int], float]]
# A smaller one would overflow.
_LEAST_TEMPERATURE = 1e-6
Target = Union[str, Sequence[float], Mapping[Union[str, int], float]]


# What a class is rare below, by each rule.
_BELOW = {'share': 0.5, 'presence': 0.5, 'iou': 0.6}
# The options of each type; all but the temperature have to be given.
_TYPES: Dict[str, Sequence[str]] = {
    'inverse_frequency': ('temperature',),
    'iou': ('iou', 'temperature'),
    'explicit': ('weights',),
}


def check_weighting(owner: Owner, weighting: Any) -> Dict[str, Any]:
    """Returns a class weighting as a dict, if it is one; see :func:`class_weights`.

    Args:
        owner: Whose option it is.
        weighting: What was given.

    Raises:
        ValueError: If its type is unknown, or an option is unknown, missing or wrong.
    """
    options = check_mapping(owner, 'weighting', weighting, needed=('type',))
    kind = check_choice(owner, 'weighting type', options['type'], tuple(_TYPES))
    known = _TYPES[kind]
    needed = [name for name in known if name != 'temperature']
    check_mapping(owner, 'weighting', options, ('type', *needed), ('type', *known))
    if 'temperature' in options:
        options['temperature'] = _check_temperature(owner, options['temperature'])
    if kind == 'iou':
        options['iou'] = check_class_values(
            owner, 'iou (a share, not per cent)', options['iou'], high=1, unknown=True
        )
    if kind == 'explicit':
        weights = check_class_values(owner, 'weights', options['weights'])
        given = weights.values() if isinstance(weights, dict) else weights
        if not any(given):
            raise refuse(
                owner, 'weights', options['weights'], 'numbers >= 0, not all 0'
            )
        options['weights'] = weights
    return options


def inverse_frequency_weights(
    frequency: np.ndarray, temperature: float = 0.01
) -> np.ndarray:
    """Weights rare classes highest: softmax((1 - f_c) / T).

    The rule of rare class sampling in DAFormer (Hoyer et al., CVPR 2022).

    Args:
        frequency: float [C], share of each class in the labelled pixels.
        temperature: T > 0; a small one favours the rarest classes, a large one
            makes all classes equal.

    Returns:
        float64 [C], sum 1; 0 for a class that never occurs.

    Raises:
        ValueError: If the temperature is not positive or no class occurs.
    """
    frequency = np.asarray(frequency, dtype=np.float64)
    return _softmax(1 - frequency, temperature, frequency > 0)


def iou_weights(iou: np.ndarray, temperature: float = 0.2) -> np.ndarray:
    """Weights badly recognised classes highest: softmax((1 - IoU_c) / T).

    Follows the authors' finding that rare classes are those with a low IoU
    (Liu et al., ICASSP 2019); the rule itself is ours.

    Args:
        iou: float [C], 0..1, of a trained baseline; NaN where it is not known.
        temperature: T > 0.

    Returns:
        float64 [C], sum 1; 0 for a class whose IoU is NaN.

    Raises:
        ValueError: If a value is outside 0..1, all are NaN, or T is not positive.
    """
    iou = np.asarray(iou, dtype=np.float64)
    known = ~np.isnan(iou)
    wrong = iou[known & ~((iou >= 0) & (iou <= 1))]
    if len(wrong):
        raise ValueError(
            f'IoU {wrong[0]:g} is outside 0..1; divide by 100 if it is in per cent'
        )
    return _softmax(1 - np.where(known, iou, 1.0), temperature, known)


def explicit_weights(weights: np.ndarray) -> np.ndarray:
    """Scales the weights given, float [C] >= 0, to sum 1.

    Raises:
        ValueError: If one is negative or not finite, or all are 0.
    """
    weights = np.asarray(weights, dtype=np.float64)
    if not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        raise ValueError(
            f'class weights must be >= 0, finite and not all 0: {weights.tolist()}'
        )
    return weights / weights.sum()


def class_weights(
    weighting: Mapping[str, Any], statistics: LabelStatistics
) -> np.ndarray:
    """Computes class weights by a config.

    Args:
        weighting: ``dict(type='inverse_frequency', temperature=0.01)``,
            ``dict(type='iou', iou=..., temperature=0.2)`` or
            ``dict(type='explicit', weights=...)``. Values per class are a list of C
            numbers or a dict by class name or id; classes not in the dict are 0
            (IoU: not known).
        statistics: Of the source.

    Returns:
        float64 [C], sum 1.

    Raises:
        ValueError: If the config is not one of these.
    """
    options = check_weighting('class weighting', weighting)
    kind = options.pop('type')
    if kind == 'inverse_frequency':
        return inverse_frequency_weights(statistics.frequency, **options)
    if kind == 'iou':
        iou = _per_class(options.pop('iou'), statistics, np.nan, 'iou')
        return iou_weights(iou, **options)
    weights = _per_class(options.pop('weights'), statistics, 0, 'weights')
    return explicit_weights(weights)


def _per_class(
    values: ClassValues, statistics: LabelStatistics, missing: float, what: str
) -> np.ndarray:
    """Returns values per class as float64 [C], from a list or a dict by name or id."""
    if isinstance(values, Mapping):
        result = np.full(statistics.num_classes, missing, np.float64)
        result[statistics.class_ids(list(values), what)] = list(values.values())
        return result
    result = np.asarray(values, dtype=np.float64)
    if result.shape != (statistics.num_classes,):
        raise ValueError(
            f'{what}: {statistics.num_classes} values needed, one a class, '
            f'{result.size} given'
        )
    return result


def _check_temperature(owner: Owner, temperature: Any) -> float:
    return check_number(owner, 'temperature', temperature, _LEAST_TEMPERATURE)


def _softmax(scores: np.ndarray, temperature: float, allowed: np.ndarray) -> np.ndarray:
    temperature = _check_temperature('class weighting', temperature)
    if not allowed.any():
        raise ValueError('no class occurs, so none can be drawn')
    scores = np.where(allowed, scores / temperature, -np.inf)
    weights = np.exp(scores - scores.max())
    return weights / weights.sum()


def check_asked(owner: Owner, classes: Any) -> Union[List, Dict[str, Any]]:
    """Returns the classes that are asked for: a list, or how the rare ones are found.

    Args:
        owner: Whose option it is.
        classes: See :func:`asked_classes`.

    Raises:
        ValueError: If they are neither names or ids, nor such a rule.
    """
    if not isinstance(classes, (str, Mapping)):
        return check_classes(owner, 'classes', classes)
    if isinstance(classes, str) and classes != 'rare':
        allowed = "a list of names or ids, 'rare', or a dict such as"
        raise refuse(owner, 'classes', classes, f"{allowed} dict(rare='presence')")
    rule = dict(rare='share') if classes == 'rare' else classes
    known = ('rare', 'below', 'iou')
    rule = check_mapping(owner, 'classes', rule, needed=('rare',), known=known)
    check_choice(owner, 'classes: rare', rule['rare'], tuple(_BELOW))
    if 'below' in rule:
        check_share(owner, 'classes: below', rule['below'])
    if (rule['rare'] == 'iou') != ('iou' in rule):
        raise refuse(
            owner,
            'classes',
            classes,
            "dict(rare='iou', iou={'rider': 0.2, ...}), and no iou with another rule",
        )
    if 'iou' in rule:
        rule['iou'] = check_class_values(
            owner, 'iou (a share, not per cent)', rule['iou'], high=1, unknown=True
        )
    return rule


def asked_classes(
    asked: Union[Sequence, Mapping[str, Any]], statistics: LabelStatistics
) -> List[int]:
    """Finds the ids of the classes that are asked for.

    Args:
        asked: Names or ids; or ``dict(rare='share')``: those with less than half of an
            equal share of the pixels, ``dict(rare='presence')``: those that fewer than
            half of the maps show, ``dict(rare='iou', iou={...})``: those whose IoU
            (0..1, of a trained baseline) is less than 0.6 times the mean. ``below``
            replaces the number: 0.5, 0.5, 0.6.
        statistics: Of the source.

    Raises:
        ValueError: If one is not a class, or the rule finds none.
    """
    if not isinstance(asked, Mapping):
        return statistics.class_ids(asked)
    rule = asked['rare']
    below = asked.get('below', _BELOW[rule])
    if rule == 'share':
        values, limit = statistics.frequency, below / statistics.num_classes
    elif rule == 'presence':
        values, limit = statistics.image_frequency, below
    else:
        values = _per_class(asked['iou'], statistics, np.nan, 'iou')
        limit = below * np.nanmean(values)
    shown = statistics.pixels.any(axis=0)
    found = np.flatnonzero(shown & (values < limit)).tolist()
    if not found:
        raise ValueError(
            f'classes={dict(asked)}: no class is rare by this rule (below {limit:.3g}; '
            f'the smallest is {np.nanmin(values[shown]):.3g}): raise below, or list '
            'the classes'
        )
    return found


def are_listed(
    asked: Union[Sequence, Mapping, None], weighting: Optional[Mapping[str, Any]]
) -> bool:
    """Checks whether the classes to draw are listed one by one, not found by a rule.

    Args:
        asked: See :func:`asked_classes`; None = all.
        weighting: See :func:`class_weights`; None = none that counts.
    """
    if asked is None:
        return weighting is not None and weighting['type'] == 'explicit'
    return not isinstance(asked, Mapping)


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
    """Computes the pixel share that each class is to have.

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
    raised = np.zeros(statistics.num_classes, bool)
    if isinstance(target, str):
        shares = frequency**0.5 if target == 'sqrt' else (frequency > 0).astype(float)
    elif isinstance(target, Mapping):
        factors = np.ones(statistics.num_classes)
        factors[statistics.class_ids(list(target), 'target')] = list(target.values())
        shares, raised = frequency * factors, factors > 1
    else:
        shares = np.asarray(target, dtype=np.float64)
        if shares.shape != frequency.shape:
            raise ValueError(
                f'target: {len(frequency)} shares needed, {shares.size} given'
            )
    if not shares.any():
        raise ValueError(f'target={target!r} gives no share to a class that occurs')
    absent = [
        statistics.class_names[c]
        for c in np.flatnonzero(((shares > 0) | raised) & (frequency == 0))
    ]
    if absent:
        remedy = 'leave it out' if raised.any() else 'set it to 0'
        raise ValueError(f'target: {", ".join(absent)} never occurs: {remedy}')
    return shares / shares.sum()


def divergence(target: np.ndarray, frequency: np.ndarray) -> float:
    """Computes the divergence KL(target || frequency) in nats, >= 0.

    Args:
        target: float [C], sum 1.
        frequency: float [C], sum 1.

    Returns:
        0 if both are the same; infinite if a class of the target is missing.
    """
    asked = target > 0
    with np.errstate(divide='ignore'):
        return float(np.sum(target[asked] * np.log(target[asked] / frequency[asked])))
