"""What the softmax losses of this package check: their head, and its labels."""

from typing import Optional

from torch import Tensor, nn
from torch.nn.modules.module import register_module_module_registration_hook


class ChecksItsHead:
    """Has the head of a softmax loss checked when the head takes it."""

    def check_num_classes(self, num_classes: int) -> None:
        """Checks that the loss can compare so many classes.

        Args:
            num_classes (int): Number of channels of the head, ``out_channels``.

        Raises:
            ValueError: When there is one, which softmax makes 1 everywhere.
        """
        if num_classes == 1:
            raise ValueError(
                f'{type(self).__name__} compares the channels of a head by softmax, '
                'but the head has out_channels=1: for two classes, give it num_classes'
                "=2 and out_channels=2, or MMSeg's dict(type='CrossEntropyLoss', "
                'use_sigmoid=True)'
            )


def check_labels(labels: Tensor, num_classes: int, ignore_index: int) -> None:
    """Checks labels, which an index out of range on a GPU would not name.

    Args:
        labels (Tensor): int64 [N], without the ignored ones.
        num_classes (int): Number of classes of the head.
        ignore_index (int): The label that is ignored, for the message.

    Raises:
        ValueError: When one of them is no class.
    """
    if labels.numel() and not 0 <= labels.min() <= labels.max() < num_classes:
        raise ValueError(
            f'the labels reach from {labels.min()} to {labels.max()}, but the '
            f'head has {num_classes} classes and ignore_index='
            f'{ignore_index}: give data set and head the same classes and the same '
            'ignore_index'
        )


def _check_in_head(module: nn.Module, name: str, part: Optional[nn.Module]) -> None:
    """Checks the losses where a head takes them, or a model its head.

    A head with several losses has none of them yet when it takes their list.
    """
    if name == 'loss_decode':
        _check_losses(module, part)
    elif part is not None:
        losses = part.__dict__.get('_modules', {}).get('loss_decode')
        _check_losses(part, losses)


def _check_losses(head: nn.Module, losses: Optional[nn.Module]) -> None:
    for loss in [] if losses is None else losses.modules():
        if isinstance(loss, ChecksItsHead):
            num_classes = getattr(head, 'out_channels', None)
            if num_classes is not None:
                loss.check_num_classes(num_classes)


# A loss does not know the number of classes when it is built, and the first batch comes
# after hours of generation.
register_module_module_registration_hook(_check_in_head)
