"""Metrics for MMEngine's evaluator; importing them imports MMSeg."""

from mmseg_ganaug.evaluation.metrics.class_iou import ClassIoUMetric

__all__ = ['ClassIoUMetric']
