"""Finds the configs and tools that travel with the package, and parts of a config."""

import copy
import shlex
from pathlib import Path
from typing import Any, List, Mapping, Optional, Sequence, Union

_PACKAGE = Path(__file__).resolve().parent
# Of the tools that have another name than their command.
_COMMANDS = {'label_distribution': 'distribution', 'toy_streets': 'toy-streets'}


def find_shipped(path: Union[str, Path]) -> Path:
    """Finds a file from the working directory, else one of this package.

    Tools and what stands in a folder ``_base_`` are first looked for in the package:
    every checkout of MMSeg has some of the same names.

    Args:
        path (str | Path): Such as ``configs/pspnet/X.py`` or ``tools/train.py``.

    Returns:
        Path: The existing file.

    Raises:
        FileNotFoundError: Names the path and where it was looked for.
    """
    given, shipped = Path(path), find_in_package(path)
    own_first = given.parts[:1] == ('tools',) or '_base_' in given.parts
    if shipped is not None and (own_first or not given.is_file()):
        return shipped
    if given.is_file():
        return given
    raise FileNotFoundError(
        f'{path} does not exist, neither from the working directory {Path.cwd()} nor '
        'among the configs and tools of mmseg_ganaug'
    )


def find_in_package(path: Union[str, Path]) -> Optional[Path]:
    """Finds a file that travels with the package; None where there is none.

    Args:
        path (str | Path): Such as ``configs/pspnet/X.py``.
    """
    for folder in (_PACKAGE / '.mim', _PACKAGE.parent):
        if (folder / path).is_file():
            return folder / path
    return None


def shown_command(tool: str, arguments: Sequence) -> str:
    """Returns the command line that does what a tool of this package does.

    Args:
        tool (str): Such as 'tools/train.py'.
        arguments (Sequence): Its command line.
    """
    name = Path(tool).stem
    return shlex.join(['ganaug', _COMMANDS.get(name, name), *map(str, arguments)])


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


def type_name(config: Any) -> str:
    """Returns the class name that a config builds, without its scope.

    Args:
        config (dict): Its ``type`` is a text such as ``'mmseg_ganaug.X'``, or the class
            itself, as in MMEngine's pure Python configs.
    """
    kind = config.get('type')
    name = kind if isinstance(kind, str) else getattr(kind, '__name__', str(kind))
    return name.split('.')[-1]


def has_type(config: Mapping, name: str) -> bool:
    """Checks whether a config builds a class of that name, with or without a scope.

    Args:
        config (dict): Such as ``dict(type='mmseg_ganaug.GANRecomposeDataset')``.
        name (str): Such as 'GANRecomposeDataset'.
    """
    return type_name(config) == name


def dataset_of(cfg: Mapping[str, Any], split: str = 'train') -> Any:
    """Returns the config of the data set of a split.

    Args:
        cfg (Mapping): A config, or its values.
        split (str): 'train', 'val' or 'test'.

    Raises:
        ValueError: When the config states none.
    """
    loader = cfg.get(f'{split}_dataloader') or {}
    if not loader.get('dataset'):
        path = getattr(cfg, 'filename', None) or 'the config'
        raise ValueError(
            f'{path} has no {split}_dataloader.dataset: give a config that states it, '
            'such as that of a training'
        )
    return loader['dataset']


def model_of(cfg: Mapping[str, Any]) -> Any:
    """Returns the config of the model as MMEngine's runner builds it, a copy.

    Args:
        cfg (Mapping): A config. A ``data_preprocessor`` that stands beside its model
            becomes part of it.
    """
    model = copy.deepcopy(cfg['model'])
    beside = cfg.get('data_preprocessor')
    if beside is not None:
        model.setdefault('data_preprocessor', copy.deepcopy(beside))
    return model


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


def scoped_pipeline(config: Mapping[str, Any]) -> List[Any]:
    """Lists the transforms of a data set, to be built in the scope of the data set."""
    scope = config.get('_scope_')
    return [
        dict(step, _scope_=step.get('_scope_', scope))
        if scope and isinstance(step, Mapping)
        else step
        for step in config.get('pipeline') or []
    ]


# Wrappers that show every sample of what they wrap, by the options that are known.
_WRAPPERS = {
    'ConcatDataset': {'datasets', 'lazy_init', 'ignore_keys', 'verify_meta'},
    'RepeatDataset': {'dataset', 'times', 'lazy_init'},
    'ClassBalancedDataset': {'dataset', 'oversample_thr', 'lazy_init'},
    'MultiImageMixDataset': {'dataset', 'pipeline', 'skip_type_keys', 'lazy_init'},
    'ClassPresenceDataset': {'dataset', 'cache_dir'},
    'RareClassSamplingDataset': {
        *('dataset', 'cache_dir', 'temperature', 'min_area', 'max_tries'),
    },
}


def find_real(dataset: Any, place: str = '') -> List[dict]:
    """Lists the real data sets in the config of a data set.

    Args:
        dataset (Any): A data set, or wrappers (``ConcatDataset``, ``RepeatDataset``) of
            some; generated ones in it are passed over.
        place (str): Where it stands in the config, for messages.

    Returns:
        list[dict]: Their configs, in order.

    Raises:
        ValueError: When a wrapper, or an option of one, is unknown, so that it is not
            known which samples training sees; names it, and the data sets in it.
    """
    if isinstance(dataset, (list, tuple)):
        return [
            found
            for number, item in enumerate(dataset)
            for found in find_real(item, f'{place}[{number}]')
        ]
    name = type_name(dataset) if 'type' in dataset else 'without a type'
    if name == 'GANRecomposeDataset':
        return []
    inner = _data_sets_in(dataset)
    if not inner:
        return [dataset]
    unknown = sorted(set(dataset) - _WRAPPERS.get(name, set()) - {'type', '_scope_'})
    if name not in _WRAPPERS or unknown:
        option = '' if name not in _WRAPPERS else f' with {", ".join(unknown)}'
        parts = [
            f'{place}.{key}{end}'.lstrip('.')
            for key in inner
            for end in _ends(dataset[key])
        ]
        raise ValueError(
            f'the data set {name}{option} is not supported: it is not known which of '
            'its samples are used for training, and others must not be recombined. '
            f'Set source= to the labelled data set inside it: {" or ".join(parts)}, '
            f'as in source=_base_.train_dataloader.dataset.{_likely(parts)}'
        )
    return [
        found
        for key in inner
        for found in find_real(dataset[key], f'{place}.{key}'.lstrip('.'))
    ]


def _ends(value: Any) -> List[str]:
    """Lists what leads to each data set of an option that holds one or several."""
    if isinstance(value, (list, tuple)):
        return [f'[{number}]' for number in range(len(value))]
    if isinstance(value, dict) and 'type' not in value:
        return [f'.{key}' for key in value]
    return ['']


def _likely(places: List[str]) -> str:
    """Guesses by its name which data set is the labelled one."""
    for word in ('label', 'sup', 'source', 'src'):
        for place in places:
            last = place.rpartition('.')[2].lower()
            if word in last and not last.startswith('un'):
                return place
    return places[0]


def _data_sets_in(config: Any) -> List[str]:
    """Finds the options of a data set that hold other data sets."""
    return [
        key
        for key, value in config.items()
        if key not in ('pipeline', 'metainfo')
        and (key in ('dataset', 'datasets') or any(map(_is_data_set, _items(value))))
    ]


def _items(value: Any) -> List[Any]:
    """Lists a value, or the items of a list or a dict of data sets."""
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, dict) and 'type' not in value:
        return list(value.values())
    return [value]


def _is_data_set(config: Any) -> bool:
    if not isinstance(config, dict) or 'type' not in config:
        return False
    keys = ('data_root', 'data_prefix', 'ann_file', 'pipeline', 'dataset', 'datasets')
    return type_name(config).endswith('Dataset') or any(key in config for key in keys)
