"""What training runs reached, and the table that compares them."""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from mmseg_ganaug.atomic_write import write_atomically
from mmseg_ganaug.evaluation.table import ABSENT, Cell, Table, mark_best

BASELINE = 'plain'
_KEYS = ('protocol', 'method', 'seed', 'mIoU', 'aAcc', 'per_class_iou')


def class_iou_key(class_name: str) -> str:
    """The name under which ``ClassIoUMetric`` reports the IoU of a class."""
    return f'IoU.{class_name}'


@dataclass(frozen=True)
class RunResult:
    """What one training run reached on the data it was judged on.

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
        extra (dict): Whatever else is to be kept (versions, times, device), JSON
            values under names other than those above.

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

    def figure(self, name: str) -> float:
        """``'mIoU'``, or the IoU of a class, in per cent; NaN where it is absent."""
        return self.mIoU if name == 'mIoU' else self.per_class_iou[name]

    def to_json(self) -> Dict[str, Any]:
        """The result as JSON values; NaN becomes None."""
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

    def save(self, path: Union[str, Path]) -> Path:
        """Writes the result of this run to a JSON file, whole or not at all."""
        return write_atomically(path, _json_text(self.to_json()))

    @classmethod
    def load(cls, path: Union[str, Path]) -> 'RunResult':
        """Reads the file that :meth:`save` wrote.

        Raises:
            FileNotFoundError: When there is no such file.
            ValueError: When it is not the result of a run; names the file.
        """
        path = Path(path)
        try:
            # A UnicodeDecodeError and a JSONDecodeError are ValueErrors too.
            return cls.from_json(json.loads(path.read_text(encoding='utf-8')))
        except ValueError as error:
            raise ValueError(
                f'{path} is not the result of a run: {error}. Delete it and evaluate '
                'that run again'
            ) from error


def comparison_table(
    results: Sequence[RunResult],
    class_names: Optional[Sequence[str]] = None,
    class_share: Optional[Sequence[float]] = None,
    title: str = 'Results',
) -> Table:
    """Compares methods: a row for mIoU, pixel accuracy and each class.

    A cell holds the mean over the seeds of the method, its standard deviation (of a
    sample, n - 1) where there are several, and its difference to the baseline's mean
    in points. The baseline is 'plain', or the first method where there is no 'plain'.

    Args:
        results (Sequence[RunResult]): Runs of one protocol, in the order in which the
            methods are to be shown.
        class_names (Sequence[str], optional): Order of the classes; by default that
            of the first result.
        class_share (Sequence[float], optional): Share of each class among the
            labelled training pixels, 0 to 1, shown in the last column.
        title (str): Heading over the table.

    Raises:
        ValueError: When there are no results, their protocols or classes differ, or a
            method has two results for one seed.
    """
    methods = runs_by_method(results)
    names = list(results[0].per_class_iou if class_names is None else class_names)
    for result in results:
        if set(result.per_class_iou) != set(names):
            raise ValueError(
                f'{result.method!r} (seed {result.seed}) has the classes '
                f'{list(result.per_class_iou)}, but the table is for {names}'
            )
    if class_share is not None and len(class_share) != len(names):
        raise ValueError(
            f'class_share has {len(class_share)} values for {len(names)} classes'
        )

    def row(name: str, share: str, values: Sequence[Sequence[float]]) -> list:
        means, texts = zip(*map(mean_and_spread, values))
        changes = [None, *(_difference(mean, means[0]) for mean in means[1:])]
        cells = map(Cell, texts, changes, mark_best(means))
        return [name, *cells, *([] if class_share is None else [share])]

    runs = list(methods.values())
    rows = [
        row('mIoU', '', [[run.mIoU for run in group] for group in runs]),
        row('aAcc', '', [[run.aAcc for run in group] for group in runs]),
    ]
    for index, name in enumerate(names):
        share = '' if class_share is None else f'{100 * class_share[index]:.3f}'
        values = [[run.per_class_iou[name] for run in group] for group in runs]
        rows.append(row(name, share, values))
    shares = [] if class_share is None else ['% of pixels']
    return Table(
        header=['IoU in %', *methods, *shares],
        rows=rows,
        title=title,
        notes=_notes(methods),
    )


def write_results(
    results: Sequence[RunResult],
    folder: Union[str, Path],
    table: Optional[Table] = None,
) -> List[Path]:
    """Writes ``results.json`` (every run) and ``results.md`` (the table).

    Args:
        results (Sequence[RunResult]): The runs.
        folder (str | Path): Where the two files go; made where missing.
        table (Table, optional): The comparison; by default
            :func:`comparison_table` of the results.

    Returns:
        list[Path]: The two files.
    """
    table = comparison_table(results) if table is None else table
    runs = {'runs': [result.to_json() for result in results]}
    return [
        write_atomically(Path(folder) / 'results.json', _json_text(runs)),
        write_atomically(Path(folder) / 'results.md', table.to_markdown()),
    ]


def load_results(path: Union[str, Path]) -> List[RunResult]:
    """Reads the runs that :func:`write_results` or :meth:`RunResult.save` wrote.

    Args:
        path (str | Path): The JSON file.

    Returns:
        list[RunResult]: One or several runs.

    Raises:
        ValueError: When it is neither; names the file.
    """
    try:
        values = json.loads(Path(path).read_text(encoding='utf-8'))
        runs = values.get('runs', [values])
        return [RunResult.from_json(run) for run in runs]
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f'{path} holds no results of runs: {error}') from error


def _json_text(values: Any) -> str:
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


def runs_by_method(results: Sequence[RunResult]) -> Dict[str, List[RunResult]]:
    """Groups runs of one protocol.

    Args:
        results (Sequence[RunResult]): The runs.

    Returns:
        dict[str, list[RunResult]]: The runs of each method; 'plain' first, where there
        is one, then in the order given.

    Raises:
        ValueError: When there are none, their protocols differ, or a method has two
            results for one seed.
    """
    if not results:
        raise ValueError('there are no results to compare')
    protocols = sorted({result.protocol for result in results})
    if len(protocols) > 1:
        raise ValueError(f'results of different protocols do not compare: {protocols}')
    groups: Dict[str, List[RunResult]] = {}
    for result in results:
        group = groups.setdefault(result.method, [])
        if any(other.seed == result.seed for other in group):
            raise ValueError(
                f'there are two results of {result.method!r} with seed {result.seed}'
            )
        group.append(result)
    if BASELINE in groups:
        groups = {BASELINE: groups.pop(BASELINE), **groups}
    return groups


def mean_and_spread(values: Sequence[float]) -> Tuple[Optional[float], str]:
    """Sums up a figure over the seeds of a method.

    A class can be absent (NaN) for some seeds only: where it is in no label, it still
    counts once a network predicts it.

    Args:
        values (Sequence[float]): One a seed; NaN is left out.

    Returns:
        tuple[float | None, str]: The mean, None of nothing; and its text, with the
        standard deviation (of a sample, n - 1) behind ± where there are several.
    """
    found = [value for value in values if not math.isnan(value)]
    if not found:
        return None, ABSENT
    mean = float(np.mean(found))
    spread = f' ± {np.std(found, ddof=1):.2f}' if len(found) > 1 else ''
    return mean, f'{mean:.2f}{spread}'


def _difference(mean: Optional[float], reference: Optional[float]) -> Optional[float]:
    return None if mean is None or reference is None else mean - reference


def _notes(methods: Mapping[str, Sequence[RunResult]]) -> List[str]:
    baseline = next(iter(methods))
    seeds = {name: sorted(run.seed for run in runs) for name, runs in methods.items()}
    several = any(len(used) > 1 for used in seeds.values())
    notes = []
    if several:
        notes.append('Mean ± standard deviation over the seeds of a method.')
    if len(methods) > 1:
        notes.append(
            f'Numbers with a sign: difference to {baseline}, in points. '
            'The best of each row is marked.'
        )
    if len({tuple(used) for used in seeds.values()}) == 1:
        used = ', '.join(map(str, seeds[baseline]))
        notes.append(f'{"Seeds" if several else "Seed"}: {used}.')
    else:
        listed = (f'{name} {", ".join(map(str, used))}' for name, used in seeds.items())
        notes.append(f'Seeds: {"; ".join(listed)}.')
    if any(len(used) == 1 for used in seeds.values()):
        notes.append(
            'A single seed is a demonstration, not evidence: differences of about a '
            'point can be noise.'
        )
    return notes
