"""Features of photos by a frozen EfficientNet-Lite0."""

from typing import Sequence

from torch import Tensor, nn

from mmseg_ganaug.models.efficientnet_lite import WEIGHTS_PACKAGE, EfficientNetLite

#: Channels of the features at the strides 2, 4, 8 and 16.
CHANNELS = (16, 24, 40, 112)


class EfficientNetFeatures(nn.Module):
    """What EfficientNet-Lite0, trained on ImageNet and frozen, sees in photos.

    Args:
        checkpoint (str): See :class:`EfficientNetLite`.

    Raises:
        CheckpointError: When the weights cannot be had; says what to do.
    """

    def __init__(self, checkpoint: str = WEIGHTS_PACKAGE) -> None:
        super().__init__()
        self.network = EfficientNetLite(
            out_indices=(0, 1, 2, 3),
            init_cfg={'type': 'Pretrained', 'checkpoint': checkpoint},
        )
        self.network.init_weights()
        self.requires_grad_(False)
        self.eval()

    def forward(self, photos: Tensor) -> Sequence[Tensor]:
        """Features at the strides 2, 4, 8 and 16.

        Args:
            photos (Tensor): RGB [B, 3, H, W] in [-1, 1].

        Returns:
            Sequence[Tensor]: [B, c, h, w], c as in ``CHANNELS``.
        """
        # From [-1, 1] to what the network was trained on, (0..255 - 127) / 128.
        return self.network(photos * (127.5 / 128) + 0.5 / 128)
