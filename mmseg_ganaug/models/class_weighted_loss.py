"""Cross entropy with class weights, whatever value ignored pixels have."""

import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Union

import numpy as np
import yaml
from mmseg.models.losses import CrossEntropyLoss
from torch import Tensor, nn
from torch.nn.modules.module import register_module_module_registration_hook

from mmseg_ganaug.class_option_checks import check_class_weight
from mmseg_ganaug.config_search import find_shipped
from mmseg_ganaug.option_checks import check_number, check_text, refuse
from mmseg_ganaug.registry import MODELS


@MODELS.register_module()
class ClassWeightedCrossEntropyLoss(CrossEntropyLoss):
    """MMSeg's ``CrossEntropyLoss`` with ``class_weight``, averaged over the weights.

    MMSeg 1.2.2 looks up the weight of every label before it leaves out the ignored
    ones, and fails where ``ignore_index`` is no class. Here ignored pixels take no part
    in the average, and half precision does not overflow in it.

    A decode head that takes the loss is checked to have as many classes as there are
    weights, so that a wrong config ends before any training.

    Args:
        class_weight (Sequence[float] | str): The weight of each class, >= 0; or a file
            that holds them: ``.npy``, ``.json``, ``.yaml``, from the working
            directory or shipped with this package. ``label_distribution.py
            --class-weights`` writes one, see :func:`weights_by_frequency`.
        loss_weight (float): Factor of the loss, >= 0. Defaults to 1.
        loss_name (str): Name in the log. Defaults to 'loss_ce'.

    Raises:
        FileNotFoundError: When there is no such file.
        ValueError: When the weights are not finite numbers >= 0, or all 0; when a head
            with another number of classes takes the loss.
    """

    def __init__(
        self,
        class_weight: Union[Sequence[float], str],
        loss_weight: float = 1.0,
        loss_name: str = 'loss_ce',
    ) -> None:
        if isinstance(class_weight, (str, Path)):
            class_weight = _read_weights(class_weight)
        super().__init__(
            class_weight=check_class_weight(self, 'class_weight', class_weight),
            loss_weight=check_number(self, 'loss_weight', loss_weight, 0),
            loss_name=check_text(self, 'loss_name', loss_name),
            avg_non_ignore=True,
        )

    def check_num_classes(self, num_classes: int) -> None:
        """Checks that there is a weight for each class.

        Args:
            num_classes (int): Number of classes of the head.

        Raises:
            ValueError: When there is not.
        """
        check_class_weight(self, 'class_weight', self.class_weight, num_classes)

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

        Raises:
            ValueError: When the logits are not of as many classes as there are weights,
                or a label is neither a class nor ``ignore_index``.
        """
        self.check_num_classes(cls_score.shape[1])
        # The sum over many pixels is too large for half precision.
        cls_score = cls_score.float()
        labels = label[label != ignore_index]
        if labels.numel() and not 0 <= labels.min() <= labels.max() < len(
            self.class_weight
        ):
            raise ValueError(
                f'the labels reach from {labels.min()} to {labels.max()}, but the '
                f'head has {len(self.class_weight)} classes and ignore_index='
                f'{ignore_index}: give data set and head the same classes and the same '
                'ignore_index'
            )
        total = cls_score.new_tensor(self.class_weight)[labels].sum()
        return super().forward(
            cls_score,
            label,
            weight,
            avg_factor=total,
            ignore_index=ignore_index,
            **kwargs,
        )


def weights_by_frequency(pixels: np.ndarray) -> Dict[str, List[float]]:
    """Computes class weights from how often the classes occur.

    The frequency of a class is its share of the labelled pixels of the maps that show
    it. The weight ``median`` is the median of all frequencies over that of the class
    (`Eigen and Fergus, 2015 <https://arxiv.org/abs/1411.4734>`_); ``sqrt`` is its
    square root; ``rare`` is the same, but never below one, so that no frequent class
    is weighted down against another.

    Args:
        pixels (np.ndarray): Whole numbers [N, C], pixels of each class in each map, as
            :class:`~mmseg_ganaug.recompose.statistics.LabelStatistics` has them.

    Returns:
        dict[str, list[float]]: The weights by formula, to two decimals, or two digits
        where they are below 0.1. A class that no map shows has the weight 1.

    Raises:
        ValueError: When no map shows any class.
    """
    shown = pixels > 0
    labelled = (pixels.sum(axis=1)[:, None] * shown).sum(axis=0)
    found = labelled > 0
    if not found.any():
        raise ValueError('no label map shows a class: there is nothing to weight')
    frequency = pixels.sum(axis=0)[found] / labelled[found]
    median = np.ones(pixels.shape[1])
    median[found] = np.median(frequency) / frequency
    root = np.sqrt(median)
    formulas = dict(median=median, sqrt=root, rare=np.maximum(root, 1))
    return {
        name: [float(f'{w:.2f}' if w >= 0.1 else f'{w:.2g}') for w in weights]
        for name, weights in formulas.items()
    }


def _read_weights(path: Union[str, Path]) -> List[Any]:
    """Reads the weights from a file, and nothing that could run code."""
    owner, remedy = 'ClassWeightedCrossEntropyLoss', 'a .npy, .json or .yaml file'
    file = Path(path)
    if file.suffix not in ('.npy', '.json', '.yaml', '.yml'):
        raise refuse(
            owner,
            'class_weight',
            str(path),
            f'{remedy} (a pickle may run code), or the weights themselves',
        )
    try:
        file = find_shipped(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f'{owner}: class_weight={str(path)!r}: {error}'
        ) from None
    try:
        if file.suffix == '.npy':
            return np.load(file, allow_pickle=False)
        text = file.read_text(encoding='utf-8')
        return json.loads(text) if file.suffix == '.json' else yaml.safe_load(text)
    except (EOFError, OSError, ValueError, yaml.YAMLError) as error:
        reason = str(error).splitlines()[0] if str(error) else 'it is cut off'
        raise refuse(
            owner, 'class_weight', str(path), f'{remedy} that can be read ({reason})'
        ) from error


def _check_in_head(module: nn.Module, name: str, part: Optional[nn.Module]) -> None:
    """Checks the weights where a head takes its loss, or a model its head.

    A head with several losses has none of them yet when it takes their list.
    """
    if name == 'loss_decode':
        _check_losses(module, part)
    elif part is not None:
        losses = part.__dict__.get('_modules', {}).get('loss_decode')
        _check_losses(part, losses)


def _check_losses(head: nn.Module, losses: Optional[nn.Module]) -> None:
    for loss in [] if losses is None else losses.modules():
        if isinstance(loss, ClassWeightedCrossEntropyLoss):
            num_classes = getattr(head, 'out_channels', None)
            if num_classes is not None:
                loss.check_num_classes(num_classes)


# A loss does not know the number of classes when it is built, and the first batch comes
# after hours of generation.
register_module_module_registration_hook(_check_in_head)
