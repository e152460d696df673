import pytest
import torch
from mmseg.registry import MODELS
from torch.nn import functional as F

from mmseg_ganaug.models import SoftmaxFocalLoss


@pytest.fixture
def batch():
    torch.manual_seed(0)
    label = torch.randint(0, 3, (2, 4, 5))
    label[0, :2] = 11
    return torch.randn(2, 3, 4, 5, requires_grad=True), label


def test_without_gamma_it_is_the_cross_entropy_of_what_is_not_ignored(batch):
    scores, label = batch
    loss = SoftmaxFocalLoss(gamma=0.0, loss_weight=2.0)(scores, label, ignore_index=11)
    assert torch.isclose(loss, 2 * F.cross_entropy(scores, label, ignore_index=11))


def test_a_pixel_counts_by_its_doubt():
    scores = torch.tensor([[[[0.0, 2.0]], [[0.0, 0.0]]]])
    label = torch.zeros(1, 1, 2, dtype=torch.long)
    entropy = F.cross_entropy(scores, label, reduction='none')
    found = SoftmaxFocalLoss()(scores, label, reduction_override='none')
    doubt = 1 - scores.softmax(1)[:, 0]
    assert torch.allclose(found, doubt**2 * entropy)
    assert found[0, 0, 0] > 10 * found[0, 0, 1]


def test_weights_of_pixels_are_obeyed(batch):
    scores, label = batch
    weight = torch.zeros(2, 4, 5)
    loss = SoftmaxFocalLoss()
    assert loss(scores, label, weight, ignore_index=11) == 0
    weight[1] = 1
    alone = loss(scores[1:], label[1:], ignore_index=11)
    both = loss(scores, label, weight, ignore_index=11)
    assert torch.isclose(both * (label != 11).sum(), alone * label[1:].numel())


@pytest.mark.parametrize('gamma', [0.5, 2.0])
def test_slopes_are_finite_where_a_pixel_is_sure_and_where_all_are_ignored(gamma):
    scores = torch.tensor([[[[90.0]], [[-90.0]]]], requires_grad=True)
    label = torch.zeros(1, 1, 1, dtype=torch.long)
    for ignored in (255, 0):
        loss = SoftmaxFocalLoss(gamma)(scores, label, ignore_index=ignored)
        assert loss == 0
        loss.backward()
        assert torch.isfinite(scores.grad).all()


def test_a_label_that_is_no_class_is_named(batch):
    scores, label = batch
    with pytest.raises(ValueError, match='the labels reach from 0 to 11, but the head'):
        SoftmaxFocalLoss()(scores, label)


@pytest.mark.parametrize(
    'loss',
    [
        dict(type='SoftmaxFocalLoss'),
        dict(type='ClassWeightedCrossEntropyLoss', class_weight=[1.0]),
        dict(type='ClassWeightedCrossEntropyLoss', class_weight='rare'),
    ],
)
def test_a_head_of_one_channel_is_refused_when_built(loss):
    head = dict(
        type='FCNHead',
        in_channels=4,
        channels=4,
        num_convs=0,
        concat_input=False,
        num_classes=2,
        out_channels=1,
        threshold=0.5,
        norm_cfg=None,
        loss_decode=loss,
    )
    with pytest.raises(ValueError, match=r'out_channels=1: .*use_sigmoid=True'):
        MODELS.build(head)
