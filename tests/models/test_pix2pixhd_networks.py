"""Names, shapes and counts of the parameters, as official checkpoints have them."""

import pytest
import torch

from mmseg_ganaug.models import (
    Pix2PixHDEncoder,
    Pix2PixHDGlobalGenerator,
    Pix2PixHDLocalEnhancer,
    Pix2PixHDMultiscaleDiscriminator,
)


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


def names(*prefixes):
    return {f'{p}.{kind}' for p in prefixes for kind in ('weight', 'bias')}


def test_global_generator_has_the_official_parameters():
    with torch.device('meta'):
        network = Pix2PixHDGlobalGenerator(36)
    state = network.state_dict()
    plain = [1, 4, 7, 10, 13, 25, 28, 31, 34, 38]
    blocks = [f'model.{i}.conv_block.{j}' for i in range(16, 25) for j in (1, 5)]
    assert set(state) == names(*(f'model.{i}' for i in plain), *blocks)
    assert count(network) == 182_546_755
    assert state['model.1.weight'].shape == (64, 36, 7, 7)
    assert state['model.13.weight'].shape == (1024, 512, 3, 3)
    assert state['model.25.weight'].shape == (1024, 512, 3, 3)
    assert state['model.38.weight'].shape == (3, 64, 7, 7)


def test_local_enhancer_has_the_official_parameters():
    with torch.device('meta'):
        network = Pix2PixHDLocalEnhancer(36)
    state = network.state_dict()
    trunk = [f'model.{i}' for i in (1, 4, 7, 10, 13, 25, 28, 31, 34)]
    trunk += [f'model.{i}.conv_block.{j}' for i in range(16, 25) for j in (1, 5)]
    blocks = [f'model1_2.{i}.conv_block.{j}' for i in range(3) for j in (1, 5)]
    plain = ['model1_1.1', 'model1_1.4', 'model1_2.3', 'model1_2.7']
    assert set(state) == names(*trunk, *blocks, *plain)
    assert count(network) == 182_857_059
    assert state['model.1.weight'].shape == (64, 36, 7, 7)
    assert state['model1_1.1.weight'].shape == (32, 36, 7, 7)
    assert state['model1_2.7.weight'].shape == (3, 32, 7, 7)


def test_several_enhancers_double_the_width_of_the_global_generator():
    with torch.device('meta'):
        network = Pix2PixHDLocalEnhancer(36, base_channels=16, num_enhancers=2)
    state = network.state_dict()
    assert state['model.1.weight'].shape[0] == 64
    assert state['model1_1.1.weight'].shape[0] == 32
    assert state['model2_1.1.weight'].shape[0] == 16
    assert 'model1_2.7.weight' not in state
    assert state['model2_2.7.weight'].shape == (3, 16, 7, 7)


def test_encoder_has_the_official_parameters():
    with torch.device('meta'):
        network = Pix2PixHDEncoder()
    state = network.state_dict()
    wanted = (1, 4, 7, 10, 13, 16, 19, 22, 25, 29)
    assert set(state) == names(*(f'model.{i}' for i in wanted))
    assert count(network) == 788_803


@pytest.mark.parametrize('num_scales', [2, 3])
def test_discriminator_has_the_official_parameters(num_scales):
    with torch.device('meta'):
        network = Pix2PixHDMultiscaleDiscriminator(39, num_scales=num_scales)
    state = network.state_dict()
    layers = [f'scale{s}_layer{i}.0' for s in range(num_scales) for i in range(5)]
    assert set(state) == names(*layers)
    assert count(network) == num_scales * 2_801_601
    widths = [state[f'scale0_layer{i}.0.weight'].shape for i in range(5)]
    assert widths == [
        (64, 39, 4, 4),
        (128, 64, 4, 4),
        (256, 128, 4, 4),
        (512, 256, 4, 4),
        (1, 512, 4, 4),
    ]


def test_discriminator_width_is_capped():
    with torch.device('meta'):
        network = Pix2PixHDMultiscaleDiscriminator(5, base_channels=256)
    assert network.state_dict()['scale0_layer3.0.weight'].shape[:2] == (512, 512)


@pytest.mark.parametrize(('num_downsamples', 'size'), [(1, (6, 10)), (3, (16, 24))])
def test_generator_keeps_the_size_and_stays_in_range(num_downsamples, size):
    network = Pix2PixHDGlobalGenerator(
        4, base_channels=4, num_downsamples=num_downsamples, num_blocks=1
    )
    photo = network(torch.randn(2, 4, *size))
    assert photo.shape == (2, 3, *size)
    assert photo.abs().max() <= 1
    assert network.stride == 2**num_downsamples


def test_generator_treats_each_sample_alone():
    network = Pix2PixHDGlobalGenerator(
        3, base_channels=4, num_downsamples=1, num_blocks=1
    )
    x = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(network(x)[1:], network(x[1:]))
    torch.testing.assert_close(network.eval()(x), network.train()(x))


def test_last_scale_of_the_discriminator_sees_full_resolution_and_comes_first():
    network = Pix2PixHDMultiscaleDiscriminator(3, base_channels=4, num_layers=2)
    features = network(torch.randn(1, 3, 32, 48))
    assert [len(layers) for layers in features] == [4, 4]
    assert features[0][0].shape == (1, 4, 17, 25)
    assert features[1][0].shape == (1, 4, 9, 13)
    assert [layers[-1].shape[1] for layers in features] == [1, 1]
    network.scale1_layer0[0].weight.data.zero_()
    network.scale1_layer0[0].bias.data.fill_(1)
    changed = network(torch.randn(1, 3, 32, 48))
    assert changed[0][0].unique().tolist() == [1.0]
    assert len(changed[1][0].unique()) > 1


def test_weights_are_drawn_as_in_the_paper():
    torch.manual_seed(0)
    network = Pix2PixHDGlobalGenerator(
        8, base_channels=16, num_downsamples=2, num_blocks=1
    )
    network.init_weights()
    for name, parameter in network.named_parameters():
        if name.endswith('weight'):
            assert parameter.std().item() == pytest.approx(0.02, rel=0.1), name
            assert abs(parameter.mean().item()) < 0.002, name
