"""A stock runner of MMSeg trains on mixed data, with the hooks that watch over it."""

import json
import math

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import HOOKS, DefaultScope
from mmengine.runner import Runner
from mmseg.registry import MODELS
from painters import GreyPainter
from torch import nn
from torch.utils.data import BatchSampler

from mmseg_ganaug.engine import RatioScheduleHook
from mmseg_ganaug.registry import GENERATORS

SIZE = (16, 24)
ORANGE, BLUE = (230, 159, 0), (0, 114, 178)


class WhiteModel(nn.Conv2d):
    """What paints within the training step; has weights, to be kept apart."""

    def __init__(self):
        super().__init__(1, 1, 1)

    def paint(self, label_maps, instance_maps=None):
        return torch.full_like(label_maps, 255).repeat(1, 3, 1, 1)


@GENERATORS.register_module(force=True)
class WhitePainter(GreyPainter):
    """Paints everything white."""

    model = WhiteModel()

    def __init__(self, device=None):
        pass

    def paint(self, label_maps, instance_maps=None):
        return np.full((*label_maps.shape, 3), 255, np.uint8)


@MODELS.register_module(force=True)
class OneConvolution(nn.Conv2d):
    """A backbone."""

    def __init__(self):
        super().__init__(3, 4, 3, padding=1)

    def forward(self, inputs):
        return [super().forward(inputs)]


@HOOKS.register_module(force=True)
class Recorder(Hook):
    """Keeps what each iteration was given."""

    def __init__(self):
        self.batches = {}

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.batches[runner.iter] = (
            [sample.img_path for sample in data_batch['data_samples']],
            [photo.clone() for photo in data_batch['inputs']],
        )

    @property
    def counts(self):
        return [
            sum('cache' in path for path in paths) for paths, _ in self.batches.values()
        ]


@HOOKS.register_module(force=True)
class EndsEpochs(Hook):
    """Ends what would go on for ever."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        assert batch_idx < 20, 'the epoch has no end'


@pytest.fixture
def data(tmp_path):
    rng = np.random.default_rng(0)
    for index in range(7):
        label_map = rng.integers(0, 3, SIZE, dtype=np.uint8)
        label_map[:4] = 255
        photo = rng.integers(0, 200, (*SIZE, 3), dtype=np.uint8)
        for folder, array in (('img', photo), ('ann', label_map)):
            (tmp_path / folder).mkdir(exist_ok=True)
            cv2.imwrite(str(tmp_path / folder / f'{index}.png'), array)
    real = dict(
        type='BaseSegDataset',
        data_root=str(tmp_path),
        data_prefix=dict(img_path='img', seg_map_path='ann'),
        img_suffix='.png',
        metainfo=dict(
            classes=('a', 'b', 'c'), palette=[[200, 0, 0], [0, 200, 0], [0, 0, 200]]
        ),
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations'),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackSegInputs'),
        ],
    )
    generated = dict(
        type='mmseg_ganaug.GANRecomposeDataset',
        source=real,
        recomposer=dict(type='AddSingle'),
        generator=dict(type='WhitePainter'),
        num_samples=5,
        cache_dir=str(tmp_path / 'cache'),
    )
    return dict(type='ConcatDataset', datasets=[real, generated])


@pytest.fixture
def train(data, tmp_path, monkeypatch):
    # They look for compilers and lay the config out, longer than the training takes.
    monkeypatch.setattr('mmengine.runner.runner.collect_env', dict)
    monkeypatch.setattr(Config, 'pretty_text', property(repr))

    def run(
        work_dir, max_iters=20, hooks=(), sampler=None, workers=0, loop=None, **changes
    ):
        settings = dict(
            default_scope='mmseg',
            experiment_name=f'{tmp_path.name}_{work_dir}',
            work_dir=str(tmp_path / work_dir),
            randomness=dict(seed=0, deterministic=True),
            model=dict(
                type='EncoderDecoder',
                data_preprocessor=dict(
                    type='SegDataPreProcessor', size=SIZE, mean=[0] * 3, std=[255] * 3
                ),
                backbone=dict(type='OneConvolution'),
                decode_head=dict(
                    type='FCNHead',
                    in_channels=4,
                    channels=4,
                    num_convs=0,
                    concat_input=False,
                    num_classes=3,
                    in_index=0,
                    dropout_ratio=0,
                ),
                test_cfg=dict(mode='whole'),
            ),
            train_dataloader=dict(
                batch_size=4,
                num_workers=workers,
                persistent_workers=workers > 0,
                multiprocessing_context='forkserver' if workers else None,
                sampler=sampler
                or dict(type='InfiniteRatioSampler', generated_fraction=0.5),
                dataset=data,
            ),
            train_cfg=loop or dict(type='IterBasedTrainLoop', max_iters=max_iters),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01)),
            default_hooks=dict(
                checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=10),
                logger=dict(type='LoggerHook', interval=1, log_metric_by_epoch=False),
            ),
            custom_hooks=[dict(type='Recorder'), *hooks],
            log_processor=dict(by_epoch=False),
            visualizer=dict(
                type='SegLocalVisualizer',
                name=f'{tmp_path.name}_{work_dir}',
                vis_backends=[dict(type='LocalVisBackend')],
            ),
        )
        settings = Config(settings)
        settings.merge_from_dict(changes)
        with DefaultScope.overwrite_default_scope('mmseg'):
            runner = Runner.from_cfg(settings)
            runner.train()
        if workers:
            # Else they are waited for, 5 s each, when the runner is collected.
            runner.train_loop.dataloader_iterator._iterator._shutdown_workers()
        (runner.recorder,) = [h for h in runner.hooks if isinstance(h, Recorder)]
        return runner

    return run


FADE = dict(type='RatioScheduleHook', points=[(0.5, 0.5), (0.8, 0.0)])


def test_a_runner_is_given_the_ratio_in_every_batch(train):
    sampler = dict(type='mmseg_ganaug.InfiniteRatioSampler', generated_fraction=0.25)
    runner = train('run', max_iters=12, sampler=sampler)
    assert runner.recorder.counts == [1] * 12


def test_generated_samples_fade_out_at_the_iterations_stated(train, tmp_path):
    runner = train('run', hooks=[FADE], workers=2)
    fractions = [0.5] * 10 + [0.5 * (1 - step / 6) for step in range(6)] + [0] * 4
    found = runner.recorder.counts
    assert found[:10] == [2] * 10
    assert found[16:] == [0] * 4
    assert np.abs(np.cumsum(found) - 4 * np.cumsum(fractions)).max() <= 0.51
    (log,) = (tmp_path / 'run').rglob('scalars.json')
    logged = [json.loads(line) for line in log.read_text().splitlines()]
    logged = [line['generated_fraction'] for line in logged if 'loss' in line]
    np.testing.assert_allclose(logged, fractions, atol=1e-6)


@pytest.mark.parametrize('workers', [0, 2])
def test_resumed_training_is_given_what_an_undisturbed_one_is(train, tmp_path, workers):
    whole = train('whole', hooks=[FADE], workers=workers)
    resumed = train(
        'resumed',
        hooks=[FADE],
        workers=workers,
        load_from=str(tmp_path / 'whole' / 'iter_10.pth'),
        resume=True,
    )
    batches = resumed.recorder.batches
    assert list(batches) == list(range(10, 20))
    for iteration, (paths, photos) in batches.items():
        same_paths, same_photos = whole.recorder.batches[iteration]
        assert paths == same_paths
        assert all(map(torch.equal, photos, same_photos))  # flips, too
    for key, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[key])


def test_training_by_epochs_follows_the_schedule_and_resumes(train, tmp_path):
    options = dict(
        sampler=dict(type='RatioSampler', generated_fraction=0.5),
        hooks=[dict(type='RatioScheduleHook', points=[(0.5, 0.25)], curve='step')],
        # 12 samples are three batches of four.
        loop=dict(type='EpochBasedTrainLoop', max_epochs=4),
        **{
            'default_hooks.checkpoint': dict(
                type='CheckpointHook', by_epoch=True, interval=2
            )
        },
    )
    whole = train('whole', **options)
    assert whole.recorder.counts == [2] * 6 + [1] * 6
    first = str(tmp_path / 'whole' / 'epoch_2.pth')
    resumed = train('resumed', load_from=first, resume=True, **options)
    for iteration in range(6, 12):
        paths, _ = resumed.recorder.batches[iteration]
        assert paths == whole.recorder.batches[iteration][0]


def test_a_batch_sampler_around_the_ratio_sampler_follows_the_schedule(train):
    options = dict(sampler=dict(type='InfiniteRatioSampler', generated_fraction=0.5))
    options['train_dataloader.batch_sampler'] = dict(type=BatchSampler, drop_last=True)
    change = dict(type='RatioScheduleHook', points=[(0.5, 0.25)], curve='step')
    runner = train('run', max_iters=8, hooks=[change], **options)
    assert runner.recorder.counts == [2] * 4 + [1] * 4


def leave_config(monkeypatch):
    """Lays out of the config what is looked for in it, which takes no time."""
    keys = ('train_cfg', 'train_dataloader')
    text = property(lambda cfg: '\n'.join(f'{k} = {cfg[k].to_dict()!r}' for k in keys))
    monkeypatch.setattr(Config, 'pretty_text', text)


@pytest.mark.parametrize(
    'loop',
    [
        dict(by_epoch=True, max_epochs=1),
        dict(type='EpochBasedTrainLoop', max_epochs=1),
    ],
)
def test_a_sampler_without_end_is_refused_by_epochs(train, monkeypatch, loop):
    leave_config(monkeypatch)
    with pytest.raises(ValueError, match=r"has no end.*sampler\.type='mmseg_ganaug\.R"):
        train('run', loop=loop, hooks=[dict(type='EndsEpochs')])


def test_workers_that_load_ahead_of_an_early_change_are_told_of(train, tmp_path):
    early = dict(type='RatioScheduleHook', points=[(0.1, 0.0)], curve='step')
    runner = train('run', max_iters=20, hooks=[early], workers=2)
    # Two workers load two batches each before any hook is asked.
    assert runner.recorder.counts == [2] * 4 + [0] * 16
    (log,) = (tmp_path / 'run').glob('*/*.log')
    assert 'iterations 2 to 3 do not follow' in log.read_text()


def test_without_points_the_fraction_is_only_logged(train):
    runner = train('run', max_iters=3, hooks=[dict(type='RatioScheduleHook')])
    values, _ = runner.message_hub.get_scalar('train/generated_fraction').data
    assert values.tolist() == [0.5] * 3


@pytest.mark.parametrize(
    ('curve', 'values'),
    [
        ('linear', [0.8, 0.5, 0.4, 0.3, 0.2, 0.1, 0.1]),
        ('cosine', [0.8, 0.5, 0.3 + 0.2 * math.sqrt(0.5), 0.3, None, 0.1, 0.1]),
        ('step', [0.8, 0.5, 0.5, 0.5, 0.5, 0.1, 0.1]),
    ],
)
def test_curves(curve, values):
    hook = RatioScheduleHook([(0.2, 0.5), (0.6, 0.1)], curve)
    for time, value in zip([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 1.0], values):
        if value is not None:
            assert hook.fraction(time, before=0.8) == pytest.approx(value)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(curve='round'), "'round'.*linear"),
        (dict(points=[(0.2, 1.2)]), r'\(0.2, 1.2\)'),
        (dict(points=[(20, 0.5)]), r'\(20, 0.5\)'),
        (dict(points=[(0.5, 0.5), (0.5, 0)]), 'times rise'),
    ],
)
def test_wrong_schedules_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        RatioScheduleHook(**options)


def test_another_sampler_is_refused_with_the_remedy(train):
    with pytest.raises(ValueError, match=r'InfiniteSampler.*InfiniteRatioSampler'):
        train('run', hooks=[FADE], sampler=dict(type='InfiniteSampler'))


def test_a_fraction_that_cannot_be_drawn_is_refused_before_training(train, data):
    data['datasets'] = data['datasets'][:1]
    sampler = dict(type='InfiniteRatioSampler', generated_fraction=0.0)
    late = dict(type='RatioScheduleHook', points=[(0.9, 0.5)])
    with pytest.raises(ValueError, match='7 real and 0 generated'):
        train('run', hooks=[late], sampler=sampler)


def test_samples_that_start_anew_on_resume_are_an_error(train, tmp_path, monkeypatch):
    train('whole', max_iters=10)
    # As MMEngine before 0.10.3.
    loop = 'mmengine.runner.loops.IterBasedTrainLoop'

    def run_without_skipping(self):
        self.runner.call_hook('before_train')
        self.runner.call_hook('before_train_epoch')
        while self._iter < self._max_iters:
            self.run_iter(next(self.dataloader_iterator))

    monkeypatch.setattr(f'{loop}.run', run_without_skipping)
    with pytest.raises(RuntimeError, match=r'iteration 10.*0\.10\.3'):
        train(
            'resumed',
            hooks=[FADE],
            load_from=str(tmp_path / 'whole' / 'iter_10.pth'),
            resume=True,
        )


def test_first_samples_are_shown_as_training_is_given_them(train, tmp_path):
    hook = dict(type='MixedSamplesHook', num_samples=6)
    runner = train('run', max_iters=3, hooks=[hook])
    pictures = sorted((tmp_path / 'run').rglob('mixed_sample_*.png'))
    given = [
        (path, photo)
        for paths, photos in runner.recorder.batches.values()
        for path, photo in zip(paths, photos)
    ][:6]
    assert len(pictures) == 6
    for number, (picture, (path, photo)) in enumerate(zip(pictures, given)):
        generated = 'cache' in path
        kind = 'generated' if generated else 'real'
        assert picture.name.startswith(f'mixed_sample_{number:02d}_{kind}')
        image = cv2.imread(str(picture))
        width = SIZE[1]
        assert (image[:, :width] == photo.permute(1, 2, 0).numpy()).all()
        overlay = image[:, width:, ::-1]
        assert tuple(overlay[0, 0]) == (ORANGE if generated else BLUE)
        # The upper rows are ignored: hatched in grey over the bare photo.
        row = overlay[3, 3:-3]
        bare = photo.permute(1, 2, 0).numpy()[3, 3:-3, ::-1]
        grey = (row == 80).all(axis=-1)
        assert 0.2 < grey.mean() < 0.8
        assert (row[~grey] == bare[~grey]).all()
        if generated:  # white, mixed with the pure colour of a class
            inner = overlay[4:-3, 3:-3].reshape(-1, 3).tolist()
            assert {tuple(sorted(pixel)) for pixel in inner} == {(128, 128, 228)}


def test_looking_at_samples_does_not_change_the_training(train):
    states = [
        train(name, max_iters=4, hooks=hooks, workers=0).model.state_dict()
        for name, hooks in (('with', [dict(type='MixedSamplesHook')]), ('without', []))
    ]
    assert all(torch.equal(value, states[1][k]) for k, value in states[0].items())


def recomposing(real, tmp_path):
    return dict(
        type='RecomposeLabels',
        source={key: value for key, value in real.items() if key != 'pipeline'},
        recomposer=dict(type='AddSingle'),
        cache_dir=str(tmp_path / 'statistics'),
    )


@pytest.mark.parametrize('mixed', [False, True])
def test_photos_that_wait_to_be_painted_are_not_mixed(
    train, data, tmp_path, monkeypatch, mixed
):
    leave_config(monkeypatch)
    real = data['datasets'][0]
    recompose = recomposing(real, tmp_path)
    load = [*real['pipeline'][:2], recompose]
    pack = [dict(type='PackSegInputs', meta_keys=('img_path', 'recomposed'))]
    if mixed:
        mosaic = dict(type='RandomMosaic', prob=1.0, img_scale=SIZE)
        inner = dict(real, pipeline=load)
        data['datasets'][1] = dict(
            type='MultiImageMixDataset', dataset=inner, pipeline=[mosaic, *pack]
        )
    else:
        data['datasets'][1] = dict(real, pipeline=[*load, *pack])
    options = {
        'max_iters': 2,
        'sampler': dict(type='InfiniteSampler'),
        'model.data_preprocessor.type': 'GANSegDataPreProcessor',
        'model.data_preprocessor.generator': dict(type='WhitePainter'),
    }
    if not mixed:
        assert train('run', **options).iter == 2
        return
    with pytest.raises(ValueError, match=r'MultiImageMixDataset.*paste_pixels=True'):
        train('run', **options)


def test_online_painting_trains_resumes_and_leaves_plain_checkpoints(
    train, data, tmp_path
):
    real = data['datasets'][0]
    recompose = dict(recomposing(real, tmp_path), prob=1.0)
    *rest, pack = real['pipeline']
    pack = dict(pack, meta_keys=('img_path', 'recomposed'))
    data['datasets'][1] = dict(real, pipeline=[*rest[:2], recompose, *rest[2:], pack])
    changes = {
        'model.data_preprocessor.type': 'GANSegDataPreProcessor',
        'model.data_preprocessor.generator': dict(type='WhitePainter'),
    }
    options = dict(
        max_iters=4,
        sampler=dict(
            type='InfiniteRatioSampler', generated_fraction=0.25, generated=[1]
        ),
        hooks=[dict(type='MixedSamplesHook'), dict(type='EMAHook')],
        **{'default_hooks.checkpoint.interval': 2},
        **changes,
    )
    whole = train('whole', workers=1, **options)
    shown = sorted((tmp_path / 'whole').rglob('mixed_sample_*.png'))
    kinds = [path.stem.split('_')[3] for path in shown]
    assert len(kinds) == 8
    assert kinds.count('generated') == 2
    for path, kind in zip(shown, kinds):
        photo = cv2.imread(str(path))[:, : SIZE[1]]
        assert (photo == 255).all() == (kind == 'generated')
    checkpoint = tmp_path / 'whole' / 'iter_2.pth'
    state = torch.load(checkpoint, weights_only=False)['state_dict']
    assert sorted(state) == sorted(whole.model.state_dict())
    assert all(key.split('.')[0] in ('backbone', 'decode_head') for key in state)
    resumed = train('resumed', load_from=str(checkpoint), resume=True, **options)
    for key, value in whole.model.state_dict().items():
        torch.testing.assert_close(value, resumed.model.state_dict()[key])
    # Where the generator is not, the segmenter still works.
    from mmseg.apis import inference_model, init_model

    config = whole.cfg.copy()
    config.model.data_preprocessor.generator = dict(config='no.py', checkpoint='no')
    config.test_pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='PackSegInputs'),
    ]
    model = init_model(config, str(checkpoint), device='cpu')
    found = inference_model(model, str(tmp_path / 'img' / '0.png'))
    assert found.pred_sem_seg.shape == SIZE
