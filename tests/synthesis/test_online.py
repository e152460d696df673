"""Photos of recombined labels are painted within the training step, and only there."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from ranks import run_ranks
from torch import nn

from mmseg_ganaug.registry import GENERATORS
from mmseg_ganaug.registry import MODELS as OUR_MODELS
from mmseg_ganaug.synthesis import Generator

SIZE = (10, 14)
NORM = dict(mean=[120.0, 115.0, 100.0], std=[60.0, 57.0, 55.0], bgr_to_rgb=True)


@pytest.fixture(scope='module')
def make_generator(tmp_path_factory):
    def make(num_classes=3, norm='instance', context=None, **encoder):
        folder = tmp_path_factory.mktemp('generator')
        model = dict(
            type='Pix2PixHD',
            label_encoder=dict(num_classes=num_classes, **encoder),
            generator=dict(
                type='Pix2PixHDGlobalGenerator',
                base_channels=4,
                num_downsamples=1,
                num_blocks=1,
                norm=norm,
            ),
            context=context,
        )
        Config(dict(model=model)).dump(folder / 'generator.py')
        torch.manual_seed(0)
        torch.save(OUR_MODELS.build(model).state_dict(), folder / 'weights.pth')
        return dict(
            config=str(folder / 'generator.py'), checkpoint=str(folder / 'weights.pth')
        )

    return make


@pytest.fixture(scope='module')
def generator(make_generator):
    return make_generator()


def make_sample(number, recomposed=None, size=SIZE, high=3, **metainfo):
    """A photo that is nowhere black, and its labels with an ignored column."""
    rng = np.random.default_rng(number)
    photo = torch.from_numpy(rng.integers(1, 256, (3, *size), dtype=np.uint8))
    labels = torch.from_numpy(rng.integers(0, high, (1, *size)))
    labels[..., -1] = 255
    sample = SegDataSample(gt_sem_seg=PixelData(data=labels))
    if recomposed is not None:
        metainfo['recomposed'] = recomposed
    sample.set_metainfo(dict(metainfo, img_path=f'{number}.png'))
    return photo, sample


def batch_of(*samples):
    photos, data_samples = zip(*samples)
    return dict(inputs=list(photos), data_samples=list(data_samples))


def build(generator, **options):
    config = dict(type='mmseg_ganaug.GANSegDataPreProcessor', size=SIZE, **NORM)
    return MODELS.build({**config, 'generator': generator, **options})


def stock():
    return MODELS.build(dict(type='mmseg.SegDataPreProcessor', size=SIZE, **NORM))


def painted_by(preprocessor, data_sample):
    """What the generator makes of a sample, BGR."""
    labels = data_sample.gt_sem_seg.data[None].to(torch.uint8)
    return preprocessor._generator.model.paint(labels)[0].flip(0)


def test_marked_samples_are_painted_and_the_others_left_alone(generator):
    samples = [make_sample(i, mark) for i, mark in enumerate([True, False, None, True])]
    preprocessor = build(generator)
    found = preprocessor(batch_of(*samples), training=True)
    assert found['inputs'].shape == (4, 3, *SIZE)
    photos = [
        painted_by(preprocessor, sample) if mark else photo
        for (photo, sample), mark in zip(samples, [True, False, False, True])
    ]
    wanted = stock()(
        dict(inputs=photos, data_samples=[sample for _, sample in samples]), True
    )
    assert torch.equal(found['inputs'], wanted['inputs'])
    assert not torch.equal(photos[0], samples[0][0])


def test_stacked_inputs_are_painted_too(generator):
    samples = [make_sample(i, True) for i in range(2)]
    preprocessor = build(generator)
    wanted = preprocessor(batch_of(*samples), training=True)['inputs']
    data = batch_of(*samples)
    data['inputs'] = torch.stack(data['inputs'])
    assert torch.equal(preprocessor(data, training=True)['inputs'], wanted)


def test_samples_of_several_sizes_are_painted_and_padded_as_ever(generator):
    samples = [
        make_sample(0, True),
        make_sample(1, True, size=(7, 9)),
        make_sample(2, False, size=(8, 14)),
        make_sample(3, True, size=(7, 9)),
    ]
    preprocessor = build(generator)
    photo = painted_by_after_load(preprocessor, samples[3])
    found = preprocessor(batch_of(*samples), training=True)
    assert found['inputs'].shape == (4, 3, *SIZE)
    mean, std = (torch.tensor(NORM[key]).view(3, 1, 1) for key in ('mean', 'std'))
    normed = (photo.flip(0).float() - mean) / std
    torch.testing.assert_close(found['inputs'][3, :, :7, :9], normed)
    assert (found['inputs'][3, :, 7:] == 0).all()
    labels = found['data_samples'][3].gt_sem_seg.data
    assert labels.shape == (1, *SIZE)
    assert (labels[0, 7:] == 255).all()


def painted_by_after_load(preprocessor, sample):
    preprocessor.paint_batch(batch_of(sample))
    return painted_by(preprocessor, sample[1])


def test_inference_needs_no_generator():
    missing = dict(config='nowhere.py', checkpoint='nowhere.pth')
    photo, sample = make_sample(0, True)
    found = build(missing)(batch_of((photo, sample)), training=False)
    wanted = stock()(batch_of((photo, sample)), False)
    assert torch.equal(found['inputs'], wanted['inputs'])


def test_padding_stays_black_and_other_ignored_pixels_are_painted(generator):
    padded, sample = make_sample(0, True)
    padded[:, 6:] = 0
    sample.gt_sem_seg.data[:, 6:] = 255
    empty, from_recon = make_sample(1, True)
    empty[:] = 0
    preprocessor = build(generator)
    batch = batch_of((padded, sample), (empty, from_recon))
    first, second = preprocessor.paint_batch(batch)['inputs']
    assert (first[:, 6:] == 0).all()
    assert torch.equal(first[:, :6], painted_by(preprocessor, sample)[:, :6])
    # Recon has no base: its black photo is no padding.
    assert torch.equal(second, painted_by(preprocessor, from_recon))


def test_every_ignored_value_is_the_one_that_the_generator_knows(make_generator):
    preprocessor = build(make_generator(ignore_index=3), ignore_index=7)
    photo, sample = make_sample(0, True)
    sample.gt_sem_seg.data[:, :2] = 7
    (found,) = preprocessor.paint_batch(batch_of((photo, sample)))['inputs']
    known = sample.clone()
    known.gt_sem_seg = PixelData(data=sample.gt_sem_seg.data.clamp(max=3))
    assert torch.equal(found, painted_by(preprocessor, known))


def test_distortion_reaches_painted_photos_only(generator):
    samples = [make_sample(0, True), make_sample(1, False)]
    samples[0][0][:, 8:] = 0
    samples[0][1].gt_sem_seg.data[:, 8:] = 255
    plain = build(generator, mean=None, std=None)
    distorting = build(
        generator,
        mean=None,
        std=None,
        photometric_distortion=dict(brightness_delta=90),
    )
    torch.manual_seed(1)
    before, after = (
        p(batch_of(*samples), training=True)['inputs'] for p in (plain, distorting)
    )
    assert (before[0, :, :8] != after[0, :, :8]).any()
    assert (after[0, :, 8:] == 0).all()  # padding
    assert torch.equal(before[1], after[1])
    seen = distorting.paint_batch(batch_of(*samples))['inputs'][0]
    assert torch.equal(seen.flip(0).float(), before[0])


def test_instance_maps_reach_a_generator_with_edges(make_generator):
    config = make_generator(edges=True)
    photo, sample = make_sample(0, True)
    with pytest.raises(ValueError, match=r'0\.png.*instance_path.*gt_instance_map'):
        build(config).paint_batch(batch_of((photo, sample)))
    painted = []
    for fill in (0, 5):
        instances = np.zeros(SIZE, np.int32)
        instances[:5, :7] = fill
        sample.set_metainfo(dict(gt_instance_map=instances))
        painted.append(build(config).paint_batch(batch_of((photo, sample)))['inputs'])
    assert not torch.equal(painted[0][0], painted[1][0])


WINDOWED = dict(mode='changed', feather=1, windows=dict(margin=4, sizes=[8]))


def test_what_has_not_changed_stays_real_online(make_generator):
    pixel = make_generator(norm='pixel')
    size = (32, 48)
    samples = [make_sample(i, True, size) for i in range(3)] + [
        make_sample(3, False, size)
    ]
    changed = np.zeros(size, np.uint8)
    changed[10:12, 20:23] = 1
    changed[:, -3:] = 255  # what a transform fills up with
    for _, sample in samples:
        sample.set_metainfo(dict(gt_changed_map=changed))
    samples[2][1].set_metainfo(dict(gt_changed_map=np.zeros(size, np.uint8)))
    batch = batch_of(*samples)
    parts = build(pixel, composite={**WINDOWED, 'match_tone': False})
    whole = build(pixel, composite=dict(mode='changed', feather=1, match_tone=False))
    found, wanted = (p.paint_batch(batch)['inputs'] for p in (parts, whole))
    new = torch.from_numpy(changed == 1)
    near = torch.zeros(size, dtype=torch.bool)
    near[8:14, 18:25] = True
    for index in range(2):
        photo, sample = samples[index]
        assert torch.equal(found[index][:, ~near], photo[:, ~near])
        assert torch.equal(wanted[index][:, new], painted_by(whole, sample)[:, new])
        assert not torch.equal(found[index][:, new], photo[:, new])
        difference = found[index].float() - wanted[index].float()
        assert difference[:, new].abs().mean() < 1
    for index in (2, 3):
        assert torch.equal(found[index], samples[index][0])
    rgb = dict(rgb_to_bgr=True, bgr_to_rgb=False)
    flipped = build(pixel, composite={**WINDOWED, 'match_tone': False}, **rgb)
    batch['inputs'] = [photo.flip(0) for photo, _ in samples]
    for one, other in zip(flipped.paint_batch(batch)['inputs'], found):
        assert torch.equal(one.flip(0), other)


def test_the_light_of_what_changes_online_is_that_of_the_photo(generator):
    size = (32, 48)
    photo, sample = make_sample(0, True, size)
    changed = np.zeros(size, np.uint8)
    changed[10:20, 20:30] = 1
    sample.set_metainfo(dict(gt_changed_map=changed))
    photo[:] = 31
    for windows in (None, True):
        way = dict(mode='changed', windows=windows)
        (found,) = build(generator, composite=way).paint_batch(
            batch_of((photo, sample))
        )['inputs']
        new = found[:, torch.from_numpy(changed == 1)].float()
        assert abs(new.mean() - 31) < 12


def test_padding_stays_black_where_what_changes_is_painted(generator):
    photo, sample = make_sample(0, True)
    photo[:, 6:] = 0
    sample.gt_sem_seg.data[:, 6:] = 255
    changed = np.ones(SIZE, np.uint8)
    changed[6:] = 255
    sample.set_metainfo(dict(gt_changed_map=changed))
    way = build(generator, composite='changed', photometric_distortion=dict())
    (found,) = way.paint_batch(batch_of((photo, sample)))['inputs']
    assert (found[:, 6:] == 0).all()
    assert not torch.equal(found[:, :6], photo[:, :6])


def test_without_a_mark_of_what_has_changed_it_says_what_to_do(generator):
    preprocessor = build(generator, composite='changed')
    with pytest.raises(ValueError, match=r'0\.png.*mark_changed=True.*gt_changed_map'):
        preprocessor.paint_batch(batch_of(make_sample(0, True)))
    with pytest.raises(ValueError, match=r"composite='auto'.*'full', 'changed'"):
        build(generator, composite=dict(mode='auto', painted=[]))


def test_another_number_of_classes_is_an_error_before_anything_is_painted(generator):
    with pytest.raises(ValueError, match=r'4 classes.*trained for 3'):
        build(generator, num_classes=4)(batch_of(make_sample(0, False)), training=True)
    build(generator, num_classes=3)(batch_of(make_sample(0, False)), training=True)


def test_a_class_that_the_generator_does_not_know_is_named(generator):
    with pytest.raises(ValueError, match=r'label values \[3\].*3 classes'):
        build(generator)(batch_of(make_sample(0, True, high=4)), training=True)


def test_missing_weights_are_an_error_in_the_first_batch(generator, tmp_path):
    config = dict(generator, checkpoint=str(tmp_path / 'no.pth'))
    with pytest.raises(FileNotFoundError, match=r'no\.pth does not exist'):
        build(config)(batch_of(make_sample(0, False)), training=True)


def test_marks_that_never_come_are_warned_of(generator, monkeypatch):
    logged = []
    module = 'mmseg_ganaug.synthesis.online'
    monkeypatch.setattr(f'{module}.print_log', lambda text, **_: logged.append(text))
    preprocessor = build(generator)
    for _ in range(120):
        preprocessor(batch_of(make_sample(0)), training=True)
    assert len(logged) == 1
    assert 'meta_keys' in logged[0]
    preprocessor = build(generator)
    for _ in range(120):
        preprocessor(batch_of(make_sample(0, False)), training=True)
    assert len(logged) == 1


@MODELS.register_module(force=True)
class PlainConvolution(nn.Conv2d):
    """A backbone."""

    def __init__(self):
        super().__init__(3, 4, 3, padding=1)

    def forward(self, inputs):
        return [super().forward(inputs)]


def make_segmenter(generator, **options):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmseg'):
        return MODELS.build(
            dict(
                type='EncoderDecoder',
                data_preprocessor=dict(
                    type='GANSegDataPreProcessor',
                    generator=generator,
                    size=SIZE,
                    **NORM,
                    **options,
                ),
                backbone=dict(type='PlainConvolution'),
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
            )
        )


@pytest.mark.parametrize('amp', [False, True])
@pytest.mark.parametrize('compiled', [False, True])
def test_a_training_step_leaves_the_generator_alone(generator, amp, compiled):
    model = make_segmenter(generator)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    optim_wrapper = build_optim_wrapper(model, dict(optimizer=dict(type='SGD', lr=0.1)))
    if compiled:
        # As MMEngine's runner does it, with the backend that needs no compiler.
        model.train_step = torch.compile(model.train_step, backend='eager')
    model.train()
    model.data_preprocessor.paint_batch(batch_of(make_sample(0, True)))
    own = model.data_preprocessor._generator.model
    weights = {key: value.clone() for key, value in own.state_dict().items()}
    for marks in ([True, False], [True, True], [False, False]):
        batch = batch_of(*(make_sample(i, mark) for i, mark in enumerate(marks)))
        # AmpOptimWrapper, which does just this, refuses to run on the CPU.
        with torch.autocast('cpu', torch.bfloat16, enabled=amp):
            assert model.train_step(batch, optim_wrapper)['loss'].isfinite()
    assert len(weights) > 5
    assert all(torch.equal(weights[k], v) for k, v in own.state_dict().items())
    assert not own.training
    assert all(parameter.grad is None for parameter in own.parameters())
    after = model.state_dict()
    assert after.keys() == before.keys()  # no generator in it
    assert any(not torch.equal(before[key], after[key]) for key in after)
    painters = set(map(id, own.parameters()))
    assert painters.isdisjoint(map(id, model.parameters()))
    groups = optim_wrapper.optimizer.param_groups
    assert painters.isdisjoint(id(p) for group in groups for p in group['params'])


def test_mixed_precision_of_the_segmenter_is_not_the_generators(generator):
    samples = [make_sample(0, True)]
    plain, rough = (
        build(dict(generator, precision=precision)) for precision in ('fp32', 'bf16')
    )
    wanted = plain(batch_of(*samples), training=True)['inputs']
    with torch.autocast('cpu', torch.bfloat16):
        found = plain(batch_of(*samples), training=True)['inputs']
        coarse = rough(batch_of(*samples), training=True)['inputs']
    assert torch.equal(found, wanted)
    assert not torch.equal(coarse, wanted)
    # Pixel values are 1/60 apart here.
    assert (coarse - wanted).abs().mean() < 3 / 60


def test_loading_the_generator_does_not_change_the_random_numbers(generator):
    torch.manual_seed(0)
    wanted = torch.rand(3)
    torch.manual_seed(0)
    build(generator)(batch_of(make_sample(0, True)), training=True)
    assert torch.equal(torch.rand(3), wanted)


def test_the_default_scope_stays_that_of_the_segmenter(generator):
    with DefaultScope.overwrite_default_scope('mmseg'):
        build(generator)(batch_of(make_sample(0, True)), training=True)
        assert DefaultScope.get_current_instance().scope_name == 'mmseg'


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='no GPU')
def test_on_a_gpu_the_generator_follows_the_segmenter(generator):
    model = make_segmenter(generator, photometric_distortion=dict()).cuda()
    wrapper = dict(type='AmpOptimWrapper', optimizer=dict(type='SGD', lr=0.1))
    optim_wrapper = build_optim_wrapper(model, wrapper)
    batch = batch_of(make_sample(0, True), make_sample(1, False))
    assert model.train_step(batch, optim_wrapper)['loss'].isfinite()
    assert model.data_preprocessor._generator.model.device.type == 'cuda'
    photo, sample = make_sample(0, True)
    found = model.data_preprocessor.paint_batch(batch_of((photo, sample)))['inputs']
    on_cpu = build(generator).paint_batch(batch_of((photo, sample)))['inputs']
    assert (found[0].cpu().float() - on_cpu[0].float()).abs().mean() < 4


def train(rank, generator, out):
    model = make_segmenter(generator)
    wrapped = MMDistributedDataParallel(model)
    optim_wrapper = build_optim_wrapper(
        wrapped, dict(optimizer=dict(type='SGD', lr=0.1))
    )
    # A rank without a painted sample has to get along, too.
    for marks in ([True, False], [False, False], [rank == 0, rank == 0]):
        samples = [make_sample(10 * rank + i, mark) for i, mark in enumerate(marks)]
        wrapped.train_step(batch_of(*samples), optim_wrapper)
    torch.save(model.state_dict(), out / f'{rank}.pth')


def test_two_processes_train_one_segmenter(generator, tmp_path):
    assert run_ranks(train, 2, tmp_path, generator, tmp_path) == [0, 0]
    first, second = (
        torch.load(tmp_path / f'{rank}.pth', weights_only=True) for rank in range(2)
    )
    fresh = make_segmenter(generator).state_dict()
    assert first.keys() == fresh.keys()
    assert all(torch.equal(value, second[key]) for key, value in first.items())
    assert any(not torch.equal(value, fresh[key]) for key, value in first.items())


@GENERATORS.register_module(force=True)
class BrightPainter:
    """Paints each class in a grey; does not inherit."""

    ignore_index = 255
    uses_instances = False
    device = 'none'

    def check(self, num_classes, has_instances):
        pass

    def load(self):
        pass

    def paint(self, labels, instances=None):
        return np.repeat(labels[..., None] % 50 * 30 + 9, 3, axis=-1)


@GENERATORS.register_module(force=True)
class ContextPainter(Generator):
    """Paints red what has changed, and notes where it runs and what it sees."""

    uses_context = True
    needs_whole_map = False
    seen = ()

    def __init__(self, device):
        self.device = device

    def fingerprint(self):
        return 'red'

    def paint(self, labels, instances=None, context=None):
        type(self).seen = (self.device, context)
        red = np.array([255, 0, 0], np.uint8)
        return np.where(context.changed[..., None], red, context.photos)


def test_any_painter_paints_online():
    photo, sample = make_sample(0, True)
    (found,) = build(dict(type='BrightPainter')).paint_batch(batch_of((photo, sample)))[
        'inputs'
    ]
    labels = sample.gt_sem_seg.data
    assert torch.equal(found, (labels % 50 * 30 + 9).to(torch.uint8).expand(3, -1, -1))


@GENERATORS.register_module(force=True)
class ModulePainter(Generator, nn.Module):
    """A network itself; paints 200 where it is in training mode, else 100."""

    def __init__(self):
        nn.Module.__init__(self)
        self.layer = nn.Conv2d(1, 3, 1)

    def fingerprint(self):
        return 'module'

    def load(self):
        self.train()

    def paint(self, labels, instances=None, context=None):
        grey = 200 if self.training or self.layer.training else 100
        return np.full((*labels.shape, 3), grey, np.uint8)


def test_a_painter_that_is_a_network_stays_out_of_the_segmenter():
    preprocessor = build(dict(type='ModulePainter'))
    before = list(preprocessor.state_dict())
    for _ in range(2):
        preprocessor.train()
        found = preprocessor.paint_batch(batch_of(make_sample(0, True)))['inputs'][0]
        assert (found == 100).all()
    assert list(preprocessor.state_dict()) == before
    assert not list(preprocessor.parameters()) and not list(preprocessor.children())


@pytest.mark.parametrize('composite', ['full', 'changed', dict(WINDOWED, feather=0)])
def test_a_context_online_is_the_base_without_what_changed(composite):
    size = (32, 48)
    photo, sample = make_sample(0, True, size, recipe=12)
    changed = np.zeros(size, np.uint8)
    changed[10:20, 20:30] = 1
    sample.set_metainfo(dict(gt_changed_map=changed))
    if composite == 'changed':
        composite = dict(mode='changed', feather=0, match_tone=False)
    elif composite != 'full':
        composite = dict(composite, match_tone=False)
    preprocessor = build(dict(type='ContextPainter'), composite=composite)
    (found,) = preprocessor.paint_batch(batch_of((photo, sample)))['inputs']
    new = torch.from_numpy(changed == 1)
    wanted = torch.where(new, torch.tensor([0, 0, 255])[:, None, None], photo)
    assert torch.equal(found, wanted.to(torch.uint8))
    device, context = ContextPainter.seen
    assert device == 'cpu'
    assert context.ids == ('online-000012',)
    assert not context.photos[context.changed].any()
    np.testing.assert_array_equal(context.shown, ~context.changed)


def test_a_look_at_painted_photos_leaves_the_seeds_of_training_alone():
    photo, sample = make_sample(0, True)
    sample.set_metainfo(dict(gt_changed_map=np.ones(SIZE, np.uint8)))
    preprocessor = build(dict(type='ContextPainter'))
    seeds = []
    for look in (False, True):
        torch.manual_seed(0)
        if look:
            preprocessor.paint_batch(batch_of((photo, sample)))
        preprocessor(batch_of((photo, sample)), training=True)
        seeds.append(ContextPainter.seen[1].seeds)
    assert seeds[0] == seeds[1]


@pytest.mark.parametrize('repaint', ['unshown', 'changed'])
def test_a_painter_of_holes_paints_what_changed_online(make_generator, repaint):
    photo, sample = make_sample(0, True)
    changed = np.zeros(SIZE, np.uint8)
    changed[2:6, 3:9] = 1
    sample.set_metainfo(dict(gt_changed_map=changed))
    options = dict(make_generator(context=dict(grow=0)), repaint=repaint)
    (found,) = build(options).paint_batch(batch_of((photo, sample)))['inputs']
    differs = (found != photo).any(dim=0).numpy()
    assert differs[changed == 1].mean() > 0.9 and not differs[changed == 0].any()


def test_a_context_online_needs_the_mark_of_what_changed():
    with pytest.raises(ValueError, match=r'0\.png.*uses a context.*mark_changed=True'):
        build(dict(type='ContextPainter')).paint_batch(batch_of(make_sample(0, True)))
