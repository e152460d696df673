"""Results of training runs, and the files that hold them."""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import (
    Any,
    Callable,
    Dict,
    List,
    Mapping,
    Optional,
    Sequence,
    Set,
    Tuple,
    Union,
)

import numpy as np

from mmseg_ganaug.file_locks import locked
from mmseg_ganaug.files import write_atomically

_KEYS = ('protocol', 'method', 'seed', 'mIoU', 'aAcc', 'per_class_iou')
#: Writes a text to a path, such as ``WorkFolder.write``.
Write = Callable[[Path, str], Path]


def class_iou_key(class_name: str) -> str:
    """Returns the key under which ``ClassIoUMetric`` reports a class's IoU."""
    return f'IoU.{class_name}'


@dataclass(frozen=True)
class RunResult:
    """Numbers of one training run, on the data it was evaluated on.

    Args:
        method (str): What was trained; 'plain' is the baseline without augmentation.
        seed (int): Seed of the run.
        mIoU (float): Mean IoU over the classes, in per cent.
        aAcc (float): Share of pixels labelled correctly, in per cent.
        per_class_iou (Dict[str, float]): IoU of every class by name, in the order of
            the data set, in per cent; NaN for a class that neither the labels nor the
            predictions contain (null in JSON).
        protocol (str): Name of data, network and schedule. Only runs of one protocol
            can be compared.
        extra (dict): Other facts to keep (versions, times, device), JSON
            values under names other than those above.
        counts (np.ndarray, optional): int64, [photos, classes, 3]: see
            :mod:`~mmseg_ganaug.evaluation.photo_counts`. Not part of the JSON values.

    Raises:
        ValueError: When a value has the wrong type or range; names the key and value.
    """

    method: str
    seed: int
    mIoU: float
    aAcc: float
    per_class_iou: Dict[str, float]
    protocol: str
    extra: Dict[str, Any] = field(default_factory=dict)
    counts: Optional[np.ndarray] = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        for key in ('method', 'protocol'):
            value = getattr(self, key)
            if not isinstance(value, str) or not value.strip():
                raise ValueError(f'{key} is {value!r}, but must be a name')
        if isinstance(self.seed, bool) or not isinstance(self.seed, int):
            raise ValueError(f'seed is {self.seed!r}, but must be a whole number')
        for key in ('mIoU', 'aAcc'):
            object.__setattr__(self, key, _per_cent(getattr(self, key), key))
        if not isinstance(self.per_class_iou, Mapping) or not self.per_class_iou:
            raise ValueError(
                f'per_class_iou is {self.per_class_iou!r}, but must give the IoU of '
                'every class by name'
            )
        ious = {
            str(name): _per_cent(value, f'IoU of class {name!r}', may_be_absent=True)
            for name, value in self.per_class_iou.items()
        }
        object.__setattr__(self, 'per_class_iou', ious)
        taken = set(self.extra) & set(_KEYS)
        if taken:
            raise ValueError(f'extra may not use the names {sorted(taken)}')

    @classmethod
    def from_metrics(
        cls,
        metrics: Mapping[str, float],
        class_names: Sequence[str],
        *,
        method: str,
        seed: int,
        protocol: str,
        extra: Optional[Dict[str, Any]] = None,
    ) -> 'RunResult':
        """Takes the numbers from what MMEngine's runner returns.

        Args:
            metrics (Mapping[str, float]): Result of ``Runner.val()``,
                ``Runner.test()``, or the JSON file that either leaves.
            class_names (Sequence[str]): The classes of the data set, in order.
            method (str): As in the class.
            seed (int): As in the class.
            protocol (str): As in the class.
            extra (dict, optional): As in the class.

        Raises:
            ValueError: When a figure is missing, for instance because the config
                evaluates with MMSeg's ``IoUMetric``, which prints per-class IoU to
                the log only.
        """
        wanted = ['mIoU', 'aAcc', *map(class_iou_key, class_names)]
        missing = [key for key in wanted if key not in metrics]
        if missing:
            raise ValueError(
                f'the metrics of {method!r} (seed {seed}) have {sorted(metrics)}, but '
                f"not {missing}: evaluate with dict(type='mmseg_ganaug.ClassIoUMetric')"
            )
        return cls(
            method=method,
            seed=seed,
            mIoU=metrics['mIoU'],
            aAcc=metrics['aAcc'],
            per_class_iou={name: metrics[class_iou_key(name)] for name in class_names},
            protocol=protocol,
            extra=dict(extra or {}),
        )

    def iou(self, name: Union[str, Sequence[str]]) -> float:
        """Returns an IoU in per cent.

        Args:
            name (str | Sequence[str]): 'mIoU', a class, or several of which the mean
                is taken.

        Returns:
            float: NaN where the class, or each of several, is absent.
        """
        if isinstance(name, str):
            return self.mIoU if name == 'mIoU' else self.per_class_iou[name]
        found = [self.per_class_iou[each] for each in name]
        found = [value for value in found if not math.isnan(value)]
        return float(np.mean(found)) if found else math.nan

    def to_json(self) -> Dict[str, Any]:
        """Returns the result as JSON values; NaN becomes None."""
        ious = {
            name: None if math.isnan(value) else value
            for name, value in self.per_class_iou.items()
        }
        own = {key: getattr(self, key) for key in _KEYS}
        return {**own, 'per_class_iou': ious, **self.extra}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> 'RunResult':
        """Reads what :meth:`to_json` gave.

        Raises:
            ValueError: When a key is missing or a value is wrong.
        """
        if not isinstance(values, Mapping):
            raise ValueError(f'a run result is an object, not {type(values).__name__}')
        missing = [key for key in _KEYS if key not in values]
        if missing:
            raise ValueError(f'a run result needs the keys {missing}')
        extra = {key: value for key, value in values.items() if key not in _KEYS}
        return cls(extra=extra, **{key: values[key] for key in _KEYS})


def absent_classes(runs: Sequence[RunResult]) -> Set[str]:
    """Finds classes that no label shows, as some run shows.

    The IoU of such a class is NaN, until one of its pixels is predicted: then it is 0.
    Means that hold it of one run alone cannot be compared.

    Args:
        runs (Sequence[RunResult]): Evaluated on the same photos.

    Returns:
        set[str]: Names of the classes whose IoU is NaN for one run or more.
    """
    return {
        name
        for run in runs
        for name, iou in run.per_class_iou.items()
        if math.isnan(iou)
    }


def add_run(
    path: Union[str, Path], result: RunResult, write: Write = write_atomically
) -> Path:
    """Adds a run to a file of runs, in place of an earlier one of its method and seed.

    The file holds a line of JSON for each run, sorted by method and seed, and is
    written whole or not at all. Several processes may add to it at once.

    Args:
        path (str | Path): The file, such as ``PROTOCOL.jsonl``; made where missing.
        result (RunResult): The run.
        write (callable): See :func:`write_results`.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path.with_name(f'.{path.name}.lock')):
        found = read_runs(path)[0] if path.is_file() else []
        runs = {(run.method, run.seed): run for run in [*found, result]}
        lines = [
            json.dumps(runs[key].to_json(), ensure_ascii=False, allow_nan=False)
            for key in sorted(runs)
        ]
        return write(path, '\n'.join([*lines, '']))


def load_runs(path: Union[str, Path]) -> List[RunResult]:
    """Reads the runs that :func:`add_run` wrote.

    Raises:
        FileNotFoundError: When there is no such file.
        ValueError: When a line is not the result of a run; names the file and the line.
    """
    runs, faults = read_runs(path)
    if faults:
        raise ValueError(faults[0])
    return runs


def read_runs(path: Union[str, Path]) -> Tuple[List[RunResult], List[str]]:
    """Reads the runs that :func:`add_run` wrote, as far as they can be read.

    Returns:
        tuple[list[RunResult], list[str]]: The runs, and what is wrong with the other
        lines.

    Raises:
        FileNotFoundError: When there is no such file.
    """
    runs, faults = [], []
    for number, line in enumerate(Path(path).read_bytes().split(b'\n'), 1):
        if not line.strip():
            continue
        try:
            # A UnicodeDecodeError and a JSONDecodeError are ValueErrors too.
            runs.append(RunResult.from_json(json.loads(line)))
        except ValueError as error:
            faults.append(
                f'{path}, line {number}, is not the result of a run: {error}. Delete '
                'the line and evaluate that run again'
            )
    return runs, faults


def load_results(path: Union[str, Path]) -> List[RunResult]:
    """Reads the runs that :func:`write_results` or :func:`add_run` wrote.

    Args:
        path (str | Path): The JSON file, or ``.jsonl`` with a line for each run.

    Returns:
        list[RunResult]: One or several runs.

    Raises:
        ValueError: When it is neither; names the file.
    """
    if Path(path).suffix == '.jsonl':
        return load_runs(path)
    try:
        values = json.loads(Path(path).read_text(encoding='utf-8'))
        runs = values.get('runs', [values])
        return [RunResult.from_json(run) for run in runs]
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f'{path} holds no results of runs: {error}') from error


def json_text(values: Any) -> str:
    """Writes JSON in the form of the result files."""
    return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + '\n'


def _per_cent(value: Any, what: str, may_be_absent: bool = False) -> float:
    absent = value is None or (
        isinstance(value, (float, np.floating)) and value != value
    )
    if absent and may_be_absent:
        return math.nan
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not number or absent or not 0 <= value <= 100:
        raise ValueError(f'{what} is {value!r}, but must be a per cent value, 0 to 100')
    return float(value)
