"""Cross entropy with class weights, whatever value ignored pixels have."""

from typing import Optional, Sequence

from mmseg.models.losses import CrossEntropyLoss
from torch import Tensor

from mmseg_ganaug.registry import MODELS


@MODELS.register_module()
class ClassWeightedCrossEntropyLoss(CrossEntropyLoss):
    """MMSeg's ``CrossEntropyLoss`` with ``class_weight``, averaged over the weights.

    MMSeg 1.2.2 looks up the weight of every label before it leaves out the ignored
    ones, and fails where ``ignore_index`` is no class. Here ignored pixels take no part
    in the average.

    Args:
        class_weight (Sequence[float]): The weight of each class.
        loss_weight (float): Factor of the loss. Defaults to 1.
        loss_name (str): Name in the log. Defaults to 'loss_ce'.
    """

    def __init__(
        self,
        class_weight: Sequence[float],
        loss_weight: float = 1.0,
        loss_name: str = 'loss_ce',
    ) -> None:
        super().__init__(
            class_weight=list(class_weight),
            loss_weight=loss_weight,
            loss_name=loss_name,
            avg_non_ignore=True,
        )

    def forward(
        self,
        cls_score: Tensor,
        label: Tensor,
        weight: Optional[Tensor] = None,
        ignore_index: int = 255,
        **kwargs,
    ) -> Tensor:
        """Computes the loss.

        Args:
            cls_score (Tensor): Logits [B, C, H, W].
            label (Tensor): Classes, int64 [B, H, W].
            weight (Tensor, optional): Weight of each pixel [B, H, W].
            ignore_index (int): Label of the pixels that do not count.
            **kwargs: Passed on.

        Returns:
            Tensor: A scalar, 0 where all pixels are ignored.
        """
        class_weight = cls_score.new_tensor(self.class_weight)
        total = class_weight[label[label != ignore_index]].sum()
        return super().forward(
            cls_score,
            label,
            weight,
            avg_factor=total,
            ignore_index=ignore_index,
            **kwargs,
        )
