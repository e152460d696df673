"""label_distribution.py on label maps alone, laid out as BDD100K's."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

# MMEngine's progress bar keeps the stdout of its import: that of one test would close.
import mmseg_ganaug.datasets  # noqa: F401
from mmseg_ganaug.evaluation import RunResult, write_results

TOOL = Path(__file__).parents[2] / 'tools/analysis_tools/label_distribution.py'

CONFIG = """
train_dataloader = dict(
    dataset=dict(
        type='RepeatDataset',
        times=10,
        dataset=dict(
            type='BDD100KDataset',
            data_root='{}',
            data_prefix=dict(img_path='annotations', seg_map_path='annotations'),
            img_suffix='_train_id.png',
            seg_map_suffix='_train_id.png',
        ),
    )
)
default_scope = 'mmseg'
custom_imports = dict(imports=['mmseg_ganaug'])
"""


@pytest.fixture
def config(tmp_path):
    """A config of five label maps without photos."""
    for number in range(5):
        label_map = np.zeros((18, 32), np.uint8)
        label_map[:9, :16] = 18 if number == 0 else 10  # bicycle, sky
        label_map[9:, 16:] = 255
        path = tmp_path / 'annotations' / f'7d06fefd-{number}_train_id.png'
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(label_map).save(path)
    path = tmp_path / 'bdd_labels.py'
    path.write_text(CONFIG.format(tmp_path))
    return path


@pytest.fixture
def run_tool(tmp_path, monkeypatch, config):
    """Runs the tool on the config with some more arguments; returns its --out."""

    def run(*arguments):
        out = tmp_path / 'out'
        places = ['--out', str(out), '--cache-dir', str(tmp_path / 'cache')]
        monkeypatch.setattr(sys, 'argv', [str(TOOL), str(config), *places, *arguments])
        runpy.run_path(str(TOOL), run_name='__main__')
        return out

    return run


@pytest.mark.parametrize('num_workers', [0, 2])
def test_label_maps_need_no_photos(run_tool, capsys, num_workers):
    out = run_tool('--jobs', str(num_workers))
    printed = capsys.readouterr().out
    assert '5 label maps, 25.00 % of the pixels ignored' in printed
    found = json.loads((out / 'label_distribution.json').read_text())
    assert found['maps'] == 5
    shares = dict(zip(found['classes'], found['pixel_frequency']))
    assert shares['bicycle'] == pytest.approx(1 / 15)
    assert shares['sky'] == pytest.approx(4 / 15)
    images = dict(zip(found['classes'], found['image_frequency']))
    assert (images['bicycle'], images['road']) == (0.2, 1.0)
    assert (out / 'label_distribution.png').is_file()


def test_iou_is_drawn_over_frequency_for_every_run(tmp_path, run_tool, capsys):
    from mmseg.datasets import BDD100KDataset

    names = BDD100KDataset.METAINFO['classes']
    # Three classes occur: bicycle in 1, sky in 4, road in 10 of 15 labelled pixels.
    runs = [
        RunResult(method, seed, 20.0, 80.0, {**dict.fromkeys(names), **ious}, 'toy')
        for method, seed, ious in (
            ('plain', 0, dict(road=90, sky=50, bicycle=10)),
            ('plain', 1, dict(road=10, sky=50, bicycle=90)),
            ('recon', 0, dict(road=90, sky=10, bicycle=50)),
        )
    ]
    path, _ = write_results(runs, tmp_path / 'results')
    out = run_tool('--jobs', '0', '--iou', str(path))
    printed = capsys.readouterr().out
    for run, correlation in (
        ('plain_seed0', 1),
        ('plain_seed1', -1),
        ('recon_seed0', 0.5),
    ):
        assert f'{run}: rank correlation with IoU {correlation:.3f}\n' in printed
        assert (out / f'frequency_against_iou_{run}.png').is_file()


def test_a_run_of_other_classes_is_refused(tmp_path, run_tool, capsys):
    other = RunResult('plain', 0, 20.0, 80.0, {'lane': 20.0}, 'toy')
    path, _ = write_results([other], tmp_path / 'results')
    with pytest.raises(SystemExit) as stop:
        run_tool('--jobs', '0', '--iou', str(path))
    said = f'{stop.value}{capsys.readouterr()}'
    assert f'{path}: plain (seed 0) has no IoU of road, ' in said
    # It is said before label maps are read.
    assert 'label maps, ' not in said


# Labelled pixels: 432 a map. Sky has 144 in each of four maps, bicycle in one, road 288
# in all five, so that the frequencies are 1/3, 1/3 and 2/3, and their median is 1/3.
WEIGHTS = {'median': 0.5, 'sqrt': 0.71, 'rare': 1.0}


@pytest.mark.parametrize('formula', WEIGHTS)
@pytest.mark.parametrize('name', ['weights.json', 'weights.npy'])
def test_class_weights_are_read_by_losses_of_mmseg_and_ours(
    tmp_path, run_tool, formula, name
):
    from mmseg.models.losses import CrossEntropyLoss

    from mmseg_ganaug.datasets import ClassWeightedCrossEntropyLoss

    path = tmp_path / 'new' / name
    run_tool('--jobs', '0', '--class-weights', str(path), '--formula', formula)
    ours = ClassWeightedCrossEntropyLoss(str(path))
    theirs = CrossEntropyLoss(class_weight=str(path))
    assert list(theirs.class_weight) == ours.class_weight
    assert len(ours.class_weight) == 19
    assert ours.class_weight[0] == WEIGHTS[formula]
    assert ours.class_weight[10] == ours.class_weight[18] == 1.0
    assert ours.class_weight[5] == 1.0  # a pole, which no map shows


def test_all_class_weights_are_a_base_of_configs(tmp_path, run_tool):
    from mmengine.config import Config

    path = tmp_path / 'weights.json'
    run_tool('--jobs', '0', '--class-weights', str(path))
    (tmp_path / 'config.py').write_text(
        "_base_ = 'weights.json'\nloss = dict(class_weight=_base_.class_weight_sqrt)\n"
    )
    weights = Config.fromfile(tmp_path / 'config.py').loss.class_weight
    assert (weights[0], len(weights)) == (WEIGHTS['sqrt'], 19)


def test_a_file_that_is_there_is_kept_beside(tmp_path, run_tool, capsys):
    path = tmp_path / 'weights.json'
    path.write_text('[1, 2, 3]')
    for _ in range(2):
        run_tool('--jobs', '0', '--class-weights', str(path))
    (kept,) = tmp_path.glob('weights.json.before-*')
    assert kept.read_text() == '[1, 2, 3]'
    assert capsys.readouterr().out.count(str(kept)) == 1
    assert len(json.loads(path.read_text())) == 3


@pytest.mark.parametrize(
    'arguments',
    [
        ['--formula', 'rare'],
        ['--class-weights', 'weights.npy'],
        ['--class-weights', 'weights.yaml', '--formula', 'rare'],
    ],
)
def test_other_files_of_class_weights_are_refused(run_tool, capsys, arguments):
    with pytest.raises(SystemExit):
        run_tool(*arguments)
    assert '--class-weights' in capsys.readouterr().err


@pytest.mark.parametrize('name', ['label_distribution.json', 'label_distribution.png'])
def test_files_of_the_user_stop_it_before_anything_is_read(
    run_tool, tmp_path, name, capsys
):
    mine = tmp_path / 'out' / name
    mine.parent.mkdir()
    mine.write_text('mine')
    with pytest.raises(SystemExit) as left:
        run_tool()
    assert left.value.code == 2
    assert str(mine) in capsys.readouterr().err
    assert mine.read_text() == 'mine'
    assert not (tmp_path / 'cache').exists()


def test_its_own_figures_are_replaced(run_tool):
    out = run_tool()
    before = sorted(path.name for path in out.iterdir())
    assert sorted(path.name for path in run_tool('--jobs', '2').iterdir()) == before
