"""DiffusersInpaint, with a tiny model of random weights that is run whole."""

import gc
import os
import pickle
import signal
import weakref
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import requests
import torch
from mmseg.registry import DATASETS
from tiny_diffusion import make_controlnet, make_pipeline

from mmseg_ganaug.checkpoints import CheckpointError
from mmseg_ganaug.synthesis import DiffusersInpaint
from mmseg_ganaug.synthesis.diffusion.pipeline import InpaintPipeline
from mmseg_ganaug.synthesis.generator import PaintContext

NAMES = ('road', 'SignSymbol', 'rider')
PALETTE = [[90, 90, 90], [200, 0, 0], [0, 200, 0]]
QUICK = dict(steps=3, margin=6, size=32, device='cpu', precision='fp32')
PATIENCE = 240


@pytest.fixture(scope='module')
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp('models')
    return SimpleNamespace(
        inpainting=make_pipeline(folder / 'inpainting'),
        plain=make_pipeline(folder / 'plain', 'plain'),
        xl=make_pipeline(folder / 'xl', 'xl'),
        controlnet=make_controlnet(folder / 'controlnet'),
        xl_controlnet=make_controlnet(folder / 'xl_controlnet', 'xl'),
    )


@pytest.fixture
def make(models):
    def make(model='inpainting', **options):
        if 'controlnet' in options:
            options['controlnet'] = str(getattr(models, options['controlnet']))
        painter = DiffusersInpaint(
            str(getattr(models, model)), **{**QUICK, 'strength': 0.7, **options}
        )
        painter.use_classes(NAMES, PALETTE)
        return painter

    return make


@pytest.fixture
def batch():
    """Three samples: an object, two far apart and one in a hole, and none."""
    rng = np.random.default_rng(0)
    labels = np.zeros((3, 60, 90), np.uint8)
    labels[0, 30:40, 20:28] = 1
    labels[1, 5:15, 5:12] = 2
    labels[1, 40:52, 70:80] = 1
    changed = labels > 0
    shown = np.ones_like(changed)
    shown[1, 40:52, 70:80] = False
    photos = rng.integers(60, 200, (*labels.shape, 3), np.uint8)
    photos[~shown] = 0
    ids = tuple(f'{"0" * 12}-{number:06d}' for number in range(3))
    return labels, PaintContext(photos, shown, changed, ids, (3, 4, 5))


def paint(painter, batch):
    labels, context = batch
    return painter.paint(labels, None, context)


def part(batch, *samples):
    labels, context = batch
    arrays = (getattr(context, name) for name in ('photos', 'shown', 'changed'))
    return labels[list(samples)], PaintContext(
        *(array[list(samples)] for array in arrays),
        tuple(context.ids[number] for number in samples),
        tuple(context.seeds[number] for number in samples),
    )


@pytest.mark.parametrize(
    'options',
    [
        dict(),
        dict(model='plain'),
        dict(controlnet='controlnet'),
        dict(model='plain', controlnet='controlnet'),
        dict(model='xl'),
        dict(model='xl', controlnet='xl_controlnet'),
        dict(strength=1.0, negative_prompt='a drawing', guidance_scale=0),
    ],
    ids=str,
)
def test_only_what_changed_and_its_rim_is_painted(make, batch, options):
    labels, context = batch
    painter = make(**options)
    painted = paint(painter, batch)
    found = painter.painted_pixels(labels, context)
    np.testing.assert_array_equal(found, context.changed)
    assert painted.shape == (*labels.shape, 3) and painted.dtype == np.uint8
    differs = (painted != context.photos).any(axis=-1)
    assert differs[context.changed].mean() > 0.9
    assert painted[~context.shown].min(axis=-1).mean() > 0
    for found, changed in zip(differs, context.changed):
        near = cv2.dilate(changed.astype(np.uint8), np.ones((11, 11), np.uint8))
        assert not found[near == 0].any()


def test_a_photo_in_which_nothing_changed_stays_and_loads_nothing(make, batch):
    painter = make()
    painter.load = None
    np.testing.assert_array_equal(paint(painter, part(batch, 2)), batch[1].photos[2:])


@pytest.mark.parametrize('batch_size', [1, 2])
def test_a_photo_has_the_same_bytes_whatever_is_painted_with_it(
    make, batch, batch_size
):
    painter = make(batch_size=batch_size)
    together = paint(painter, batch)
    np.testing.assert_array_equal(
        paint(painter, part(batch, 1, 2, 0)), together[[1, 2, 0]]
    )
    another = make(batch_size=batch_size)
    for number in (1, 0, 2):
        alone = paint(another, part(batch, number))[0]
        np.testing.assert_array_equal(alone, together[number])


def test_windows_of_one_shape_are_painted_in_batches(make, batch, monkeypatch):
    sizes = []
    run = InpaintPipeline.run

    def counted(self, inputs, options):
        sizes.append(len(inputs))
        return run(self, inputs, options)

    monkeypatch.setattr(InpaintPipeline, 'run', counted)
    labels, context = batch
    labels, changed = labels[1:2].copy(), context.changed[1:2].copy()
    labels[:], changed[:] = 0, False
    for x in (5, 35, 65):
        labels[:, 20:30, x : x + 10], changed[:, 20:30, x : x + 10] = 1, True
    inside = PaintContext(context.photos[:1], changed | True, changed, ('a',), (1,))
    together = make(batch_size=2, margin=2).paint(labels, None, inside)
    assert sizes == [2, 1]
    # Each has its own seed, prompt and place; sums are rounded in another order.
    alone = make(batch_size=1, margin=2).paint(labels, None, inside)
    assert np.abs(together.astype(int) - alone).max() <= 1


@pytest.mark.parametrize(
    'options',
    [
        dict(prompt='a drawing of {classes}'),
        dict(words=dict(SignSymbol='traffic sign')),
        dict(negative_prompt='blurred'),
        dict(steps=4),
        dict(strength=1.0),
        dict(guidance_scale=2),
        dict(margin=12),
        dict(size=48),
        dict(controlnet='controlnet'),
        dict(model='plain'),
    ],
    ids=str,
)
def test_every_option_counts_in_bytes_and_fingerprint(make, batch, options):
    batch = part(batch, 0)
    assert make(**options).fingerprint() != make().fingerprint()
    assert (paint(make(**options), batch) != paint(make(), batch)).any()


def test_options_of_the_controlnet_count_where_there_is_one(make, batch):
    batch = part(batch, 0)
    for options in (dict(control_scale=0.2), dict(colours=dict(SignSymbol=[0, 0, 99]))):
        with_it = [make(controlnet='controlnet', **more) for more in (options, {})]
        assert with_it[0].fingerprint() != with_it[1].fingerprint()
        assert (paint(with_it[0], batch) != paint(with_it[1], batch)).any()
        assert make(**options).fingerprint() == make().fingerprint()


def test_seeds_are_all_that_is_drawn_from(make, batch):
    labels, context = part(batch, 0)
    painter = make()
    before = paint(painter, (labels, context))
    torch.manual_seed(99)
    np.random.seed(99)  # noqa: NPY002
    np.testing.assert_array_equal(paint(painter, (labels, context)), before)
    other = PaintContext(
        context.photos, context.shown, context.changed, context.ids, (77,)
    )
    assert (paint(painter, (labels, other)) != before).any()


def test_nothing_is_asked_of_the_network_or_unpickled(make, batch, monkeypatch):
    def fail(*args, **options):
        raise AssertionError(f'{args} {options}')

    monkeypatch.setattr(requests.Session, 'request', fail)
    monkeypatch.setattr(torch, 'load', fail)
    monkeypatch.setattr(pickle, 'load', fail)
    monkeypatch.setattr(pickle, 'Unpickler', fail)
    paint(make(controlnet='controlnet'), part(batch, 0))


@pytest.mark.parametrize('name', ['model', 'controlnet'])
def test_pickled_weights_are_refused_before_they_are_loaded(models, tmp_path, name):
    saved = (make_pipeline if name == 'model' else make_controlnet)(tmp_path / 'a')
    for path in saved.rglob('*.safetensors'):
        torch.save({}, path.with_suffix('.bin'))
        path.unlink()
    painter = DiffusersInpaint(
        **{'model': str(models.plain), name: str(saved), **QUICK}
    )
    with pytest.raises(ValueError, match=rf'{name}=.*\.bin.*pickled weights'):
        painter.check(3, has_instances=False)


def test_weights_that_cannot_be_read_are_named(tmp_path):
    saved = make_pipeline(tmp_path / 'damaged')
    path = saved / 'unet' / 'diffusion_pytorch_model.safetensors'
    path.write_bytes(path.read_bytes()[:1000])
    painter = DiffusersInpaint(str(saved), **QUICK)
    painter.check(3, has_instances=False)
    with pytest.raises(CheckpointError, match=f'{saved}.*\n.*Copy or download'):
        painter.load()


def test_it_is_loaded_once_and_freed(make, batch):
    painter = make()
    painter.load()
    loaded = weakref.ref(painter._pipeline._pipeline.unet)
    painter.load()
    paint(painter, part(batch, 0))
    assert painter._pipeline._pipeline.unet is loaded()
    painter.release()
    gc.collect()
    assert loaded() is None
    paint(painter, part(batch, 0))


def test_what_does_not_fit_into_memory_or_overflows_says_what_to_set(make, batch):
    def full(**options):
        raise torch.cuda.OutOfMemoryError('CUDA out of memory')

    def black(image, **options):
        shape = (len(image), *image.shape[2:], 3)
        return SimpleNamespace(images=np.full(shape, np.nan, np.float32))

    painter = make()
    for pipeline, error, message in (
        (full, MemoryError, '1 windows of .* do not fit .*cpu_offload=True'),
        (black, FloatingPointError, "precision='fp32': set"),
    ):
        painter._pipeline._pipeline = pipeline
        with pytest.raises(error, match=message):
            paint(painter, part(batch, 0))


def test_what_is_missing_to_paint_is_named(make, models, batch):
    with pytest.raises(ValueError, match='no photos'):
        make().paint(batch[0])
    with pytest.raises(ValueError, match='no names'):
        DiffusersInpaint(str(models.inpainting), **QUICK).paint(
            *batch[:1], None, batch[1]
        )
    for option, value in (('words', 'sign'), ('colours', [1, 2, 3])):
        with pytest.raises(ValueError, match=f"{option}=.*'Sign'.*SignSymbol"):
            make(**{option: dict(Sign=value)})
    with pytest.raises(ValueError, match='cpu_offload=True needs a GPU'):
        make(cpu_offload=True).check(3, has_instances=False)
    with pytest.raises(ValueError, match=r'strength=0\.3'):
        make(strength=0.3)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='no GPU')
@pytest.mark.parametrize('precision', ['fp32', 'bf16'])
def test_the_same_bytes_on_a_gpu_with_and_without_offloading(make, batch, precision):
    options = dict(device='cuda:0', precision=precision, controlnet='controlnet')
    painted = paint(make(**options), batch)
    np.testing.assert_array_equal(paint(make(**options), batch), painted)
    offloaded = make(cpu_offload=True, **options)
    np.testing.assert_array_equal(paint(offloaded, batch), painted)


def config(folder, model, cache_dir, **options):
    """A set of samples of which every photo gets an object of another."""
    return dict(
        type='mmseg_ganaug.GANRecomposeDataset',
        source=dict(
            type='BaseSegDataset',
            data_root=str(folder),
            data_prefix=dict(img_path='img', seg_map_path='ann'),
            img_suffix='.png',
            metainfo=dict(classes=NAMES, palette=PALETTE),
            pipeline=[
                dict(type='LoadImageFromFile'),
                dict(type='LoadAnnotations'),
                dict(type='PackSegInputs'),
            ],
        ),
        recomposer=dict(type='AddMulti', classes=['SignSymbol', 'rider']),
        generator=dict(type='DiffusersInpaint', model=str(model), **QUICK),
        composite='changed',
        cache_dir=str(cache_dir),
        num_samples=6,
        **{'batch_size': 2, **options},
    )


@pytest.fixture
def data(tmp_path):
    rng = np.random.default_rng(1)
    for kind in ('img', 'ann'):
        (tmp_path / 'data' / kind).mkdir(parents=True)
    for number in range(6):
        labels = np.zeros((40, 56), np.uint8)
        y, x = rng.integers(4, 26), rng.integers(4, 40)
        labels[y : y + 10, x : x + 8] = 1 + number % 2
        photo = rng.integers(40, 200, (40, 56, 3), np.uint8)
        for kind, image in (('img', photo), ('ann', labels)):
            assert cv2.imwrite(str(tmp_path / 'data' / kind / f'{number}.png'), image)
    return tmp_path / 'data'


def build_and_die(settings, runs):
    """Makes samples in a process that ends at once when it has painted so often."""
    run = InpaintPipeline.run

    def counted(self, inputs, options):
        nonlocal runs
        if not runs:
            os.kill(os.getpid(), signal.SIGKILL)
        runs -= 1
        return run(self, inputs, options)

    InpaintPipeline.run = counted
    DATASETS.build(settings)


def files_of(dataset):
    store = dataset.store()
    return [
        Path(path).read_bytes()
        for number in range(6)
        for path in (store.photo_path(number), store.label_path(number))
    ]


@pytest.mark.slow
def test_a_killed_run_ends_with_the_same_bytes(models, data, tmp_path):
    settings = config(data, models.inpainting, tmp_path / 'killed')
    process = get_context('forkserver').Process(
        target=build_and_die, args=(settings, 5)
    )
    process.start()
    process.join(PATIENCE)
    if process.exitcode is None:
        process.kill()
    assert process.exitcode == -signal.SIGKILL
    whole = DATASETS.build(config(data, models.inpainting, tmp_path / 'whole'))
    there = [path.name for path in (tmp_path / 'killed').rglob('*.png')]
    assert 0 < len(there) < 12
    killed = DATASETS.build(settings)
    assert files_of(killed) == files_of(whole)
    # Another batch size of the data set makes the same photos, too.
    other = config(data, models.inpainting, tmp_path / 'other', batch_size=5)
    assert files_of(DATASETS.build(other)) == files_of(whole)
