"""Losses of pix2pixHD that MMagic does not have.

A ``weight_map`` is float [B, 1, H, W] with mean 1 over the data set; it is averaged
down to the size of what it weights, so that a thin object keeps its share.
"""

from typing import List, Optional, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_VGG_SLICES = ((0, 2), (2, 7), (7, 12), (12, 21), (21, 30))
_VGG_WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)


def weighted_l1(
    prediction: Tensor, target: Tensor, weight_map: Optional[Tensor] = None
) -> Tensor:
    """Mean absolute difference, optionally weighted by place.

    Args:
        prediction (Tensor): [B, C, h, w].
        target (Tensor): [B, C, h, w].
        weight_map (Tensor, optional): [B, 1, H, W].

    Returns:
        Tensor: Scalar.
    """
    if weight_map is None:
        return F.l1_loss(prediction, target)
    difference = (prediction.float() - target.float()).abs().mean(1, keepdim=True)
    weights = F.adaptive_avg_pool2d(weight_map, difference.shape[-2:])
    return (difference * weights).mean()


def feature_matching_loss(
    fake: Sequence[Sequence[Tensor]],
    real: Sequence[Sequence[Tensor]],
    weight_map: Optional[Tensor] = None,
) -> Tensor:
    """Distance of the discriminator's features of fake and real photos.

    Source: Wang et al., CVPR 2018: L1 over all layers but the last of each scale,
    times 4 / (number of those layers) / (number of scales); the real side is
    detached.

    Args:
        fake (Sequence[Sequence[Tensor]]): Per scale and layer [B, C, h, w].
        real (Sequence[Sequence[Tensor]]): The same of the real photos.
        weight_map (Tensor, optional): [B, 1, H, W].

    Returns:
        Tensor: Scalar.
    """
    total = fake[0][0].new_zeros(())
    for fake_layers, real_layers in zip(fake, real):
        layer_weight = 4.0 / (len(fake_layers) - 1) / len(fake)
        for fake_layer, real_layer in zip(fake_layers[:-1], real_layers[:-1]):
            distance = weighted_l1(fake_layer, real_layer.detach(), weight_map)
            total = total + layer_weight * distance
    return total


def _load_vgg19_features(checkpoint: str) -> nn.Sequential:
    from torchvision.models import vgg19

    remedy = (
        'set model.loss_config.vgg_checkpoint to a file with the weights of '
        "torchvision's VGG19 (vgg19-dcbb9e9d.pth), or switch the loss off with "
        'model.loss_config.vgg_loss_weight=0'
    )
    if checkpoint == 'torchvision://vgg19':
        try:
            return vgg19(weights='IMAGENET1K_V1').features
        except OSError as error:  # URLError is one: there is no network
            raise RuntimeError(
                f'the VGG loss needs the weights of VGG19, and torchvision could not '
                f'get them ({error}): {remedy}'
            ) from error
    features = vgg19(weights=None).features
    try:
        state = torch.load(checkpoint, map_location='cpu', weights_only=True)
        prefix = 'features.'
        features.load_state_dict(
            {k[len(prefix) :]: v for k, v in state.items() if k.startswith(prefix)}
        )
    except Exception as error:  # unpickling fails in many ways
        reason = str(error).splitlines()[0]
        raise RuntimeError(
            f'the VGG loss cannot read VGG19 weights from {checkpoint} ({reason}): '
            f'{remedy}'
        ) from error
    return features


class VGGLoss(nn.Module):
    """Distance of two photos in the features of a frozen VGG19.

    Source: Wang et al., CVPR 2018: slices [0:2], [2:7], [7:12], [12:21], [21:30]
    with L1 weights 1/32, 1/16, 1/8, 1/4, 1; photos stay in [-1, 1].

    Args:
        checkpoint (str): A file with torchvision's VGG19 state dict, or
            ``'torchvision://vgg19'`` to have torchvision get it.

    Raises:
        RuntimeError: When the weights cannot be had; says what to do.
    """

    def __init__(self, checkpoint: str = 'torchvision://vgg19') -> None:
        super().__init__()
        features = _load_vgg19_features(checkpoint)
        for layer in features:
            if isinstance(layer, nn.ReLU):
                layer.inplace = False
        self.slices = nn.ModuleList(features[a:b] for a, b in _VGG_SLICES)
        self.requires_grad_(False)
        self.eval()

    def features(self, photos: Tensor) -> List[Tensor]:
        """Features [B, C, h, w] of the five slices."""
        features = []
        for part in self.slices:
            photos = part(photos)
            features.append(photos)
        return features

    def forward(self, fake: Tensor, real: Tensor) -> Tensor:
        """Compares photos [B, 3, H, W] in [-1, 1]; returns a scalar."""
        with torch.no_grad():
            targets = self.features(real)
        terms = zip(_VGG_WEIGHTS, self.features(fake), targets)
        return sum(weight * F.l1_loss(f, t) for weight, f, t in terms)
