"""A generator trained by MMEngine's runner, through its hooks."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from PIL import Image

from mmseg_ganaug import dependencies
from mmseg_ganaug.checkpoints import load_generator_weights
from mmseg_ganaug.registry import MODELS

SIZE = (16, 24)
SCHEDULE = Path(__file__).parents[2] / 'configs/_base_/schedules/pix2pixhd_4k.py'


@pytest.fixture
def data_root(tmp_path):
    rng = np.random.default_rng(0)
    for folder in ('images', 'annotations'):
        (tmp_path / 'data' / folder).mkdir(parents=True)
    for index in range(3):
        label_map = rng.integers(0, 3, SIZE, dtype=np.uint8)
        photo = np.eye(3, dtype=np.uint8)[label_map] * 200
        for folder, array in (('images', photo), ('annotations', label_map)):
            Image.fromarray(array).save(tmp_path / 'data' / folder / f'{index}.png')
    return tmp_path / 'data'


def config(data_root, work_dir, max_iters):
    name = 'test_' + str(abs(hash(str(work_dir))))
    return Config(
        dict(
            default_scope='mmagic',
            experiment_name=name,
            work_dir=str(work_dir),
            randomness=dict(seed=0, deterministic=True),
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
                loss_config=dict(pixel_loss_weight=10.0, class_balance=dict()),
            ),
            train_dataloader=dict(
                batch_size=2,
                num_workers=0,
                sampler=dict(type='InfiniteSampler', shuffle=True),
                dataset=dict(
                    type='LabelToImageDataset',
                    source=dict(
                        type='BaseSegDataset',
                        data_root=str(data_root),
                        data_prefix=dict(img_path='images', seg_map_path='annotations'),
                        img_suffix='.png',
                        metainfo=dict(
                            classes=('a', 'b', 'c'),
                            palette=[[200, 0, 0], [0, 200, 0], [0, 0, 200]],
                        ),
                    ),
                ),
            ),
            train_cfg=dict(type='IterBasedTrainLoop', max_iters=max_iters),
            optim_wrapper=dict(
                constructor='MultiOptimWrapperConstructor',
                generators=dict(optimizer=dict(type='Adam', lr=0.002)),
                discriminators=dict(optimizer=dict(type='Adam', lr=0.002)),
            ),
            param_scheduler=dict(
                type='LinearLR', by_epoch=False, end_factor=0.0, begin=2, end=6
            ),
            default_hooks=dict(
                checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=3),
                logger=dict(type='LoggerHook', interval=1, log_metric_by_epoch=False),
            ),
            custom_hooks=[
                dict(type='LabelToImageVisualizationHook', interval=2, num_samples=2)
            ],
            log_processor=dict(by_epoch=False),
            visualizer=dict(
                type='Visualizer',
                name=name,
                vis_backends=[dict(type='LocalVisBackend')],
            ),
        )
    )


@pytest.fixture
def train(data_root, tmp_path, monkeypatch):
    # They look for compilers and lay the config out, longer than the training takes.
    monkeypatch.setattr('mmengine.runner.runner.collect_env', dict)
    monkeypatch.setattr(Config, 'pretty_text', property(repr))

    def run(work_dir, max_iters=4, **changes):
        settings = config(data_root, tmp_path / work_dir, max_iters)
        settings.merge_from_dict(changes)
        with DefaultScope.overwrite_default_scope('mmagic'):
            runner = Runner.from_cfg(settings)
            runner.train()
        return runner

    return run


def test_pictures_show_label_map_generated_and_real_photo(train, tmp_path):
    train('run', max_iters=3)
    pictures = sorted((tmp_path / 'run').rglob('label_to_image_*.png'))
    assert [path.stem for path in pictures] == ['label_to_image_2', 'label_to_image_3']
    picture = np.array(Image.open(pictures[0]))
    height, width = SIZE
    assert picture.shape == (2 * height, 3 * width, 3)
    # The photos of this data set are the coloured label maps themselves.
    assert (picture[:, :width] == picture[:, 2 * width :]).all()
    assert (picture[:, :width] != picture[:, width : 2 * width]).any()


def test_looking_at_pictures_does_not_change_the_training(train):
    with_pictures = train('with').model.state_dict()
    without = train('without', custom_hooks=[]).model.state_dict()
    assert all(torch.equal(v, without[k]) for k, v in with_pictures.items())


def test_checkpoint_of_the_runner_loads_into_a_fresh_model(train, tmp_path):
    runner = train('run', max_iters=3)
    model = MODELS.build(runner.cfg.model)
    load_generator_weights(model, tmp_path / 'run' / 'iter_3.pth')
    maps = torch.zeros(1, 1, *SIZE, dtype=torch.uint8)
    assert (model.paint(maps) == runner.model.paint(maps)).all()


def test_learning_rate_falls_to_zero_for_both_networks(train):
    runner = train('run', max_iters=6)
    rates = runner.optim_wrapper.get_lr()
    assert rates['generators.lr'] == rates['discriminators.lr']
    assert rates['generators.lr'] == pytest.approx([0.0])


SEGMENTER = dict(
    type='Pix2PixHDSegmentationDiscriminator', base_channels=4, num_downsamples=2
)


@pytest.mark.parametrize(
    'options',
    [
        {},
        {
            'model.noise_channels': 2,
            'model.label_warp': dict(prob=0.5),
            'model.segmentation_discriminator': SEGMENTER,
            'model.loss_config.segmentation': dict(loss_weight=5.0),
            'train_dataloader.dataset.recomposer': dict(type='AddSingle'),
        },
    ],
    ids=['plain', 'all that draws'],
)
@pytest.mark.skipif(
    dependencies.installed('mmengine')[0][0] == 'onedl-mmengine',
    reason='the fork skips trained samples without drawing their augmentation',
)
def test_resumed_training_equals_an_undisturbed_one(train, tmp_path, options):
    whole = train('whole', max_iters=6, **options)
    train('half', max_iters=3, **{'param_scheduler.end': 6}, **options)
    resumed = train(
        'resumed',
        6,
        load_from=str(tmp_path / 'half' / 'iter_3.pth'),
        resume=True,
        **options,
    )
    assert resumed.iter == whole.iter == 6
    state = whole.model.state_dict()
    for key, value in resumed.model.state_dict().items():
        assert torch.equal(state[key], value), key


@pytest.mark.slow
def test_compiled_training_has_the_losses_of_a_plain_one(train):
    # Adam's step takes longer to trace than the model's.
    options = {
        'model.segmentation_discriminator': SEGMENTER,
        'custom_hooks': [],
        'optim_wrapper.generators.optimizer': dict(type='SGD', lr=0.1, _delete_=True),
        'optim_wrapper.discriminators.optimizer': dict(
            type='SGD', lr=0.1, _delete_=True
        ),
    }
    # Traced as for inductor; generating its code would take minutes here.
    compiled = {'compile': dict(backend='eager')}
    losses = []
    for name, added in (('plain', {}), ('compiled', compiled)):
        hub = train(name, max_iters=1, **options, **added).message_hub
        losses.append({k: v.data[0] for k, v in hub.log_scalars.items() if 'loss' in k})
    assert 'train/loss_g_segmentation' in losses[0]
    assert set(losses[0]) == set(losses[1])
    for name, values in losses[0].items():
        assert losses[1][name] == pytest.approx(values, rel=1e-3), name


@pytest.mark.parametrize('averaged', [False, True])
def test_clusters_of_features_are_in_the_checkpoint(train, tmp_path, averaged):
    # Its discriminators have a paramwise_cfg, which MMagic refuses of a list.
    schedule = Config.fromfile(SCHEDULE)
    run = train(
        'run',
        max_iters=3,
        **{
            'model.encoder': dict(
                type='Pix2PixHDEncoder', base_channels=4, num_downsamples=1
            ),
            'optim_wrapper': dict(schedule.optim_wrapper, _delete_=True),
            'optim_wrapper.generators.modules': ['generators', 'encoder'],
            'optim_wrapper.discriminators.modules': 'discriminators',
            'custom_hooks': [
                *([dict(type='EMAHook')] if averaged else []),
                dict(type='FeatureClusterHook', interval=1000),
            ],
        },
    )
    state = torch.load(tmp_path / 'run' / 'iter_3.pth', weights_only=False)
    clusters = state['state_dict']['region_code.clusters']
    assert clusters.shape == (4, 10, 3)
    assert (clusters[:3].abs().sum((1, 2)) > 0).all()
    assert not clusters[3].any()  # nothing is ignored in these maps
    maps = torch.zeros(1, 1, *SIZE, dtype=torch.uint8)
    maps[..., ::2] = 1
    photos = [run.model.paint(maps, rng=np.random.default_rng(i)) for i in range(4)]
    assert any((photos[0] != photo).any() for photo in photos[1:])
    loaded = MODELS.build(run.cfg.model)
    load_generator_weights(loaded, tmp_path / 'run' / 'iter_3.pth')
    torch.testing.assert_close(loaded.region_code.clusters, clusters)


def test_cluster_hook_needs_an_encoder(train):
    with pytest.raises(ValueError, match='Pix2PixHDEncoder'):
        train('run', custom_hooks=[dict(type='FeatureClusterHook')])


@pytest.mark.parametrize(
    'hook',
    [
        dict(type='EMAHook', ema_type='ExponentialMovingAverage', momentum=0.1),
        dict(
            type='ExponentialMovingAverageHook',
            module_keys='generators_ema',
            interval=1,
            start_iter=1,
            interp_cfg=dict(momentum=0.1),
        ),
    ],
    ids=['mmengine', 'mmagic'],
)
def test_averaged_weights_are_what_a_checkpoint_gives(train, tmp_path, hook):
    run = train('run', max_iters=6, custom_hooks=[hook])
    model = MODELS.build(run.cfg.model)
    load_generator_weights(model, tmp_path / 'run' / 'iter_6.pth')
    loaded = model.generators.state_dict()
    last = run.model.generators.state_dict()
    # 0.9 ** 5 of the first step's weights are still in the average.
    assert not any(torch.equal(v, loaded[k]) for k, v in last.items() if v.dim() > 1)
    plain = train('plain', max_iters=1, custom_hooks=[]).model.generators.state_dict()
    for key, value in last.items():
        if value.dim() > 1:
            to_last = (loaded[key] - value).norm()
            to_first = (loaded[key] - plain[key]).norm()
            assert to_first < (value - plain[key]).norm(), key
            assert to_last < (value - plain[key]).norm(), key
