"""Three ways in come to one config; the proxy takes the data as they are."""

import numpy as np
import pytest
from mmengine.config import Config
from tiny_data import make_scenes

from mmseg_ganaug.bench import inputs as inputs_module
from mmseg_ganaug.bench.inputs import (
    PROXY,
    folders_config,
    lay_proxy,
    read_inputs,
    set_length,
    toy_streets_config,
)
from mmseg_ganaug.config_search import find_shipped, has_type, nested_dicts
from mmseg_ganaug.ownership import WorkFolder
from mmseg_ganaug.safe_configs import read_config

OWN = dict(
    custom_imports=dict(imports=['my_project']),
    model=dict(
        type='EncoderDecoder',
        data_preprocessor=dict(type='SegDataPreProcessor', size=(512, 1024)),
        decode_head=dict(
            type='UPerHead',
            loss_decode=dict(type='CrossEntropyLoss', class_weight=[1.0, 2.0, 3.0]),
        ),
    ),
    train_dataloader=dict(
        batch_size=16,
        sampler=dict(type='DefaultSampler', shuffle=True),
        dataset=dict(
            type='RepeatDataset',
            times=10,
            dataset=dict(
                type='BaseSegDataset',
                pipeline=[
                    dict(type='LoadImageFromFile'),
                    dict(type='LoadAnnotations'),
                    dict(type='RandomResize', scale=(2048, 1024)),
                    dict(type='RandomCrop', crop_size=(512, 1024), cat_max_ratio=0.75),
                    dict(type='Pad', size=(512, 1024)),
                    dict(type='PackSegInputs'),
                ],
            ),
        ),
    ),
    val_dataloader=dict(batch_size=1, dataset=dict(type='BaseSegDataset')),
    val_evaluator=dict(type='IoUMetric'),
    optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01)),
    train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=100),
    custom_hooks=[dict(type='MyHook')],
    load_from='mine.pth',
)


@pytest.fixture
def proxy():
    return read_config(find_shipped(PROXY))


def test_the_proxy_trains_on_the_data_of_the_config(proxy):
    stated = Config(OWN)
    cfg, notes = lay_proxy(stated, proxy, 3, 7)
    assert cfg.model.backbone.type == 'EfficientNetLite'
    assert cfg.train_cfg.type == 'IterBasedTrainLoop'
    assert 'load_from' not in cfg or cfg.load_from is None
    assert cfg.train_dataloader.batch_size == proxy.train_dataloader.batch_size
    assert cfg.train_dataloader.sampler.type == 'InfiniteSampler'
    assert cfg.train_dataloader.dataset.type == 'RepeatDataset'
    assert not any(has_type(part, 'MyHook') for part in nested_dicts(cfg._cfg_dict))
    head = cfg.model.decode_head
    assert (head.num_classes, head.ignore_index) == (3, 7)
    assert head.loss_decode.class_weight == [1.0, 2.0, 3.0]
    assert cfg.model.data_preprocessor.seg_pad_val == 7
    assert cfg.custom_imports.imports == ['my_project', 'mmseg_ganaug']
    # The user's config is left as it was.
    assert stated.to_dict() == Config(OWN).to_dict()
    assert 'in place of that of the config' in notes[0]


IMAGENET = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])


@pytest.mark.parametrize('beside', [False, True])
@pytest.mark.parametrize(
    ('stated', 'kept'),
    [
        (dict(IMAGENET, bgr_to_rgb=True), True),
        (dict(mean=[2100.0] * 3, std=[500.0] * 3), False),  # 16 bits
        (dict(mean=[0.48] * 3, std=[0.22] * 3), False),  # a share of the range
        (dict(mean=None, std=None), False),  # normalised in the pipeline
    ],
)
def test_photos_that_are_not_of_8_bits_keep_their_normalisation(
    proxy, stated, kept, beside
):
    own = Config(OWN)
    theirs = own.model.data_preprocessor
    theirs.update(stated)
    if beside:
        own.data_preprocessor = own.model.pop('data_preprocessor')
    norm = lay_proxy(own, proxy, 3, 255)[0].model.data_preprocessor
    wanted = proxy.model.data_preprocessor if kept else theirs
    assert (norm.mean, norm.std) == (wanted.mean, wanted.std)
    assert bool(norm.bgr_to_rgb) is kept


def test_a_proxy_for_other_bands_is_refused(proxy):
    own = Config(OWN)
    own.model.data_preprocessor.update(mean=[90.0] * 4, std=[50.0] * 4)
    with pytest.raises(ValueError, match=r'is for photos of 4 bands.* --proxy none'):
        lay_proxy(own, proxy, 3, 255)


def test_crops_get_smaller_and_photos_do_not(proxy):
    cfg, notes = lay_proxy(Config(OWN), proxy, 3, 255)
    pipeline = cfg.train_dataloader.dataset.dataset.pipeline
    assert pipeline[2].scale == (2048, 1024)
    crop = pipeline[3].crop_size
    assert crop == pipeline[4]['size'] == cfg.model.data_preprocessor.size
    assert crop == (96, 192)
    assert pipeline[3].cat_max_ratio == 0.75
    assert '96 x 192 pixels (height x width) in place of 512 x 1024' in notes[1]


def test_small_crops_stay(proxy):
    stated = Config(OWN)
    stated.train_dataloader.dataset.dataset.pipeline[3].crop_size = (64, 96)
    cfg, notes = lay_proxy(stated, proxy, 3, 255)
    assert cfg.train_dataloader.dataset.dataset.pipeline[3].crop_size == (64, 96)
    assert notes[1] == 'Crops are those of the config, 64 x 96 pixels.'


def test_a_pipeline_without_crops_gets_one_at_its_end(proxy):
    stated = Config(OWN)
    del stated.train_dataloader.dataset.dataset.pipeline[3:5]
    cfg, notes = lay_proxy(stated, proxy, 3, 255)
    pipeline = cfg.train_dataloader.dataset.dataset.pipeline
    assert [step['type'] for step in pipeline[-2:]] == ['RandomCrop', 'PackSegInputs']
    assert 'where the config takes whole photos' in notes[1]


def test_crops_around_classes_are_crops(proxy):
    stated = Config(OWN)
    crop = dict(type='mmseg_ganaug.RandomClassCrop', crop_size=(512, 1024), prob=0.9)
    stated.train_dataloader.dataset.dataset.pipeline[3] = crop
    cfg, notes = lay_proxy(stated, proxy, 3, 255)
    pipeline = cfg.train_dataloader.dataset.dataset.pipeline
    assert pipeline[3] == dict(crop, crop_size=(96, 192))
    assert not any(has_type(step, 'RandomCrop') for step in pipeline)
    assert 'in place of 512 x 1024' in notes[1]


def test_mixed_photos_are_cropped_behind_the_mixing(proxy):
    stated = Config(OWN)
    real = stated.train_dataloader.dataset.dataset
    loading, packing = real.pipeline[:2], real.pipeline[-1:]
    mix = dict(
        type='MultiImageMixDataset',
        dataset=dict(type='BaseSegDataset', pipeline=loading),
        pipeline=[dict(type='RandomMosaic', prob=0.5), *packing],
    )
    alone = dict(type='BaseSegDataset', pipeline=[*loading, *packing])
    stated.train_dataloader.dataset = dict(type='ConcatDataset', datasets=[mix, alone])
    dataset = lay_proxy(stated, proxy, 3, 255)[0].train_dataloader.dataset
    first, second = dataset.datasets
    # There, no label map is loaded yet that could be cropped.
    assert first.dataset.pipeline == loading
    for pipeline in (first.pipeline, second.pipeline):
        assert pipeline[-2]['type'] == 'RandomCrop'


@pytest.mark.parametrize(
    'loss',
    [
        dict(type='DiceLoss'),
        dict(type='CrossEntropyLoss', use_sigmoid=True),
        [dict(type='CrossEntropyLoss'), dict(type='DiceLoss')],
    ],
)
def test_a_loss_of_another_kind_is_left_out(proxy, loss):
    stated = Config(OWN)
    stated.model.decode_head.loss_decode = loss
    cfg, _ = lay_proxy(stated, proxy, 3, 255)
    assert cfg.model.decode_head.loss_decode == proxy.model.decode_head.loss_decode


@pytest.mark.parametrize(
    ('scheduler', 'shorter'),
    [
        (
            dict(type='MultiStepLR', begin=100, end=8000, milestones=[6000, 7200]),
            dict(begin=1, end=80, milestones=[60, 72]),
        ),
        (dict(type='CosineAnnealingLR', T_max=8000), dict(T_max=80)),
        (dict(type='StepLR', begin=1000, step_size=50), dict(begin=10, step_size=1)),
        (dict(type='PolyLR', end=float('inf')), dict(begin=0)),
    ],
)
def test_a_length_brings_the_steps_of_any_scheduler_with_it(scheduler, shorter):
    cfg = Config(
        dict(
            train_cfg=dict(type='IterBasedTrainLoop', max_iters=8000),
            param_scheduler=[dict(scheduler)],
        )
    )
    set_length(cfg, 80, 1)
    assert cfg.param_scheduler == [{**scheduler, **shorter}]


def test_a_length_brings_schedule_validations_and_averages_with_it(proxy):
    proxy.custom_hooks = [dict(type='EMAHook', momentum=0.005)]
    before = proxy.train_cfg.max_iters
    set_length(proxy, 240, 4)
    assert proxy.train_cfg.max_iters == 240
    assert proxy.train_cfg.val_interval == 60
    assert proxy.param_scheduler[-1].end == 240
    assert proxy.default_hooks.checkpoint.interval == 120
    assert proxy.custom_hooks[0].momentum == pytest.approx(0.005 * before / 240)


@pytest.mark.parametrize('hooks', [None, dict(), dict(timer=dict(type='OwnTimer'))])
def test_a_config_without_hooks_counts_iterations_all_the_same(proxy, hooks):
    """What MMEngine adds to such a config by itself counts epochs."""
    for name in ('default_hooks', 'log_processor'):
        proxy.pop(name, None)
    if hooks is not None:
        proxy.default_hooks = hooks
    set_length(proxy, 10, 1)
    assert proxy.default_hooks.checkpoint.by_epoch is False
    assert proxy.default_hooks.logger.log_metric_by_epoch is False
    assert proxy.log_processor.by_epoch is False
    assert proxy.default_hooks.get('timer') == (hooks or {}).get('timer')


def test_training_by_epochs_is_refused_where_no_proxy_trains():
    with pytest.raises(ValueError, match=r'train_cfg\.max_iters'):
        set_length(Config(OWN), 100, 1)


def test_toy_streets_are_a_config_like_another(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(inputs_module, 'TOY_TRAIN', 3)
    monkeypatch.setattr(inputs_module, 'TOY_VAL', 6)
    work = WorkFolder('out', 'bench')
    config = toy_streets_config(work, work.folder / 'data')
    found = read_inputs(config, tmp_path / 'cache', 'ToyStreets', 'none')
    assert found.photos == dict(train=3, choose=3, evaluate=3)
    assert found.proxy['used'] is False
    assert found.classes[0] == 'road'
    assert has_type(found.cfg.test_evaluator, 'ClassIoUMetric')


def test_two_folders_keep_about_the_size_of_their_photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_scenes(tmp_path, count=10)
    work = WorkFolder('out', 'bench')
    config = folders_config(work, work.folder / 'data', 'photos', 'masks')
    found = read_inputs(config, tmp_path / 'cache', 'photos')
    assert found.photos == dict(train=6, choose=2, evaluate=2)
    assert found.proxy == dict(used=True, name=find_shipped(PROXY).stem)
    resize = found.cfg.train_dataloader.dataset.pipeline[2]
    assert resize.scale == (64, 48)
    assert found.cfg.model.decode_head.num_classes == len(found.classes) == 3
    # Of the same folders, the same split and labels.
    again = read_inputs(config, tmp_path / 'cache', 'photos')
    assert (again.digest, again.cfg.val_dataloader) == (
        found.digest,
        found.cfg.val_dataloader,
    )


def test_a_config_without_validation_data_names_what_it_lacks(tmp_path):
    path = tmp_path / 'mine.py'
    path.write_text('model = dict(type="EncoderDecoder")\n')
    with pytest.raises(ValueError, match=r'mine.py lacks train_dataloader, val_data'):
        read_inputs(path, tmp_path)
    with pytest.raises(FileNotFoundError):
        read_inputs(tmp_path / 'none.py', tmp_path)


def test_cfg_options_replace_those_of_the_config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_scenes(tmp_path, count=10)
    work = WorkFolder('out', 'bench')
    config = folders_config(work, work.folder / 'data', 'photos', 'masks')
    options = {'train_dataloader.dataset.indices': 4}
    found = read_inputs(config, tmp_path / 'cache', cfg_options=options)
    assert found.photos['train'] == 4
    assert np.isclose(found.photos['choose'] + found.photos['evaluate'], 4)


def test_a_stock_config_over_camvid_stays_as_it_is(real_data, tmp_path):
    root = str(real_data / 'camvid')
    options = {
        f'{split}_dataloader.dataset.data_root': root for split in ('train', 'val')
    }
    config = 'configs/pspnet/pspnet_r50-d8_1xb8-20k_camvid-360x480.py'
    found = read_inputs(config, tmp_path, cfg_options=options)
    assert found.photos == dict(train=266, choose=51, evaluate=50)
    assert 'cut in the middle' in found.split
    head = found.cfg.model.decode_head
    assert (head.num_classes, head.ignore_index) == (11, 11)
    assert found.cfg.test_evaluator.ignore_index == 11
