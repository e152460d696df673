"""The networks: parameters as official checkpoints have them, and forward passes.

The reference knows nothing but the official names.
"""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmseg_ganaug.checkpoints import load_generator_weights
from mmseg_ganaug.models import (
    Pix2PixHDEncoder,
    Pix2PixHDGlobalGenerator,
    Pix2PixHDLocalEnhancer,
    Pix2PixHDMultiscaleDiscriminator,
)
from mmseg_ganaug.models.pix2pixhd.generators import PixelNorm, up_block
from mmseg_ganaug.models.pix2pixhd.region_code import (
    number_regions,
    spread_over_regions,
)
from mmseg_ganaug.registry import MODELS


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


@pytest.mark.parametrize('kind', [Pix2PixHDGlobalGenerator, Pix2PixHDLocalEnhancer])
def test_a_pixel_norm_has_the_same_parameters_and_sees_one_pixel(kind):
    options = dict(base_channels=4, num_downsamples=1, num_blocks=1)
    plain, network = (kind(3, norm=n, **options) for n in ('instance', 'pixel'))
    network.load_state_dict(plain.state_dict(), strict=True)
    norms = [m for m in network.modules() if isinstance(m, PixelNorm)]
    assert len(norms) == sum(isinstance(m, nn.InstanceNorm2d) for m in plain.modules())
    assert not any(isinstance(m, nn.InstanceNorm2d) for m in network.modules())
    x = torch.randn(2, 8, 5, 6) * 3 + 1
    y = PixelNorm(8)(x)
    torch.testing.assert_close(y.mean(1), torch.zeros(2, 5, 6), atol=1e-6, rtol=0)
    torch.testing.assert_close(
        y.var(1, correction=0), torch.ones(2, 5, 6), atol=1e-3, rtol=0
    )
    torch.testing.assert_close(PixelNorm(8)(x[..., 2:4, 3:]), y[..., 2:4, 3:])


@pytest.mark.parametrize('kind', [Pix2PixHDGlobalGenerator, Pix2PixHDLocalEnhancer])
def test_resize_convolutions_take_the_place_of_all_transposed_ones(kind):
    network = kind(3, base_channels=4, num_blocks=1, upsample='resize')
    assert not any(isinstance(m, nn.ConvTranspose2d) for m in network.modules())
    size = 2 * network.stride, 3 * network.stride
    assert network(torch.randn(1, 3, *size)).shape == (1, 3, *size)


def test_resize_convolutions_leave_no_checkerboard():
    torch.manual_seed(0)
    flat = torch.randn(1, 8, 1, 1).expand(1, 8, 6, 6)
    spreads = [
        nn.Sequential(*up_block(8, 4, 'pixel', name))(flat)[..., 2:-2, 2:-2].std((2, 3))
        for name in ('transposed', 'resize')
    ]
    assert spreads[0].max() > 0.1
    assert spreads[1].max() < 1e-5


def test_another_norm_is_refused():
    with pytest.raises(ValueError, match=r"norm='batch'.*'instance', 'pixel'"):
        Pix2PixHDGlobalGenerator(3, norm='batch')


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


class Reference:
    """Layers that take their parameters from a state dict by name."""

    def __init__(self, state):
        self.state = {k: v.detach().clone() for k, v in state.items()}

    def conv(self, x, key, pad=0, **kwargs):
        if pad:
            x = F.pad(x, (pad,) * 4, mode='reflect')
        return F.conv2d(
            x, self.state[f'{key}.weight'], self.state[f'{key}.bias'], **kwargs
        )

    @staticmethod
    def norm(x):
        mean = x.mean((2, 3), keepdim=True)
        variance = ((x - mean) ** 2).mean((2, 3), keepdim=True)
        return (x - mean) / (variance + 1e-5).sqrt()

    def conv_norm_relu(self, x, key, pad=0, **kwargs):
        return self.norm(self.conv(x, key, pad, **kwargs)).clamp(min=0)

    def up(self, x, key):
        x = F.conv_transpose2d(
            x,
            self.state[f'{key}.weight'],
            self.state[f'{key}.bias'],
            stride=2,
            padding=1,
            output_padding=1,
        )
        return self.norm(x).clamp(min=0)

    def block(self, x, key):
        y = self.conv_norm_relu(x, f'{key}.conv_block.1', pad=1)
        return x + self.norm(self.conv(y, f'{key}.conv_block.5', pad=1))

    def trunk(self, x, downs, blocks):
        x = self.conv_norm_relu(x, 'model.1', pad=3)
        for i in range(downs):
            x = self.conv_norm_relu(x, f'model.{4 + 3 * i}', stride=2, padding=1)
        first = 4 + 3 * downs
        for i in range(first, first + blocks):
            x = self.block(x, f'model.{i}')
        for i in range(downs):
            x = self.up(x, f'model.{first + blocks + 3 * i}')
        return x

    def pool(self, x):
        total = F.avg_pool2d(x, 3, 2, 1) * 9
        number = F.avg_pool2d(torch.ones_like(x), 3, 2, 1) * 9
        return total / number


def randomise(network):
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return network


def assert_equal(found, wanted):
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_global_generator():
    network = randomise(
        Pix2PixHDGlobalGenerator(5, base_channels=4, num_downsamples=3, num_blocks=2)
    )
    x = torch.randn(2, 5, 32, 48)
    reference = Reference(network.state_dict())
    y = reference.trunk(x, downs=3, blocks=2)
    assert_equal(network(x), reference.conv(y, 'model.25', pad=3).tanh())


def official_global_state(in_channels, base, downs, blocks):
    """A state dict as the facts about the official code have it, not as we do."""
    shapes = {1: (base, in_channels, 7, 7)}
    for i in range(downs):
        shapes[4 + 3 * i] = (base * 2 ** (i + 1), base * 2**i, 3, 3)
    wide, first = base * 2**downs, 4 + 3 * downs
    state = {}
    for i in range(first, first + blocks):
        for j in (1, 5):
            shapes[f'{i}.conv_block.{j}'] = (wide, wide, 3, 3)
    ups = {}
    for i in range(downs):
        number = first + blocks + 3 * i
        ups[number] = shapes[number] = (wide // 2**i, wide // 2 ** (i + 1), 3, 3)
    shapes[first + blocks + 3 * downs + 1] = (3, base, 7, 7)
    for name, shape in shapes.items():
        state[f'model.{name}.weight'] = torch.randn(shape) * 0.1
        state[f'model.{name}.bias'] = torch.randn(shape[1 if name in ups else 0]) * 0.1
    return state


def test_official_state_dict_loads_and_paints_as_it_should(tmp_path):
    state = official_global_state(in_channels=4, base=4, downs=2, blocks=2)
    torch.save(state, tmp_path / 'latest_net_G.pth')
    model = MODELS.build(
        dict(
            type='Pix2PixHD',
            label_encoder=dict(num_classes=3, ignore_channel=False, edges=True),
            generator=dict(
                type='Pix2PixHDGlobalGenerator',
                base_channels=4,
                num_downsamples=2,
                num_blocks=2,
            ),
        )
    )
    load_generator_weights(model, tmp_path / 'latest_net_G.pth')
    labels = torch.randint(0, 3, (2, 1, 16, 24), dtype=torch.uint8)
    ids = torch.zeros(2, 1, 16, 24, dtype=torch.int32)
    ids[..., 12:] = 26001
    one_hot = F.one_hot(labels[:, 0].long(), 3).movedim(-1, 1).float()
    edges = torch.zeros(2, 1, 16, 24)
    edges[..., 11:13] = 1.0
    x = torch.cat([one_hot, edges], dim=1)
    reference = Reference(state)
    y = reference.conv(reference.trunk(x, downs=2, blocks=2), 'model.19', pad=3).tanh()
    assert_equal(model.translation(labels, instance_maps=ids), y)


def test_local_enhancer_with_one_and_two_enhancers():
    for number in (1, 2):
        network = randomise(
            Pix2PixHDLocalEnhancer(
                5,
                base_channels=2,
                num_downsamples=2,
                num_blocks=2,
                num_enhancers=number,
                num_local_blocks=1,
            )
        )
        x = torch.randn(1, 5, 32, 48)
        reference = Reference(network.state_dict())
        pyramid = [x]
        for _ in range(number):
            pyramid.append(reference.pool(pyramid[-1]))
        y = reference.trunk(pyramid[-1], downs=2, blocks=2)
        for n in range(1, number + 1):
            z = reference.conv_norm_relu(pyramid[number - n], f'model{n}_1.1', pad=3)
            z = reference.conv_norm_relu(z, f'model{n}_1.4', stride=2, padding=1)
            y = reference.up(reference.block(z + y, f'model{n}_2.0'), f'model{n}_2.1')
        y = reference.conv(y, f'model{number}_2.5', pad=3).tanh()
        assert_equal(network(x), y)


def test_multiscale_discriminator():
    network = randomise(
        Pix2PixHDMultiscaleDiscriminator(5, base_channels=4, num_scales=3)
    )
    x = torch.randn(2, 5, 40, 56)
    reference = Reference(network.state_dict())
    for features, scale in zip(network(x), (2, 1, 0)):
        y = x
        for layer in range(5):
            stride = 2 if layer < 3 else 1
            y = reference.conv(
                y, f'scale{scale}_layer{layer}.0', stride=stride, padding=2
            )
            if 0 < layer < 4:
                y = reference.norm(y)
            if layer < 4:
                y = torch.where(y > 0, y, 0.2 * y)
            assert_equal(features[layer], y)
        x = reference.pool(x)


def test_encoder_averages_over_each_instance():
    network = randomise(Pix2PixHDEncoder(base_channels=4, num_downsamples=2))
    photos = torch.rand(2, 3, 16, 24) * 2 - 1
    ids = torch.randint(0, 3, (2, 1, 16, 24), dtype=torch.int32) * 33001
    labels = torch.zeros(2, 1, 16, 24, dtype=torch.uint8)
    reference = Reference(network.state_dict())
    y = reference.trunk(photos, downs=2, blocks=0)
    y = reference.conv(y, 'model.17', pad=3).tanh()
    wanted = torch.zeros_like(y)
    for sample in range(2):
        for number in ids[sample].unique():
            inside = ids[sample, 0] == number
            mean = y[sample][:, inside].mean(1, keepdim=True)
            wanted[sample][:, inside] = mean
    numbers, region_labels = number_regions(labels, ids)
    features = network(photos, numbers, len(region_labels))
    assert_equal(spread_over_regions(features, numbers), wanted)
