"""A contact sheet of recombined label maps and the photos painted from them."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Mapping, Sequence, Tuple, Union

import numpy as np

from mmseg_ganaug.files import write_atomically
from mmseg_ganaug.shown_text import one_line, shortened
from mmseg_ganaug.visualization.figure_files import MOST_CHARACTERS, save_png
from mmseg_ganaug.visualization.label_maps import colour_label_map

# Widths in pixels. Small maps are enlarged, so that a pole can be seen; large ones are
# reduced, so that the file stays small enough to embed.
_CELL_WIDTH = (256, 400)
_GAP = 8
_MARGIN = 16
_LINE = 24
_DPI = 100
# Room for a character of usual text at this font size, in pixels.
_CHARACTER = 8
# Of more classes than this, the legend shows those that occur in the rows.
_WHOLE_LEGEND = 40
_FONT = 10.0
_INK = '#222222'


@dataclass(frozen=True)
class GalleryRow:
    """What one row of the sheet shows; its maps and photos have one height and width.

    Args:
        cells (Mapping[str, np.ndarray]): By column heading, in order: label maps,
            uint8 [H, W], and photos, RGB uint8 [H, W, 3].
        caption (str): A line over the row, such as the way and the pasted classes.
    """

    cells: Mapping[str, np.ndarray]
    caption: str = ''


def recomposition_gallery(
    rows: Sequence[GalleryRow],
    palette: Sequence[Sequence[int]],
    ignore_index: int,
    class_names: Sequence[str],
    path: Union[str, Path],
) -> Path:
    """Draws the rows below column headings, and the colours of the classes below them.

    Columns that no row fills are left out; of more than 40 classes, the legend shows
    those that occur in the rows.

    Args:
        rows (Sequence[GalleryRow]): At least one.
        palette (Sequence[Sequence[int]]): C RGB triples, 0..255.
        ignore_index (int): Value of the unlabelled pixels, shown hatched in grey.
        class_names (Sequence[str]): C names for the legend.
        path (str | Path): The PNG file to write.

    Returns:
        Path: The file.

    Raises:
        ValueError: When there is no row, or an empty one, when an array has the wrong
            shape or type, or when a label map holds a value that is neither a class
            nor ``ignore_index``.
    """
    if not rows or not all(row.cells for row in rows):
        raise ValueError('a gallery needs at least one row, and no empty one')
    if len(palette) != len(class_names):
        raise ValueError(
            f'there are {len(palette)} colours for {len(class_names)} classes'
        )
    width = _cell_width(rows)
    sheet = [
        _painted_row(row, number, width, palette, ignore_index)
        for number, row in enumerate(rows)
    ]
    columns = list(dict.fromkeys(name for row in rows for name in row.cells))
    heights = [next(iter(images.values())).shape[0] for images in sheet]
    caption = _LINE if any(row.caption for row in rows) else 0
    full_width = 2 * _MARGIN + len(columns) * (width + _GAP) - _GAP
    legend = _Legend(
        _legend_labels(rows, len(class_names), ignore_index),
        class_names,
        palette,
        ignore_index,
        full_width - 2 * _MARGIN,
    )
    full_height = (
        2 * _MARGIN
        + _LINE
        + sum(height + caption + _GAP for height in heights)
        + legend.height
    )

    canvas = np.full((full_height, full_width, 3), 255, np.uint8)
    texts: List[Tuple[int, int, str, bool]] = []
    lefts = [_MARGIN + place * (width + _GAP) for place in range(len(columns))]
    texts += [(left, _MARGIN, name, True) for left, name in zip(lefts, columns)]
    top = _MARGIN + _LINE
    for row, images, height in zip(rows, sheet, heights):
        if row.caption:
            most = (full_width - 2 * _MARGIN) // _CHARACTER
            texts.append((_MARGIN, top, shortened(row.caption, most), False))
        top += caption
        for left, name in zip(lefts, columns):
            if name in images:
                canvas[top : top + height, left : left + width] = images[name]
        top += height + _GAP
    texts += legend.draw(canvas, _MARGIN, top)
    return write_atomically(path, _png(canvas, texts))


def _cell_width(rows: Sequence[GalleryRow]) -> int:
    widest = max(cell.shape[1] for row in rows for cell in row.cells.values())
    return int(np.clip(widest, *_CELL_WIDTH))


def _painted_row(
    row: GalleryRow,
    number: int,
    width: int,
    palette: Sequence[Sequence[int]],
    ignore_index: int,
) -> Dict[str, np.ndarray]:
    import cv2

    shape = next(iter(row.cells.values())).shape[:2]
    size = (width, max(1, round(shape[0] * width / shape[1])))

    def painted(name: str, cell: np.ndarray) -> np.ndarray:
        what = f'{name!r} of gallery row {number}'
        if cell.ndim == 3:
            photo = _checked(cell, (*shape, 3), what)
            smaller = size[0] < photo.shape[1]
            return cv2.resize(
                photo,
                size,
                interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC,
            )
        label_map = _checked(cell, shape, what)
        try:
            # Coloured before it is resized: a wrong value must not slip through.
            colour_label_map(label_map, palette, ignore_index)
        except ValueError as error:
            raise ValueError(f'{what}: {error}') from error
        resized = cv2.resize(label_map, size, interpolation=cv2.INTER_NEAREST)
        return colour_label_map(resized, palette, ignore_index)

    return {name: painted(name, cell) for name, cell in row.cells.items()}


def _checked(array: np.ndarray, shape: Tuple[int, ...], what: str) -> np.ndarray:
    array = np.asarray(array)
    if array.shape != tuple(shape) or array.dtype != np.uint8:
        raise ValueError(
            f'{what} is {array.dtype} {list(array.shape)}, but must be uint8 '
            f'{list(shape)}'
        )
    return np.ascontiguousarray(array)


def _legend_labels(
    rows: Sequence[GalleryRow], num_classes: int, ignore_index: int
) -> List[int]:
    labels: Sequence[int] = range(num_classes)
    if num_classes > _WHOLE_LEGEND:
        cells = [cell for row in rows for cell in row.cells.values()]
        maps = [cell for cell in cells if cell.ndim == 2]
        occurring = set(np.concatenate([np.unique(label_map) for label_map in maps]))
        labels = [label for label in labels if label in occurring]
    return [*labels, ignore_index]


class _Legend:
    """Swatches and names of labels, in as many columns as fit."""

    _SWATCH = 18

    def __init__(
        self,
        labels: Sequence[int],
        class_names: Sequence[str],
        palette: Sequence[Sequence[int]],
        ignore_index: int,
        width: int,
    ) -> None:
        self._names = [
            'unlabelled'
            if label == ignore_index
            else shortened(class_names[label], MOST_CHARACTERS)
            for label in labels
        ]
        # One patch per entry, painted as in the maps.
        self._patches = [
            colour_label_map(
                np.full((self._SWATCH, self._SWATCH), label), palette, ignore_index
            )
            for label in labels
        ]
        entry = self._SWATCH + 14 + _CHARACTER * max(map(len, self._names))
        self._columns = max(1, width // entry)
        self._entry = width // self._columns
        self._lines = math.ceil(len(self._names) / self._columns)
        self.height = self._lines * _LINE + _GAP

    def draw(
        self, canvas: np.ndarray, left: int, top: int
    ) -> List[Tuple[int, int, str, bool]]:
        """Paints the swatches; returns the texts that belong beside them."""
        texts = []
        for index, (name, patch) in enumerate(zip(self._names, self._patches)):
            column, line = divmod(index, self._lines)
            x = left + column * self._entry
            y = top + _GAP + line * _LINE
            canvas[y : y + self._SWATCH, x : x + self._SWATCH] = patch
            texts.append((x + self._SWATCH + 6, y, name, False))
        return texts


def _png(canvas: np.ndarray, texts: Sequence[Tuple[int, int, str, bool]]) -> bytes:
    """Writes texts (left, top, text, bold) over the canvas; pixels stay as they are."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    height, width = canvas.shape[:2]
    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI)
    FigureCanvasAgg(figure)
    figure.figimage(canvas, origin='upper')
    for left, top, text, bold in texts:
        figure.text(
            left / width,
            1 - (top + 3) / height,
            one_line(text),
            va='top',
            fontsize=_FONT,
            fontweight='bold' if bold else 'normal',
            color=_INK,
            parse_math=False,
        )
    return save_png(figure, _DPI)
