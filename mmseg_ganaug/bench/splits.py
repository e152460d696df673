"""Which photos choose between treatments, and which evaluate what was chosen."""

import copy
import os.path as osp
import re
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Sequence, Tuple

import numpy as np
from mmengine.config import Config, DictAction

from mmseg_ganaug.config_search import find_real
from mmseg_ganaug.datasets.label_source import DatasetLabelSource
from mmseg_ganaug.datasets.source_dataset import SourceDataset, build_source
from mmseg_ganaug.datasets.statistics import collect_statistics

_FEWEST = 4
_NUMBER_AT_THE_END = re.compile(r'(.*?)\d+')
_NAMED = 3


class Split(NamedTuple):
    """How the photos of a bench are shared out.

    Attributes:
        photos: Number of photos to 'train' on, to 'choose' by and to 'evaluate' on.
        text: How those that evaluate were found, a sentence or two.
    """

    photos: Dict[str, int]
    text: str


def sequence_of(name: str) -> str:
    """Returns the sequence that a photo is of, by its name.

    Args:
        name (str): Without its ending, such as 'drive7/frame_0012'.

    Returns:
        str: What stands before the number at the end; the whole name without one.
    """
    found = _NUMBER_AT_THE_END.fullmatch(name)
    return found[1] if found else name


def halve(sequences: Sequence[str], shown: np.ndarray) -> Tuple[np.ndarray, str]:
    """Shares photos out to two halves, each sequence whole, each class in both.

    Sequences go, the largest first, to the half that evens out classes and numbers. One
    of more than half of the photos is cut in the middle. Nothing is drawn.

    Args:
        sequences (Sequence[str]): Of each photo, in their order.
        shown (np.ndarray): bool [photos, classes], whether a photo shows a class.

    Returns:
        tuple[np.ndarray, str]: Whether a photo is of the first half, bool [photos], and
        what was done, in words.
    """
    count = len(sequences)
    members: Dict[str, List[int]] = {}
    for index, sequence in enumerate(sequences):
        members.setdefault(sequence, []).append(index)
    blocks, cut = [], []
    for sequence, indices in members.items():
        middle = len(indices) // 2
        if 2 * len(indices) > count:
            cut.append(sequence)
            blocks += [indices[:middle], indices[middle:]]
        else:
            blocks.append(indices)
    # What a block brings: a share of the photos of each class, and of all.
    worth = np.column_stack([shown / np.maximum(shown.sum(axis=0), 1), np.ones(count)])
    worth[:, -1] *= shown.shape[1] / count
    sums, first = np.zeros((2, worth.shape[1])), np.zeros(count, bool)
    for block in sorted(blocks, key=len, reverse=True):
        brought = worth[block].sum(axis=0)
        # The squares of the sums are least where both halves have the same.
        half = int((sums[0] @ brought) > (sums[1] @ brought))
        sums[half] += brought
        first[block] = half == 0
    return first, _how_halved(len(members), count, cut)


def _how_halved(num_sequences: int, count: int, cut: Sequence[str]) -> str:
    if num_sequences == count:
        return 'Names tell no sequences, so each photo counts for itself.'
    if cut and num_sequences == 1:
        return (
            'By their names all are of one sequence, which is cut in the middle: where '
            'they are frames of one video, its halves may look much alike.'
        )
    text = f'By their names they are of {num_sequences} sequences'
    if cut:
        name = '/'.join(cut[0].split('/')[-2:])
        return f'{text}; that of {name!r}, more than half, is cut in the middle.'
    return f'{text}, each of them whole in one half.'


def split_photos(
    cfg: Config, cache_dir: Path, second_split: Sequence[str] = ()
) -> Split:
    """Has the validation data of a config choose, and its test data evaluate.

    Args:
        cfg (Config): Of a training. Its ``test_dataloader`` becomes that of the
            validation with the photos that evaluate; without ``second_split``, its
            ``val_dataloader`` keeps those of one half. Changed in place.
        cache_dir (Path): Folder of the statistics of label maps.
        second_split (Sequence[str]): What differs in the data set that evaluates, as
            KEY=VALUE, or its ``ann_file``. Defaults to nothing: half of the validation
            data evaluates.

    Returns:
        Split: The numbers, and what was done.

    Raises:
        ValueError: When a photo would be of two parts, or there are too few.
    """
    train = _files(build_source(cfg.train_dataloader.dataset))
    cfg.test_dataloader = copy.deepcopy(cfg.val_dataloader)
    if second_split:
        for part in find_real(cfg.test_dataloader.dataset):
            part.update(Config._merge_a_into_b(_options(second_split), part))
        text = f'Evaluated on a split of its own ({" ".join(second_split)}).'
    else:
        text = _halve_validation(cfg, cache_dir)
    choose, evaluate = (
        _files(build_source(loader.dataset))
        for loader in (cfg.val_dataloader, cfg.test_dataloader)
    )
    _refuse_shared(choose, evaluate, 'the validation data, which choose,', 'evaluate')
    _refuse_shared(train, evaluate, 'the training data', 'evaluate')
    photos = dict(train=len(train), choose=len(choose), evaluate=len(evaluate))
    return Split(photos, text)


def keep_photos(loader: Dict[str, Any], wanted: Iterable[int]) -> None:
    """Has a loader show some of its photos alone.

    Args:
        loader (dict): Config of a validation or a test; changed in place.
        wanted (Iterable[int]): Indices, over all its data sets.
    """
    wanted, begin = set(map(int, wanted)), 0
    for part in find_real(loader['dataset']):
        shown = _indices(part)
        part['indices'] = [i for n, i in enumerate(shown, begin) if n in wanted]
        begin += len(shown)
    _drop_empty(loader)


def _halve_validation(cfg: Config, cache_dir: Path) -> str:
    sources = [build_source(part) for part in find_real(cfg.val_dataloader.dataset)]
    count = sum(_length(source) for source in sources)
    if count < _FEWEST:
        raise ValueError(
            f'the validation data of {cfg.filename} have {count} photos: '
            f'{_FEWEST} are the least of which one half chooses and the other '
            'evaluates. Give a second split by --judge-on'
        )
    shown = np.concatenate(
        [
            collect_statistics(DatasetLabelSource(source), cache_dir).pixels > 0
            for source in sources
        ]
    )
    names = [sequence_of(name) for source in sources for name in _names(source)]
    chooses, how = halve(names, shown)
    keep_photos(cfg.val_dataloader, np.flatnonzero(chooses))
    keep_photos(cfg.test_dataloader, np.flatnonzero(~chooses))
    chosen = int(chooses.sum())
    return (
        f'Of the {len(chooses)} photos of the validation data, {chosen} choose between '
        f'treatments and the other {len(chooses) - chosen} evaluate. {how}'
    )


def _indices(part: Mapping[str, Any]) -> List[int]:
    """Returns which samples a data set shows: MMEngine's ``indices``."""
    given = part.get('indices')
    if isinstance(given, int) and given < 0:  # the last ones
        total = _length(build_source({**part, 'indices': None}))
        return list(range(max(given, -total), 0))
    if isinstance(given, Sequence):
        return list(given)
    return list(range(_length(build_source(part))))


def _drop_empty(loader: Dict[str, Any]) -> None:
    """Takes data sets without samples out of a ``ConcatDataset``."""
    datasets = loader['dataset'].get('datasets')
    if datasets:
        loader['dataset']['datasets'] = [
            part
            for part in datasets
            if any(real.get('indices') != [] for real in find_real(part))
        ]


def _options(given: Sequence[str]) -> Dict[str, Any]:
    """Reads what differs in the data set that evaluates."""
    options: Dict[str, Any] = {}
    for text in given:
        name, sign, value = text.partition('=')
        if not sign:
            name, value = 'ann_file', text
        *outer, last = name.split('.')
        place = options
        for key in outer:
            place = place.setdefault(key, {})
        place[last] = DictAction._parse_iterable(value)
    return options


def _files(source: SourceDataset) -> List[str]:
    return [
        osp.realpath(source.locate(i)[1]['img_path']) for i in range(_length(source))
    ]


def _length(source: SourceDataset) -> int:
    source.full_init()
    return len(source)


def _names(source: SourceDataset) -> List[str]:
    """Returns the names of photos with their folders, without their suffix."""
    names = []
    for index in range(len(source)):
        number, info = source.locate(index)
        suffix, path = source.parts[number].img_suffix, info['img_path']
        if path.endswith(suffix):
            path = path[: len(path) - len(suffix)]
        names.append(path)
    return names


def _refuse_shared(
    some: Sequence[str], others: Sequence[str], what: str, use: str
) -> None:
    shared = sorted(set(some) & set(others))
    if shared:
        named = ', '.join(shared[:_NAMED])
        raise ValueError(
            f'{len(shared)} photos of {what} would {use}, too: {named}. Give a split '
            'without them by --judge-on'
        )
