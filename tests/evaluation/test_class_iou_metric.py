import json
import math
from collections import OrderedDict

import pytest
import torch
from mmengine.model import BaseModel
from mmengine.registry import METRICS as ROOT
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from mmengine.structures import PixelData
from mmseg.evaluation import IoUMetric
from mmseg.registry import METRICS as MMSEG
from mmseg.structures import SegDataSample

from mmseg_ganaug.evaluation import RunResult
from mmseg_ganaug.evaluation.metrics import ClassIoUMetric
from mmseg_ganaug.evaluation.photo_counts import class_ious, read_counts

CLASSES = ('road', 'pole', 'rider')


def _sample(predicted, label):
    return {
        'pred_sem_seg': {'data': torch.tensor(predicted)[None]},
        'gt_sem_seg': {'data': torch.tensor(label)[None]},
        'seg_map_path': 'labels/a.png',
    }


def _evaluate(metric, *samples):
    metric.dataset_meta = {'classes': CLASSES}
    metric.process({}, list(samples))
    return metric.evaluate(len(samples))


@pytest.mark.parametrize('ignore_index', [11, 255])
def test_class_iou_leaves_ignored_pixels_out_and_gives_nan_for_an_absent_class(
    ignore_index,
):
    # road: 3 of 4 united pixels; pole: 1 of 2; rider: nowhere but on ignored pixels.
    predicted = [[0, 0, 0, 1], [0, 1, 2, 2]]
    label = [[0, 0, 0, 1], [1, ignore_index, ignore_index, ignore_index]]

    metrics = _evaluate(
        ClassIoUMetric(ignore_index=ignore_index), _sample(predicted, label)
    )

    assert metrics['IoU.road'] == 75.0
    assert metrics['IoU.pole'] == 50.0
    assert math.isnan(metrics['IoU.rider'])
    assert metrics['mIoU'] == 62.5
    assert metrics['aAcc'] == 80.0


def test_the_other_numbers_are_those_of_mmseg_and_come_first():
    samples = [
        _sample([[0, 1], [2, 0]], [[0, 1], [2, 2]]),
        _sample([[1, 1], [2, 0]], [[0, 1], [255, 1]]),
    ]

    ours = _evaluate(ClassIoUMetric(iou_metrics=['mDice', 'mIoU']), *samples)
    theirs = _evaluate(IoUMetric(iou_metrics=['mDice', 'mIoU']), *samples)

    # CheckpointHook's save_best='auto' takes the first one.
    assert list(ours)[: len(theirs)] == list(theirs)
    assert {key: ours[key] for key in theirs} == theirs
    assert ours['mIoU'] == pytest.approx(
        sum(ours[f'IoU.{name}'] for name in CLASSES) / 3, abs=0.01
    )


def test_a_label_that_is_neither_class_nor_ignored_names_file_value_and_remedy():
    with pytest.raises(
        ValueError, match=r'labels/a\.png has the label 11.*ignore_index'
    ):
        _evaluate(ClassIoUMetric(), _sample([[0, 0]], [[0, 11]]))


def test_the_counts_of_each_photo_give_the_figures_again(tmp_path):
    path = tmp_path / 'a photo, or two.csv'
    samples = [
        _sample([[0, 1], [2, 0]], [[0, 1], [2, 2]]),
        _sample([[1, 1], [2, 0]], [[0, 1], [255, 1]]),
    ]
    metrics = _evaluate(ClassIoUMetric(photo_counts=str(path)), *samples)
    counts = read_counts(path)
    assert counts.tolist() == [
        [[1, 2, 1], [1, 1, 1], [1, 2, 2]],
        [[0, 2, 1], [1, 3, 2], [0, 0, 0]],
    ]
    found = class_ious(counts.sum(axis=0))
    assert [metrics[f'IoU.{name}'] for name in CLASSES] == found.round(2).tolist()


def test_format_only_needs_no_labels(tmp_path):
    metric = ClassIoUMetric(format_only=True, output_dir=str(tmp_path))
    sample = {'pred_sem_seg': {'data': torch.tensor([[[0, 1]]])}, 'img_path': 'a.jpg'}

    assert _evaluate(metric, sample) == {}
    assert (tmp_path / 'a.png').is_file()


@pytest.mark.parametrize('name', ['ClassIoUMetric', 'mmseg_ganaug.ClassIoUMetric'])
def test_the_metric_is_found_from_any_scope(name):
    with DefaultScope.overwrite_default_scope('mmseg'):
        assert isinstance(MMSEG.build(dict(type=name)), ClassIoUMetric)
    assert isinstance(ROOT.build(dict(type=name)), ClassIoUMetric)


def test_the_metrics_become_a_run_result():
    metrics = _evaluate(ClassIoUMetric(), _sample([[0, 0, 1]], [[0, 1, 1]]))

    result = RunResult.from_metrics(
        metrics, CLASSES, method='plain', seed=3, protocol='toy'
    )

    assert (result.mIoU, result.aAcc, result.seed) == (50.0, 66.67, 3)
    assert list(result.per_class_iou) == list(CLASSES)
    assert result.to_json()['per_class_iou'] == {'road': 50, 'pole': 50, 'rider': None}


class _Echo(BaseModel):
    """Predicts what it is given; its one weight is there for the runner."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, inputs, data_samples, mode):
        return data_samples


def test_a_runner_returns_the_class_ious_and_writes_them_to_its_json(
    tmp_path, monkeypatch
):
    # The runner's default scope must not outlive this test.
    monkeypatch.setattr(DefaultScope, '_instance_dict', OrderedDict())

    class OneImage(torch.utils.data.Dataset):
        metainfo = {'classes': CLASSES}

        def __len__(self):
            return 1

        def __getitem__(self, index):
            sample = SegDataSample()
            for name, data in _sample([[0, 0, 1]], [[0, 1, 1]]).items():
                if name != 'seg_map_path':
                    sample.set_data({name: PixelData(**data)})
            return {'inputs': torch.zeros(1), 'data_samples': sample}

    runner = Runner(
        model=_Echo(),
        work_dir=str(tmp_path),
        test_dataloader={
            'batch_size': 1,
            'sampler': {'type': 'DefaultSampler', 'shuffle': False},
            'dataset': OneImage(),
            'collate_fn': {'type': 'pseudo_collate'},
        },
        test_cfg={'type': 'TestLoop'},
        test_evaluator={'type': 'mmseg_ganaug.ClassIoUMetric'},
        experiment_name='class-iou',
    )

    returned = runner.test()
    (file,) = tmp_path.glob('*/*.json')
    written = json.loads(file.read_text())

    for metrics in (returned, written):
        result = RunResult.from_metrics(
            metrics, CLASSES, method='plain', seed=0, protocol='toy'
        )
        assert result.per_class_iou['pole'] == 50
        assert math.isnan(result.per_class_iou['rider'])


def test_options_that_the_test_tool_of_mmseg_sets_are_taken(tmp_path):
    metric = MMSEG.build(
        dict(
            type='mmseg_ganaug.ClassIoUMetric',
            output_dir=str(tmp_path / 'out'),
            keep_results=True,
        )
    )
    assert metric.output_dir == str(tmp_path / 'out')
