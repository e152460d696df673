"""Transforms of data pipelines."""

from mmseg_ganaug import compat

compat.prepare_segmentation()

from mmseg_ganaug.datasets.transforms.crop import RandomClassCrop  # noqa: E402
from mmseg_ganaug.datasets.transforms.damage_objects import (  # noqa: E402
    DamageObjects,
)
from mmseg_ganaug.datasets.transforms.formatting import PackLabelToImage  # noqa: E402
from mmseg_ganaug.datasets.transforms.loading import (  # noqa: E402
    LoadGeneratedSample,
    LoadInstanceMap,
)
from mmseg_ganaug.datasets.transforms.recompose_labels import (  # noqa: E402
    RecomposeLabels,
)
from mmseg_ganaug.datasets.transforms.style_transfer import StyleTransfer  # noqa: E402

__all__ = [
    'DamageObjects',
    'LoadGeneratedSample',
    'LoadInstanceMap',
    'PackLabelToImage',
    'RandomClassCrop',
    'RecomposeLabels',
    'StyleTransfer',
]
