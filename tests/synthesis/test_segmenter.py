"""A frozen segmenter whose head has one channel for two classes."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS as ROOT_MODELS
from mmengine.registry import TRANSFORMS, Registry
from mmseg.registry import MODELS
from mmseg.registry import TRANSFORMS as MMSEG_TRANSFORMS
from torch import nn
from torch.nn import functional as F

from mmseg_ganaug.synthesis.filters import LossFilter
from mmseg_ganaug.synthesis.segmenter import FrozenSegmenter

THRESHOLD = 0.8


@MODELS.register_module(force=True)
class PassesPhotosOn(nn.Module):
    """A backbone that does nothing."""

    def forward(self, inputs):
        return (inputs,)


@pytest.fixture
def binary(tmp_path):
    return make_binary(tmp_path)


def make_binary(tmp_path, change=lambda config: None):
    """Its logit is the blue of a photo, -8..8, at each pixel."""
    head = dict(
        type='FCNHead',
        in_channels=3,
        channels=3,
        num_convs=0,
        concat_input=False,
        num_classes=2,
        out_channels=1,
        threshold=THRESHOLD,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=True),
    )
    model = dict(
        type='EncoderDecoder',
        data_preprocessor=dict(
            type='SegDataPreProcessor', mean=[127.5] * 3, std=[16.0] * 3
        ),
        backbone=dict(type='PassesPhotosOn'),
        decode_head=head,
        test_cfg=dict(mode='whole'),
    )
    pipeline = [dict(type='LoadImageFromFile'), dict(type='PackSegInputs')]
    config = Config(dict(model=model, test_pipeline=pipeline))
    change(config)
    config.dump(str(tmp_path / 'binary.py'))
    weights = {
        'decode_head.conv_seg.weight': torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1),
        'decode_head.conv_seg.bias': torch.zeros(1),
    }
    torch.save(weights, tmp_path / 'binary.pth')
    return FrozenSegmenter(tmp_path / 'binary.py', tmp_path / 'binary.pth', 'cpu')


@pytest.fixture
def photo():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)


def test_losses_are_those_that_it_was_trained_by(binary, photo):
    labels = np.arange(48, dtype=np.uint8).reshape(6, 8) % 3
    labels[labels == 2] = 255
    (found,) = binary.losses([photo], [labels], ignore_index=255)
    logits = torch.from_numpy((photo[..., 0] - 127.5) / 16)
    wanted = F.binary_cross_entropy_with_logits(
        logits, torch.from_numpy(labels % 255).double(), reduction='none'
    ).numpy()
    known = labels < 2
    np.testing.assert_allclose(found[known], wanted[known], rtol=1e-3, atol=1e-4)
    assert not found[~known].any()


def test_what_it_is_sure_of_has_a_finite_loss(binary, photo):
    binary._model.decode_head.conv_seg.weight.mul_(100)
    wrong = (photo[..., 0] < 128).astype(np.uint8)
    (found,) = binary.losses([photo], [wrong], ignore_index=255)
    assert np.isfinite(found).all() and found.max() > 10


def test_labels_are_those_above_the_threshold_of_its_head(binary, photo):
    (found,) = binary.label([photo])
    logits = (photo[..., 0] - 127.5) / 16
    np.testing.assert_array_equal(found, 1 / (1 + np.exp(-logits)) > THRESHOLD)


def test_of_a_work_dir_the_latest_weights_are_taken(binary, photo, tmp_path):
    (tmp_path / 'last_checkpoint').write_text('/another/place/binary.pth')
    found = FrozenSegmenter(tmp_path / 'binary.py', tmp_path, 'cpu')
    assert np.array_equal(found.label([photo])[0], binary.label([photo])[0])

    options = dict(config=str(tmp_path / 'binary.py'))
    names = [
        LossFilter(dict(options, checkpoint=str(checkpoint))).fingerprint()
        for checkpoint in (tmp_path, tmp_path / 'binary.pth')
    ]
    assert names[0] == names[1]


@pytest.mark.parametrize('use', ['label', 'filter'])
def test_a_missing_checkpoint_names_the_training(binary, tmp_path, use):
    files = dict(config=str(tmp_path / 'binary.py'), checkpoint=str(tmp_path / 'no'))
    with pytest.raises(
        FileNotFoundError, match=r'^segmenter checkpoint .*\n.*ganaug train'
    ):
        LossFilter(files).fingerprint() if use == 'filter' else FrozenSegmenter(**files)


def test_a_data_preprocessor_beside_the_model_belongs_to_it(binary, tmp_path, photo):
    def set_beside(config):
        config.data_preprocessor = config.model.pop('data_preprocessor')

    labels = np.zeros((6, 8), np.uint8)
    beside = make_binary(tmp_path, set_beside)
    found, wanted = (
        each.losses([photo], [labels], ignore_index=255) for each in (beside, binary)
    )
    np.testing.assert_array_equal(found, wanted)


def test_it_is_built_in_the_scope_of_its_project(tmp_path, photo):
    own = Registry('model', parent=ROOT_MODELS, scope='somebodys_project')
    own.register_module(name='OwnBackbone', module=PassesPhotosOn)
    transforms = Registry('transform', parent=TRANSFORMS, scope='somebodys_project')
    packer = MMSEG_TRANSFORMS.get('PackSegInputs')
    transforms.register_module(name='OwnPacker', module=packer)

    def move(config):
        config.default_scope = 'somebodys_project'
        config.model.backbone.type = 'OwnBackbone'
        config.model.type = 'mmseg.EncoderDecoder'
        config.model.data_preprocessor.type = 'mmseg.SegDataPreProcessor'
        config.model.decode_head.type = 'mmseg.FCNHead'
        config.model.decode_head.loss_decode.type = 'mmseg.CrossEntropyLoss'
        config.test_pipeline[1].type = 'OwnPacker'

    try:
        (found,) = make_binary(tmp_path, move).label([photo])
    finally:
        for root in (ROOT_MODELS, TRANSFORMS):
            del root.children['somebodys_project']
    assert found.shape == (6, 8)
