"""Losses in the features of networks trained on ImageNet."""

import pytest
import torch
from torch import nn

from mmseg_ganaug.checkpoints import CheckpointError
from mmseg_ganaug.models.efficientnet_lite import EfficientNetLite
from mmseg_ganaug.models.pix2pixhd.losses import EfficientNetLoss, VGGLoss
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
