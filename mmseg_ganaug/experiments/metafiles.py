"""Puts results of committed runs into the metafiles of the configs."""

from typing import Any, Dict, List, Sequence

import numpy as np
import yaml

from mmseg_ganaug.evaluation.run_result import RunResult

_TASK = 'Semantic Segmentation'


class _Indented(yaml.SafeDumper):
    """Indents lists, as OpenMMLab's metafiles do."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def with_results(text: str, runs: Sequence[RunResult], dataset: str) -> str:
    """Fills in ``Results`` of the models of a metafile.

    Only runs of a config as it stands count, not those with options of a matrix. A
    model without any keeps none.

    Args:
        text (str): The metafile, YAML.
        runs (Sequence[RunResult]): Of one protocol.
        dataset (str): What they were evaluated on, such as 'CamVid (dev_val)'.

    Returns:
        str: The metafile, with mean, standard deviation (of a sample, n - 1) and number
        of seeds, in per cent.
    """
    metafile = yaml.safe_load(text)
    by_config: Dict[str, List[RunResult]] = {}
    for run in runs:
        if not run.extra.get('cfg_options'):
            by_config.setdefault(str(run.extra.get('config')), []).append(run)
    for model in metafile['Models']:
        model.pop('Results', None)
        if found := by_config.get(model['Config']):
            model['Results'] = [
                dict(Task=_TASK, Dataset=dataset, Metrics=_metrics(found))
            ]
    return yaml.dump(
        metafile, Dumper=_Indented, sort_keys=False, width=10**6, allow_unicode=True
    )


def _metrics(runs: Sequence[RunResult]) -> Dict[str, Any]:
    values = [run.mIoU for run in runs]
    metrics: Dict[str, Any] = {'mIoU': round(float(np.mean(values)), 2)}
    if len(values) > 1:
        metrics['mIoU, standard deviation'] = round(float(np.std(values, ddof=1)), 2)
    return {**metrics, 'Seeds': len(values)}
