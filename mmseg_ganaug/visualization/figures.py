"""Coloured label maps and the charts of class frequency and IoU."""

import math
from pathlib import Path
from typing import Any, Mapping, Sequence, Union

import numpy as np

from mmseg_ganaug.shown_text import shortened
from mmseg_ganaug.visualization.drawing import (
    MOST_CHARACTERS,
    class_chart,
    heat_chart,
    scatter_chart,
)

# Above this ratio of the largest share to the smallest, the axis is logarithmic.
_LOG_FROM_RATIO = 50.0
# Points of IoU from which on a gain or a loss has the strongest colour.
_STRONG_GAIN = 15.0
# A chart with more columns is not read.
_MOST_CLASSES = 20


def class_frequency_chart(
    class_names: Sequence[str],
    series: Mapping[str, Union[Sequence[float], np.ndarray]],
    path: Union[str, Path],
) -> Path:
    """Draws the share of pixels of every class, the most frequent on top.

    Args:
        class_names (Sequence[str]): C names.
        series (Mapping[str, Sequence[float]]): For each name, such as 'real' or
            'generated', C shares of the labelled pixels, 0 to 1. The first one gives
            the order.
        path (str | Path): The PNG file to write.

    Returns:
        Path: The file.

    Raises:
        ValueError: When a series does not have C finite shares between 0 and 1.
    """
    shares = {}
    for name, values in series.items():
        share = np.asarray(values, dtype=float)
        if share.shape != (len(class_names),):
            raise ValueError(
                f'series {name!r} has {share.size} shares for {len(class_names)} '
                'classes'
            )
        if not np.all((share >= 0) & (share <= 1 + 1e-6)):
            raise ValueError(
                f'series {name!r} has shares from {share.min()} to {share.max()}, '
                'but a share of the pixels is between 0 and 1'
            )
        shares[name] = 100 * share
    _require_series(shares, class_names)
    order = np.argsort(-next(iter(shares.values())), kind='stable')
    every = np.concatenate(list(shares.values()))
    present = every[every > 0]
    log = present.size > 0 and present.max() / present.min() > _LOG_FROM_RATIO
    return class_chart(
        class_names,
        shares,
        order,
        path,
        title='How often each class occurs',
        axis='share of the labelled pixels, %' + (' (log scale)' if log else ''),
        log=log,
        limit=None,
        absent='none',
    )


def class_iou_chart(
    class_names: Sequence[str],
    results: Mapping[str, Mapping[str, float]],
    path: Union[str, Path],
) -> Path:
    """Draws the IoU of every class for each run, the best class of the first on top.

    Args:
        class_names (Sequence[str]): C names.
        results (Mapping[str, Mapping[str, float]]): For each run, IoU by class name
            in per cent, NaN where the class is absent: for instance
            ``{run.method: run.per_class_iou for run in results}``.
        path (str | Path): The PNG file to write.

    Returns:
        Path: The file.

    Raises:
        ValueError: When a run lacks a class or an IoU is not between 0 and 100.
    """
    series = {
        name: _iou_values(class_names, values, name) for name, values in results.items()
    }
    _require_series(series, class_names)
    first = next(iter(series.values()))
    # Absent classes come last.
    order = np.argsort(-np.nan_to_num(first, nan=-1.0), kind='stable')
    return class_chart(
        class_names,
        series,
        order,
        path,
        title='IoU of each class',
        axis='IoU, %',
        log=False,
        limit=100.0,
        absent='absent',
    )


def gain_chart(
    gains: Mapping[str, Mapping[str, float]],
    class_share: Mapping[str, float],
    path: Union[str, Path],
    baseline: str = 'plain',
) -> Path:
    """Draws what methods gain on the baseline and lose against it, a row each.

    The columns are mIoU and the classes, the rarest first; of more than twenty classes
    the twenty rarest are shown.

    Args:
        gains (Mapping[str, Mapping[str, float]]): For each row, such as
            'AddMulti (3)', differences in points of IoU, of 'mIoU' and each class;
            NaN, where a class is absent, stays blank. See
            :func:`~mmseg_ganaug.evaluation.paired.method_gains`.
        class_share (Mapping[str, float]): Class name -> share (0..1) of the labelled
            training pixels.
        path (str | Path): The PNG or SVG file to write.
        baseline (str): Named in the title. Defaults to 'plain'.

    Returns:
        Path: The file.

    Raises:
        ValueError: When there is nothing to draw, or a row lacks a class.
    """
    rarest_first = sorted(class_share, key=class_share.__getitem__)
    _require_series(gains, rarest_first)
    columns = ['mIoU', *rarest_first[:_MOST_CLASSES]]
    for row, found in gains.items():
        missing = [name for name in columns if name not in found]
        if missing:
            raise ValueError(f'{row!r} has no gain of {missing}')
    return heat_chart(
        {row: [found[name] for name in columns] for row, found in gains.items()},
        columns,
        path,
        title=f'Gain on {shortened(baseline, MOST_CHARACTERS)}, points of IoU',
        limit=_STRONG_GAIN,
    )


def frequency_against_iou_chart(
    class_names: Sequence[str],
    frequency: Sequence[float],
    iou: Mapping[str, float],
    path: Union[str, Path],
) -> float:
    """Draws the IoU of each class over its frequency.

    The authors' observation that rare classes are the ones that score worst (Liu et
    al., ICASSP 2019), for the data and network at hand.

    Args:
        class_names (Sequence[str]): C names.
        frequency (Sequence[float]): Share of each class among the labelled training
            pixels, 0 to 1.
        iou (Mapping[str, float]): IoU by class name in per cent. Classes that are
            absent (NaN), or of frequency 0, are left out.
        path (str | Path): The PNG file to write.

    Returns:
        float: Spearman's rank correlation of frequency and IoU, -1 to 1; NaN when
        fewer than three classes are left, or all have one IoU or one frequency.

    Raises:
        ValueError: When there is not one frequency and one IoU for each class.
    """
    values = _iou_values(class_names, iou, 'iou')
    shares = 100 * np.asarray(frequency, dtype=float)
    if shares.shape != values.shape:
        raise ValueError(
            f'there are {shares.size} frequencies for {len(class_names)} classes'
        )
    kept = np.flatnonzero((shares > 0) & ~np.isnan(values))
    shares, values = shares[kept], values[kept]
    correlation = _rank_correlation(shares, values)

    found = '' if math.isnan(correlation) else f' (rank correlation {correlation:.2f})'
    scatter_chart(
        [class_names[index] for index in kept],
        shares,
        values,
        path,
        title=f'IoU over class frequency{found}',
        x_axis='share of the labelled training pixels, % (log scale)',
        y_axis='IoU, %',
    )
    return correlation


def _require_series(series: Mapping[str, Any], names: Sequence[str]) -> None:
    if not series or not len(names):
        raise ValueError('a chart needs at least one series and one class')


def _iou_values(
    class_names: Sequence[str], iou: Mapping[str, float], what: str
) -> np.ndarray:
    missing = [name for name in class_names if name not in iou]
    if missing:
        raise ValueError(f'{what!r} has no IoU of the classes {missing}')
    values = np.array([iou[name] for name in class_names], dtype=float)
    if np.any((values < 0) | (values > 100)):
        raise ValueError(f'{what!r} has an IoU outside 0 to 100 per cent')
    return values


def _rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    if first.size < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return math.nan
    from scipy.stats import spearmanr

    return float(spearmanr(first, second)[0])
