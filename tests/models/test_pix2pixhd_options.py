"""The options of pix2pixHD, each on its own."""

import numpy as np
import pytest
import torch
from mmagic.structures import DataSample
from mmengine import MessageHub
from mmengine.optim import OptimWrapper, OptimWrapperDict

from mmseg_ganaug.checkpoints import CheckpointError
from mmseg_ganaug.models import Pix2PixHDGlobalGenerator, Pix2PixHDLocalEnhancer
from mmseg_ganaug.registry import MODELS

SIZE = (16, 24)


def build(edges=False, generator=None, discriminator=None, **kwargs):
    torch.manual_seed(0)
    generator = {
        **dict(
            type='Pix2PixHDGlobalGenerator',
            base_channels=4,
            num_downsamples=1,
            num_blocks=1,
        ),
        **(generator or {}),
    }
    discriminator = {
        **dict(type='Pix2PixHDMultiscaleDiscriminator', base_channels=4, num_layers=1),
        **(discriminator or {}),
    }
    model = MODELS.build(
        dict(
            type='Pix2PixHD',
            label_encoder=dict(num_classes=3, edges=edges),
            generator=generator,
            discriminator=discriminator,
            **kwargs,
        )
    )
    model.init_weights()
    return model


def batch(instances=False, recomposed=False):
    generator = torch.Generator().manual_seed(0)

    def draw(high, channels, dtype):
        shape = (2, channels, *SIZE)
        return list(torch.randint(0, high, shape, generator=generator).to(dtype))

    inputs = dict(
        img_label=draw(3, 1, torch.uint8), img_photo=draw(256, 3, torch.uint8)
    )
    if instances:
        inputs['img_instance'] = draw(2, 1, torch.int32)
    if recomposed:
        inputs['img_recomposed_label'] = draw(3, 1, torch.uint8)
    samples = [DataSample(metainfo=dict(img_photo_channel_order='RGB'))] * 2
    return dict(inputs=inputs, data_samples=samples)


def wrappers(model):
    generators = list(model.generators.parameters())
    if model.encoder is not None:
        generators += list(model.encoder.parameters())
    discriminators = model.discriminators.parameters()
    return OptimWrapperDict(
        generators=OptimWrapper(torch.optim.Adam(generators, 0.002)),
        discriminators=OptimWrapper(torch.optim.Adam(discriminators, 0.002)),
    )


def snapshot(module):
    return [parameter.detach().clone() for parameter in module.parameters()]


def differs(module, before):
    return [not torch.equal(a, b) for a, b in zip(module.parameters(), before)]


def rng():
    return np.random.default_rng(0)


def maps():
    return torch.stack(batch()['inputs']['img_label'])


def test_hinge_loss_trains():
    model = build(loss_config=dict(gan_type='hinge'))
    scored = [[torch.zeros(4, 1, 2, 2), torch.full((4, 1, 2, 2), 0.25)]]
    losses = model.objective.discriminator_losses(scored, num_real=2)
    assert losses['loss_d_fake'].item() == pytest.approx(0.5 * 1.25)
    assert losses['loss_d_real'].item() == pytest.approx(0.5 * 0.75)
    assert model.objective.gan_loss(scored[0][-1], True).item() == -0.25
    model.train_step(batch(), wrappers(model))


def test_spectral_norm_bounds_the_convolutions_of_the_discriminator():
    model = build(discriminator=dict(use_spectral_norm=True))
    optimizers = wrappers(model)
    for _ in range(20):
        model.train_step(batch(), optimizers)
    for module in model.discriminators.modules():
        if isinstance(module, torch.nn.Conv2d):
            norm = torch.linalg.matrix_norm(module.weight.flatten(1), ord=2)
            assert norm.item() == pytest.approx(1.0, abs=0.1)


def test_discriminator_without_spectral_norm_keeps_the_official_names():
    names = build().discriminators['photo'].state_dict()
    assert all(name.endswith(('.0.weight', '.0.bias')) for name in names)


def test_discriminator_judges_the_true_shapes_when_the_generator_sees_warped_ones():
    model = build(label_warp=dict(prob=1.0, max_shift=0.3))
    seen = []
    model.generators['photo'].register_forward_pre_hook(
        lambda module, inputs: seen.append(inputs[0])
    )
    scored = []
    model.discriminators['photo'].register_forward_pre_hook(
        lambda module, inputs: scored.append(inputs[0])
    )
    model.train_step(batch(), wrappers(model))
    true = model.label_encoder(maps())
    assert not torch.equal(seen[0], true)
    assert torch.equal(scored[0][:2, : true.shape[1]], true)


def test_recomposed_maps_count_by_the_adversarial_loss_alone():
    torch.manual_seed(0)
    model = build(loss_config=dict(pixel_loss_weight=10.0))
    plain, extended = batch(), batch(recomposed=True)
    plain = model.data_preprocessor(plain, True)['inputs']
    extended = model.data_preprocessor(extended, True)['inputs']
    losses = {}
    for name, inputs in (('plain', plain), ('extended', extended)):
        labels, real = inputs['img_label'], inputs['img_photo']
        encoded, fake = model._generate(inputs, labels, real, 'photo', rng())
        losses[name] = model._generator_loss(labels, encoded, fake, real, 'photo')[1]
    assert fake.shape[0] == 4
    for name in ('loss_g_feature', 'loss_g_pixel'):
        torch.testing.assert_close(losses['plain'][name], losses['extended'][name])
    assert losses['plain']['loss_g_gan'] != losses['extended']['loss_g_gan']
    model.train_step(batch(recomposed=True), wrappers(model))


def test_pool_shows_the_discriminator_earlier_photos():
    np.random.seed(0)  # noqa: NPY002 (MMagic's buffer draws from it)
    model = build(pool_size=4)
    optimizers = wrappers(model)
    scored = []
    model.discriminators['photo'].register_forward_pre_hook(
        lambda module, inputs: scored.append(inputs[0][:2].clone())
    )
    for _ in range(12):
        model.train_step(batch(), optimizers)
    shown = scored[::3]  # the first of the three passes of a step
    repeated = any(
        torch.equal(shown[i][k], shown[j][m])
        for i in range(len(shown))
        for j in range(i)
        for k in range(2)
        for m in range(2)
    )
    assert repeated


ENHANCER = dict(
    type='Pix2PixHDLocalEnhancer', base_channels=2, num_local_blocks=1, num_blocks=1
)


@pytest.fixture
def iteration():
    hub = MessageHub.get_current_instance()

    def set_to(value):
        hub.update_info('iter', value)

    yield set_to
    set_to(0)


def test_coarse_part_is_frozen_first_and_then_trained(iteration):
    model = build(generator=ENHANCER, coarse_frozen_iters=2)
    optimizers = wrappers(model)
    generator = model.generators['photo']
    fine = [p for n, p in generator.named_parameters() if not n.startswith('model.')]
    for step, frozen in enumerate((True, True, False)):
        iteration(step)
        before, fine_before = snapshot(generator.model), [p.clone() for p in fine]
        model.train_step(batch(), optimizers)
        assert any(not torch.equal(a, b) for a, b in zip(fine, fine_before))
        assert any(differs(generator.model, before)) is not frozen
    steps = {
        s['step'].item() for s in optimizers['generators'].optimizer.state.values()
    }
    assert steps == {1.0}  # a fresh Adam


def test_freezing_needs_an_enhancer():
    with pytest.raises(ValueError, match='Pix2PixHDLocalEnhancer'):
        build(coarse_frozen_iters=5)


def test_enhancer_starts_from_a_trained_global_generator(tmp_path):
    coarse = Pix2PixHDGlobalGenerator(4, base_channels=4, num_blocks=1)
    torch.save(coarse.state_dict(), tmp_path / 'G.pth')
    options = dict(ENHANCER, in_channels=4, global_checkpoint=str(tmp_path / 'G.pth'))
    options.pop('type')
    network = Pix2PixHDLocalEnhancer(**options)
    network.init_weights()
    state = coarse.state_dict()
    for name, value in network.state_dict().items():
        if name.startswith('model.'):
            assert torch.equal(value, state[name]), name


def test_enhancer_refuses_a_global_generator_of_another_width(tmp_path):
    coarse = Pix2PixHDGlobalGenerator(4, base_channels=8, num_blocks=1)
    torch.save(coarse.state_dict(), tmp_path / 'G.pth')
    options = dict(ENHANCER, in_channels=4, global_checkpoint=str(tmp_path / 'G.pth'))
    options.pop('type')
    network = Pix2PixHDLocalEnhancer(**options)
    with pytest.raises(CheckpointError, match=r'G\.pth'):
        network.init_weights()


ENCODER = dict(type='Pix2PixHDEncoder', base_channels=4, num_downsamples=1)


@pytest.mark.parametrize('instances', [True, False])
def test_features_of_the_photo_are_read_and_the_encoder_is_trained(instances):
    model = build(edges=instances, encoder=ENCODER, label_warp=dict())
    assert model.generators['photo'].in_channels == model.label_encoder.out_channels + 3
    before = snapshot(model.encoder)
    model.train_step(batch(instances), wrappers(model))
    changed = differs(model.encoder, before)
    assert changed[0] and changed[-2]


def test_photos_of_one_map_differ_by_the_clusters_drawn():
    model = build(encoder=ENCODER)
    with torch.no_grad():
        model.region_code.clusters.uniform_(-1, 1)

    def paint(seed):
        return model.paint(maps(), rng=np.random.default_rng(seed))

    assert torch.equal(paint(0), paint(0))
    assert not torch.equal(paint(0), paint(1))
    assert torch.equal(model.paint(maps()), model.paint(maps()))


def test_noise_makes_photos_differ():
    model = build(noise_channels=4)
    assert model.generators['photo'].in_channels == 8

    def paint(seed):
        return model.paint(maps(), rng=np.random.default_rng(seed))

    assert torch.equal(paint(0), paint(0))
    assert not torch.equal(paint(0), paint(1))
    model.train_step(batch(), wrappers(model))


def test_clusters_travel_with_the_checkpoint():
    model = build(encoder=ENCODER)
    assert 'region_code.clusters' in model.state_dict()
    assert not any('region_code' in name for name in build().state_dict())


@pytest.mark.parametrize('size', [(1, 40), (40, 1), (1, 1), (3, 2), (16, 16)])
@pytest.mark.parametrize(
    'generator', ['Pix2PixHDGlobalGenerator', 'Pix2PixHDLocalEnhancer']
)
@pytest.mark.parametrize('num_classes', [1, 2])
def test_a_map_of_any_size_is_painted(num_classes, generator, size):
    model = MODELS.build(
        dict(
            type='Pix2PixHD',
            label_encoder=dict(num_classes=num_classes),
            generator=dict(type=generator, base_channels=2, num_blocks=1),
            encoder=dict(type='Pix2PixHDEncoder', base_channels=2),
        )
    )
    photos = model.paint(torch.zeros(1, 1, *size, dtype=torch.uint8))
    assert photos.shape == (1, 3, *size) and photos.dtype == torch.uint8
