"""What the report of a bench draws: axes, learning curves and pictures in place."""

import base64
import math
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

_STEPS = (1, 2, 2.5, 5, 10)
# Of the drawing of curves, in its own units; the page scales it.
_WIDTH, _HEIGHT = 340, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 8, 10, 26
_JPEG_QUALITY = 85


class Axis(NamedTuple):
    """A linear axis.

    Attributes:
        low: Where it begins.
        high: Where it ends.
        ticks: Round numbers on it.
    """

    low: float
    high: float
    ticks: Tuple[float, ...]

    def share(self, value: float) -> float:
        """Returns where a value stands, 0 to 1."""
        return (value - self.low) / (self.high - self.low)


def axis_over(values: Sequence[float], most_ticks: int = 6) -> Axis:
    """Makes an axis that holds values, with ticks at round numbers.

    Args:
        values (Sequence[float]): Any number of them.
        most_ticks (int): Defaults to 6.
    """
    low, high = min(values, default=0.0), max(values, default=1.0)
    if high - low < 1e-6:
        low, high = low - 0.5, high + 0.5
    rough = (high - low) / (most_ticks - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in _STEPS if s * power >= rough * (1 - 1e-9))
    ticks = np.arange(math.floor(low / step), math.ceil(high / step) + 1) * step
    shown = [round(float(tick), 6) for tick in ticks if low - 1e-9 <= tick]
    shown = [tick for tick in shown if tick <= high + 1e-9]
    pad = 0.04 * (high - low)
    return Axis(low - pad, high + pad, tuple(shown))


class Curve(NamedTuple):
    """A learning curve, drawn.

    Attributes:
        name: Of the treatment.
        points: Of a polyline, ``x,y x,y``.
        last: Its last value, in per cent.
    """

    name: str
    points: str
    last: float


class CurveChart(NamedTuple):
    """Learning curves of several treatments in one drawing.

    Attributes:
        title: What is drawn.
        width: Of the drawing.
        height: Of the drawing.
        curves: One a treatment.
        across: (y, text) of the ticks of the upright axis.
        down: (x, text) of the ticks of the other one.
    """

    title: str
    width: int
    height: int
    curves: List[Curve]
    across: List[Tuple[float, str]]
    down: List[Tuple[float, str]]

    def sentence(self) -> str:
        """Says what one sees, for who does not."""
        ends = ', '.join(f'{curve.name} {curve.last:.1f} %' for curve in self.curves)
        return f'Learning curves, {self.title}; at the end: {ends}'


def curve_chart(
    title: str, curves: Mapping[str, Mapping[int, float]]
) -> Optional[CurveChart]:
    """Draws learning curves.

    Args:
        title (str): What is drawn.
        curves (Mapping[str, Mapping[int, float]]): By treatment, per cent by iteration.

    Returns:
        CurveChart | None: None where no curve has two points.
    """
    curves = {name: found for name, found in curves.items() if len(found) > 1}
    if not curves:
        return None
    steps = axis_over([0, *(step for found in curves.values() for step in found)], 5)
    values = axis_over([value for found in curves.values() for value in found.values()])

    def x(step: float) -> float:
        return round(_LEFT + steps.share(step) * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(value: float) -> float:
        return round(_HEIGHT - _BOTTOM - values.share(value) * _inner_height(), 1)

    drawn = [
        Curve(
            name,
            ' '.join(f'{x(step)},{y(found[step])}' for step in sorted(found)),
            found[max(found)],
        )
        for name, found in curves.items()
    ]
    across = [(y(tick), f'{tick:g}') for tick in values.ticks]
    down = [(x(tick), f'{tick:g}') for tick in steps.ticks]
    return CurveChart(title, _WIDTH, _HEIGHT, drawn, across, down)


def _inner_height() -> int:
    return _HEIGHT - _TOP - _BOTTOM


class Picture(NamedTuple):
    """A picture in the page.

    Attributes:
        source: All of it, as a URI; '' where the file is missing.
        width: In pixels.
        height: In pixels.
        path: Where it was.
    """

    source: str
    width: int
    height: int
    path: str


def picture_in_page(folder: Path, path: str, width: int, is_photo: bool) -> Picture:
    """Reads a picture, and makes it small enough for a page.

    Args:
        folder (Path): Of ``bench.json``.
        path (str): Of the picture, from there.
        width (int): Largest width, in pixels.
        is_photo (bool): Whether it becomes a JPEG; drawings stay PNG.

    Returns:
        Picture: Without a source where the file is missing or no picture: the rest of
        a report is worth reading.
    """
    import cv2

    try:
        content = np.frombuffer((folder / path).read_bytes(), np.uint8)
        image = cv2.imdecode(content, cv2.IMREAD_COLOR) if content.size else None
    except (OSError, ValueError):
        image = None
    if image is None:
        return Picture('', 0, 0, path)
    if image.shape[1] > width:
        height = max(1, round(image.shape[0] * width / image.shape[1]))
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    kind, options = 'png', []
    if is_photo:
        kind, options = ('jpeg', [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    _, encoded = cv2.imencode(f'.{kind}', image, options)
    text = base64.b64encode(encoded.tobytes()).decode('ascii')
    return Picture(
        f'data:image/{kind};base64,{text}', image.shape[1], image.shape[0], path
    )


def mean_curves(
    runs: Sequence[Mapping[str, Any]], classes: Optional[Sequence[str]] = None
) -> Dict[int, float]:
    """Averages the curves of runs at the iterations that all of them have.

    Args:
        runs (Sequence[Mapping]): Of ``bench.json``.
        classes (Sequence[str], optional): Whose mean IoU is taken. Defaults to mIoU.

    Returns:
        dict[int, float]: Per cent by iteration.
    """
    curves = []
    for run in runs:
        curve = {}
        for step, miou, ious in run['curve']:
            found = [miou] if classes is None else [ious.get(name) for name in classes]
            found = [value for value in found if value is not None]
            if found:
                curve[int(step)] = float(np.mean(found))
        if curve:
            curves.append(curve)
    shared = set.intersection(*map(set, curves)) if curves else set()
    return {step: float(np.mean([c[step] for c in curves])) for step in sorted(shared)}
