"""How the charts are drawn: one look for all of them."""

import math
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

import numpy as np

from mmseg_ganaug.shown_text import one_line, shortened
from mmseg_ganaug.visualization.figure_files import save_figure

# Okabe and Ito's colours, told apart with any kind of colour vision; the yellow, too
# pale on white, is left out.
_COLOURS = ('#0072B2', '#E69F00', '#009E73', '#CC79A7', '#56B4E9', '#D55E00', '#555555')
_INK = '#333333'
_GRID = '#dddddd'
_DPI = 200
# Narrow, so that the text can still be read when a phone scales the chart down.
_WIDTH = 5.2
# With more bars than this, a chart shows dots, which take less height.
_MOST_BARS = 120
_MARKERS = 'osD^vPX'
_POINTS_WITH_NAMES = 60
_LEGEND_LINE = 0.2  # inches
#: Of a name in a legend, a title or a row of numbers.
MOST_CHARACTERS = 60
# Of a name that bars, points or cells leave little room for.
_FEW_CHARACTERS = 28


def _label(text: str, most: int = MOST_CHARACTERS) -> str:
    return shortened(text, most)


def _new_figure(width: float, height: float) -> Any:
    # Without pyplot: neither the backend nor the settings of the caller are touched.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=_DPI, layout='constrained')
    FigureCanvasAgg(figure)
    figure.set_facecolor('white')
    return figure


def _plain_log_labels(axes: Any) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f'{value:g}'))
    axes.xaxis.set_minor_formatter(NullFormatter())


def class_chart(
    class_names: Sequence[str],
    series: Dict[str, np.ndarray],
    order: Union[Sequence[int], np.ndarray],
    path: Union[str, Path],
    *,
    title: str,
    axis: str,
    log: bool,
    limit: Optional[float],
    absent: str,
) -> Path:
    """A row per class with a bar, or a dot, per series.

    Args:
        class_names (Sequence[str]): C names.
        series (Dict[str, np.ndarray]): C values each; NaN, and 0 on a log axis, cannot
            be drawn and are spelt out.
        order (Sequence[int]): Class indices from top to bottom.
        path (str | Path): The PNG file to write.
        title (str): Title of the chart.
        axis (str): What the values are, and their unit.
        log (bool): Whether the axis is logarithmic.
        limit (float, optional): Right end of the axis; by default that of the data.
        absent (str): Shown for a value that cannot be drawn.
    """
    as_bars = len(series) * len(order) <= _MOST_BARS
    row_height = max(0.26, 0.13 * len(series) + 0.06) if as_bars else 0.2
    columns = _legend_columns([_label(name) for name in series])
    legend = _LEGEND_LINE * math.ceil(len(series) / columns)
    figure = _new_figure(_WIDTH, 1.3 + legend + row_height * len(order))
    axes = figure.add_subplot()
    _set_value_axis(axes, np.concatenate(list(series.values())), log, limit)
    draw = _draw_bars if as_bars else _draw_dots
    drawn = draw(axes, [values[order] for values in series.values()], log, absent)
    axes.set_yticks(
        np.arange(len(order)),
        [_label(class_names[index], _FEW_CHARACTERS) for index in order],
        fontsize=10 if as_bars else 8,
        parse_math=False,
    )
    axes.set_ylim(len(order) - 0.4, -0.6)
    axes.tick_params(axis='y', length=0)
    if not as_bars:
        # On a tall chart the reader should not have to scroll for the scale.
        axes.tick_params(axis='x', top=True, labeltop=True)
    axes.grid(axis='x', color=_GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ('top', 'right', 'left'):
        axes.spines[side].set_visible(False)
    axes.set_xlabel(axis)
    _draw_legend(figure, drawn, list(series), title, columns)
    return save_figure(figure, path, _DPI)


def _draw_legend(
    figure: Any, drawn: Sequence[Any], names: Sequence[str], title: str, columns: int
) -> None:
    legend = figure.legend(
        drawn,
        # A name that begins with an underscore would be left out, so it comes later.
        [str(number) for number in range(len(drawn))],
        loc='outside upper left',
        title=title,
        title_fontsize=12,
        alignment='left',
        ncols=columns,
        frameon=False,
        fontsize=9.5,
        handlelength=1,
    )
    for text, name in zip(legend.get_texts(), names):
        text.set_parse_math(False)
        text.set_text(_label(name))


def _legend_columns(names: Sequence[str]) -> int:
    # About 55 characters fit beside each other; a marker takes the room of five.
    if sum(len(name) + 5 for name in names) <= 55:
        return len(names)
    return max(1, 55 // (max(map(len, names)) + 5))


def _set_value_axis(
    axes: Any, values: np.ndarray, log: bool, limit: Optional[float]
) -> None:
    if log:
        drawn = values[values > 0]
        axes.set_xscale('log')
        left = 10 ** math.floor(math.log10(drawn.min()) - 0.2)
        axes.set_xlim(left, 1.8 * drawn.max())
        _plain_log_labels(axes)
    else:
        largest = np.nan_to_num(values).max()
        axes.set_xlim(0, limit or 1.15 * max(largest, 1e-3))


def _draw_bars(
    axes: Any, series: Sequence[np.ndarray], log: bool, absent: str
) -> List[Any]:
    height = 0.8 / len(series)
    left = axes.get_xlim()[0]
    drawn = []
    for index, values in enumerate(series):
        middles = np.arange(len(values)) + (index - (len(series) - 1) / 2) * height
        bars = axes.barh(
            middles,
            np.nan_to_num(values),
            height=0.9 * height,
            color=_colour(index, len(series)),
        )
        drawn.append(bars)
        for middle, value in zip(middles, values):
            missing = math.isnan(value) or (log and value == 0)
            text = absent if missing else _short(value)
            _write_beside(axes, left if missing else value, middle, text)
    return drawn


def _draw_dots(
    axes: Any, series: Sequence[np.ndarray], log: bool, absent: str
) -> List[Any]:
    every = np.stack(series)
    if log:
        every = np.where(every > 0, every, math.nan)
    rows = np.arange(every.shape[1])
    left = axes.get_xlim()[0]
    some = ~np.isnan(every).all(axis=0)
    axes.hlines(
        rows[some],
        np.nanmin(every[:, some], axis=0),
        np.nanmax(every[:, some], axis=0),
        color='#bbbbbb',
        linewidth=1.2,
        zorder=1,
    )
    for row in rows[~some]:
        _write_beside(axes, left, row, absent)
    return [
        axes.scatter(
            values,
            rows,
            s=22,
            marker=_MARKERS[index % len(_MARKERS)],
            color=_colour(index, len(series)),
            zorder=3,
            clip_on=False,
        )
        for index, values in enumerate(every)
    ]


def _write_beside(axes: Any, x: float, y: float, text: str) -> None:
    axes.annotate(
        text,
        (x, y),
        xytext=(3, 0),
        textcoords='offset points',
        va='center',
        fontsize=7.5,
        color=_INK,
        zorder=4,
    )


def _colour(index: int, count: int) -> Any:
    if count <= len(_COLOURS):
        return _COLOURS[index]
    from matplotlib import colormaps

    return colormaps['viridis'](index / (count - 1))


def _short(value: float) -> str:
    """Two significant digits, and never fewer than the whole number."""
    return f'{value:.0f}' if value >= 9.95 or value == 0 else f'{value:#.2g}'


def heat_chart(
    rows: Mapping[str, Sequence[float]],
    columns: Sequence[str],
    path: Union[str, Path],
    *,
    title: str,
    limit: float,
) -> Path:
    """A cell per row and column: the number, blue above zero and red below it.

    Args:
        rows (Mapping[str, Sequence[float]]): A value for each column; NaN is left
            blank.
        columns (Sequence[str]): Their names.
        path (str | Path): The PNG or SVG file to write.
        title (str): Title of the chart.
        limit (float): From this value on, a colour is at its strongest.
    """
    values = np.array([list(row) for row in rows.values()], float)
    longest = max(len(_label(name)) for name in rows)
    # Column names stand aslant: long ones need height.
    aslant = [_label(name, _FEW_CHARACTERS) for name in columns]
    above = 0.06 * max(0, max(map(len, aslant)) - 16)
    figure = _new_figure(
        0.4 + 0.06 * longest + 0.38 * len(columns) + above,
        1.4 + 0.22 * len(rows) + above,
    )
    axes = figure.add_subplot()
    edges = [np.arange(count + 1) - 0.5 for count in values.shape[::-1]]
    axes.pcolormesh(*edges, values, cmap='RdBu', vmin=-limit, vmax=limit)
    axes.invert_yaxis()
    style = dict(fontsize=8, parse_math=False)
    axes.set_yticks(np.arange(len(rows)), list(map(_label, rows)), **style)
    axes.set_xticks(
        np.arange(len(columns)),
        aslant,
        rotation=45,
        ha='left',
        rotation_mode='anchor',
        **style,
    )
    axes.tick_params(
        length=0, top=False, bottom=False, labeltop=True, labelbottom=False
    )
    for (row, column), value in np.ndenumerate(values):
        if not math.isnan(value):
            # On a strong colour, white is what can be read.
            ink = 'white' if abs(value) > 0.55 * limit else _INK
            text = f'{value + 0.0:+.1f}'
            axes.text(column, row, text, ha='center', va='center', size=7, color=ink)
    for side in axes.spines.values():
        side.set_visible(False)
    figure.suptitle(
        one_line(title),
        x=0.01,
        ha='left',
        fontsize=11,
        parse_math=False,
    )
    return save_figure(figure, path, _DPI)


def scatter_chart(
    names: Sequence[str],
    x: np.ndarray,
    y: np.ndarray,
    path: Union[str, Path],
    *,
    title: str,
    x_axis: str,
    y_axis: str,
) -> Path:
    """Draws named points of percentages ``y`` over a logarithmic ``x`` above 0."""
    figure = _new_figure(_WIDTH, 4.4)
    axes = figure.add_subplot()
    axes.scatter(x, y, s=34, color=_COLOURS[0], zorder=3)
    if len(x):
        axes.set_xscale('log')
        axes.set_xlim(x.min() / 2, x.max() * 3)
        _plain_log_labels(axes)
    axes.set_ylim(-4, 104)
    axes.grid(color=_GRID, linewidth=0.7)
    axes.set_xlabel(x_axis)
    axes.set_ylabel(y_axis)
    axes.set_title(title, loc='left', fontsize=12)
    _name_points(figure, axes, names, x, y)
    return save_figure(figure, path, _DPI)


def _name_points(
    figure: Any, axes: Any, names: Sequence[str], x: np.ndarray, y: np.ndarray
) -> None:
    """Writes names beside points, each where it covers no other; else leaves it out."""
    figure.canvas.draw()
    taken: List[Any] = []
    points = axes.transData.transform(np.column_stack([x, y]))
    places = [(6, 0, 'left', 'center'), (-6, 0, 'right', 'center')]
    places += [(0, 7, 'center', 'bottom'), (0, -7, 'center', 'top')]
    places += [(5, 7, 'left', 'bottom'), (5, -7, 'left', 'top')]
    frame = axes.get_window_extent()
    # The classes with the lowest IoU are what one looks for: they choose first.
    for index in np.argsort(y, kind='stable')[:_POINTS_WITH_NAMES]:
        for right, up, across, along in places:
            label = axes.annotate(
                _label(names[index], _FEW_CHARACTERS),
                (x[index], y[index]),
                xytext=(right, up),
                textcoords='offset points',
                ha=across,
                va=along,
                fontsize=8.5,
                color=_INK,
                parse_math=False,
            )
            box = label.get_window_extent()
            others = np.delete(points, index, axis=0)
            free = (
                frame.x0 <= box.x0
                and box.x1 <= frame.x1
                and not any(box.overlaps(other) for other in taken)
                and not any(box.padded(_DPI / 24).contains(*point) for point in others)
            )
            if free:
                taken.append(box)
                break
            label.remove()
