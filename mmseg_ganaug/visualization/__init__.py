"""Charts, contact sheets and the HTML report: what a person looks at.

matplotlib and OpenCV are imported when something is drawn.
"""

from mmseg_ganaug.visualization.charts import (
    class_frequency_chart,
    class_iou_chart,
    frequency_against_iou_chart,
    gain_chart,
)
from mmseg_ganaug.visualization.evidence_charts import (
    ladder_chart,
    learning_curve_chart,
)
from mmseg_ganaug.visualization.gallery import GalleryRow, recomposition_gallery
from mmseg_ganaug.visualization.label_maps import (
    colour_label_map,
    framed,
    overlay_label_map,
)
from mmseg_ganaug.visualization.report import (
    Code,
    Notice,
    ReportFigure,
    Text,
    write_report,
)
from mmseg_ganaug.visualization.table import Cell, Table

__all__ = [
    'Cell',
    'Code',
    'GalleryRow',
    'Notice',
    'ReportFigure',
    'Table',
    'Text',
    'class_frequency_chart',
    'class_iou_chart',
    'colour_label_map',
    'framed',
    'frequency_against_iou_chart',
    'gain_chart',
    'ladder_chart',
    'learning_curve_chart',
    'overlay_label_map',
    'recomposition_gallery',
    'write_report',
]
