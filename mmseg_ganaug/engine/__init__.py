"""Hooks of the runner."""

from mmseg_ganaug import compat

compat.prepare_segmentation()

from mmseg_ganaug.engine.mixed_samples_hook import MixedSamplesHook  # noqa: E402
from mmseg_ganaug.engine.ratio_schedule_hook import RatioScheduleHook  # noqa: E402
from mmseg_ganaug.engine.visualization_hook import (  # noqa: E402
    LabelToImageVisualizationHook,
)

__all__ = ['LabelToImageVisualizationHook', 'MixedSamplesHook', 'RatioScheduleHook']

if compat.has_synthesis():
    from mmseg_ganaug.engine.feature_cluster_hook import (
        FeatureClusterHook,
    )

    __all__ += ['FeatureClusterHook']
