"""Charts, contact sheets and the HTML report: what a person looks at.

matplotlib and OpenCV are imported when something is drawn.
"""

from mmseg_ganaug.visualization.charts import (
    class_frequency_chart,
    class_iou_chart,
    frequency_against_iou_chart,
    gain_chart,
)
from mmseg_ganaug.visualization.data_charts import (
    confusion_chart,
    headroom_chart,
    margin_chart,
    object_size_chart,
    share_chart,
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
    ReportFigure,
    write_report,
)
from mmseg_ganaug.visualization.table import Cell, Table

__all__ = [
    'Cell',
    'GalleryRow',
    'ReportFigure',
    'Table',
    'class_frequency_chart',
    'class_iou_chart',
    'colour_label_map',
    'confusion_chart',
    'framed',
    'frequency_against_iou_chart',
    'gain_chart',
    'headroom_chart',
    'ladder_chart',
    'learning_curve_chart',
    'margin_chart',
    'object_size_chart',
    'overlay_label_map',
    'recomposition_gallery',
    'share_chart',
    'write_report',
]
