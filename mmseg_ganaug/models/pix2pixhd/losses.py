"""Losses of pix2pixHD that MMagic does not have.

A ``weight_map`` is float [B, 1, H, W] with mean 1 over the data set; it is averaged
down to the size of what it weights, so that a thin object keeps its share.
"""

from typing import Optional, Sequence

import torch.nn.functional as F
from torch import Tensor


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
