"""Metafiles hold the results of configs as they stand."""

import yaml

from mmseg_ganaug.evaluation.run_result import RunResult
from mmseg_ganaug.experiments.metafiles import with_results

METAFILE = """\
Models:
  - Name: plain
    Config: configs/plain.py
    Framework: PyTorch
  - Name: other
    Config: configs/other.py
    Framework: PyTorch
    Results:
      - Task: Semantic Segmentation
        Dataset: of before
        Metrics:
          mIoU: 99.0
"""


def run(config, seed, miou, **extra):
    extra['config'] = config
    return RunResult('m', seed, miou, 50.0, {'road': miou}, 'p', extra)


def test_means_of_seeds_take_the_place_of_old_results():
    runs = [
        run('configs/plain.py', 0, 40.0),
        run('configs/plain.py', 1, 43.0),
        run('configs/other.py', 0, 70.0, cfg_options={'a': 1}),
    ]
    text = with_results(METAFILE, runs, 'CamVid')
    plain, other = yaml.safe_load(text)['Models']
    assert plain['Results'] == [
        {
            'Task': 'Semantic Segmentation',
            'Dataset': 'CamVid',
            'Metrics': {'mIoU': 41.5, 'mIoU, standard deviation': 2.12, 'Seeds': 2},
        }
    ]
    # Its only run has options: it says nothing about the config itself.
    assert 'Results' not in other
    assert with_results(text, runs, 'CamVid') == text


def test_one_seed_has_no_spread():
    text = with_results(METAFILE, [run('configs/other.py', 0, 70.0)], 'CamVid')
    metrics = yaml.safe_load(text)['Models'][1]['Results'][0]['Metrics']
    assert metrics == {'mIoU': 70.0, 'Seeds': 1}
