"""Tables of committed results in pages of Markdown."""

import json
import re
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence, Union

import numpy as np

from mmseg_ganaug.evaluation.differences import Figure, PairedRuns
from mmseg_ganaug.evaluation.photo_counts import with_counts
from mmseg_ganaug.evaluation.results import BASELINE, mean_and_spread, runs_by_method
from mmseg_ganaug.evaluation.run_result import RunResult, Write, load_runs
from mmseg_ganaug.experiments.evidence import Evidence
from mmseg_ganaug.experiments.questions import Questions
from mmseg_ganaug.files import write_atomically
from mmseg_ganaug.visualization.table import ABSENT, Cell, Table, mark_best

#: File in the folder of a protocol: class shares of its training data, what is asked.
PROTOCOL_FILE = 'protocol.json'
_BLOCK = re.compile(
    r'(<!-- results (?P<protocol>\S+)( (?P<runs>\d+)\+ runs)?(?P<all> all classes)? -->'
    r'\n).*?(?P<end><!-- end of results -->)',
    re.DOTALL,
)
_EVIDENCE = re.compile(
    r'(<!-- evidence (?P<protocol>\S+) -->\n).*?(?P<end><!-- end of evidence -->)',
    re.DOTALL,
)


def save_protocol(
    folder: Union[str, Path],
    protocol: str,
    class_share: Mapping[str, float],
    questions: Optional[Questions] = None,
    write: Write = write_atomically,
) -> Path:
    """Writes what the results of a protocol have in common.

    Args:
        folder (str | Path): That of the protocol, beside its ``PROTOCOL.jsonl``.
        protocol (str): Its name.
        class_share (Mapping[str, float]): Class name -> share (0..1) of the labelled
            training pixels.
        questions (Questions, optional): What is asked of the methods.
        write (callable): Writes a text to a path, such as ``WorkFolder.write``.
            Defaults to :func:`write_atomically`.
    """
    asked = {} if questions is None else questions.to_json()
    values = dict(protocol=protocol, class_share=dict(class_share), **asked)
    text = json.dumps(values, indent=2, ensure_ascii=False) + '\n'
    return write(Path(folder) / PROTOCOL_FILE, text)


def runs_file(results_dir: Union[str, Path], protocol: str) -> Path:
    """Returns the file with all runs of a protocol, a line each."""
    return Path(results_dir) / f'{protocol}.jsonl'


def load_protocol(results_dir: Union[str, Path], protocol: str) -> List[RunResult]:
    """Reads all runs of a protocol: ``PROTOCOL.jsonl``, and the counts of their photos.

    Raises:
        FileNotFoundError: When there is no such file.
        ValueError: When a line is not the result of a run, or of another protocol;
            names it.
    """
    path = runs_file(results_dir, protocol)
    if not path.is_file():
        raise FileNotFoundError(f'no {path.name} lies in {results_dir}')
    results = load_runs(path)
    for found in results:
        if found.protocol != protocol:
            raise ValueError(
                f'{path} holds a run of {found.protocol} ({found.method}, seed '
                f'{found.seed}): put it into {found.protocol}.jsonl, or correct it'
            )
    return [with_counts(run, path.with_suffix('')) for run in results]


def load_class_share(folder: Union[str, Path]) -> Dict[str, float]:
    """Reads the class shares that :func:`save_protocol` wrote.

    Raises:
        FileNotFoundError: When there is no such file.
        ValueError: When it is damaged; names it.
    """
    path = Path(folder) / PROTOCOL_FILE
    try:
        found = json.loads(path.read_text(encoding='utf-8'))['class_share']
        return {str(name): float(share) for name, share in found.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f'{path} holds no class shares ({error!r}): move it away, and have '
            'ganaug compare --report-only write it again'
        ) from error


def load_questions(folder: Union[str, Path]) -> Questions:
    """Reads the questions that :func:`save_protocol` wrote.

    Raises:
        FileNotFoundError: When there is no such file.
        ValueError: When it is damaged; names it.
    """
    path = Path(folder) / PROTOCOL_FILE
    try:
        found = json.loads(path.read_text(encoding='utf-8'))
        asked = {k: v for k, v in found.items() if k not in ('protocol', 'class_share')}
        return Questions(**asked)
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            f'{path} holds no questions of a matrix ({error}): move it away, and have '
            'ganaug compare --report-only write it again'
        ) from error


def load_evidence(results_dir: Union[str, Path], protocol: str) -> Evidence:
    """Reads what the runs of a protocol answer to the questions of its matrix.

    Raises:
        FileNotFoundError: When the protocol has no results.
        ValueError: When a file is damaged; names it.
    """
    folder = Path(results_dir) / protocol
    return Evidence(
        load_protocol(results_dir, protocol),
        load_questions(folder),
        load_class_share(folder),
    )


def method_table(
    results: Sequence[RunResult],
    class_share: Mapping[str, float],
    questions: Optional[Questions] = None,
    config_prefix: str = '',
    min_runs: int = 1,
    all_classes: bool = False,
) -> Table:
    """Lists methods as a model zoo does: a row each, the baseline first, best next.

    Args:
        results (Sequence[RunResult]): Runs of one protocol.
        class_share (Mapping[str, float]): Class name -> share (0..1) of the labelled
            training pixels.
        questions (Questions, optional): Says which classes are rare: they get a column
            each. Of these, and of the others, there is a mean.
        config_prefix (str): What leads from the page to the root of the repository,
            such as '../'. Defaults to ''.
        min_runs (int): Leaves out methods with fewer runs. Defaults to 1.
        all_classes (bool): Gives the other classes a column each, too. Defaults to
            False.
    """
    runs = {
        method: group
        for method, group in runs_by_method(results).items()
        if len(group) >= min_runs
    }
    mean = {m: float(np.mean([run.mIoU for run in group])) for m, group in runs.items()}
    order = sorted(runs, key=lambda m: (m != BASELINE, -mean[m]))
    rare = (questions or Questions()).rare_classes(class_share)
    others = [name for name in class_share if name not in rare]

    def column(names: Figure) -> List[Cell]:
        values = [[run.iou(names) for run in runs[m]] for m in order]
        found = [mean_and_spread(v) for v in values]
        marks = mark_best([mean for mean, _ in found])
        return [Cell(text, best=best) for (_, text), best in zip(found, marks)]

    shown = [*rare, *others] if all_classes else rare
    figures = [column(names) for names in ('mIoU', rare, others)]
    figures += [column(name) for name in shown]
    plain = runs.get(BASELINE, [])
    gains = [
        '' if m == BASELINE else PairedRuns(runs[m], plain).difference('mIoU').marked()
        for m in order
    ]
    rows: List[List[Union[str, Cell]]] = [
        [
            m,
            ', '.join(str(seed) for seed in sorted(run.seed for run in runs[m])),
            figures[0][row],
            gains[row],
            *(cells[row] for cells in figures[1:]),
            _config_link(runs[m][-1], config_prefix),
        ]
        for row, m in enumerate(order)
    ]
    shares = [f'{name} ({100 * class_share[name]:.1f} %)' for name in shown]
    means = [f'{len(rare)} rare', f'{len(others)} others']
    return Table(
        header=['Method', 'Seeds', 'mIoU', f'to {BASELINE}', *means, *shares, 'Config'],
        rows=rows,
        align='ll' + 'r' * (4 + len(shown)) + 'l',
    )


def fill_page(text: str, results_dir: Union[str, Path], config_prefix: str = '') -> str:
    """Renews the tables of a page.

    A table stands between ``<!-- results PROTOCOL -->`` and
    ``<!-- end of results -->``; what was between them is replaced. With
    ``<!-- results PROTOCOL 3+ runs all classes -->`` methods with fewer runs are left
    out, and every class has a column; both are optional. Between
    ``<!-- evidence PROTOCOL -->`` and ``<!-- end of evidence -->`` stand the charts and
    tables that answer the questions of its matrix.

    Args:
        text (str): The page.
        results_dir (str | Path): Folder with ``PROTOCOL.jsonl`` and
            ``PROTOCOL/protocol.json`` of each protocol.
        config_prefix (str): See :func:`method_table`.

    Raises:
        FileNotFoundError: When a protocol of the page has no results.
    """

    def table(match: 're.Match[str]') -> str:
        made = method_table(
            load_protocol(results_dir, match['protocol']),
            load_class_share(Path(results_dir) / match['protocol']),
            load_questions(Path(results_dir) / match['protocol']),
            config_prefix=config_prefix,
            min_runs=int(match['runs'] or 1),
            all_classes=bool(match['all']),
        )
        return f'{match[1]}\n{made.to_markdown()}\n{match["end"]}'

    def evidence(match: 're.Match[str]') -> str:
        protocol = match['protocol']
        found = load_evidence(results_dir, protocol)
        folder = f'{config_prefix}docs/results/{protocol}'
        charts = [f'![{c.title}]({folder}/{c.name}.svg)\n' for c in found.charts()]
        tables = [table.to_markdown() for table in found.answers()]
        made = '\n'.join([*charts, *tables])
        return f'{match[1]}\n{made}\n{match["end"]}'

    return _EVIDENCE.sub(evidence, _BLOCK.sub(table, text))


def evidence_of(text: str) -> List[str]:
    """Lists the protocols of which a page shows the evidence."""
    return [match['protocol'] for match in _EVIDENCE.finditer(text)]


def _config_link(result: RunResult, prefix: str) -> Cell:
    config = result.extra.get('config')
    if config is None:
        return Cell(ABSENT)
    options = ', with options' if result.extra.get('cfg_options') else ''
    return Cell(f'config{options}', markdown=f'[config]({prefix}{config}){options}')
