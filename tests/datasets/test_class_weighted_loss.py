import json

import numpy as np
import pytest
import torch
import yaml
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmseg.registry import MODELS
from PIL import Image

from mmseg_ganaug.datasets import ClassWeightedCrossEntropyLoss
from mmseg_ganaug.datasets.class_weighted_loss import weights_by_frequency


def head(num_classes, class_weight, several=False):
    loss = dict(type='ClassWeightedCrossEntropyLoss', class_weight=class_weight)
    return dict(
        type='FCNHead',
        in_channels=4,
        channels=4,
        num_convs=0,
        concat_input=False,
        num_classes=num_classes,
        norm_cfg=None,
        loss_decode=[loss, dict(loss, loss_name='loss_2')] if several else loss,
    )


@pytest.mark.parametrize('several', [False, True])
@pytest.mark.parametrize('given', [10, 12])
def test_a_head_with_another_number_of_classes_is_refused_when_built(given, several):
    with pytest.raises(ValueError, match=rf'class_weight=.*11 are needed, {given} are'):
        torch.nn.ModuleDict({'head': MODELS.build(head(11, [1.0] * given, several))})


@pytest.mark.parametrize('several', [False, True])
def test_a_head_with_as_many_classes_as_weights_is_built(several):
    assert MODELS.build(head(3, [1, 2, 0.5], several)).num_classes == 3


def test_logits_of_another_number_of_classes_are_refused_before_the_first_step():
    loss = ClassWeightedCrossEntropyLoss([1.0, 2.0])
    label = torch.zeros(1, 4, 4, dtype=torch.long)
    with pytest.raises(ValueError, match=r'class_weight=.*3 are needed, 2 are given'):
        loss(torch.zeros(1, 3, 4, 4), label)


@pytest.mark.parametrize('value', [2, 254, -1])
def test_a_label_that_is_no_class_is_named(value):
    loss = ClassWeightedCrossEntropyLoss([1.0, 2.0])
    label = torch.full((1, 4, 4), value)
    with pytest.raises(ValueError, match=f'{value}.*2 classes and ignore_index=255'):
        loss(torch.zeros(1, 2, 4, 4), label)


@pytest.mark.parametrize('weights', [[1e9, 1e9], [1e-30, 0], [0, 3.5]])
@pytest.mark.parametrize('dtype', [torch.float32, torch.float16, torch.bfloat16])
def test_no_weight_and_no_precision_makes_the_loss_infinite_or_nan(weights, dtype):
    loss = ClassWeightedCrossEntropyLoss(weights)
    scores = torch.randn(2, 2, 300, 400, dtype=dtype, requires_grad=True)
    label = torch.randint(0, 2, (2, 300, 400))
    label[0, :9] = 255
    value = loss(scores, label)
    assert torch.isfinite(value)
    value.backward()
    assert torch.isfinite(scores.grad).all()


def test_half_precision_gives_the_loss_of_full_precision():
    torch.manual_seed(0)
    scores = torch.randn(1, 3, 400, 500).half()
    label = torch.randint(0, 3, (1, 400, 500))
    loss = ClassWeightedCrossEntropyLoss([1.0, 5.0, 20.0])
    assert torch.isclose(loss(scores, label), loss(scores.float(), label))


@pytest.mark.parametrize('suffix', ['.npy', '.json', '.yaml'])
def test_weights_come_from_a_file(tmp_path, suffix):
    path, weights = tmp_path / f'weights{suffix}', [1.0, 2.5]
    if suffix == '.npy':
        np.save(path, weights)
    else:
        dump = json.dumps if suffix == '.json' else yaml.safe_dump
        path.write_text(dump(weights))
    assert ClassWeightedCrossEntropyLoss(str(path)).class_weight == weights


CODE = '!!python/object/apply:os.mkdir [ran]'


@pytest.mark.parametrize(
    ('name', 'content'),
    [
        ('w.npy', b''),
        ('w.npy', b'\x93NUMPY\x01'),
        ('w.json', b'[1.0, 2'),
        ('w.json', b'{"a": 1}'),
        ('w.yaml', CODE.encode()),
        ('w.yaml', b'[1.0, -2]'),
        ('w.pkl', b'\x80'),
    ],
)
def test_a_file_that_holds_no_weights_is_named_and_runs_nothing(
    tmp_path, monkeypatch, name, content
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match='class_weight='):
        ClassWeightedCrossEntropyLoss(str(tmp_path / name))
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_objects_in_a_file_of_numpy_are_not_unpickled(tmp_path):
    np.save(tmp_path / 'w.npy', np.array([object()], dtype=object))
    with pytest.raises(ValueError, match=r'w\.npy.*that can be read'):
        ClassWeightedCrossEntropyLoss(str(tmp_path / 'w.npy'))


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'class_weight=.*none\.npy'):
        ClassWeightedCrossEntropyLoss(str(tmp_path / 'none.npy'))


def test_a_class_counts_in_the_maps_that_show_it():
    # Shares: 0 has 90 + 50 of 200, 1 has 10 of 100, 2 has 50 of 100; 3 is nowhere.
    pixels = np.array([[90, 10, 0, 0], [50, 0, 50, 0]])
    found = weights_by_frequency(pixels)
    assert found['median'] == [0.71, 5.0, 1.0, 1.0]
    assert found['sqrt'] == [0.85, 2.24, 1.0, 1.0]
    assert found['rare'] == [1.0, 2.24, 1.0, 1.0]


def test_no_class_weight_is_rounded_to_zero():
    # 0.0005 and 1: both below and above, the median is of the middle.
    pixels = np.array([[10**6, 500, 600]])
    assert weights_by_frequency(pixels)['median'] == [0.0006, 1.2, 1.0]


def test_maps_without_a_class_give_no_weights():
    with pytest.raises(ValueError, match='no label map shows a class'):
        weights_by_frequency(np.zeros((2, 3), int))


@pytest.fixture
def data(tmp_path):
    """A data set of two maps: half ground, and a box in one of them."""
    for number in range(2):
        label_map = np.zeros((8, 8), np.uint8)
        label_map[4:] = 255
        if number:
            label_map[:2, :2] = 1
        for kind in ('labels', 'photos'):
            path = tmp_path / kind / f'{number}.png'
            path.parent.mkdir(exist_ok=True)
            image = label_map if kind == 'labels' else np.zeros((8, 8, 3), np.uint8)
            Image.fromarray(image).save(path)
    return dict(
        type='BaseSegDataset',
        metainfo=dict(classes=('ground', 'box'), palette=[[0, 0, 0], [1, 1, 1]]),
        data_root=str(tmp_path),
        data_prefix=dict(img_path='photos', seg_map_path='labels'),
        img_suffix='.png',
        pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')],
    )


# 60 of 64 pixels are ground, in two maps; 4 of the 32 of one are box.
MEDIAN = [(15 / 16 + 1 / 8) / 2 / (15 / 16), (15 / 16 + 1 / 8) / 2 * 8]
NAMED = {
    'inverse': MEDIAN,
    'inverse-sqrt': np.sqrt(MEDIAN),
    'rare': [1, np.sqrt(MEDIAN[1])],
}


def computed(loss):
    loss(torch.zeros(1, 2, 4, 4), torch.zeros(1, 4, 4, dtype=torch.long))
    return loss.class_weight


@pytest.mark.parametrize('name', NAMED)
def test_named_weights_are_counted_in_training_alone(tmp_path, data, name):
    cache = tmp_path / 'cache'
    loss = ClassWeightedCrossEntropyLoss(name, dataset=data, cache_dir=str(cache))
    head_of_loss = torch.nn.ModuleDict({'head': MODELS.build(head(2, [1, 1]))})
    head_of_loss['head'].loss_decode = loss
    assert not cache.exists()
    assert computed(loss) == pytest.approx(NAMED[name], abs=0.005)
    assert list(cache.glob('statistics-*.npz'))


def test_named_weights_are_those_of_the_runners_real_data(tmp_path, data, monkeypatch):
    # As the runner leaves it, with the data set in wrappers.
    cfg = Config(
        dict(
            train_dataloader=dict(
                dataset=dict(type='RepeatDataset', times=2, dataset=data)
            )
        )
    )
    hub = MessageHub.get_instance('named weights')
    hub.update_info('cfg', cfg.pretty_text)
    monkeypatch.setattr(MessageHub, 'get_current_instance', lambda: hub)
    loss = ClassWeightedCrossEntropyLoss('inverse', cache_dir=str(tmp_path / 'cache'))
    assert computed(loss) == pytest.approx(NAMED['inverse'], abs=0.005)


def test_named_weights_without_a_runner_ask_for_the_data(monkeypatch):
    hub = MessageHub.get_instance('no runner')
    monkeypatch.setattr(MessageHub, 'get_current_instance', lambda: hub)
    loss = ClassWeightedCrossEntropyLoss('rare')
    with pytest.raises(ValueError, match=r"class_weight='rare'.*give dataset="):
        computed(loss)


def test_named_weights_of_another_number_of_classes_are_refused(tmp_path, data):
    loss = ClassWeightedCrossEntropyLoss(
        'rare', dataset=data, cache_dir=str(tmp_path / 'cache')
    )
    label = torch.zeros(1, 4, 4, dtype=torch.long)
    with pytest.raises(ValueError, match=r'class_weight=.*3 are needed, 2 are given'):
        loss(torch.zeros(1, 3, 4, 4), label)
