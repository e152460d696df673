"""Finds the configs and tools that travel with the package, and parts of a config."""

from pathlib import Path
from typing import Any, List, Union

_PACKAGE = Path(__file__).resolve().parent


def find_shipped(path: Union[str, Path]) -> Path:
    """Finds a file from the working directory, else one of this package.

    Args:
        path (str | Path): Such as ``configs/pspnet/X.py`` or ``tools/train.py``.

    Returns:
        Path: The existing file.

    Raises:
        FileNotFoundError: Names the path and where it was looked for.
    """
    for folder in (Path(), _PACKAGE.parent, _PACKAGE / '.mim'):
        if (folder / path).is_file():
            return folder / path
    raise FileNotFoundError(
        f'{path} does not exist, neither from the working directory {Path.cwd()} nor '
        'among the configs and tools of mmseg_ganaug'
    )


def nested_dicts(value: Any) -> List[dict]:
    """Lists all dicts in a config, the outer before the inner.

    Args:
        value (Any): A dict, a list or tuple, or anything else, which holds none.

    Returns:
        list[dict]: The dicts themselves, to be changed in place.
    """
    if isinstance(value, (list, tuple)):
        return [found for item in value for found in nested_dicts(item)]
    if not isinstance(value, dict):
        return []
    return [value, *(found for item in value.values() for found in nested_dicts(item))]


def has_type(config: dict, name: str) -> bool:
    """Whether a config builds a class of that name, with or without a scope.

    Args:
        config (dict): Such as ``dict(type='mmseg_ganaug.GANRecomposeDataset')``.
        name (str): Such as 'GANRecomposeDataset'.
    """
    return str(config.get('type')).split('.')[-1] == name


def find_generated(dataset: Any) -> List[dict]:
    """Lists the generated data sets in the config of a data set.

    Args:
        dataset (Any): Such as ``cfg.train_dataloader.dataset``, however wrapped.

    Returns:
        list[dict]: Their configs.
    """
    return [
        config
        for config in nested_dicts(dataset)
        if has_type(config, 'GANRecomposeDataset')
    ]


def find_real(dataset: Any) -> List[dict]:
    """Lists the real data sets in the config of a data set.

    Args:
        dataset (Any): A data set, or wrappers (``ConcatDataset``, ``RepeatDataset``) of
            some; generated ones in it are passed over.

    Returns:
        list[dict]: Their configs, in order.
    """
    if isinstance(dataset, (list, tuple)):
        return [found for item in dataset for found in find_real(item)]
    if has_type(dataset, 'GANRecomposeDataset'):
        return []
    wrapped = dataset.get('datasets', dataset.get('dataset'))
    return [dataset] if wrapped is None else find_real(wrapped)
