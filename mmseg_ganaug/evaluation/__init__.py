"""Evaluation of trained networks: the per-class metric and the comparison of runs.

The metric lives in :mod:`mmseg_ganaug.evaluation.metrics`, which imports MMSeg;
what is imported here needs neither MMSeg nor torch.
"""

from mmseg_ganaug.evaluation.results import (
    comparison_table,
    mean_and_spread,
    runs_by_method,
    write_results,
)
from mmseg_ganaug.evaluation.run_result import RunResult, load_results
from mmseg_ganaug.visualization.table import Cell, Table, mark_best

__all__ = [
    'Cell',
    'RunResult',
    'Table',
    'comparison_table',
    'load_results',
    'mark_best',
    'mean_and_spread',
    'runs_by_method',
    'write_results',
]
