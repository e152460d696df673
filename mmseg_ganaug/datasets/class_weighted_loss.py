"""Cross entropy with class weights: given, or of the frequencies of the classes."""

import json
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

import numpy as np
import yaml
from mmengine.logging import MessageHub, print_log
from mmseg.models.losses import CrossEntropyLoss
from torch import Tensor

from mmseg_ganaug.class_option_checks import check_class_weight
from mmseg_ganaug.config_search import find_shipped
from mmseg_ganaug.datasets.label_source import DatasetLabelSource
from mmseg_ganaug.datasets.source_dataset import build_source
from mmseg_ganaug.datasets.statistics import collect_statistics
from mmseg_ganaug.loss_checks import ChecksItsHead, check_labels
from mmseg_ganaug.option_checks import (
    check_mapping,
    check_number,
    check_path,
    check_text,
    refuse,
)
from mmseg_ganaug.registry import MODELS
from mmseg_ganaug.safe_configs import values_of

#: Names of weights that are found in the data, and their formula.
_NAMES = {'inverse': 'median', 'inverse-sqrt': 'sqrt', 'rare': 'rare'}


@MODELS.register_module()
class ClassWeightedCrossEntropyLoss(ChecksItsHead, CrossEntropyLoss):
    """MMSeg's ``CrossEntropyLoss`` with ``class_weight``, averaged over the weights.

    MMSeg 1.2.2 looks up the weight of every label before it leaves out the ignored
    ones, and fails where ``ignore_index`` is no class. Here ignored pixels take no part
    in the average, and half precision does not overflow in it.

    A decode head that takes the loss is checked to have as many classes as there are
    weights, and more than one channel, so that a wrong config ends before any training.

    Weights can also be named: then they are computed from the label statistics of the
    training data when the first batch is trained on, on all ranks the same, and written
    to the log. Where nothing is trained, no label map is read.

    Args:
        class_weight (Sequence[float] | str): The weight of each class, >= 0; or a file
            that holds them: ``.npy``, ``.json``, ``.yaml``, from the working
            directory or shipped with this package, as ``ganaug distribution
            --class-weights`` writes it; or a name, see :func:`weights_by_frequency`:
            'inverse' (its formula ``median``), 'inverse-sqrt' (``sqrt``) or 'rare'.
        loss_weight (float): Factor of the loss, >= 0. Defaults to 1.
        loss_name (str): Name in the log. Defaults to 'loss_ce'.
        dataset (dict, optional): Config of the data set whose classes are counted for
            named weights. Defaults to None: the real data of MMEngine's runner, as its
            ``train_dataloader`` has them.
        cache_dir (str): Folder in which the label statistics are kept for named
            weights. Defaults to 'data/ganaug'.

    Raises:
        FileNotFoundError: When there is no such file.
        ValueError: When the weights are not finite numbers >= 0, or all 0; when a head
            with another number of classes takes the loss; in training, when the data
            set of named weights is not known or cannot be counted.
    """

    def __init__(
        self,
        class_weight: Union[Sequence[float], str],
        loss_weight: float = 1.0,
        loss_name: str = 'loss_ce',
        dataset: Optional[Mapping[str, Any]] = None,
        cache_dir: str = 'data/ganaug',
    ) -> None:
        named = isinstance(class_weight, str) and class_weight in _NAMES
        self._name = class_weight if named else None
        if dataset is not None:
            check_mapping(self, 'dataset', dataset, needed=('type',))
            if self._name is None:
                raise refuse(self, 'dataset', dataset, _only_with_names())
        self._dataset = dataset
        self._cache_dir = check_path(self, 'cache_dir', cache_dir)
        if self._name is not None:
            class_weight = [1.0]  # Until the data are counted.
        elif isinstance(class_weight, (str, Path)):
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
            ValueError: When there is not, or there is one class alone.
        """
        super().check_num_classes(num_classes)
        if self._name is None:
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
        if self._name is not None:
            self._count_classes()
        self.check_num_classes(cls_score.shape[1])
        # The sum over many pixels is too large for half precision.
        cls_score = cls_score.float()
        labels = label[label != ignore_index]
        check_labels(labels, len(self.class_weight), ignore_index)
        total = cls_score.new_tensor(self.class_weight)[labels].sum()
        return super().forward(
            cls_score,
            label,
            weight,
            avg_factor=total,
            ignore_index=ignore_index,
            **kwargs,
        )

    def _count_classes(self) -> None:
        """Replaces the name by the weights; all ranks have to call it."""
        name, dataset = str(self._name), self._dataset
        if dataset is None:
            dataset = _training_data(name)
        source = DatasetLabelSource(build_source(dataset))
        statistics = collect_statistics(source, self._cache_dir)
        weights = weights_by_frequency(statistics.pixels)[_NAMES[name]]
        self.class_weight, self._name = weights, None
        listed = ', '.join(f'{c} {w:g}' for c, w in zip(source.class_names, weights))
        print_log(f'{self.loss_name}: class_weight={name!r} is {listed}', 'current')


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


def _only_with_names() -> str:
    return f'a data set only with class_weight by name: {", ".join(_NAMES)}'


def _training_data(name: str) -> Mapping[str, Any]:
    """Finds the config of the data that MMEngine's runner trains on."""
    text = MessageHub.get_current_instance().get_info('cfg')
    try:
        return values_of(text or '')['train_dataloader']['dataset']
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f'ClassWeightedCrossEntropyLoss: class_weight={name!r} is computed from '
            "the training data of MMEngine's runner, whose config cannot be read here "
            f'({"there is none" if text is None else error}): give '
            'dataset=<the config of the data set>, or the weights themselves'
        ) from error


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
