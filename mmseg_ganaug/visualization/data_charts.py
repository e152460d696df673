"""Charts of what a data set holds: sizes of objects, shares, intervals, confusions."""

from pathlib import Path
from typing import Any, List, Mapping, Sequence, Tuple, Union

import numpy as np

from mmseg_ganaug.shown_text import shortened
from mmseg_ganaug.visualization.figure_files import (
    COLOURS,
    DPI,
    FEW_CHARACTERS,
    GRID,
    INK,
    add_legend,
    drawn_figure,
    plain_log_labels,
)

_WIDTH = 5.2
_MOST_ROWS = 20
_BAR, _ACCENT, _QUIET = COLOURS[0], COLOURS[5], '#bbbbbb'
# Right, then what is most often wrong.
_CONFUSED = (_BAR, _ACCENT, '#f0a36b', '#f7d3b8')


def object_size_chart(
    cells: Mapping[str, Tuple[np.ndarray, np.ndarray]],
    path: Union[str, Path],
    stride: float,
    axis: str = 'size of an object',
) -> Path:
    """Draws in objects of which size the pixels of classes lie, against a cell.

    Args:
        cells (Mapping[str, tuple[np.ndarray, np.ndarray]]): By class, float [K] > 0,
            sizes of objects in cells of the network's output, and float [K] > 0, their
            pixels.
        path (str | Path): The PNG or SVG file to write.
        stride (float): Side of a cell, in pixels of the network's input.
        axis (str): What is meant by size.

    Returns:
        Path: The file.

    Raises:
        ValueError: When there is nothing to draw.
    """
    rows = {name: found for name, found in cells.items() if len(found[0])}
    rows = dict(list(rows.items())[:_MOST_ROWS])
    if not rows:
        raise ValueError('a chart of object sizes needs at least one object')
    every = np.log2(np.concatenate([sizes for sizes, _ in rows.values()]))
    low, high = min(-2.0, np.floor(every.min())), max(3.0, np.ceil(every.max()))
    edges = 2.0 ** np.arange(low, high + 0.25, 0.25)
    with drawn_figure(path, _WIDTH, 1.2 + 0.55 * len(rows), DPI) as figure:
        figure.set_layout_engine('constrained')
        all_axes = figure.subplots(len(rows), 1, sharex=True, squeeze=False)[:, 0]
        for axes, (name, (sizes, pixels)) in zip(all_axes, rows.items()):
            counts, _ = np.histogram(sizes, edges, weights=pixels)
            below = edges[:-1] < 1
            for kept, colour in ((below, _ACCENT), (~below, _BAR)):
                wide = dict(width=np.diff(edges)[kept], align='edge', color=colour)
                axes.bar(edges[:-1][kept], counts[kept], **wide)
            axes.axvline(1, color=INK, lw=1)
            axes.axvline(2, color=INK, lw=1, ls=':')
            axes.set_xscale('log', base=2)
            axes.set_yticks([])
            beside: Any = dict(rotation=0, ha='right', va='center', fontsize=9)
            axes.set_ylabel(shortened(name, FEW_CHARACTERS), **beside)
            axes.spines[['top', 'right', 'left']].set_visible(False)
            share = 100 * pixels[sizes < 1].sum() / pixels.sum()
            style: Any = dict(ha='right', va='top', fontsize=8, color=INK)
            text = f'{share:.0f} % below a cell'
            axes.text(1, 1, text, transform=axes.transAxes, **style)
        plain_log_labels(all_axes[-1])
        all_axes[-1].set_xlabel(f'{axis}, in cells of {stride:g} pixels (log scale)')
        _title(figure, 'Where the pixels lie: objects against one cell (dotted: two)')
    return Path(path)


def share_chart(
    pixels: Mapping[str, float], photos: Mapping[str, float], path: Union[str, Path]
) -> Path:
    """Draws the share of the pixels and of the photos of classes, joined by a line.

    Args:
        pixels (Mapping[str, float]): By class, share (0..1) of the labelled pixels; the
            rarest are drawn.
        photos (Mapping[str, float]): By class, share (0..1) of the photos that show it.
        path (str | Path): The PNG or SVG file to write.

    Returns:
        Path: The file.

    Raises:
        ValueError: When no class occurs.
    """
    names = sorted((name for name in pixels if pixels[name] > 0), key=pixels.get)  # type: ignore[arg-type]
    names = names[:_MOST_ROWS]
    if not names:
        raise ValueError('a chart of shares needs at least one class')
    rows = np.arange(len(names))
    of_pixels, of_photos = (
        100 * np.array([shares[name] for name in names]) for shares in (pixels, photos)
    )
    with drawn_figure(path, _WIDTH, 1.4 + 0.26 * len(names), DPI) as figure:
        figure.set_layout_engine('constrained')
        axes = figure.add_subplot()
        axes.hlines(rows, of_pixels, of_photos, color=_QUIET, lw=1.5, zorder=1)
        drawn = [
            axes.scatter(values, rows, s=30, color=colour, zorder=2, clip_on=False)
            for values, colour in ((of_pixels, _ACCENT), (of_photos, _BAR))
        ]
        axes.set_xscale('log')
        axes.set_xlim(right=100)
        plain_log_labels(axes)
        _name_rows(axes, names)
        axes.set_xlabel('share, % (log scale)')
        add_legend(
            figure,
            drawn,
            ['of the labelled pixels', 'of the photos'],
            loc='outside upper left',
            title='How rare classes are',
            title_fontsize=12,
            fontsize=9.5,
        )
    return Path(path)


def margin_chart(
    margins: Mapping[str, Tuple[float, int]], limit: float, path: Union[str, Path]
) -> Path:
    """Draws how unsure the IoU of classes stays on the validation photos.

    Args:
        margins (Mapping[str, tuple[float, int]]): By class, half the width of the
            interval in points of IoU, and the number of photos that show it.
        limit (float): From which on it is wide, in points.
        path (str | Path): The PNG or SVG file to write.

    Returns:
        Path: The file.

    Raises:
        ValueError: When there is no class.
    """
    names = sorted(margins, key=lambda name: -margins[name][0])[:_MOST_ROWS]
    if not names:
        raise ValueError('a chart of intervals needs at least one class')
    rows = np.arange(len(names))
    halves = np.array([margins[name][0] for name in names])
    with drawn_figure(path, _WIDTH, 1.2 + 0.26 * len(names), DPI) as figure:
        figure.set_layout_engine('constrained')
        axes = figure.add_subplot()
        axes.axvspan(-limit, limit, color='#eeeeee', zorder=0)
        colours = [_ACCENT if half >= limit else _BAR for half in halves]
        axes.hlines(rows, -halves, halves, color=colours, lw=4)
        widest = max(halves.max(), limit)
        for row, name in enumerate(names):
            half, photos = margins[name]
            text = f'±{half:.1f}, {photos} photo' + ('' if photos == 1 else 's')
            style: Any = dict(va='center', fontsize=8, color=INK)
            axes.text(1.05 * widest, row, text, **style)
        axes.set_xlim(-1.05 * widest, 1.9 * widest)
        axes.axvline(0, color=INK, lw=0.8)
        ticks = [tick for tick in axes.get_xticks() if abs(tick) <= 1.05 * widest]
        axes.set_xticks(ticks, [f'{abs(tick):g}' for tick in ticks])
        _name_rows(axes, names)
        axes.set_xlabel('95 % interval around any IoU, points')
        _title(figure, 'How sure the validation photos can be')
    return Path(path)


def confusion_chart(
    shares: Mapping[str, Sequence[Tuple[str, float]]], path: Union[str, Path]
) -> Path:
    """Draws what the pixels of classes are predicted as.

    Args:
        shares (Mapping[str, Sequence[tuple[str, float]]]): By class, what its pixels
            are taken for, itself first, with shares 0..1.
        path (str | Path): The PNG or SVG file to write.

    Returns:
        Path: The file.

    Raises:
        ValueError: When there is no class.
    """
    if not shares:
        raise ValueError('a chart of confusions needs at least one class')
    names = list(shares)[:_MOST_ROWS]
    with drawn_figure(path, _WIDTH, 1.0 + 0.34 * len(names), DPI) as figure:
        figure.set_layout_engine('constrained')
        axes = figure.add_subplot()
        for row, name in enumerate(names):
            start = 0.0
            for number, (other, share) in enumerate(shares[name]):
                colour = _CONFUSED[min(number, len(_CONFUSED) - 1)]
                wide = 100 * share
                axes.barh(row, wide, left=start, color=colour, edgecolor='white')
                most = int(wide / 1.9)
                if most > 4:
                    text = shortened(f'{other} {wide:.0f}', most)
                    style: Any = dict(ha='center', va='center', fontsize=8)
                    ink = 'white' if number < 2 else INK
                    axes.text(start + wide / 2, row, text, color=ink, **style)
                start += wide
        axes.set_xlim(0, 100)
        _name_rows(axes, names)
        axes.set_xlabel('share of its pixels, %: right (blue), taken for others')
        _title(figure, 'What classes are taken for')
    return Path(path)


def headroom_chart(
    photos: Sequence[int],
    series: Mapping[str, Sequence[float]],
    path: Union[str, Path],
) -> Path:
    """Draws what is reached with more and more photos.

    Args:
        photos (Sequence[int]): Numbers of training photos, rising.
        series (Mapping[str, Sequence[float]]): By name, IoU in per cent for each.
        path (str | Path): The PNG or SVG file to write.

    Returns:
        Path: The file.
    """
    with drawn_figure(path, _WIDTH, 3.4, DPI) as figure:
        figure.set_layout_engine('constrained')
        axes = figure.add_subplot()
        drawn: List[Any] = []
        for colour, values in zip(COLOURS, series.values()):
            drawn += axes.plot(photos, values, color=colour, lw=2, marker='o', ms=5)
            for number, value in zip(photos, values):
                place: Any = dict(xytext=(0, 7), textcoords='offset points')
                text = dict(ha='center', fontsize=8.5, color=INK)
                axes.annotate(f'{value:.1f}', (number, value), **place, **text)
        axes.set_xscale('log', base=2)
        axes.set_xticks(photos, [str(number) for number in photos])
        axes.minorticks_off()
        axes.margins(0.12, 0.2)
        axes.grid(color=GRID, linewidth=0.7)
        axes.spines[['top', 'right']].set_visible(False)
        axes.set_xlabel('training photos (log scale)')
        axes.set_ylabel('IoU, %')
        add_legend(
            figure,
            drawn,
            list(series),
            loc='outside upper left',
            title='What more photos give',
            title_fontsize=12,
            fontsize=9.5,
            handlelength=1.5,
        )
    return Path(path)


def _name_rows(axes: Any, names: Sequence[str]) -> None:
    shown = [shortened(name, FEW_CHARACTERS) for name in names]
    axes.set_yticks(range(len(names)), shown, fontsize=9)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis='y', length=0)
    axes.grid(axis='x', color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[['top', 'right', 'left']].set_visible(False)


def _title(figure: Any, text: str) -> None:
    figure.suptitle(text, x=0.01, ha='left', fontsize=11)
