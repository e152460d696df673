"""The report: one HTML file that needs nothing but itself."""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence, Union

from mmseg_ganaug.files import write_atomically
from mmseg_ganaug.shown_text import visible
from mmseg_ganaug.version import __version__
from mmseg_ganaug.visualization.table import Table

_IMAGE_TYPES = {b'\x89PNG\r\n\x1a\n': 'image/png', b'\xff\xd8\xff': 'image/jpeg'}
_TEMPLATE = 'report.html.j2'


@dataclass(frozen=True)
class ReportFigure:
    """An image with its caption, below an optional heading.

    Args:
        path (str | Path): PNG or JPEG file; it is copied into the report.
        caption (str): What one sees.
        title (str): Heading.
        wide (bool): For contact sheets: fills the page, and on a phone scrolls
            sideways instead of shrinking beyond recognition.
    """

    path: Union[str, Path]
    caption: str
    title: str = ''
    wide: bool = False

    def data_uri(self) -> str:
        """Returns the image as a URI that holds all of it.

        Raises:
            FileNotFoundError: When there is no such file.
            ValueError: When the file is neither PNG nor JPEG.
        """
        content = Path(self.path).read_bytes()
        for start, kind in _IMAGE_TYPES.items():
            if content.startswith(start):
                return f'data:{kind};base64,{base64.b64encode(content).decode("ascii")}'
        raise ValueError(f'{self.path} is neither a PNG nor a JPEG image')


Section = Union[ReportFigure, Table]


def write_report(
    path: Union[str, Path], title: str, sections: Sequence[Section]
) -> Path:
    """Writes one HTML file that holds everything: style, tables and images.

    It has no scripts and loads nothing, so it can be sent by mail and opened anywhere,
    on a phone too, and follows the reader's light or dark setting.

    Args:
        path (str | Path): The HTML file to write, whole or not at all.
        title (str): Title and first heading.
        sections (Sequence[Section]): From top to bottom.

    Returns:
        Path: The file.

    Raises:
        FileNotFoundError: When an image is missing.
        ValueError: When an image is neither PNG nor JPEG.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    page = environment.get_template(_TEMPLATE).render(
        title=title, sections=sections, version=__version__
    )
    return write_atomically(path, visible(page))
