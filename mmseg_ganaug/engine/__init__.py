"""Hooks of the runner."""

from mmseg_ganaug import compat

compat.prepare_synthesis()

from mmseg_ganaug.engine.feature_cluster_hook import FeatureClusterHook  # noqa: E402
from mmseg_ganaug.engine.mixed_samples_hook import MixedSamplesHook  # noqa: E402
from mmseg_ganaug.engine.ratio_schedule_hook import RatioScheduleHook  # noqa: E402
from mmseg_ganaug.engine.visualization_hook import (  # noqa: E402
    LabelToImageVisualizationHook,
)

__all__ = [
    'FeatureClusterHook',
    'LabelToImageVisualizationHook',
    'MixedSamplesHook',
    'RatioScheduleHook',
]
