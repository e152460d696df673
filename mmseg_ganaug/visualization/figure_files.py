"""Figures of matplotlib as files."""

import io
from functools import lru_cache
from pathlib import Path
from typing import Any, List, Union

from mmseg_ganaug.files import write_atomically

# For characters that the first one lacks; those that are installed are used.
_FONTS = ('DejaVu Sans', 'Noto Sans', 'Noto Sans CJK JP', 'Noto Sans CJK SC',
          'WenQuanYi Micro Hei', 'Arial Unicode MS', 'Microsoft YaHei', 'Yu Gothic',
          'Malgun Gothic', 'Hiragino Sans', 'PingFang SC', 'Noto Sans Arabic',
          'Noto Sans Hebrew', 'Noto Sans Devanagari', 'Noto Emoji', 'Segoe UI Emoji',
          'Symbola')  # fmt: skip


def save_figure(figure: Any, path: Union[str, Path], dpi: int) -> Path:
    """Writes a figure as the file that its ending names.

    Args:
        figure (Figure): Of matplotlib.
        path (str | Path): The PNG or SVG file.
        dpi (int): Pixels per inch of a PNG.

    Returns:
        Path: The file.
    """
    from matplotlib import rc_context

    if Path(path).suffix != '.svg':
        return write_atomically(path, save_png(figure, dpi))
    content = io.BytesIO()
    # Text stays text, and the same chart is the same file.
    with rc_context({'svg.fonttype': 'none', 'svg.hashsalt': 'mmseg_ganaug'}):
        figure.savefig(content, format='svg', metadata={'Date': None})
    return write_atomically(path, content.getvalue())


def save_png(figure: Any, dpi: int) -> bytes:
    """Draws a figure with fonts for names in any script, as far as there are some.

    Args:
        figure (Figure): Of matplotlib.
        dpi (int): Pixels per inch.

    Returns:
        bytes: The PNG file.
    """
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_fontfamily(_font_families())
    content = io.BytesIO()
    figure.savefig(content, format='png', dpi=dpi)
    return content.getvalue()


@lru_cache(maxsize=1)
def _font_families() -> List[str]:
    from matplotlib import font_manager

    installed = set(font_manager.get_font_names())
    return [name for name in _FONTS if name in installed]
