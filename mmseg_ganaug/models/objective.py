"""What the two networks of pix2pixHD are trained for."""

from typing import Dict, List, Optional, Sequence

from mmagic.registry import MODELS as MMAGIC_MODELS
from torch import Tensor, nn

from mmseg_ganaug.models.class_balance import ClassBalance
from mmseg_ganaug.models.losses import VGGLoss, feature_matching_loss, weighted_l1


class Pix2PixHDObjective(nn.Module):
    """The losses of generator and discriminator.

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
        pixel_loss_weight (float): Weight of the mean absolute difference of photos.
        class_balance (dict, optional): Arguments of :class:`ClassBalance`, which then
            weights the feature matching and the pixel loss.
    """

    def __init__(
        self,
        num_classes: int,
        gan_type: str = 'lsgan',
        gan_loss_weight: float = 1.0,
        feature_loss_weight: float = 10.0,
        vgg_loss_weight: float = 0.0,
        vgg_checkpoint: str = 'torchvision://vgg19',
        pixel_loss_weight: float = 0.0,
        class_balance: Optional[dict] = None,
    ) -> None:
        super().__init__()
        self.gan_loss = MMAGIC_MODELS.build(
            {
                'type': 'mmagic.GANLoss',
                'gan_type': gan_type,
                'loss_weight': gan_loss_weight,
            }
        )
        self.feature_loss_weight = feature_loss_weight
        self.vgg_loss_weight = vgg_loss_weight
        self.vgg_checkpoint = vgg_checkpoint
        self.pixel_loss_weight = pixel_loss_weight
        self.class_balance = None
        if class_balance is not None:
            self.class_balance = ClassBalance(num_classes, **class_balance)
        # Not a submodule (a list hides it): it belongs into no checkpoint.
        self._vgg: List[VGGLoss] = []

    def vgg_loss(self, fake: Tensor, real: Tensor) -> Tensor:
        """The VGG loss; its weights are read when training starts, not before."""
        if not self._vgg:
            self._vgg.append(VGGLoss(self.vgg_checkpoint).to(fake.device))
        return self._vgg[0](fake, real)

    def discriminator_losses(
        self, judged: Sequence[Sequence[Tensor]], num_real: int
    ) -> Dict[str, Tensor]:
        """Losses of the discriminator.

        Args:
            judged (Sequence[Sequence[Tensor]]): Its features per scale and layer
                [F + R, C, h, w]: the fake samples, then the real ones.
            num_real (int): R.

        Returns:
            dict[str, Tensor]: ``loss_d_fake`` and ``loss_d_real``.
        """
        losses = {'loss_d_fake': 0.0, 'loss_d_real': 0.0}
        for features in judged:
            fake, real = features[-1][:-num_real], features[-1][-num_real:]
            losses['loss_d_fake'] += 0.5 * self.gan_loss(fake, False, is_disc=True)
            losses['loss_d_real'] += 0.5 * self.gan_loss(real, True, is_disc=True)
        return losses

    def generator_losses(
        self,
        label_maps: Tensor,
        fake: Tensor,
        real: Tensor,
        judged: Sequence[Sequence[Tensor]],
        target: Sequence[Sequence[Tensor]],
    ) -> Dict[str, Tensor]:
        """Losses of the generator.

        Samples beyond the real ones have no photo to be compared with: for them the
        adversarial loss counts alone.

        Args:
            label_maps (Tensor): uint8 [B, 1, H, W].
            fake (Tensor): Generated photos [B or more, 3, H, W] in [-1, 1].
            real (Tensor): Real photos [B, 3, H, W] in [-1, 1].
            judged (Sequence[Sequence[Tensor]]): The discriminator's features of the
                generated photos, per scale and layer.
            target (Sequence[Sequence[Tensor]]): Those of the real photos.

        Returns:
            dict[str, Tensor]: One scalar for each loss with a weight.
        """
        weight_map = None
        if self.class_balance is not None:
            weight_map = self.class_balance(label_maps)
        adversarial = sum(self.gan_loss(features[-1], True) for features in judged)
        losses = {'loss_g_gan': adversarial}
        paired = [[layer[: len(real)] for layer in features] for features in judged]
        fake = fake[: len(real)]
        if self.feature_loss_weight:
            losses['loss_g_feature'] = self.feature_loss_weight * (
                feature_matching_loss(paired, target, weight_map)
            )
        if self.vgg_loss_weight:
            losses['loss_g_vgg'] = self.vgg_loss_weight * self.vgg_loss(fake, real)
        if self.pixel_loss_weight:
            losses['loss_g_pixel'] = self.pixel_loss_weight * (
                weighted_l1(fake, real, weight_map)
            )
        return losses
