"""The focal loss of softmax probabilities."""

from typing import Optional

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmseg_ganaug.loss_checks import ChecksItsHead, check_labels
from mmseg_ganaug.option_checks import check_number, check_text
from mmseg_ganaug.registry import MODELS


@MODELS.register_module()
class SoftmaxFocalLoss(ChecksItsHead, nn.Module):
    """Cross entropy that weights down the pixels that are classified well.

    The cross entropy of a pixel is multiplied by (1 - p) ** gamma, where p is the
    probability of its class. MMSeg 1.2.2's ``FocalLoss`` asks for each class alone
    whether it is there, by a sigmoid; it fails on the CPU, and on a GPU needs the
    compiled operators of the full mmcv.

    Source: Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, for several
    classes.

    Args:
        gamma (float): >= 0; with 0 it is the cross entropy. Defaults to 2, as in the
            paper.
        loss_weight (float): Factor of the loss, >= 0. Defaults to 1.
        loss_name (str): Name in the log. Defaults to 'loss_focal'.

    Raises:
        ValueError: When an option is out of its range; when a head with one channel
            takes the loss.
    """

    def __init__(
        self,
        gamma: float = 2.0,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_focal',
    ) -> None:
        super().__init__()
        self.gamma = check_number(self, 'gamma', gamma, 0)
        self.loss_weight = check_number(self, 'loss_weight', loss_weight, 0)
        self.loss_name = check_text(self, 'loss_name', loss_name)

    def forward(
        self,
        cls_score: Tensor,
        label: Tensor,
        weight: Optional[Tensor] = None,
        ignore_index: int = 255,
        reduction_override: Optional[str] = None,
        **kwargs,
    ) -> Tensor:
        """Computes the loss.

        Args:
            cls_score (Tensor): Logits [B, C, H, W].
            label (Tensor): Classes, int64 [B, H, W].
            weight (Tensor, optional): Weight of each pixel [B, H, W].
            ignore_index (int): Label of the pixels that do not count.
            reduction_override (str, optional): 'none' gives the loss of each pixel.
            **kwargs: Of other losses; they change nothing.

        Returns:
            Tensor: The mean over the pixels that count, 0 where there is none; or
            [B, H, W].

        Raises:
            ValueError: When a label is neither a class nor ``ignore_index``.
        """
        counted = label != ignore_index
        check_labels(label[counted], cls_score.shape[1], ignore_index)
        # Neither a sum of many pixels nor a small p is kept by half precision.
        entropy = F.cross_entropy(
            cls_score.float(), label, reduction='none', ignore_index=ignore_index
        )
        # Away from 0, where the power has no slope that is finite for gamma below 1.
        unsure = (1 - torch.exp(-entropy)).clamp(min=1e-6)
        loss = self.loss_weight * unsure**self.gamma * entropy
        if weight is not None:
            loss = loss * weight
        if reduction_override == 'none':
            return loss
        return loss.sum() / counted.sum().clamp(min=1)
