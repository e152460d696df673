"""Checks the data of a config: what cannot be read, or is probably not meant.

The checks run in a process apart from the doctor's; see
:mod:`mmseg_ganaug.doctor.__main__`.
"""

import traceback
from contextlib import ExitStack
from tempfile import TemporaryDirectory
from typing import Callable, List, Optional

from mmseg_ganaug.doctor.check import OK, PROBLEM, WARNING, Check

_AS_IT_SAYS = (
    'as the message says; the page "Troubleshooting" of the documentation has more'
)
_IF_NOT_MEANT = 'if that is not meant, change the label files or the config'


def check_data(config: str, cache_dir: Optional[str] = None) -> List[Check]:
    """Reads all real label maps and photos that a config trains on.

    Args:
        config (str): Path of the config.
        cache_dir (str, optional): Folder in which the label statistics are kept;
            None keeps them nowhere. Defaults to None.

    Returns:
        list[Check]: Of the data set, its label maps and its photos: a problem for the
        first that cannot be used, a warning for each of
        :func:`mmseg_ganaug.datasets.statistics.statistics_notes`. Where the data set
        cannot be built, that is the only one.
    """
    found: List = []
    checks = _attempt('data set', lambda: _check_data_set(config, found))
    if found:
        (source,) = found
        checks += _attempt('label maps', lambda: _check_label_maps(source, cache_dir))
        checks += _attempt('photos', lambda: _check_photos(source))
    return checks


def _attempt(name: str, step: Callable[[], List[Check]]) -> List[Check]:
    """Runs a step; an error of the data is a problem in its own words."""
    try:
        return step()
    except (ValueError, OSError) as error:
        message = ' '.join(str(error).split())
        return [Check(name, PROBLEM, message, _AS_IT_SAYS, traceback.format_exc())]


def _check_data_set(path: str, found: List) -> List[Check]:
    from mmengine.registry import init_default_scope

    from mmseg_ganaug.config_search import has_type
    from mmseg_ganaug.datasets import DatasetLabelSource, build_source
    from mmseg_ganaug.safe_configs import read_config

    config = read_config(path)
    loader = config.get('train_dataloader') or {}
    if 'dataset' not in loader:
        raise ValueError(
            f'{path} has no train_dataloader.dataset: give the config of a training'
        )
    dataset, scope = loader['dataset'], config.get('default_scope', 'mmseg')
    if has_type(dataset, 'LabelToImageDataset'):
        # The scope is that of the generator, not that of its pairs.
        dataset, scope = dataset['source'], 'mmseg'
    init_default_scope(scope)
    source = DatasetLabelSource(build_source(dataset))
    names = source.class_names
    shown = ', '.join(map(str, names[:8])) + (', ...' if len(names) > 8 else '')
    message = (
        f'{len(source)} samples, {len(names)} classes ({shown}), ignore_index '
        f'{source.ignore_index}'
    )
    found.append(source)
    return [Check('data set', OK, message)]


def _check_label_maps(source, cache_dir: Optional[str]) -> List[Check]:
    from mmseg_ganaug.datasets.statistics import read_statistics, statistics_notes

    with ExitStack() as stack:
        folder = cache_dir or stack.enter_context(TemporaryDirectory())
        statistics = read_statistics(source, folder)
    notes = statistics_notes(statistics, source)
    if notes:
        return [Check('label maps', WARNING, note, _IF_NOT_MEANT) for note in notes]
    return [Check('label maps', OK, f'{len(source)} read; every class is shown')]


def _check_photos(source) -> List[Check]:
    source.check_photos()
    missing = source.missing_photos()
    if not missing:
        return [Check('photos', OK, f'{len(source)} decoded')]
    message = (
        f'{len(missing)} of {len(source)} photos are missing, and training needs them; '
        f'the first is {source.photo_name(missing[0])}'
    )
    remedy = 'restore them, or set data_root, data_prefix and img_suffix'
    return [Check('photos', PROBLEM, message, remedy)]
