"""The losses that compare photos, the weights of their pixels, and their sum."""

import pytest
import torch
from torch import nn

from mmseg_ganaug.checkpoints import CheckpointError
from mmseg_ganaug.models.efficientnet_lite import EfficientNetLite
from mmseg_ganaug.models.pix2pixhd.losses import (
    ClassBalance,
    EfficientNetLoss,
    VGGLoss,
    feature_matching_loss,
    weighted_l1,
)
from mmseg_ganaug.models.pix2pixhd.objective import Pix2PixHDObjective


@pytest.fixture
def weights(tmp_path):
    """A file of EfficientNet-Lite0 weights, random ones."""
    torch.manual_seed(0)
    network = EfficientNetLite(out_indices=(0, 1, 2, 3))
    path = tmp_path / 'efficientnet.pth'
    torch.save(network.timm_model.state_dict(), path)
    return path


def photos(number=1):
    torch.manual_seed(1)
    return torch.rand(number, 3, 32, 64) * 2 - 1, torch.rand(number, 3, 32, 64) * 2 - 1


def test_vgg_loss_says_what_it_needs(tmp_path):
    with pytest.raises(RuntimeError, match=r'vgg_checkpoint.*vgg_loss_weight=0'):
        VGGLoss(str(tmp_path / 'vgg19.pth'))


def test_vgg_loss_weights_its_slices(tmp_path):
    from torchvision.models import vgg19

    torch.manual_seed(0)
    network = vgg19(weights=None)
    path = tmp_path / 'vgg19.pth'
    features = {k: v for k, v in network.state_dict().items() if 'features' in k}
    torch.save(features, path)
    loss = VGGLoss(str(path))
    assert not any(p.requires_grad for p in loss.parameters())
    fake = torch.rand(1, 3, 16, 16) * 2 - 1
    real = torch.rand(1, 3, 16, 16) * 2 - 1
    wanted, x, y, start = 0.0, fake, real, 0
    for end, weight in ((2, 1 / 32), (7, 1 / 16), (12, 1 / 8), (21, 1 / 4), (30, 1)):
        x, y = network.features[start:end](x), network.features[start:end](y)
        wanted += weight * (x - y).abs().mean().item()
        start = end
    assert loss(fake, real).item() == pytest.approx(wanted, rel=1e-4)


def test_efficientnet_loss_says_what_it_needs(tmp_path):
    with pytest.raises(CheckpointError, match=r'nothing\.pth'):
        EfficientNetLoss(str(tmp_path / 'nothing.pth'))


def test_efficientnet_loss_sees_photos_as_its_weights_expect_them(weights):
    loss = EfficientNetLoss(str(weights))
    fake, real = photos()
    network = EfficientNetLite(
        out_indices=(0, 1, 2, 3),
        init_cfg=dict(type='Pretrained', checkpoint=str(weights)),
    )
    network.init_weights()
    network.eval()
    stored = [((photo + 1) * 127.5 - 127) / 128 for photo in (fake, real)]
    wanted = sum((x - y).abs().mean() / 4 for x, y in zip(*map(network, stored)))
    assert loss(fake, real).item() == pytest.approx(wanted.item(), rel=1e-4)
    assert loss(real, real).item() == 0.0


def test_efficientnet_loss_reaches_the_photo_and_leaves_the_network_alone(weights):
    loss = EfficientNetLoss(str(weights))
    fake, real = photos()
    before = {k: v.clone() for k, v in loss.state_dict().items()}
    fake.requires_grad_(True)
    loss(fake, real).backward()
    assert fake.grad.abs().sum() > 0
    assert all(p.grad is None for p in loss.parameters())
    assert all(torch.equal(v, before[k]) for k, v in loss.state_dict().items())


def test_weight_map_says_where_a_difference_counts(weights):
    loss = EfficientNetLoss(str(weights))
    fake, real = photos()
    fake = torch.cat([real[..., :32], fake[..., 32:]], dim=-1)
    left, right = torch.zeros(2, 1, 1, 32, 64)
    left[..., :16], right[..., 48:] = 1.0, 1.0
    assert loss(fake, real, left) < 0.5 * loss(fake, real, right)


def test_objective_adds_the_loss_and_keeps_the_network_out_of_checkpoints(weights):
    objective = Pix2PixHDObjective(
        num_classes=2,
        efficientnet_loss_weight=3.0,
        efficientnet_checkpoint=str(weights),
    )
    fake, real = photos()
    scored = [[torch.zeros(1, 4, 2, 2), torch.zeros(1, 1, 2, 2)]]
    label_maps = torch.zeros(1, 1, 32, 64, dtype=torch.uint8)
    losses = objective.generator_losses(label_maps, fake, real, scored, scored)
    wanted = 3 * EfficientNetLoss(str(weights))(fake, real)
    assert losses['loss_g_efficientnet'].item() == pytest.approx(
        wanted.item(), rel=1e-5
    )
    assert not objective.state_dict()
    assert not list(objective.parameters())


def test_pretrained_networks_enter_no_checkpoint():
    objective = Pix2PixHDObjective(num_classes=2)
    objective._perceptual['vgg'] = nn.Conv2d(1, 1, 1)
    assert not objective.state_dict()


def scales(*values):
    """Two scales of three layers each, constant features."""
    return [[torch.full((1, 2, 4, 4), v) for v in layers] for layers in values]


def test_feature_matching_follows_the_paper():
    fake = scales((1.0, 2.0, 50.0), (3.0, 4.0, 50.0))
    real = scales((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    # Two layers count of each scale: 4 / 2 * (1 + 2 + 3 + 4) / 2 scales
    assert feature_matching_loss(fake, real).item() == pytest.approx(10.0)


def test_feature_matching_does_not_pull_the_real_side():
    fake, real = scales((1.0, 0.0)), scales((0.0, 0.0))
    for layers in (*fake, *real):
        for layer in layers:
            layer.requires_grad_(True)
    feature_matching_loss(fake, real).backward()
    assert fake[0][0].grad is not None
    assert real[0][0].grad is None


def test_adversarial_losses_sum_over_scales_and_halve_the_discriminator():
    objective = Pix2PixHDObjective(num_classes=2)
    score = torch.tensor([0.5, 0.25]).view(2, 1, 1, 1)
    scored = [[torch.zeros(2, 4, 2, 2), score] for _ in range(2)]
    losses = objective.discriminator_losses(scored, num_real=1)
    assert losses['loss_d_fake'].item() == pytest.approx(2 * 0.5 * 0.5**2)
    assert losses['loss_d_real'].item() == pytest.approx(2 * 0.5 * 0.75**2)
    label_maps = torch.zeros(2, 1, 4, 4, dtype=torch.uint8)
    photos = torch.zeros(2, 3, 4, 4)
    losses = objective.generator_losses(label_maps, photos, photos, scored, scored)
    wanted = 2 * (0.5**2 + 0.75**2) / 2
    assert losses['loss_g_gan'].item() == pytest.approx(wanted)
    assert set(losses) == {'loss_g_gan', 'loss_g_feature'}


def test_pixel_loss_is_weighted_where_the_class_is_rare():
    difference = torch.zeros(1, 3, 4, 4)
    difference[..., 0, 0] = 1.0
    weights = torch.ones(1, 1, 4, 4)
    weights[..., 0, 0] = 8.0
    zero = torch.zeros_like(difference)
    assert weighted_l1(difference, zero).item() == pytest.approx(1 / 16)
    assert weighted_l1(difference, zero, weights).item() == pytest.approx(8 / 16)


def test_a_thin_object_keeps_its_weight_in_small_features():
    weights = torch.zeros(1, 1, 8, 8)
    weights[..., 3] = 8.0  # a pole
    one = torch.ones(1, 5, 2, 2)
    assert weighted_l1(one, one * 0, weights).item() == pytest.approx(1.0)


@pytest.mark.parametrize('power', [0.0, 0.5, 1.0])
def test_class_weights_have_the_mean_one(power):
    balance = ClassBalance(num_classes=3, power=power, max_weight=1e6)
    label_maps = torch.zeros(1, 1, 10, 10, dtype=torch.uint8)
    label_maps[..., 0, :4] = 1
    label_maps[..., 0, 4] = 2
    label_maps[..., 9, :] = 255
    weights = balance(label_maps)
    known = label_maps != 255
    assert weights[known].mean().item() == pytest.approx(1.0, rel=1e-4)
    assert weights[~known].unique().tolist() == [1.0]
    common, rare = weights[0, 0, 5, 5].item(), weights[0, 0, 0, 4].item()
    assert rare / common == pytest.approx(85**power, rel=1e-4)


def test_class_weights_are_bounded_and_counts_add_up():
    balance = ClassBalance(num_classes=2, power=1.0, max_weight=5.0)
    label_maps = torch.zeros(1, 1, 32, 32, dtype=torch.uint8)
    label_maps[..., 0, 0] = 1
    assert balance(label_maps).max().item() == 5.0
    balance(label_maps)
    assert balance.pixels.tolist() == [2 * 1023, 2]


def test_class_without_a_pixel_gets_a_finite_weight():
    balance = ClassBalance(num_classes=3)
    weights = balance(torch.zeros(1, 1, 4, 4, dtype=torch.uint8))
    assert torch.isfinite(weights).all()
    assert torch.isfinite(balance.class_weights()).all()
