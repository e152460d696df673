"""Charts of how far methods have been trained, and of what each step gains."""

import math
from pathlib import Path
from typing import Any, Mapping, NamedTuple, Optional, Sequence, Union

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
)

_GAIN, _LOSS = COLOURS[0], COLOURS[5]


class Curves(NamedTuple):
    """Learning curves of a method: mIoU in per cent by iteration.

    Attributes:
        mean: Over the seeds.
        seeds: Of each seed.
    """

    mean: Mapping[int, float]
    seeds: Sequence[Mapping[int, float]]


class Step(NamedTuple):
    """A figure of a rung of the ladder.

    Attributes:
        value: In per cent.
        gain: On the rung before, in points; None of the first, and where the one
            before was not run.
        low: Lower end of the interval of the gain; NaN for none.
        high: Its upper end.
    """

    value: float
    gain: Optional[float] = None
    low: float = math.nan
    high: float = math.nan


def learning_curve_chart(curves: Mapping[str, Curves], path: Union[str, Path]) -> Path:
    """Draws mIoU on the validation data by iteration, a line a method.

    Args:
        curves (Mapping[str, Curves]): By method; each seed is a thin line.
        path (str | Path): The PNG or SVG file to write.

    Returns:
        Path: The file.

    Raises:
        ValueError: When there is nothing to draw.
    """
    if not curves:
        raise ValueError('a chart needs at least one learning curve')
    with drawn_figure(path, 5.2, 4.4, DPI, layout='constrained') as figure:
        axes = figure.add_subplot()
        drawn = []
        for index, found in enumerate(curves.values()):
            colour = colour_of(index, len(curves))
            for seed in found.seeds if len(found.seeds) > 1 else ():
                axes.plot(
                    list(seed), list(seed.values()), color=colour, lw=0.7, alpha=0.35
                )
            steps, values = list(found.mean), list(found.mean.values())
            drawn += axes.plot(steps, values, color=colour, lw=2, marker='o', ms=3.5)
        axes.set_xlim(left=0)
        axes.grid(color=GRID, linewidth=0.7)
        axes.set_axisbelow(True)
        axes.spines[['top', 'right']].set_visible(False)
        axes.set_xlabel('iteration')
        axes.set_ylabel('mIoU on the validation data, %')
        add_legend(
            figure,
            drawn,
            list(curves),
            loc='outside upper left',
            title='Learning curves',
            title_fontsize=12,
            fontsize=9.5,
            handlelength=1.5,
        )
    return Path(path)


def ladder_chart(
    rungs: Sequence[str],
    panels: Mapping[str, Sequence[Optional[Step]]],
    path: Union[str, Path],
) -> Path:
    """Draws what each rung of a ladder gains or loses on the one before.

    Args:
        rungs (Sequence[str]): Names, the first on top.
        panels (Mapping[str, Sequence[Step | None]]): Such as 'mIoU' -> a step for each
            rung; None for one that was not run.
        path (str | Path): The PNG or SVG file to write.

    Returns:
        Path: The file.

    Raises:
        ValueError: When there is nothing to draw.
    """
    if not rungs or not panels:
        raise ValueError('a chart needs at least one rung and one figure')
    names = [shortened(name, FEW_CHARACTERS) for name in rungs]
    width = 0.4 + 0.075 * max(map(len, names)) + 2.5 * len(panels)
    height = 1.0 + 0.42 * len(rungs)
    with drawn_figure(path, width, height, DPI, layout='constrained') as figure:
        all_axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for axes, (title, steps) in zip(all_axes, panels.items()):
            _draw_steps(axes, steps)
            axes.set_title(
                shortened(title, MOST_CHARACTERS), loc='left', fontsize=11, color=INK
            )
            axes.set_xlabel('IoU, %')
        all_axes[0].set_yticks(range(len(rungs)), names, fontsize=9)
        all_axes[0].set_ylim(len(rungs) - 0.5, -0.5)
    return Path(path)


def _draw_steps(axes: Any, steps: Sequence[Optional[Step]]) -> None:
    axes.grid(axis='x', color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[['top', 'right', 'left']].set_visible(False)
    axes.tick_params(axis='y', length=0)
    for row, step in enumerate(steps):
        if step is None or math.isnan(step.value):
            continue
        below = steps[row + 1] if row + 1 < len(steps) else None
        if below is not None:
            axes.plot([step.value] * 2, [row, row + 1], color='#999999', lw=0.8)
        if step.gain is None or math.isnan(step.gain):
            axes.plot(step.value, row, 'o', color=INK, ms=5)
            text, end = f'{step.value:.1f}', step.value
        else:
            before = step.value - step.gain
            colour = _GAIN if step.gain >= 0 else _LOSS
            axes.barh(row, step.gain, left=before, height=0.5, color=colour)
            end = max(before, step.value)
            if not math.isnan(step.low):
                ends = [before + step.low, before + step.high]
                axes.plot(ends, [row, row], color=INK, lw=1.3, marker='|', ms=7)
                end = max(end, *ends)
            text = signed(step.gain)
        place: Any = dict(xytext=(6, 0), textcoords='offset points', va='center')
        axes.annotate(text, (end, row), fontsize=8.5, color=INK, **place)
    # Bars would end the axis where they begin.
    axes.use_sticky_edges = False
    axes.margins(x=0.22)
