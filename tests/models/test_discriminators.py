"""The two discriminators, and what is trained by that which labels pixels."""

import math

import pytest
import torch
from mmagic.structures import DataSample
from mmengine.optim import OptimWrapper, OptimWrapperDict

from mmseg_ganaug.checkpoints import CheckpointError
from mmseg_ganaug.models import (
    Pix2PixHDMultiscaleDiscriminator,
    Pix2PixHDSegmentationDiscriminator,
)
from mmseg_ganaug.models.efficientnet_lite import EfficientNetLite
from mmseg_ganaug.models.pix2pixhd.objective import SegmentationObjective
from mmseg_ganaug.registry import MODELS

SEGMENTER = dict(
    type='Pix2PixHDSegmentationDiscriminator', base_channels=4, num_downsamples=2
)


def build(segmentation=None, segmenter=SEGMENTER, **kwargs):
    torch.manual_seed(0)
    config = dict(
        type='Pix2PixHD',
        label_encoder=dict(num_classes=3),
        generator=dict(
            type='Pix2PixHDGlobalGenerator',
            base_channels=4,
            num_downsamples=1,
            num_blocks=1,
        ),
        discriminator=dict(
            type='Pix2PixHDMultiscaleDiscriminator', base_channels=4, num_layers=1
        ),
        segmentation_discriminator=segmenter,
        loss_config=dict(segmentation=segmentation),
    )
    model = MODELS.build(dict(config, **kwargs))
    model.init_weights()
    return model


def batch(recomposed=False):
    torch.manual_seed(1)
    label_maps = list(torch.randint(0, 3, (2, 1, 16, 24), dtype=torch.uint8))
    colours = torch.eye(3, dtype=torch.uint8) * 200
    photos = [colours[label_map[0].long()].permute(2, 0, 1) for label_map in label_maps]
    inputs = dict(img_label=label_maps, img_photo=photos)
    if recomposed:
        inputs['img_recomposed_label'] = list(reversed(label_maps))
    samples = [DataSample(metainfo=dict(img_photo_channel_order='RGB'))] * 2
    return dict(inputs=inputs, data_samples=samples)


def wrappers(model, lr=0.002):
    return OptimWrapperDict(
        **{
            name: OptimWrapper(torch.optim.Adam(getattr(model, name).parameters(), lr))
            for name in ('generators', 'discriminators')
        }
    )


@pytest.fixture
def weights(tmp_path):
    """A file of EfficientNet-Lite0 weights, random ones."""
    path = tmp_path / 'efficientnet.pth'
    torch.save(EfficientNetLite().timm_model.state_dict(), path)
    return str(path)


@pytest.mark.parametrize('num_scales', [2, 3])
def test_discriminator_has_the_official_parameters(num_scales):
    with torch.device('meta'):
        network = Pix2PixHDMultiscaleDiscriminator(39, num_scales=num_scales)
    state = network.state_dict()
    layers = [f'scale{s}_layer{i}.0' for s in range(num_scales) for i in range(5)]
    kinds = ('weight', 'bias')
    assert set(state) == {f'{layer}.{kind}' for layer in layers for kind in kinds}
    assert (
        sum(parameter.numel() for parameter in network.parameters())
        == num_scales * 2_801_601
    )
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


@pytest.mark.parametrize('size', [(16, 24), (17, 27)])
def test_every_pixel_gets_a_logit_for_each_class_and_for_generated(size):
    network = Pix2PixHDSegmentationDiscriminator(5, base_channels=4, num_downsamples=3)
    assert network(torch.randn(2, 3, *size)).shape == (2, 6, *size)


def test_single_pixels_reach_the_logits():
    torch.manual_seed(0)
    network = Pix2PixHDSegmentationDiscriminator(2, base_channels=4, num_downsamples=2)
    photo = torch.zeros(1, 3, 16, 16, requires_grad=True)
    network.head.weight.data[:, :-3].zero_()  # what comes through half the size
    network(photo)[0, 0, 5, 7].backward()
    touched = photo.grad[0].abs().sum(0) > 0
    assert touched.nonzero().tolist() == [
        [row, column] for row in (4, 5, 6) for column in (6, 7, 8)
    ]


def test_real_photos_shall_show_their_label_map_and_fake_ones_nothing():
    objective = SegmentationObjective(num_classes=2, power=0.0)
    logits = torch.zeros(2, 3, 1, 2)
    logits[0, 2] = 50.0  # the fake one is called generated
    logits[1, 0] = 50.0  # the real one shows class 0 everywhere
    label_maps = torch.tensor([[[[0, 1]]]], dtype=torch.uint8)
    losses = objective.discriminator_losses(logits, label_maps)
    assert losses['loss_d_segmentation_fake'].item() == pytest.approx(0.0, abs=1e-6)
    assert losses['loss_d_segmentation_real'].item() == pytest.approx(0.5 * 25)
    assert objective.generator_loss(logits[1:], label_maps).item() == pytest.approx(25)


def test_generator_is_wrong_where_it_is_called_generated():
    objective = SegmentationObjective(num_classes=2, loss_weight=2.0, power=0.0)
    label_maps = torch.tensor([[[[0, 1]]]], dtype=torch.uint8)
    objective.class_balance.count(label_maps)
    even = torch.zeros(1, 3, 1, 2)
    assert objective.generator_loss(even, label_maps).item() == pytest.approx(
        2 * math.log(3)
    )


def test_ignored_pixels_do_not_count():
    objective = SegmentationObjective(num_classes=2, power=0.0)
    logits = torch.zeros(1, 3, 1, 2)
    logits[0, 1, 0, 1] = 50.0
    objective.class_balance.count(torch.tensor([[[[0, 1]]]], dtype=torch.uint8))
    label_maps = torch.tensor([[[[0, 255]]]], dtype=torch.uint8)
    wanted = math.log(3) / 2  # the mean over both pixels
    assert objective.generator_loss(logits, label_maps).item() == pytest.approx(wanted)


def test_classes_count_alike_however_few_pixels_they_have():
    objective = SegmentationObjective(num_classes=2, power=1.0, max_weight=1000)
    label_maps = torch.zeros(1, 1, 10, 10, dtype=torch.uint8)
    label_maps[..., 0, 0] = 1
    right = torch.zeros(1, 3, 10, 10)
    right[:, 0] = 20.0
    objective.class_balance.count(label_maps)
    # All of class 0 is right, the one pixel of class 1 is wrong.
    assert objective.generator_loss(right, label_maps).item() == pytest.approx(10.0)
    only_class_1 = torch.zeros(1, 3, 10, 10)
    only_class_1[:, 1] = 20.0
    wrong = objective.generator_loss(only_class_1, label_maps)
    assert wrong.item() == pytest.approx(10.0, rel=1e-3)


def test_generator_and_recombined_maps_do_not_shift_the_counts():
    model = build()
    model.train_step(batch(recomposed=True), wrappers(model))
    counted = model.objective.segmentation.class_balance.pixels
    assert counted.sum().item() == 2 * 16 * 24


@pytest.mark.parametrize('recomposed', [False, True])
def test_training_step_updates_it_beside_the_other_one(recomposed):
    model = build()
    discriminators = model.discriminators
    assert set(discriminators) == {'photo', 'photo_segmentation'}
    before = {k: v.clone() for k, v in discriminators.state_dict().items()}
    losses = model.train_step(batch(recomposed), wrappers(model))
    assert {k for k in losses if 'segmentation' in k} == {
        'loss_d_segmentation_fake',
        'loss_d_segmentation_real',
        'loss_g_segmentation',
    }
    changed = {
        key.split('.')[0]
        for key, value in discriminators.state_dict().items()
        if not torch.equal(value, before[key])
    }
    assert changed == {'photo', 'photo_segmentation'}


def test_recombined_maps_are_segmented_too():
    model = build()
    seen = []
    model.discriminators['photo_segmentation'].register_forward_hook(
        lambda module, inputs, output: seen.append(len(output))
    )
    model.train_step(batch(recomposed=True), wrappers(model))
    # Discriminator: four generated photos and two real ones; generator: four.
    assert seen == [6, 4]


def test_discriminator_learns_to_segment_real_photos():
    model = build()
    optimizers = wrappers(model, lr=0.005)
    optimizers['generators'].optimizer.param_groups[0]['lr'] = 0.0
    data, loss = batch(), 'loss_d_segmentation_real'
    losses = [model.train_step(dict(data), optimizers)[loss] for _ in range(25)]
    assert losses[-1] < 0.7 * losses[0]


def test_generator_is_pulled_by_the_loss_and_the_discriminator_is_not():
    alone = dict(gan_loss_weight=0.0, feature_loss_weight=0.0)
    model = build(loss_config=dict(alone, segmentation=dict(loss_weight=5.0)))
    fake = torch.rand(2, 3, 16, 24, requires_grad=True)
    label_maps = torch.stack(batch()['inputs']['img_label'])
    segmenter = model.discriminators['photo_segmentation'].requires_grad_(False)
    objective = model.objective.segmentation
    objective.generator_loss(segmenter(fake), label_maps).backward()
    assert fake.grad.abs().sum() > 0
    before = [p.clone() for p in model.generators.parameters()]
    model.train_step(batch(), wrappers(model))
    assert any(
        not torch.equal(p, q) for p, q in zip(model.generators.parameters(), before)
    )


def test_pretrained_encoder_is_frozen_and_in_no_checkpoint(weights):
    model = build(segmenter=dict(SEGMENTER, num_downsamples=4, pretrained=weights))
    segmenter = model.discriminators['photo_segmentation']
    losses = model.train_step(batch(), wrappers(model))
    assert losses['loss_g_segmentation'] > 0
    names = {name.split('.')[0] for name in segmenter.state_dict()}
    assert names == {'up', 'head'}
    assert not any(p.requires_grad for p in segmenter._features[0].parameters())
    assert segmenter(torch.rand(1, 3, 17, 27)).shape == (1, 4, 17, 27)


def test_pretrained_encoder_lets_the_generator_see_through_it(weights):
    network = Pix2PixHDSegmentationDiscriminator(2, base_channels=4, pretrained=weights)
    photo = torch.rand(1, 3, 32, 32, requires_grad=True)
    network.head.weight.data[:, -3:].zero_()  # what comes from the photo itself
    network(photo).square().sum().backward()
    assert photo.grad.abs().sum() > 0


def test_pretrained_encoder_has_its_own_shape():
    with pytest.raises(ValueError, match='num_downsamples=2'):
        build(segmenter=dict(SEGMENTER, pretrained='weights.pth'))


def test_missing_weights_of_the_encoder_say_what_to_do():
    model = build(segmenter=dict(SEGMENTER, num_downsamples=4, pretrained='no.pth'))
    with pytest.raises(CheckpointError, match=r'no\.pth'):
        model.train_step(batch(), wrappers(model))


def test_number_of_classes_is_filled_in_and_weights_are_drawn():
    model = build()
    segmenter = model.discriminators['photo_segmentation']
    assert segmenter.num_classes == 3
    assert segmenter.down[1][0].weight.std().item() == pytest.approx(0.02, rel=0.2)


def test_loss_without_the_discriminator_is_refused():
    with pytest.raises(ValueError, match='segmentation_discriminator=dict'):
        build(segmentation=dict(loss_weight=1.0), segmenter=None)


def test_it_needs_the_other_discriminator():
    with pytest.raises(ValueError, match='beside a discriminator'):
        build(discriminator=None)
