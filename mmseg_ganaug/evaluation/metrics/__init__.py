"""Metrics for MMEngine's evaluator; importing them imports MMSeg."""

from mmseg_ganaug.evaluation.metrics.class_iou import ClassIoUMetric
from mmseg_ganaug.evaluation.metrics.fidelity import GeneratorFidelityMetric
from mmseg_ganaug.evaluation.metrics.fidelity_fid import GeneratorFIDMetric

__all__ = ['ClassIoUMetric', 'GeneratorFIDMetric', 'GeneratorFidelityMetric']
