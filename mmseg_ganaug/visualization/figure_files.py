"""Figures of matplotlib: one look for all, names that fit, whole files."""

import io
import math
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Iterator, List, Sequence, Union

import numpy as np

from mmseg_ganaug.files import write_atomically
from mmseg_ganaug.shown_text import shortened

INK = '#333333'
GRID = '#dddddd'
DPI = 200
#: Okabe and Ito's colours, distinct with any kind of colour vision; the yellow, too
#: pale on white, is left out.
COLOURS = ('#0072B2', '#E69F00', '#009E73', '#CC79A7', '#56B4E9', '#D55E00', '#555555')
#: Of a name in a legend, a title or a row of numbers.
MOST_CHARACTERS = 60
#: Of a name beside bars, points or cells, which leave little space.
FEW_CHARACTERS = 28
_MOST_COLUMNS = 10
_POINTS_WITH_NAMES = 60
# Where the name of a point may stand, in points to the right and up, best first.
_PLACES = ((6, 0), (-6, 0), (0, 7), (0, -7), (5, 7), (5, -7))
# For characters that the first one lacks; those that are installed are used.
_FONTS = ('DejaVu Sans', 'Noto Sans', 'Noto Sans CJK JP', 'Noto Sans CJK SC',
          'WenQuanYi Micro Hei', 'Arial Unicode MS', 'Microsoft YaHei', 'Yu Gothic',
          'Malgun Gothic', 'Hiragino Sans', 'PingFang SC', 'Noto Sans Arabic',
          'Noto Sans Hebrew', 'Noto Sans Devanagari', 'Noto Emoji', 'Segoe UI Emoji',
          'Symbola')  # fmt: skip


@contextmanager
def drawn_figure(
    path: Union[str, Path], width: float, height: float, dpi: int, **options: Any
) -> Iterator[Any]:
    """Opens a figure, and saves it when the block ends without an error.

    Names in it are text, never formulas, in any script that there is a font for.

    Args:
        path (str | Path): The PNG or SVG file.
        width (float): In inches.
        height (float): In inches; the block may change it.
        dpi (int): Pixels per inch of a PNG.
        **options: Of ``matplotlib.figure.Figure``, such as ``layout``.

    Yields:
        matplotlib.figure.Figure: White and empty.
    """
    # Without pyplot: neither the backend nor the settings of the caller are touched.
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    style: Any = {
        # In an SVG, the reader's program finds the fonts.
        'font.family': 'sans-serif' if _is_svg(path) else _font_families(),
        'text.parse_math': False,
        # Text stays text, and the same chart is the same file.
        'svg.fonttype': 'none',
        'svg.hashsalt': 'mmseg_ganaug',
    }
    with rc_context(style):
        figure = Figure(figsize=(width, height), dpi=dpi, facecolor='white', **options)
        FigureCanvasAgg(figure)
        yield figure
        save_figure(figure, path, dpi)


def add_legend(
    figure: Any,
    handles: Sequence[Any],
    names: Sequence[str],
    most_characters: int = MOST_CHARACTERS,
    **options: Any,
) -> Any:
    """Adds a legend with as many columns as fit into the width of the figure.

    Args:
        figure (Figure): Of matplotlib.
        handles (Sequence[Artist]): What the names stand beside.
        names (Sequence[str]): One for each handle.
        most_characters (int): Longer names are shortened.
        **options: Of ``Figure.legend``, such as ``loc``.

    Returns:
        matplotlib.legend.Legend: The legend.
    """
    # A name that begins with an underscore would be left out, so it comes later.
    numbers = [str(number) for number in range(len(names))]
    fewest = math.ceil(len(names) / _MOST_COLUMNS)
    lines = range(fewest, len(names) + 1)
    for columns in dict.fromkeys(math.ceil(len(names) / number) for number in lines):
        legend = figure.legend(
            handles, numbers, ncols=columns, frameon=False, alignment='left', **options
        )
        for text, name in zip(legend.get_texts(), names):
            text.set_text(shortened(name, most_characters))
        if columns == 1 or legend.get_window_extent().width <= figure.bbox.width:
            break
        legend.remove()
    return legend


def name_points(axes: Any, names: Sequence[str], x: np.ndarray, y: np.ndarray) -> None:
    """Writes names beside points, each where it covers no other; else leaves it out.

    Args:
        axes (Axes): Of matplotlib, with the points and its limits.
        names (Sequence[str]): N names.
        x (np.ndarray): [N].
        y (np.ndarray): [N]; the lowest points get their names first.
    """
    axes.figure.canvas.draw()
    taken: List[Any] = []
    points = axes.transData.transform(np.column_stack([x, y]))
    frame = axes.get_window_extent()
    for index in np.argsort(y, kind='stable')[:_POINTS_WITH_NAMES]:
        others = np.delete(points, index, axis=0)
        for right, up in _PLACES:
            label = axes.annotate(
                shortened(names[index], FEW_CHARACTERS),
                (x[index], y[index]),
                xytext=(right, up),
                textcoords='offset points',
                ha={-1: 'right', 0: 'center', 1: 'left'}[np.sign(right)],
                va={-1: 'top', 0: 'center', 1: 'bottom'}[np.sign(up)],
                fontsize=8.5,
                color=INK,
            )
            box = label.get_window_extent()
            free = (
                frame.x0 <= box.x0
                and box.x1 <= frame.x1
                and not any(box.overlaps(other) for other in taken)
                and not any(
                    box.padded(axes.figure.dpi / 24).contains(*point)
                    for point in others
                )
            )
            if free:
                taken.append(box)
                break
            label.remove()


def plain_log_labels(axes: Any) -> None:
    """Writes the numbers of a logarithmic x axis as they are.

    Args:
        axes (Axes): Of matplotlib.
    """
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f'{value:g}'))
    axes.xaxis.set_minor_formatter(NullFormatter())


def colour_of(index: int, count: int) -> Any:
    """Returns the colour of a series.

    Args:
        index (int): Its number, from 0.
        count (int): Number of series.
    """
    if count <= len(COLOURS):
        return COLOURS[index]
    from matplotlib import colormaps

    return colormaps['viridis'](index / (count - 1))


def save_figure(figure: Any, path: Union[str, Path], dpi: int) -> Path:
    """Writes a figure as the file that its ending names.

    Args:
        figure (Figure): Of matplotlib.
        path (str | Path): The PNG or SVG file.
        dpi (int): Pixels per inch of a PNG.

    Returns:
        Path: The file.
    """
    if not _is_svg(path):
        return write_atomically(path, save_png(figure, dpi))
    content = io.BytesIO()
    figure.savefig(content, format='svg', metadata={'Date': None})
    return write_atomically(path, content.getvalue())


def save_png(figure: Any, dpi: int) -> bytes:
    """Draws a figure.

    Args:
        figure (Figure): Of matplotlib.
        dpi (int): Pixels per inch.

    Returns:
        bytes: The PNG file.
    """
    content = io.BytesIO()
    figure.savefig(content, format='png', dpi=dpi)
    return content.getvalue()


@lru_cache(maxsize=1)
def _font_families() -> List[str]:
    from matplotlib import font_manager

    installed = set(font_manager.get_font_names())
    return [name for name in _FONTS if name in installed]


def _is_svg(path: Union[str, Path]) -> bool:
    return Path(path).suffix == '.svg'
