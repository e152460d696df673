"""What a segmentation discriminator and the generator against it are trained for."""

from typing import Dict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmseg_ganaug.models.pix2pixhd.losses import ClassBalance
from mmseg_ganaug.option_checks import check_number


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

    def _cross_entropy(self, logits: Tensor, label_maps: Tensor) -> Tensor:
        """Mean over all pixels, ignored ones counting zero."""
        targets = label_maps.squeeze(1).long()
        targets = targets.masked_fill(targets >= self.num_classes, -100)
        loss = F.cross_entropy(
            logits.float(), targets, ignore_index=-100, reduction='none'
        )
        return (loss * self.class_balance.weight_map(label_maps).squeeze(1)).mean()

    def discriminator_losses(
        self, logits: Tensor, label_maps: Tensor
    ) -> Dict[str, Tensor]:
        """Losses of the discriminator.

        Args:
            logits (Tensor): [F + R, C + 1, H, W]: the generated photos, then the real.
            label_maps (Tensor): Those of the real photos, uint8 [R, 1, H, W].

        Returns:
            dict[str, Tensor]: ``loss_d_segmentation_fake`` and ``..._real``.
        """
        self.class_balance.count(label_maps)
        fake, real = logits[: -len(label_maps)], logits[-len(label_maps) :]
        generated = torch.full_like(fake[:, 0], self.num_classes, dtype=torch.long)
        return {
            'loss_d_segmentation_fake': 0.5 * F.cross_entropy(fake.float(), generated),
            'loss_d_segmentation_real': 0.5 * self._cross_entropy(real, label_maps),
        }

    def generator_loss(self, logits: Tensor, label_maps: Tensor) -> Tensor:
        """Loss of the generator.

        Args:
            logits (Tensor): [B, C + 1, H, W] of generated photos.
            label_maps (Tensor): What they shall show, uint8 [B, 1, H, W].

        Returns:
            Tensor: Scalar.
        """
        return self.loss_weight * self._cross_entropy(logits, label_maps)
