"""The real data sets whose label maps are recombined, joined to one."""

import inspect
import logging
import os.path as osp
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set, Tuple

import torch
from mmengine.dataset import ClassBalancedDataset, ConcatDataset, RepeatDataset
from mmengine.logging import print_log
from mmengine.registry import DefaultScope
from mmseg.datasets import BaseSegDataset, MultiImageMixDataset
from mmseg.registry import DATASETS as MMSEG_DATASETS

from mmseg_ganaug.config_search import find_real, scoped_pipeline
from mmseg_ganaug.datasets.label_files import MissingFileError
from mmseg_ganaug.datasets.reading import PipelineReader
from mmseg_ganaug.datasets.sample_lists import check_listed_names, undecodable_list

_HOW_TO_SET_PATHS = (
    'set data_root, data_prefix and ann_file to where the files are. Label maps '
    'without photos are found by img_path=<their folder> and img_suffix=<the '
    'seg_map_suffix>'
)


# Each shows every sample of what it wraps.
_KNOWN_WRAPPERS = (
    torch.utils.data.ConcatDataset,
    *(ConcatDataset, RepeatDataset, ClassBalancedDataset, MultiImageMixDataset),
)


class SourceDataset:
    """Data sets of MMSeg, joined to one in which every sample counts once.

    ``ConcatDataset``, ``RepeatDataset`` and the like say how often training sees a
    sample. For what the label maps hold that is of no account, so wrappers are taken
    off, however nested: ``RepeatDataset(times=40000)`` of 20 samples is 20 samples,
    and a data set (the same object, or the same config but for the pipeline) that
    stands twice in a ``ConcatDataset`` stands here once.

    Args:
        parts (Sequence[BaseSegDataset]): The data sets, not wrapped.

    Raises:
        ValueError: When there is none, one is no ``BaseSegDataset`` or has no class
            names, or they differ in classes or ignore index.
    """

    def __init__(
        self,
        parts: Sequence[BaseSegDataset],
        pipelines: Optional[Sequence[Sequence[Any]]] = None,
    ) -> None:
        if not parts:
            raise ValueError(
                'the source holds no real data set: set source to the config of one'
            )
        for part in parts:
            _check_part(part, parts[0])
        self.parts = list(parts)
        self._pipelines: List[Optional[Sequence[Any]]] = [None] * len(parts)
        if pipelines is not None:
            self._pipelines = list(pipelines)
        self._readers: List[Optional[PipelineReader]] = [None] * len(parts)
        # Number of the data set, and index there, of each sample.
        self._places: List[Tuple[int, int]] = []

    @classmethod
    def of(cls, dataset: Any) -> 'SourceDataset':
        """Takes the wrappers off a built data set.

        Args:
            dataset (BaseSegDataset | SourceDataset): Or a wrapper of some.

        Returns:
            SourceDataset: Of the data sets themselves.
        """
        if isinstance(dataset, cls):
            return dataset
        parts = {id(part): part for part in _unwrapped(dataset)}
        return cls(list(parts.values()))

    @property
    def metainfo(self) -> dict:
        """Classes, palette and the like: those of the first data set."""
        return self.parts[0].metainfo

    @property
    def ignore_index(self) -> int:
        """Label value of pixels that belong to no class."""
        return self.parts[0].ignore_index

    @property
    def reduce_zero_label(self) -> bool:
        """True if label files hold 0 for no class, by the first data set."""
        return self.parts[0].reduce_zero_label

    def full_init(self) -> None:
        """Reads the lists of files.

        Raises:
            MissingFileError: When a data set has no samples; says where they were
                looked for.
            ValueError: When a data set has no label maps.
        """
        if self._places:
            return
        for part in self.parts:
            _read_list(part)
        seen: Set[Tuple[str, str]] = set()
        for number, part in enumerate(self.parts):
            files = [
                _files_of(part.get_data_info(index))
                for index in (range(len(part)) if len(self.parts) > 1 else ())
            ] or [('', '')] * len(part)
            self._places += [(number, i) for i, f in enumerate(files) if f not in seen]
            seen.update(files if len(self.parts) > 1 else ())

    def reader(self, number: int) -> PipelineReader:
        """Returns the reader of a data set.

        Args:
            number (int): Its place in ``parts``.

        Returns:
            PipelineReader: Made when it is first asked for.

        Raises:
            LabelReadingError: See
                :class:`~mmseg_ganaug.datasets.reading.PipelineReader`.
        """
        self.full_init()
        found = self._readers[number]
        if found is None:
            with DefaultScope.overwrite_default_scope('mmseg'):
                found = PipelineReader(self.parts[number], self._pipelines[number])
            self._readers[number] = found
        return found

    def reading_settings(self) -> str:
        """Describes how label values are read from the files."""
        parts = [
            (part.reduce_zero_label, part.label_map, self.reader(number).fingerprint())
            for number, part in enumerate(self.parts)
        ]
        return repr((self.ignore_index, parts))

    def pipeline(self, number: int) -> List[Any]:
        """Returns configs of a data set's pipeline, or its transforms, if known.

        Args:
            number (int): Its place in ``parts``.
        """
        configs = self._pipelines[number]
        transforms = self.parts[number].pipeline.transforms
        return list(transforms if configs is None else configs)

    def first_infos(self) -> List[dict]:
        """Returns the data info of the first sample of each data set."""
        self.full_init()
        firsts = dict(reversed(self._places))
        return [self.parts[n].get_data_info(firsts[n]) for n in sorted(firsts)]

    def __len__(self) -> int:
        self.full_init()
        return len(self._places)

    def locate(self, index: int) -> Tuple[int, dict]:
        """Looks up a sample.

        Args:
            index (int): From 0 on.

        Returns:
            tuple[int, dict]: Number of its data set, and its data info there.
        """
        number, own_index = self._place(index)
        return number, self.parts[number].get_data_info(own_index)

    def __getitem__(self, index: int) -> dict:
        """Returns a sample after the pipeline of its data set."""
        number, own_index = self._place(index)
        return self.parts[number][own_index]

    def _place(self, index: int) -> Tuple[int, int]:
        """Finds the number of a sample's data set, and its index there."""
        self.full_init()
        if not 0 <= index < len(self._places):
            raise IndexError(
                f'there is no sample {index}: the data set has {len(self)}'
            )
        return self._places[index]


def build_source(config: Any) -> SourceDataset:
    """Builds the data sets of a config; their lists of files are not read yet.

    Args:
        config (dict | BaseSegDataset): Any MMSeg data set config, as it stands, or what
            was built of one; generated data sets in it are passed over.

    Returns:
        SourceDataset: Of all real data sets in it.

    Raises:
        MissingFileError: When a data set finds its folders missing.
        ValueError: See :class:`SourceDataset` and
            :func:`~mmseg_ganaug.config_search.find_real`.
    """
    if not isinstance(config, Mapping):
        return SourceDataset.of(config)
    configs: List[Mapping[str, Any]] = []
    for part in find_real(config):
        if not any(_same_samples(part, other) for other in configs):
            configs.append(part)
    # Without a runner there is no default scope to find MMSeg's transforms in.
    scope = None if DefaultScope.get_current_instance() else 'mmseg'
    with DefaultScope.overwrite_default_scope(scope):
        return SourceDataset(
            [_build_part(part) for part in configs],
            [scoped_pipeline(part) for part in configs],
        )


def _same_samples(config: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Checks whether two configs differ in their pipelines at most."""
    return {key: config[key] for key in config if key != 'pipeline'} == {
        key: other[key] for key in other if key != 'pipeline'
    }


def _files_of(info: Mapping[str, Any]) -> Tuple[str, str]:
    """Returns the files of a sample, which identify it in other data sets."""
    paths = (str(info.get('img_path')), str(info.get('seg_map_path')))
    return tuple(p if '://' in p else osp.realpath(p) for p in paths)  # type: ignore[return-value]


def _unwrapped(dataset: Any) -> List[Any]:
    if isinstance(dataset, BaseSegDataset):
        return [dataset]
    name = type(dataset).__name__
    wrapped = getattr(dataset, 'datasets', None)
    if wrapped is None and getattr(dataset, 'dataset', None) is not None:
        wrapped = [dataset.dataset]
    if wrapped is None:
        return [dataset]
    if type(dataset) not in _KNOWN_WRAPPERS:
        raise ValueError(
            f'the data set {name} is not supported: it is not known which of its '
            'samples are used for training, and others must not be recombined. Set '
            'source= to the labelled data set inside it'
        )
    return [part for item in wrapped for part in _unwrapped(item)]


def _build_part(config: Mapping[str, Any]) -> BaseSegDataset:
    kind = config.get('type')
    if kind is None:
        raise ValueError(
            'the source holds a dict without type, whose keys are '
            f'{", ".join(config)}: a ConcatDataset takes a list, '
            'datasets=[...]'
        )
    kind = MMSEG_DATASETS.get(kind) if isinstance(kind, str) else kind
    options: Dict[str, Any] = {'lazy_init': True}
    if 'serialize_data' not in config:
        # Serialising is for the workers of data loaders, which never touch the source.
        options['serialize_data'] = False
    try:
        return MMSEG_DATASETS.build({**config, **_accepted(kind, options)})
    except KeyError as error:
        if 'is not in the' not in str(error):
            raise
        raise ValueError(
            f'{error.args[0]} If it is a class of your project, add the module that '
            'registers it to custom_imports of this config, all that your config has '
            'there included: such a list replaces the one of a base. If your config '
            "has another default_scope than 'mmseg', add it to the data set, as "
            "_scope_='...'"
        ) from error
    except AssertionError as error:
        # Some data sets of MMSeg assert, without a message, that their folders exist.
        root = config.get('data_root') or ''
        prefixes = config.get('data_prefix', {}).values()
        paths = [osp.join(root, path) for path in prefixes]
        if config.get('ann_file'):
            paths.append(osp.join(root, config['ann_file']))
        missing = _missing(paths)
        if not missing:
            raise
        raise MissingFileError(
            f'{config["type"]}: {missing} does not exist: {_HOW_TO_SET_PATHS}'
        ) from error


def _accepted(kind: Any, options: Dict[str, Any]) -> Dict[str, Any]:
    """Lists the options that the constructor of a class takes."""
    try:
        parameters = inspect.signature(kind).parameters
    except (TypeError, ValueError):
        return options
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return options
    return {name: value for name, value in options.items() if name in parameters}


def _check_part(part: Any, first: BaseSegDataset) -> None:
    name = type(part).__name__
    if not isinstance(part, BaseSegDataset):
        inner = [
            key
            for key, value in getattr(part, '__dict__', {}).items()
            if isinstance(value, BaseSegDataset)
        ]
        remedy = (
            "describe its files by source=dict(type='BaseSegDataset', data_root=..., "
            'data_prefix=dict(img_path=..., seg_map_path=...), metainfo=dict(classes='
            '[...]), pipeline=[...]), or derive its class from '
            'mmseg.datasets.BaseSegDataset'
        )
        if inner:
            remedy = f'set source= to the labelled one inside it: {" or ".join(inner)}'
        raise ValueError(
            f'the source holds {name}, which is no BaseSegDataset: only data sets with '
            f'one photo and one label map a sample can be recombined: {remedy}'
        )
    classes = part.metainfo.get('classes')
    if not classes:
        raise ValueError(
            f'the source data set {name} has no class names: give it '
            'metainfo=dict(classes=[...])'
        )
    for what, mine, its in (
        ('classes', list(first.metainfo['classes']), list(classes)),
        ('ignore_index', first.ignore_index, part.ignore_index),
    ):
        if mine != its:
            raise ValueError(
                f'the data sets of the source differ in {what}: {mine} '
                f'({type(first).__name__}) and {its} ({name}). Make them agree, or '
                'use a GANRecomposeDataset for each'
            )
    dropped = [old for old, new in (part.label_map or {}).items() if new == 255]
    if dropped and part.ignore_index != 255:
        print_log(
            f'{name} leaves out {len(dropped)} of the classes in its label files: '
            f'MMSeg reads them as 255, but ignore_index is {part.ignore_index}. They '
            f'count as pixels of no class, and have the value {part.ignore_index} in '
            'recombined maps. The real samples keep the value 255, and a loss that '
            f'ignores {part.ignore_index} fails on it: for training, convert the '
            'label files to ignore_index=255',
            logger='current',
            level=logging.WARNING,
        )


def _read_list(part: BaseSegDataset) -> None:
    name = type(part).__name__
    try:
        part.full_init()
    except (OSError, AssertionError) as error:
        missing = _missing([*part.data_prefix.values(), part.ann_file])
        if not missing or (isinstance(error, OSError) and error.errno is None):
            raise  # the error has its own remedy, or another cause
        raise MissingFileError(
            f'{name}: {missing} does not exist: {_HOW_TO_SET_PATHS}'
        ) from error
    except UnicodeDecodeError as error:
        raise undecodable_list(part, error) from error
    except ValueError as error:
        # MMEngine fails to serialise an empty list; our error says more.
        if part.data_list or 'at least one array' not in str(error):
            raise
    if not getattr(part, '_fully_initialized', True) or len(part) == 0:
        names = f' named in {part.ann_file}' if part.ann_file else ''
        raise MissingFileError(
            f'the source data set {name} has no samples: '
            f'{part.data_prefix.get("img_path")} holds no *{part.img_suffix} files'
            f'{names}: {_HOW_TO_SET_PATHS}'
        )
    if part.get_data_info(0).get('seg_map_path') is None:
        raise ValueError(
            f'the source data set {name} has no label maps: set '
            'data_prefix.seg_map_path to their folder'
        )
    check_listed_names(part)


def _missing(paths: Sequence[str]) -> str:
    # Remote paths cannot be looked up like this, nor does os raise their errors.
    return ' and '.join(
        path for path in paths if path and '://' not in path and not osp.exists(path)
    )
