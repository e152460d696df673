"""Comparison of training runs: means over seeds, and differences to the baseline."""

import math
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from mmseg_ganaug.evaluation.run_result import RunResult, Write, json_text
from mmseg_ganaug.files import write_atomically
from mmseg_ganaug.visualization.table import ABSENT, Cell, Table, mark_best

BASELINE = 'plain'
#: What :func:`write_results` writes.
RESULT_FILES = ('results.json', 'results.md')
#: Stands in a table for a method without results.
FAILED = 'failed'


def comparison_table(
    results: Sequence[RunResult],
    class_names: Optional[Sequence[str]] = None,
    class_share: Optional[Sequence[float]] = None,
    title: str = 'Results',
    failures: Optional[Mapping[str, Mapping[int, str]]] = None,
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
        failures (Mapping[str, Mapping[int, str]], optional): Why runs failed, by method
            and seed. They stand below the table; a method without results has a column
            that says so.

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

    failures = failures or {}
    without = [method for method in failures if method not in methods]

    def row(name: str, share: str, values: Sequence[Sequence[float]]) -> list:
        means, texts = zip(*map(mean_and_spread, values))
        changes = [None, *(_difference(mean, means[0]) for mean in means[1:])]
        cells = map(Cell, texts, changes, mark_best(means))
        return [
            name,
            *cells,
            *[FAILED] * len(without),
            *([] if class_share is None else [share]),
        ]

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
        header=['IoU in %', *methods, *without, *shares],
        rows=rows,
        title=title,
        notes=[*_notes(methods), *_failure_notes(failures)],
    )


def write_results(
    results: Sequence[RunResult],
    folder: Union[str, Path],
    table: Optional[Table] = None,
    write: Write = write_atomically,
) -> List[Path]:
    """Writes ``results.json`` (every run) and ``results.md`` (the table).

    Args:
        results (Sequence[RunResult]): The runs.
        folder (str | Path): Where the two files go; made where missing.
        table (Table, optional): The comparison; by default
            :func:`comparison_table` of the results.
        write (callable): Writes a text to a path, such as ``WorkFolder.write``.
            Defaults to :func:`write_atomically`.

    Returns:
        list[Path]: The two files.
    """
    table = comparison_table(results) if table is None else table
    runs = {'runs': [result.to_json() for result in results]}
    texts = (json_text(runs), table.to_markdown())
    return [write(Path(folder) / name, text) for name, text in zip(RESULT_FILES, texts)]


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
        raise ValueError(
            f'results of different protocols cannot be compared: {protocols}'
        )
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
        standard deviation (of a sample, n - 1) after ± where there are several.
    """
    found = [value for value in values if not math.isnan(value)]
    if not found:
        return None, ABSENT
    mean = float(np.mean(found))
    spread = f' ± {np.std(found, ddof=1):.2f}' if len(found) > 1 else ''
    return mean, f'{mean:.2f}{spread}'


def _difference(mean: Optional[float], reference: Optional[float]) -> Optional[float]:
    return None if mean is None or reference is None else mean - reference


def _failure_notes(failures: Mapping[str, Mapping[int, str]]) -> List[str]:
    notes = []
    for method, reasons in failures.items():
        for reason in dict.fromkeys(reasons.values()):
            seeds = sorted(seed for seed in reasons if reasons[seed] == reason)
            listed = ', '.join(map(str, seeds))
            notes.append(f'{method} {FAILED} (seed {listed}): {reason}')
    return notes


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
