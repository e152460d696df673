"""The faster layers give what the plain ones give."""

import copy
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mmseg_ganaug.registry import MODELS
from mmseg_ganaug.synthesis.fast_layers import (
    CodeConv,
    CodeEncoder,
    CodesToChannels,
    InPlaceInstanceNorm,
    RepeatableInstanceNorm,
    forget,
    recording,
)
from mmseg_ganaug.synthesis.fast_network import make_fast

GLOBAL = dict(
    type='Pix2PixHDGlobalGenerator', base_channels=6, num_downsamples=2, num_blocks=2
)
ENHANCER = dict(
    type='Pix2PixHDLocalEnhancer',
    base_channels=4,
    num_downsamples=1,
    num_blocks=1,
    num_enhancers=2,
    num_local_blocks=1,
)
ENCODERS = {
    'ignore channel': dict(num_classes=5),
    'no channel for ignored pixels': dict(num_classes=5, ignore_channel=False),
    'edges': dict(num_classes=5, edges=True, class_edges=True),
    'label ids': dict(
        num_classes=3,
        label_ids=[7, 2, 5],
        num_label_ids=9,
        ignore_channel=False,
        ignore_label_id=0,
        edges=True,
    ),
}


def make_model(generator=GLOBAL, encoder='edges', **options):
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type='Pix2PixHD',
            label_encoder=ENCODERS[encoder],
            generator=generator,
            **options,
        )
    )
    for layer in model.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(layer.weight, std=0.1)
            nn.init.normal_(layer.bias, std=0.1)
    return model.eval()


def make_maps(model, size=(40, 56), batch=2):
    """Blocks of classes, single pixels of others, some ignored; instances likewise."""
    rng = torch.Generator().manual_seed(1)
    number = model.label_encoder.num_classes

    def blocks(high, side):
        coarse = torch.randint(high, (batch, 1, 9, 9), generator=rng)
        maps = coarse.repeat_interleave(side, 2).repeat_interleave(side, 3)
        return maps[..., : size[0], : size[1]]

    labels = blocks(number, 8).to(torch.uint8)
    labels[:, :, 3, 5] = number - 1
    labels[:, :, 20:24, 30:37] = 255
    return labels, blocks(40000, 7).int()


@torch.no_grad()
def photos_of(model, labels, instances):
    return model.translation(labels, instance_maps=instances)


@pytest.mark.parametrize('encoder', ENCODERS)
def test_codes_stand_for_the_channels_of_the_label_encoder(encoder):
    model = make_model(encoder=encoder)
    labels, instances = make_maps(model)
    codes = CodeEncoder(model.label_encoder)
    channels = CodesToChannels(codes.channels_of_code, torch.float32)
    assert torch.equal(
        channels(codes(labels, instances)), model.label_encoder(labels, instances)
    )


@pytest.mark.parametrize('encoder', ENCODERS)
def test_looked_up_convolution_equals_the_multiplied_one(encoder):
    model = make_model(encoder=encoder)
    labels, instances = make_maps(model)
    codes = CodeEncoder(model.label_encoder)
    conv = nn.Conv2d(model.label_encoder.out_channels, 11, 7)
    fast = CodeConv(conv, codes.channels_of_code, torch.float32)
    with torch.no_grad():
        wanted = conv(
            F.pad(model.label_encoder(labels, instances), (3,) * 4, 'reflect')
        )
        found = fast(codes(labels, instances))
    torch.testing.assert_close(found, wanted, rtol=0, atol=2e-6)


def test_looked_up_convolution_does_not_depend_on_how_many_windows_are_taken(
    monkeypatch,
):
    model = make_model()
    labels, instances = make_maps(model)
    codes = CodeEncoder(model.label_encoder)
    conv = nn.Conv2d(model.label_encoder.out_channels, 11, 7)
    fast = CodeConv(conv, codes.channels_of_code, torch.float32)
    whole = fast(codes(labels, instances))
    monkeypatch.setattr('mmseg_ganaug.synthesis.fast_layers._WINDOWS_AT_A_TIME', 100)
    assert torch.equal(fast(codes(labels, instances)), whole)


@pytest.mark.parametrize('chunk', [64, 2**18])
def test_norm_in_place_is_as_exact_as_the_plain_one(chunk, monkeypatch):
    monkeypatch.setattr('mmseg_ganaug.synthesis.fast_layers._NORMED_AT_A_TIME', chunk)
    torch.manual_seed(0)
    # Means a hundred times the deviation: sums of squares would lose all digits.
    x = torch.randn(2, 5, 33, 20) + 100 * torch.randn(2, 5, 1, 1)
    wanted = F.instance_norm(x.double())
    found = InPlaceInstanceNorm(1e-5)(x.contiguous(memory_format=torch.channels_last))
    plain_error = (F.instance_norm(x) - wanted).abs().max()
    assert (found - wanted).abs().max() < max(2 * plain_error, 2e-5)


def test_norm_in_place_of_constant_features_is_zero():
    x = torch.full((1, 3, 8, 8), 7.0).contiguous(memory_format=torch.channels_last)
    assert InPlaceInstanceNorm(1e-5)(x).abs().max() == 0


@pytest.mark.parametrize('norm', [InPlaceInstanceNorm, RepeatableInstanceNorm])
def test_norm_repeats_the_statistics_it_recorded(norm):
    layers = nn.Sequential(norm(1e-5))
    torch.manual_seed(0)
    whole = torch.randn(2, 3, 16, 8).contiguous(memory_format=torch.channels_last)
    wanted = F.instance_norm(whole)
    part = whole[:, :, :4].contiguous(memory_format=torch.channels_last)
    with recording(layers):
        layers(whole.clone())
    torch.testing.assert_close(layers(part.clone()), wanted[:, :, :4])
    forget(layers)
    torch.testing.assert_close(layers(part.clone()), F.instance_norm(part))


@pytest.mark.parametrize('channels_last', [True, False])
def test_tiles_take_the_statistics_of_the_whole_map(channels_last):
    model = make_model()
    # Upper and lower half have no class in common, so neither has their norms.
    coarse = torch.randint(2, (2, 1, 8, 8), generator=torch.Generator().manual_seed(0))
    coarse[:, :, 4:] += 2
    labels = coarse.repeat_interleave(8, 2).repeat_interleave(8, 3).to(torch.uint8)
    instances = labels.int()
    whole = photos_of(model, labels, instances)
    tiled = make_fast(
        copy.deepcopy(model), torch.float32, channels_last, tile=(64, 32), overlap=0
    )
    halves = labels.view(4, 1, 32, 64)
    apart = photos_of(model, halves, halves.int()).view(2, 3, 64, 64)
    assert photos_of(tiled, labels, instances).shape == whole.shape
    near = (photos_of(tiled, labels, instances) - whole).abs().mean()
    assert near < 0.8 * (apart - whole).abs().mean()
    # Small maps are painted whole, and nothing is left of the large ones.
    small = halves[:1], halves[:1].int()
    torch.testing.assert_close(
        photos_of(tiled, *small), photos_of(model, *small), rtol=0, atol=2e-5
    )


@pytest.mark.parametrize('channels_last', [True, False])
@pytest.mark.parametrize('encoder', ['ignore channel', 'label ids'])
@pytest.mark.parametrize(
    'generator',
    [GLOBAL, ENHANCER, {**ENHANCER, 'norm': 'pixel'}],
    ids=['global', 'enhancer', 'pixel norm'],
)
def test_fast_model_paints_the_same_photos(generator, encoder, channels_last):
    model = make_model(generator, encoder)
    # Sides that do not divide by the stride.
    labels, instances = make_maps(model, size=(41, 54))
    wanted = photos_of(model, labels, instances)
    fast = make_fast(copy.deepcopy(model), torch.float32, channels_last)
    found = photos_of(fast, labels, instances)
    assert found.shape == wanted.shape == (2, 3, 41, 54)
    assert wanted.std() > 0.1
    torch.testing.assert_close(found, wanted, rtol=0, atol=2e-5)


def test_fast_model_with_region_codes_paints_the_same_photos():
    model = make_model(encoder='edges', noise_channels=2)
    labels, instances = make_maps(model)
    wanted = photos_of(model, labels, instances)
    fast = make_fast(copy.deepcopy(model), torch.float32)
    found = photos_of(fast, labels, instances)
    torch.testing.assert_close(found, wanted, rtol=0, atol=2e-5)


@pytest.mark.parametrize('generator', [GLOBAL, ENHANCER], ids=['global', 'enhancer'])
def test_bfloat16_is_near(generator):
    model = make_model(generator)
    labels, instances = make_maps(model)
    wanted = photos_of(model, labels, instances)
    found = photos_of(
        make_fast(copy.deepcopy(model), torch.bfloat16), labels, instances
    )
    assert found.dtype == torch.float32
    assert 0 < (found - wanted).abs().mean() < 0.02


def test_weights_of_the_looked_up_convolution_are_not_rounded():
    model = make_model()
    conv = model.generators['photo'].model[1]
    weight = conv.weight.detach().clone()
    fast = make_fast(model, torch.bfloat16).generators['photo']
    table = fast._run.model[1].taps
    assert table.dtype == torch.float32
    assert torch.isin(weight[:, 0, 1, 1], table).all()


@pytest.mark.parametrize('channels_last', [True, False])
@pytest.mark.parametrize('generator', [GLOBAL, ENHANCER], ids=['global', 'enhancer'])
def test_photo_does_not_depend_on_those_painted_with_it(generator, channels_last):
    model = make_fast(make_model(generator), torch.float32, channels_last)
    labels, instances = make_maps(model, batch=5)
    # With several threads, their shares of a batch count, too.
    before = torch.get_num_threads()
    for threads in (1, 2):
        torch.set_num_threads(threads)
        together = photos_of(model, labels, instances)
        for size in (1, 2, 3):
            parts = zip(labels.split(size), instances.split(size))
            found = torch.cat([photos_of(model, *part) for part in parts])
            assert torch.equal(found, together)
    torch.set_num_threads(before)


def test_wrong_label_value_is_still_named():
    model = make_fast(make_model(encoder='ignore channel'), torch.float32)
    labels = torch.full((1, 1, 16, 16), 6, dtype=torch.uint8)
    with pytest.raises(ValueError, match=r'label values \[6\] are neither'):
        model.paint(labels)


def test_autocast_around_it_changes_nothing():
    model = make_fast(make_model(), torch.float32)
    labels, instances = make_maps(make_model())
    wanted = photos_of(model, labels, instances)
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(photos_of(model, labels, instances), wanted)


@pytest.mark.parametrize('generator', [GLOBAL, ENHANCER], ids=['global', 'enhancer'])
def test_compiled_model_paints_the_same_photos(generator, monkeypatch):
    # All but the minutes of a C++ compiler.
    monkeypatch.setattr(torch, 'compile', partial(torch.compile, backend='aot_eager'))
    model = make_model(generator)
    labels, instances = make_maps(model)
    wanted = photos_of(model, labels, instances)
    fast = make_fast(copy.deepcopy(model), torch.float32, compile_network=True)
    with torch.inference_mode():
        found = photos_of(fast, labels, instances)
    torch.testing.assert_close(found, wanted, rtol=0, atol=2e-5)
