"""Which samples of a mixed data set are generated."""

from typing import Iterable, List, Optional, Sequence

import numpy as np
from mmengine.dataset import ClassBalancedDataset, RepeatDataset
from torch.utils.data import ConcatDataset, Dataset

from mmseg_ganaug.datasets.gan_recompose import GANRecomposeDataset
from mmseg_ganaug.option_checks import check_whole_numbers

# Longer lists hold samples.
_MOST_PARTS = 64


def generated_parts(dataset: Dataset) -> List[GANRecomposeDataset]:
    """Lists the generated data sets inside a data set.

    Args:
        dataset (Dataset): A data set, or wrappers of some, however nested.

    Returns:
        list[GANRecomposeDataset]: In their order.
    """
    if isinstance(dataset, GANRecomposeDataset):
        return [dataset]
    return [part for inner in _inside(dataset) for part in generated_parts(inner)]


def generated_mask(
    dataset: Dataset, generated: Optional[Sequence[int]] = None
) -> np.ndarray:
    """Marks the generated samples of a data set.

    Args:
        dataset (Dataset): Usually a ``ConcatDataset`` of real and generated parts,
            which may be wrapped themselves (``ConcatDataset``, ``RepeatDataset``,
            ``ClassBalancedDataset``, ``MultiImageMixDataset``).
        generated (Sequence[int], optional): Places of the generated parts in
            ``dataset.datasets``. Defaults to None: the samples of each
            :class:`GANRecomposeDataset`, wherever it is.

    Returns:
        np.ndarray: bool [N], one for each sample.

    Raises:
        ValueError: When ``generated`` names parts that are not there, or a wrapper
            reorders its samples in a way that is not known here.
    """
    if generated is None:
        return _mask(dataset)
    parts = dataset.datasets if isinstance(dataset, ConcatDataset) else []
    if not parts:
        raise ValueError(
            f'generated={generated} must name parts of a ConcatDataset by their place, '
            f'but the data set is a {type(dataset).__name__}'
        )
    who = f'{type(dataset).__name__} of {len(parts)} parts'
    generated = check_whole_numbers(
        who, 'generated', generated, 0, len(parts) - 1, different=True
    )
    return np.concatenate(
        [np.full(len(part), place in generated) for place, part in enumerate(parts)]
    )


def _inside(dataset: Dataset) -> List[Dataset]:
    if isinstance(dataset, ConcatDataset):
        return list(dataset.datasets)
    # The latter: a data set that num_batch_per_epoch of MMEngine has shortened.
    wrapped = (vars(dataset).get(name) for name in ('dataset', '_dataset'))
    return [inner for inner in wrapped if inner is not None]


def _mask(dataset: Dataset) -> np.ndarray:
    if isinstance(dataset, GANRecomposeDataset):
        return np.ones(len(dataset), bool)
    inside = [_mask(inner) for inner in _inside(dataset)]
    if not inside:
        if _holds_generated(dataset):
            raise _unknown(dataset, 'holds real and generated samples')
        return np.zeros(len(dataset), bool)
    mask = np.concatenate(inside)
    if isinstance(dataset, RepeatDataset):
        return np.tile(mask, dataset.times)
    if isinstance(dataset, ClassBalancedDataset):
        return mask[np.asarray(dataset.repeat_indices)]
    if len(mask) != len(dataset) and mask.any():
        raise _unknown(dataset, f'makes {len(dataset)} samples of {len(mask)}')
    return mask if len(mask) == len(dataset) else np.zeros(len(dataset), bool)


def _holds_generated(value: object, depth: int = 4) -> bool:
    """Checks whether a data set of an unknown kind keeps a generated one somewhere."""
    if isinstance(value, GANRecomposeDataset):
        return True
    if depth == 0:
        return False
    inner: Iterable = ()
    if isinstance(value, dict):
        inner = value.values()
    elif isinstance(value, (list, tuple)):
        inner = value if len(value) <= _MOST_PARTS else ()
    elif isinstance(value, Dataset):
        inner = vars(value).values()
    return any(_holds_generated(item, depth - 1) for item in inner)


def _unknown(dataset: Dataset, what: str) -> ValueError:
    return ValueError(
        f'{type(dataset).__name__} {what}, so that it cannot be told which are '
        'generated: put it around the parts of a ConcatDataset, and name the generated '
        'parts by generated=[...]'
    )
