"""A contact sheet of recombined label maps and the photos painted from them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, List, Mapping, Sequence, Tuple, Union

import numpy as np

from mmseg_ganaug.shown_text import shortened
from mmseg_ganaug.visualization.figure_files import (
    MOST_CHARACTERS,
    add_legend,
    drawn_figure,
)
from mmseg_ganaug.visualization.label_maps import colour_label_map

# All in pixels. Small maps are enlarged, so that a pole can be seen; large ones are
# reduced, so that the file stays small enough to embed.
_CELL_WIDTH = (256, 400)
_GAP = 8
_MARGIN = 16
_LINE = 24
_DPI = 100
# Width of a character of usual text, and of bold text.
_CHARACTER, _BOLD = 8, 9
# Of more classes than this, the legend shows those that occur in the rows.
_WHOLE_LEGEND = 40
_INK = '#222222'


@dataclass(frozen=True)
class GalleryRow:
    """One row of the sheet; its maps and photos have one height and width.

    Args:
        cells (Mapping[str, np.ndarray]): By column heading, in order: label maps,
            uint8 [H, W], and photos, BGR uint8 [H, W, 3].
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
        raise ValueError('a gallery needs at least one row, and no empty rows')
    if len(palette) != len(class_names):
        raise ValueError(
            f'there are {len(palette)} colours for {len(class_names)} classes'
        )
    widest = max(cell.shape[1] for row in rows for cell in row.cells.values())
    width = int(np.clip(widest, *_CELL_WIDTH))
    painted = [
        {
            name: _painted(
                cell,
                next(iter(row.cells.values())).shape[:2],
                width,
                (palette, ignore_index),
                f'{name!r} of gallery row {number}',
            )
            for name, cell in row.cells.items()
        }
        for number, row in enumerate(rows)
    ]
    columns = list(dict.fromkeys(name for row in rows for name in row.cells))
    heights = [next(iter(images.values())).shape[0] for images in painted]
    inner = len(columns) * (width + _GAP) - _GAP
    caption = _LINE if any(row.caption for row in rows) else 0
    above = caption + _GAP
    body = sum(heights) + above * (len(rows) - 1)
    with drawn_figure(path, inner / _DPI, 1, _DPI) as figure:
        labels = _legend_labels(rows, len(class_names), ignore_index)
        legend = _draw_legend(figure, labels, palette, ignore_index, class_names)
        below = 2 * _GAP + round(legend.get_window_extent().height)
        full = np.array([inner, _LINE + caption + body + below]) + 2 * _MARGIN
        figure.set_size_inches(full / _DPI)
        legend.set_bbox_to_anchor(_MARGIN / full)
        grid = figure.add_gridspec(
            len(rows),
            len(columns),
            height_ratios=heights,
            left=_MARGIN / full[0],
            right=1 - _MARGIN / full[0],
            bottom=(_MARGIN + below) / full[1],
            top=(_MARGIN + below + body) / full[1],
            wspace=_GAP / width,
            hspace=above / np.mean(heights),
        )
        for row, images in enumerate(painted):
            for column, name in enumerate(columns):
                axes = figure.add_subplot(grid[row, column])
                axes.set_axis_off()
                if name in images:
                    axes.imshow(images[name], aspect='auto', interpolation='none')
                if row == 0:
                    heading = shortened(name, width // _BOLD)
                    _write_over(axes, heading, caption, fontweight='bold')
                if column == 0:
                    text = shortened(rows[row].caption, inner // _CHARACTER)
                    _write_over(axes, text, 0)
    return Path(path)


def _painted(
    cell: np.ndarray,
    shape: Tuple[int, ...],
    width: int,
    colours: Tuple[Sequence[Sequence[int]], int],
    what: str,
) -> np.ndarray:
    """Checks a label map or photo, and makes it an RGB image of a width."""
    import cv2

    cell = np.asarray(cell)
    expected = (*shape, 3) if cell.ndim == 3 else shape
    if cell.shape != expected or cell.dtype != np.uint8:
        raise ValueError(
            f'{what} is {cell.dtype} {list(cell.shape)}, but must be uint8 '
            f'{list(expected)}'
        )
    size = (width, max(1, round(shape[0] * width / shape[1])))
    if cell.ndim == 3:
        smooth = cv2.INTER_AREA if width < shape[1] else cv2.INTER_CUBIC
        cell = np.ascontiguousarray(cell[..., ::-1])
        return cv2.resize(cell, size, interpolation=smooth)
    try:
        # Coloured before it is resized: a wrong value must not slip through.
        colour_label_map(cell, *colours)
    except ValueError as error:
        raise ValueError(f'{what}: {error}') from error
    nearest = cv2.resize(
        np.ascontiguousarray(cell), size, interpolation=cv2.INTER_NEAREST
    )
    return colour_label_map(nearest, *colours)


def _write_over(axes: Any, text: str, pixels: int, **style: Any) -> None:
    axes.annotate(
        text,
        (0, 1),
        xycoords='axes fraction',
        xytext=(0, pixels + 6),
        textcoords='offset pixels',
        color=_INK,
        **style,
    )


def _legend_labels(
    rows: Sequence[GalleryRow], num_classes: int, ignore_index: int
) -> List[int]:
    labels: Sequence[int] = range(num_classes)
    if num_classes > _WHOLE_LEGEND:
        cells = [cell for row in rows for cell in row.cells.values()]
        maps = [cell for cell in cells if cell.ndim == 2]
        occurring = set().union(*(np.unique(label_map).tolist() for label_map in maps))
        labels = [label for label in labels if label in occurring]
    # It may be the number of a class, such as 0 of a background.
    return [*(label for label in labels if label != ignore_index), ignore_index]


def _draw_legend(
    figure: Any,
    labels: Sequence[int],
    palette: Sequence[Sequence[int]],
    ignore_index: int,
    class_names: Sequence[str],
) -> Any:
    from matplotlib.patches import Patch

    hatched: Any = dict(facecolor='#6e6e6e', edgecolor='#464646', hatch='////', lw=0)
    colours = np.asarray(palette) / 255
    patches = [
        Patch(**hatched)
        if label == ignore_index
        else Patch(color=tuple(colours[label]))
        for label in labels
    ]
    names = [
        'unlabelled' if label == ignore_index else class_names[label]
        for label in labels
    ]
    return add_legend(
        figure,
        patches,
        names,
        min(MOST_CHARACTERS, int(figure.bbox.width) // _CHARACTER - 4),
        loc='lower left',
        fontsize=10,
        labelcolor=_INK,
        handlelength=1.3,
        handleheight=1.3,
        handletextpad=0.6,
        labelspacing=0.4,
        borderpad=0,
        borderaxespad=0,
    )
