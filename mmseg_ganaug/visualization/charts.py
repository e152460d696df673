"""Charts of class frequency, IoU and gains, in one look."""

import math
from pathlib import Path
from typing import Any, List, Mapping, Optional, Sequence, Union

import numpy as np

from mmseg_ganaug.shown_text import shortened, signed
from mmseg_ganaug.visualization.figure_files import (
    COLOURS,
    DPI,
    FEW_CHARACTERS,
    GRID,
    INK,
    MOST_CHARACTERS,
    add_legend,
    colour_of,
    drawn_figure,
    name_points,
    plain_log_labels,
)

_MARKERS = 'osD^vPX'
# Narrow, so that the text can still be read when a phone scales the chart down.
_WIDTH = 5.2
# With more bars than this, a chart shows dots, which take less height.
_MOST_BARS = 120
# Above this ratio of the largest share to the smallest, the axis is logarithmic.
_LOG_FROM_RATIO = 50.0
# Points of IoU from which on a gain or a loss has the strongest colour.
_STRONG_GAIN = 15.0
# A chart with more columns cannot be read.
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
    every = np.concatenate(list(shares.values()))
    present = every[every > 0]
    log = present.size > 0 and present.max() / present.min() > _LOG_FROM_RATIO
    return _class_chart(
        class_names,
        shares,
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
    return _class_chart(
        class_names,
        series,
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
            :func:`~mmseg_ganaug.evaluation.differences.method_gains`.
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
    values = np.array([[found[name] for name in columns] for found in gains.values()])
    longest = max(len(shortened(name, MOST_CHARACTERS)) for name in gains)
    # Column names stand aslant: long ones need height.
    aslant = [shortened(name, FEW_CHARACTERS) for name in columns]
    above = 0.06 * max(0, max(map(len, aslant)) - 16)
    width = 0.4 + 0.06 * longest + 0.38 * len(columns) + above
    height = 1.4 + 0.22 * len(gains) + above
    with drawn_figure(path, width, height, DPI, layout='constrained') as figure:
        axes = figure.add_subplot()
        edges = [np.arange(count + 1) - 0.5 for count in values.shape[::-1]]
        strong = dict(vmin=-_STRONG_GAIN, vmax=_STRONG_GAIN)
        axes.pcolormesh(*edges, values, cmap='RdBu', **strong)
        axes.invert_yaxis()
        rows = [shortened(name, MOST_CHARACTERS) for name in gains]
        axes.set_yticks(np.arange(len(rows)), rows, fontsize=8)
        turned: Any = dict(rotation=45, ha='left', rotation_mode='anchor')
        axes.set_xticks(np.arange(len(columns)), aslant, fontsize=8, **turned)
        axes.tick_params(
            length=0, top=False, bottom=False, labeltop=True, labelbottom=False
        )
        for (down, across), value in np.ndenumerate(values):
            if not math.isnan(value):
                # On a strong colour, white is what can be read.
                ink = 'white' if abs(value) > 0.55 * _STRONG_GAIN else INK
                style: Any = dict(ha='center', va='center', size=7, color=ink)
                axes.text(across, down, signed(value), **style)
        axes.spines[:].set_visible(False)
        title = f'Gain on {shortened(baseline, MOST_CHARACTERS)}, points of IoU'
        figure.suptitle(title, x=0.01, ha='left', fontsize=11)
    return Path(path)


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
    with drawn_figure(path, _WIDTH, 4.4, DPI, layout='constrained') as figure:
        axes = figure.add_subplot()
        axes.scatter(shares, values, s=34, color=COLOURS[0], zorder=3)
        if len(kept):
            axes.set_xscale('log')
            axes.set_xlim(shares.min() / 2, shares.max() * 3)
            plain_log_labels(axes)
        axes.set_ylim(-4, 104)
        axes.grid(color=GRID, linewidth=0.7)
        axes.set_xlabel('share of the labelled training pixels, % (log scale)')
        axes.set_ylabel('IoU, %')
        axes.set_title(f'IoU over class frequency{found}', loc='left', fontsize=12)
        name_points(axes, [class_names[index] for index in kept], shares, values)
    return correlation


def _class_chart(
    class_names: Sequence[str],
    series: Mapping[str, np.ndarray],
    path: Union[str, Path],
    *,
    title: str,
    axis: str,
    log: bool,
    limit: Optional[float],
    absent: str,
) -> Path:
    """Draws a row per class with a bar, or a dot, per series; the highest on top.

    NaN, and 0 on a logarithmic axis, cannot be drawn: ``absent`` stands in its place.
    ``limit`` is the right end of the axis; by default that of the data.
    """
    values = np.stack(list(series.values()))
    # Absent classes come last.
    order = np.argsort(-np.nan_to_num(values[0], nan=-1.0), kind='stable')
    values = values[:, order]
    if log:
        values = np.where(values > 0, values, math.nan)
    as_bars = values.size <= _MOST_BARS
    row_height = max(0.26, 0.13 * len(series) + 0.06) if as_bars else 0.2
    with drawn_figure(path, _WIDTH, _WIDTH, DPI, layout='constrained') as figure:
        axes = figure.add_subplot()
        if log:
            lowest = 10 ** math.floor(math.log10(np.nanmin(values)) - 0.2)
            axes.set_xscale('log')
            axes.set_xlim(lowest, 1.8 * np.nanmax(values))
            plain_log_labels(axes)
        else:
            axes.set_xlim(0, limit or 1.15 * max(np.nan_to_num(values).max(), 1e-3))
        drawn = (_draw_bars if as_bars else _draw_dots)(axes, values, absent)
        axes.set_yticks(
            np.arange(len(order)),
            [shortened(class_names[index], FEW_CHARACTERS) for index in order],
            fontsize=10 if as_bars else 8,
        )
        axes.set_ylim(len(order) - 0.4, -0.6)
        axes.tick_params(axis='y', length=0)
        if not as_bars:
            # On a tall chart the reader should not have to scroll for the scale.
            axes.tick_params(axis='x', top=True, labeltop=True)
        axes.grid(axis='x', color=GRID, linewidth=0.7)
        axes.set_axisbelow(True)
        axes.spines[['top', 'right', 'left']].set_visible(False)
        axes.set_xlabel(axis)
        legend = add_legend(
            figure,
            drawn,
            list(series),
            loc='outside upper left',
            title=title,
            title_fontsize=12,
            fontsize=9.5,
            handlelength=1,
        )
        above = legend.get_window_extent().height / DPI
        figure.set_size_inches(_WIDTH, 0.9 + above + row_height * len(order))
    return Path(path)


def _draw_bars(axes: Any, values: np.ndarray, absent: str) -> List[Any]:
    height = 0.8 / len(values)
    left = axes.get_xlim()[0]
    drawn = []
    for index, row in enumerate(values):
        middles = np.arange(len(row)) + (index - (len(values) - 1) / 2) * height
        colour = colour_of(index, len(values))
        ends = np.nan_to_num(row, nan=left)
        bars = axes.barh(middles, ends, height=0.9 * height, color=colour)
        texts = [absent if math.isnan(value) else _short(value) for value in row]
        axes.bar_label(bars, texts, padding=3, fontsize=7.5, color=INK)
        drawn.append(bars)
    return drawn


def _draw_dots(axes: Any, values: np.ndarray, absent: str) -> List[Any]:
    rows = np.arange(values.shape[1])
    some = ~np.isnan(values).all(axis=0)
    least = np.nanmin(values[:, some], axis=0)
    most = np.nanmax(values[:, some], axis=0)
    axes.hlines(rows[some], least, most, color='#bbbbbb', linewidth=1.2, zorder=1)
    for row in rows[~some]:
        axes.text(
            axes.get_xlim()[0], row, f' {absent}', va='center', fontsize=7.5, color=INK
        )
    return [
        axes.scatter(
            row,
            rows,
            s=22,
            marker=_MARKERS[index % len(_MARKERS)],
            color=colour_of(index, len(values)),
            zorder=3,
            clip_on=False,
        )
        for index, row in enumerate(values)
    ]


def _short(value: float) -> str:
    """Writes two significant digits, and never fewer than the whole number."""
    return f'{value:.0f}' if value >= 9.95 or value == 0 else f'{value:#.2g}'


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
