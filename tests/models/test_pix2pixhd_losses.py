import pytest
import torch

from mmseg_ganaug.models.pix2pixhd.losses import (
    ClassBalance,
    feature_matching_loss,
    weighted_l1,
)
from mmseg_ganaug.models.pix2pixhd.objective import Pix2PixHDObjective


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
    judgement = torch.tensor([0.5, 0.25]).view(2, 1, 1, 1)
    scored = [[torch.zeros(2, 4, 2, 2), judgement] for _ in range(2)]
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
