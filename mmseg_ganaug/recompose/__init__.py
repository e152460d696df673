"""Recombination of label maps: NumPy only, no torch, no MMEngine."""

from mmseg_ganaug.recompose.add import AddMulti, AddSingle
from mmseg_ganaug.recompose.balance import BalanceReport
from mmseg_ganaug.recompose.canvas import RecomposedMap
from mmseg_ganaug.recompose.layers import Layer, match_tone, split_layers
from mmseg_ganaug.recompose.placement import Placement
from mmseg_ganaug.recompose.recipe import (
    PlanError,
    Recipe,
    RecomposePlan,
    ReplayOptions,
)
from mmseg_ganaug.recompose.recomposer import Recomposer
from mmseg_ganaug.recompose.recon import Recon
from mmseg_ganaug.recompose.replay import replay
from mmseg_ganaug.recompose.source import (
    LabelSource,
    LabelValueError,
    MemoryLabelSource,
    check_label_map,
)
from mmseg_ganaug.recompose.statistics import LabelStatistics
from mmseg_ganaug.recompose.weighting import (
    class_weights,
    explicit_weights,
    inverse_frequency_weights,
    iou_weights,
    target_shares,
)

__all__ = [
    'AddMulti',
    'AddSingle',
    'BalanceReport',
    'LabelSource',
    'LabelStatistics',
    'LabelValueError',
    'Layer',
    'MemoryLabelSource',
    'Placement',
    'PlanError',
    'Recipe',
    'RecomposePlan',
    'RecomposedMap',
    'Recomposer',
    'Recon',
    'ReplayOptions',
    'check_label_map',
    'class_weights',
    'explicit_weights',
    'inverse_frequency_weights',
    'iou_weights',
    'match_tone',
    'replay',
    'split_layers',
    'target_shares',
]
