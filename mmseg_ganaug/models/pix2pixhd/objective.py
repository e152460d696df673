"""The losses that the networks of pix2pixHD are trained with."""

from typing import Dict, Optional, Sequence

import torch
import torch.nn.functional as F
from mmagic.registry import MODELS as MMAGIC_MODELS
from torch import Tensor, nn

from mmseg_ganaug.models.efficientnet_lite import WEIGHTS_PACKAGE
from mmseg_ganaug.models.pix2pixhd.losses import (
    ClassBalance,
    EfficientNetLoss,
    PerceptualLoss,
    VGGLoss,
    feature_matching_loss,
    weighted_l1,
)
from mmseg_ganaug.option_checks import (
    check_choice,
    check_mapping,
    check_number,
    check_path,
)


class SegmentationObjective(nn.Module):
    """Cross-entropy of real photos, of generated ones, and of the generator.

    The discriminator shall find the label map in the real photo and call every pixel
    of a generated one generated; the generator shall have its photo taken for its
    label map. Pixels count by the inverse frequency of their class, so that a class
    of few pixels has as much say as any other.

    Source of the idea: OASIS (Schoenfeld et al., ICLR 2021). Frequencies are those of
    the whole training so far, not of the batch.

    Args:
        num_classes (int): Number of classes, C.
        loss_weight (float): Weight of the generator's loss; the discriminator's two
            count half each.
        power (float): See :class:`ClassBalance`; 0 is no balance.
        max_weight (float): See :class:`ClassBalance`.
    """

    def __init__(
        self,
        num_classes: int,
        loss_weight: float = 1.0,
        power: float = 1.0,
        max_weight: float = 20.0,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.loss_weight = check_number(self, 'loss_weight', loss_weight, 0)
        self.class_balance = ClassBalance(num_classes, power, max_weight)

    def _cross_entropy(
        self, logits: Tensor, label_maps: Tensor, counted: Optional[Tensor] = None
    ) -> Tensor:
        """Averages over all pixels, with 0 for ignored ones."""
        targets = label_maps.squeeze(1).long()
        targets = targets.masked_fill(targets >= self.num_classes, -100)
        loss = F.cross_entropy(
            logits.float(), targets, ignore_index=-100, reduction='none'
        )
        weights = self.class_balance.weight_map(label_maps)
        if counted is not None:
            weights = weights * counted
        return (loss * weights.squeeze(1)).mean()

    def discriminator_losses(
        self, logits: Tensor, label_maps: Tensor, holes: Optional[Tensor] = None
    ) -> Dict[str, Tensor]:
        """Computes the losses of the discriminator.

        Args:
            logits (Tensor): [F + R, C + 1, H, W]: the generated photos, then the real.
            label_maps (Tensor): Those of the real photos, uint8 [R, 1, H, W].
            holes (Tensor, optional): Bool [F, 1, H, W], what of the generated photos
                is not real; None = all.

        Returns:
            dict[str, Tensor]: ``loss_d_segmentation_fake`` and ``..._real``.
        """
        self.class_balance.count(label_maps)
        fake, real = logits[: -len(label_maps)], logits[-len(label_maps) :]
        generated = torch.full_like(fake[:, 0], self.num_classes, dtype=torch.long)
        if holes is not None:
            generated = generated.masked_fill(~holes.squeeze(1), -100)
        return {
            'loss_d_segmentation_fake': 0.5 * F.cross_entropy(fake.float(), generated),
            'loss_d_segmentation_real': 0.5 * self._cross_entropy(real, label_maps),
        }

    def generator_loss(
        self, logits: Tensor, label_maps: Tensor, counted: Optional[Tensor] = None
    ) -> Tensor:
        """Computes the loss of the generator.

        Args:
            logits (Tensor): [B, C + 1, H, W] of generated photos.
            label_maps (Tensor): What they shall show, uint8 [B, 1, H, W].
            counted (Tensor, optional): Weights of pixels, float [B, 1, H, W].

        Returns:
            Tensor: Scalar.
        """
        return self.loss_weight * self._cross_entropy(logits, label_maps, counted)


def _where_counted(scores: Tensor, counted: Optional[Tensor]) -> Tensor:
    """Returns the scores of patches that hold what is counted, or all."""
    if counted is None:
        return scores
    return scores[F.adaptive_max_pool2d(counted, scores.shape[-2:]) > 0]


_GAN_TYPES = ('lsgan', 'vanilla', 'wgan', 'hinge', 'l1')
_CLASS_BALANCE = ('power', 'max_weight')


class Pix2PixHDObjective(nn.Module):
    """Computes the losses of generator and discriminator.

    Source: Wang et al., CVPR 2018: GAN + 10 feature matching + 10 VGG, the
    discriminator's being the mean of fake and real, all summed over the scales. The
    pixel loss and the class balance are our own additions.

    Args:
        num_classes (int): Number of classes, for the class balance.
        gan_type (str): ``gan_type`` of MMagic's ``GANLoss``.
        gan_loss_weight (float): Weight of the generator's adversarial loss.
        feature_loss_weight (float): Weight of feature matching.
        vgg_loss_weight (float): Weight of the VGG loss; 0 needs no VGG.
        vgg_checkpoint (str): Where its weights are, see :class:`VGGLoss`.
        efficientnet_loss_weight (float): Weight of :class:`EfficientNetLoss`.
        efficientnet_checkpoint (str): Where its weights are.
        pixel_loss_weight (float): Weight of the mean absolute difference of photos.
        class_balance (dict, optional): Arguments of :class:`ClassBalance`, which then
            weights all losses that compare two photos.
        segmentation (dict, optional): Arguments of :class:`SegmentationObjective`.
        has_segmenter (bool): Whether there is a discriminator that segments.

    Raises:
        ValueError: When ``segmentation`` is given without such a discriminator, or an
            option is of the wrong type or outside its range.
    """

    def __init__(
        self,
        num_classes: int,
        gan_type: str = 'lsgan',
        gan_loss_weight: float = 1.0,
        feature_loss_weight: float = 10.0,
        vgg_loss_weight: float = 0.0,
        vgg_checkpoint: str = 'torchvision://vgg19',
        efficientnet_loss_weight: float = 0.0,
        efficientnet_checkpoint: str = WEIGHTS_PACKAGE,
        pixel_loss_weight: float = 0.0,
        class_balance: Optional[dict] = None,
        segmentation: Optional[dict] = None,
        has_segmenter: bool = False,
    ) -> None:
        super().__init__()
        self.gan_loss = MMAGIC_MODELS.build(
            {
                'type': 'mmagic.GANLoss',
                'gan_type': check_choice(self, 'gan_type', gan_type, _GAN_TYPES),
                'loss_weight': self._weight('gan_loss_weight', gan_loss_weight),
            }
        )
        self.feature_loss_weight = self._weight(
            'feature_loss_weight', feature_loss_weight
        )
        self.vgg_loss_weight = self._weight('vgg_loss_weight', vgg_loss_weight)
        self.vgg_checkpoint = check_path(self, 'vgg_checkpoint', vgg_checkpoint)
        self.efficientnet_loss_weight = self._weight(
            'efficientnet_loss_weight', efficientnet_loss_weight
        )
        self.efficientnet_checkpoint = check_path(
            self, 'efficientnet_checkpoint', efficientnet_checkpoint
        )
        self.pixel_loss_weight = self._weight('pixel_loss_weight', pixel_loss_weight)
        self.class_balance = None
        for name, options, known in (
            ('class_balance', class_balance, _CLASS_BALANCE),
            ('segmentation', segmentation, ('loss_weight', *_CLASS_BALANCE)),
        ):
            if options is not None:
                check_mapping(self, name, options, known=known)
        if class_balance is not None:
            self.class_balance = ClassBalance(num_classes, **class_balance)
        self.segmentation = None
        if has_segmenter:
            self.segmentation = SegmentationObjective(num_classes, **segmentation or {})
        elif segmentation is not None:
            raise ValueError(
                'loss_config.segmentation needs a discriminator that segments: give '
                'segmentation_discriminator=dict(type='
                "'Pix2PixHDSegmentationDiscriminator') to the model, or leave it out"
            )
        # Not submodules (a plain dict hides them): they belong into no checkpoint.
        self._perceptual: Dict[str, PerceptualLoss] = {}

    def _weight(self, name: str, value: float) -> float:
        return check_number(self, name, value, 0)

    def perceptual_losses(
        self, fake: Tensor, real: Tensor, weight_map: Optional[Tensor] = None
    ) -> Dict[str, Tensor]:
        """Computes losses by pretrained networks, which are read when first needed.

        Args:
            fake (Tensor): [B, 3, H, W] in [-1, 1].
            real (Tensor): The same.
            weight_map (Tensor, optional): [B, 1, H, W].

        Returns:
            dict[str, Tensor]: ``loss_g_vgg`` and ``loss_g_efficientnet``, where they
            have a weight.
        """
        losses = {}
        for name, loss_type, checkpoint, weight in (
            ('vgg', VGGLoss, self.vgg_checkpoint, self.vgg_loss_weight),
            (
                'efficientnet',
                EfficientNetLoss,
                self.efficientnet_checkpoint,
                self.efficientnet_loss_weight,
            ),
        ):
            if weight:
                if name not in self._perceptual:
                    self._perceptual[name] = loss_type(checkpoint).to(fake.device)
                loss = self._perceptual[name](fake, real, weight_map)
                losses[f'loss_g_{name}'] = weight * loss
        return losses

    def discriminator_losses(
        self,
        scored: Sequence[Sequence[Tensor]],
        num_real: int,
        counted: Optional[Tensor] = None,
    ) -> Dict[str, Tensor]:
        """Computes the losses of the discriminator.

        Args:
            scored (Sequence[Sequence[Tensor]]): Its features per scale and layer
                [F + R, C, h, w]: the fake samples, then the real ones.
            num_real (int): R.
            counted (Tensor, optional): Float [F, 1, H, W], above 0 where fake samples
                count; None = everywhere.

        Returns:
            dict[str, Tensor]: ``loss_d_fake`` and ``loss_d_real``.
        """
        losses = {'loss_d_fake': 0.0, 'loss_d_real': 0.0}
        for features in scored:
            fake = _where_counted(features[-1][:-num_real], counted)
            real = features[-1][-num_real:]
            losses['loss_d_fake'] += 0.5 * self.gan_loss(fake, False, is_disc=True)
            losses['loss_d_real'] += 0.5 * self.gan_loss(real, True, is_disc=True)
        return losses

    def generator_losses(
        self,
        label_maps: Tensor,
        fake: Tensor,
        real: Tensor,
        scored: Sequence[Sequence[Tensor]],
        target: Sequence[Sequence[Tensor]],
        counted: Optional[Tensor] = None,
    ) -> Dict[str, Tensor]:
        """Computes the losses of the generator.

        Samples beyond the real ones have no photo to be compared with: for them the
        adversarial loss counts alone.

        Args:
            label_maps (Tensor): uint8 [B, 1, H, W].
            fake (Tensor): Generated photos [B or more, 3, H, W] in [-1, 1].
            real (Tensor): Real photos [B, 3, H, W] in [-1, 1].
            scored (Sequence[Sequence[Tensor]]): The discriminator's features of the
                generated photos, per scale and layer.
            target (Sequence[Sequence[Tensor]]): Those of the real photos.
            counted (Tensor, optional): Weights of pixels in all losses, float
                [B or more, 1, H, W]; None = all alike.

        Returns:
            dict[str, Tensor]: One scalar for each loss with a weight.
        """
        weight_map = None
        if self.class_balance is not None:
            weight_map = self.class_balance(label_maps)
        if counted is not None:
            weights = counted[: len(real)]
            weight_map = weights if weight_map is None else weights * weight_map
        adversarial = sum(
            self.gan_loss(_where_counted(features[-1], counted), True)
            for features in scored
        )
        losses = {'loss_g_gan': adversarial}
        paired = [[layer[: len(real)] for layer in features] for features in scored]
        fake = fake[: len(real)]
        if self.feature_loss_weight:
            losses['loss_g_feature'] = self.feature_loss_weight * (
                feature_matching_loss(paired, target, weight_map)
            )
        losses.update(self.perceptual_losses(fake, real, weight_map))
        if self.pixel_loss_weight:
            losses['loss_g_pixel'] = self.pixel_loss_weight * (
                weighted_l1(fake, real, weight_map)
            )
        return losses
