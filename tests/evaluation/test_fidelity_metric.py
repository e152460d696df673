"""Photos measured by a frozen segmenter that sees a class in each colour."""

import math
from collections import OrderedDict

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from mmseg.evaluation import IoUMetric
from mmseg.registry import MODELS
from torch import nn

from mmseg_ganaug.checkpoints import CheckpointError
from mmseg_ganaug.evaluation.metrics import GeneratorFidelityMetric

CLASSES = ('road', 'pole', 'rider')
PALETTE = [[200, 0, 0], [0, 200, 0], [0, 0, 200]]
META = dict(classes=CLASSES, palette=PALETTE)
SIZE = (16, 24)


@MODELS.register_module()
class PixelsThemselves(nn.Module):
    """A backbone that passes the photo on."""

    def forward(self, inputs):
        return (inputs,)


@pytest.fixture(autouse=True)
def _no_scope_outlives_a_test(monkeypatch):
    monkeypatch.setattr(DefaultScope, '_instance_dict', OrderedDict())


def segmenter_config(num_classes=3, scale=(48, 32)):
    return Config(
        dict(
            model=dict(
                type='EncoderDecoder',
                data_preprocessor=dict(
                    type='SegDataPreProcessor',
                    mean=[0.0] * 3,
                    std=[1.0] * 3,
                    bgr_to_rgb=True,
                ),
                backbone=dict(
                    type='PixelsThemselves',
                    init_cfg=dict(type='Pretrained', checkpoint='not/there.pth'),
                ),
                decode_head=dict(
                    type='FCNHead',
                    in_channels=3,
                    channels=3,
                    num_convs=0,
                    concat_input=False,
                    num_classes=num_classes,
                    norm_cfg=dict(type='BN'),
                ),
                test_cfg=dict(mode='whole'),
            ),
            test_pipeline=[
                dict(type='LoadImageFromFile'),
                dict(type='Resize', scale=scale, keep_ratio=True),
                dict(type='LoadAnnotations'),
                dict(type='PackSegInputs'),
            ],
        )
    )


@pytest.fixture
def segmenter(tmp_path):
    """Config and checkpoint of a segmenter: red is road, green pole, blue rider."""
    segmenter_config().dump(tmp_path / 'segmenter.py')
    weights = {
        'decode_head.conv_seg.weight': torch.eye(3)[:, :, None, None],
        'decode_head.conv_seg.bias': torch.zeros(3),
    }
    torch.save({'state_dict': weights}, tmp_path / 'segmenter.pth')
    return dict(
        config=str(tmp_path / 'segmenter.py'),
        checkpoint=str(tmp_path / 'segmenter.pth'),
        device='cpu',
    )


@pytest.fixture
def metric(segmenter):
    metric = GeneratorFidelityMetric(segmenter)
    metric.dataset_meta = META
    return metric


def blocks(*classes, ignored=0):
    """A label map of vertical bands, of which the topmost rows are ignored."""
    label_map = np.repeat(np.uint8(classes), SIZE[1] // len(classes))
    label_map = np.tile(label_map, (SIZE[0], 1))
    label_map[:ignored] = 255
    return label_map


def painted(label_map, palette=PALETTE):
    """A photo of the colours, BGR."""
    colours = np.array([*palette, *[[90, 90, 90]] * 253], np.uint8)
    return colours[label_map][..., ::-1]


def test_photos_that_are_as_good_as_the_real_ones_have_the_ratio_one(metric):
    label_map = blocks(0, 1, 2)
    photo = painted(label_map)

    generated, real = metric.measure([label_map], [photo], [photo])
    scores = metric.evaluate(1)

    assert (generated[0] == label_map).all() and generated[0].dtype == np.uint8
    assert (real[0] == label_map).all()
    assert scores['mIoU'] == scores['real_mIoU'] == scores['aAcc'] == 100
    assert [scores[f'ratio_IoU.{name}'] for name in CLASSES] == [1, 1, 1]


def test_a_class_that_leaves_no_trace_has_the_ratio_zero(metric):
    label_map = blocks(0, 1, 2, 2)
    # Poles are painted as asphalt.
    photo = painted(label_map, [PALETTE[0], PALETTE[0], PALETTE[2]])

    metric.measure([label_map], [photo], [painted(label_map)])
    scores = metric.evaluate(1)

    assert scores['IoU.pole'] == scores['ratio_IoU.pole'] == 0
    assert (scores['IoU.road'], scores['ratio_IoU.road']) == (50, 0.5)
    assert scores['Acc.road'] == 100
    assert scores['ratio_IoU.rider'] == 1
    assert scores['mIoU'] == 50
    assert scores['aAcc'] == 75


def test_the_figures_are_those_of_mmseg(metric):
    rng = np.random.default_rng(0)
    maps = [rng.integers(0, 3, SIZE, dtype=np.uint8) for _ in range(3)]
    maps[0][:4] = 255
    photos = [painted(rng.permutation(label_map)) for label_map in maps]

    seen, _ = metric.measure(maps, photos, photos)
    scores = metric.evaluate(3)

    theirs = IoUMetric(iou_metrics=['mIoU'])
    theirs.dataset_meta = META
    for predicted, label_map in zip(seen, maps):
        sample = dict(
            pred_sem_seg=dict(data=torch.from_numpy(predicted)),
            gt_sem_seg=dict(data=torch.from_numpy(label_map)),
        )
        theirs.process({}, [sample])
    for key, value in theirs.evaluate(3).items():
        assert scores[key] == scores[f'real_{key}'] == pytest.approx(value), key


def test_the_segmenters_own_errors_are_in_the_real_figures(metric):
    label_map = blocks(0, 1, 2)
    # The real poles are so blue that this segmenter takes them for riders.
    real = painted(label_map, [PALETTE[0], PALETTE[2], PALETTE[2]])

    metric.measure([label_map], [painted(label_map)], [real])
    scores = metric.evaluate(1)

    assert (scores['IoU.pole'], scores['real_IoU.pole']) == (100, 0)
    assert math.isnan(scores['ratio_IoU.pole'])
    assert scores['ratio_IoU.rider'] == 2


def test_a_class_hardly_found_in_real_photos_has_no_ratio(metric):
    label_map = np.zeros((32, 48), np.uint8)
    label_map[8:24] = 1
    # 16 of 768 pixels, 2 % of the real pole, are green.
    real = painted(np.where(label_map == 1, 0, label_map).astype(np.uint8))
    real[8, :16] = PALETTE[1]

    metric.measure([label_map], [painted(label_map)], [real])
    scores = metric.evaluate(1)

    assert 0 < scores['real_IoU.pole'] < 5
    assert math.isnan(scores['ratio_IoU.pole'])
    assert scores['ratio_IoU.road'] > 1


def test_ignored_pixels_do_not_count(metric):
    label_map = blocks(0, 1, 2, ignored=8)
    photo = painted(blocks(0, 1, 2))
    photo[:8] = 0

    metric.measure([label_map], [photo], [photo])

    assert metric.evaluate(1)['aAcc'] == 100


def test_photos_of_several_sizes_go_through_the_segmenters_own_pipeline(metric):
    maps = [blocks(0, 1), blocks(2, 1)[:8], blocks(1, 0)]
    photos = [painted(label_map) for label_map in maps]

    seen, _ = metric.measure(maps, photos, photos)

    assert all((a == b).all() for a, b in zip(seen, maps))


def test_losses_tell_where_photo_and_label_disagree(metric):
    label_map = blocks(0, 1, ignored=4)
    photo = painted(blocks(0, 0))

    (loss,) = metric.segmenter.losses([photo], [label_map], ignore_index=255)

    # The score of a class is the brightness of its colour.
    assert loss.shape == SIZE and loss.dtype == np.float32
    assert not loss[:4].any()
    np.testing.assert_allclose(loss[4:, :12], 0, atol=1e-4)
    np.testing.assert_allclose(loss[4:, 12:], 200, rtol=1e-4)


def test_a_label_that_is_neither_class_nor_ignored_is_an_error(metric):
    label_map = blocks(0, 1)
    label_map[0, 0] = 11
    with pytest.raises(ValueError, match='label 11'):
        metric.measure([label_map], [painted(label_map)], [painted(label_map)])


def test_photos_without_real_ones_are_set_against_the_evaluation_before(metric):
    label_map = blocks(0, 1)
    bad = painted(label_map, [PALETTE[0]] * 3)
    metric.measure([label_map], [bad], [painted(label_map)])
    first = metric.evaluate(1)

    metric.measure([label_map], [painted(label_map)])
    second = metric.evaluate(1)

    assert first['ratio_IoU.pole'] == 0
    assert second['real_IoU.pole'] == 100
    assert second['ratio_IoU.pole'] == 1


def test_without_any_real_photo_the_ratios_are_nan(metric):
    label_map = blocks(0, 1)
    metric.measure([label_map], [painted(label_map)])
    scores = metric.evaluate(1)
    assert scores['IoU.pole'] == 100
    assert math.isnan(scores['real_mIoU']) and math.isnan(scores['ratio_IoU.pole'])


def test_another_number_of_classes_is_an_error(metric):
    with pytest.raises(ValueError, match=r'2 classes \(a, b\).*has 3: take'):
        metric.dataset_meta = dict(classes=('a', 'b'))


def test_a_missing_checkpoint_says_how_to_train_one(segmenter):
    segmenter['checkpoint'] = 'work_dirs/none.pth'
    with pytest.raises(FileNotFoundError, match=r'none\.pth.*\n.*ganaug train'):
        GeneratorFidelityMetric(segmenter)


def test_a_checkpoint_of_another_segmenter_is_refused(segmenter):
    segmenter_config(num_classes=4).dump(segmenter['config'])
    with pytest.raises(CheckpointError, match=r'segmenter\.pth.*EncoderDecoder'):
        GeneratorFidelityMetric(segmenter)


def test_a_checkpoint_that_runs_code_is_refused(segmenter):
    torch.save({'state_dict': {}, 'code': print}, segmenter['checkpoint'])
    with pytest.raises(CheckpointError, match='not loaded for safety'):
        GeneratorFidelityMetric(segmenter)


def test_a_config_without_test_pipeline_is_an_error(segmenter):
    config = segmenter_config().to_dict()
    del config['test_pipeline']
    Config(config).dump(segmenter['config'])
    with pytest.raises(ValueError, match='test_pipeline'):
        GeneratorFidelityMetric(segmenter)


@pytest.fixture
def data_root(tmp_path):
    for folder in ('images', 'annotations'):
        (tmp_path / 'data' / folder).mkdir(parents=True)
    for index, label_map in enumerate([blocks(0, 1, 2), blocks(2, 1), blocks(0, 1)]):
        for folder, array in (
            ('images', painted(label_map)),
            ('annotations', label_map),
        ):
            path = tmp_path / 'data' / folder / f'{index}.png'
            assert cv2.imwrite(str(path), array)
    return tmp_path / 'data'


def loader(data_root, train):
    source = dict(
        type='BaseSegDataset',
        data_root=str(data_root),
        data_prefix=dict(img_path='images', seg_map_path='annotations'),
        img_suffix='.png',
        metainfo=META,
    )
    kind = 'InfiniteSampler' if train else 'DefaultSampler'
    return dict(
        batch_size=2,
        num_workers=0,
        sampler=dict(type=kind, shuffle=train),
        dataset=dict(type='LabelToImageDataset', source=source, pipeline=[]),
    )


def generator_config(data_root, work_dir, segmenter):
    name = f'fidelity_{abs(hash(str(work_dir)))}'
    return Config(
        dict(
            default_scope='mmagic',
            experiment_name=name,
            work_dir=str(work_dir),
            randomness=dict(seed=0),
            model=dict(
                type='Pix2PixHD',
                label_encoder=dict(num_classes=3),
                generator=dict(
                    type='Pix2PixHDGlobalGenerator',
                    base_channels=4,
                    num_downsamples=1,
                    num_blocks=1,
                ),
                discriminator=dict(
                    type='Pix2PixHDMultiscaleDiscriminator',
                    base_channels=4,
                    num_layers=1,
                ),
                loss_config=dict(pixel_loss_weight=100.0),
            ),
            train_dataloader=loader(data_root, train=True),
            val_dataloader=loader(data_root, train=False),
            train_cfg=dict(type='IterBasedTrainLoop', max_iters=60, val_interval=60),
            val_cfg=dict(type='ValLoop'),
            val_evaluator=dict(type='GeneratorFidelityMetric', segmenter=segmenter),
            optim_wrapper=dict(
                constructor='MultiOptimWrapperConstructor',
                generators=dict(optimizer=dict(type='Adam', lr=0.01)),
                discriminators=dict(optimizer=dict(type='Adam', lr=0.0)),
            ),
            default_hooks=dict(
                checkpoint=dict(
                    type='CheckpointHook',
                    by_epoch=False,
                    interval=60,
                    save_best='mIoU',
                    rule='greater',
                ),
                logger=dict(type='LoggerHook', log_metric_by_epoch=False),
            ),
            log_processor=dict(by_epoch=False),
            visualizer=dict(type='Visualizer', name=name),
        )
    )


def test_a_generator_in_training_is_validated_by_it(data_root, segmenter, tmp_path):
    config = generator_config(data_root, tmp_path / 'run', segmenter)
    with DefaultScope.overwrite_default_scope('mmagic'):
        runner = Runner.from_cfg(config)
        runner.train()
        scores = runner.val_loop.run()
        assert DefaultScope.get_current_instance().scope_name == 'mmagic'

    # The real photos are what the segmenter knows by heart.
    assert scores['real_mIoU'] == 100
    assert scores['mIoU'] > 40
    assert scores['ratio_mIoU'] == pytest.approx(scores['mIoU'] / 100, abs=1e-4)
    assert list((tmp_path / 'run').glob('best_mIoU_iter_60.pth'))


def test_channel_order_and_range_are_those_of_val_step(data_root, segmenter):
    metric = GeneratorFidelityMetric(segmenter)
    metric.dataset_meta = META
    label_map = blocks(0, 1, 2)
    bgr = torch.from_numpy(painted(label_map).transpose(2, 0, 1).copy())
    sample = dict(
        # A little beyond what a byte holds.
        fake_photo=bgr.float() * 1.3 - 0.4,
        label=torch.from_numpy(label_map)[None],
    )
    metric.process({'inputs': {'img_photo': [bgr.flip(0)]}}, [sample])
    scores = metric.evaluate(1)
    assert scores['mIoU'] == scores['real_mIoU'] == 100
