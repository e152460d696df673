"""Per-pixel loss weights by which rare classes count more."""

import torch
from mmengine.dist import all_reduce
from torch import Tensor, nn

from mmseg_ganaug.class_option_checks import check_num_classes
from mmseg_ganaug.option_checks import check_number, check_share


class ClassBalance(nn.Module):
    """Weights pixels by a power of their class's inverse frequency.

    The frequencies are counted over the label maps seen in training, so nothing has
    to be prepared, and they are saved with the model. Our own addition: a thin rare
    class has next to no say in a loss that averages over pixels.

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
        """Weights [C]; those of all pixels counted so far have the mean 1."""
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
