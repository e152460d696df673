"""The report of a bench: one HTML file, made of ``bench.json`` alone."""

from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Union

import numpy as np

from mmseg_ganaug.bench.comparisons import MIOU, RARE
from mmseg_ganaug.bench.report_figures import (
    CurveChart,
    axis_over,
    curve_chart,
    mean_curves,
    picture_in_page,
)
from mmseg_ganaug.bench.schema import check_bench
from mmseg_ganaug.bench.trainings import OVERLAYS
from mmseg_ganaug.bench.verdict import run_seconds
from mmseg_ganaug.config_search import shown_command
from mmseg_ganaug.evaluation.results import BASELINE
from mmseg_ganaug.ownership import WorkFolder
from mmseg_ganaug.shown_text import signed, visible
from mmseg_ganaug.version import __version__

REPORT = 'report.html'
_TEMPLATE = 'bench.html.j2'
# In pixels, twice of what a phone or a column shows.
_PHOTO_WIDTH, _SHEET_WIDTH, _CHART_WIDTH = 480, 1200, 1000
_HEADROOM = ('headroom', 'no-headroom', 'headroom-unknown')


def next_command(bench: Mapping[str, Any], folder: Union[str, Path]) -> str:
    """Returns the command that trains what the verdict names; '' where it names none.

    The overlay has all that the bench was given: settings of the config, a generator.

    Args:
        bench (Mapping): Content of ``bench.json``.
        folder (str | Path): Where it stands.
    """
    name = bench['verdict']['treatment']
    if not name:
        return ''
    return shown_command('tools/train.py', [Path(folder) / OVERLAYS / f'{name}.py'])


def write_bench_report(bench: Mapping[str, Any], work: WorkFolder) -> Path:
    """Writes the report of a bench into its work folder.

    Args:
        bench (Mapping): ``bench.json``; pictures that it names lie in the folder.
        work (WorkFolder): Holds it.

    Returns:
        Path: ``report.html``.

    Raises:
        InTheWayError: When a file of the user is there.
        ValueError: When it is no ``bench.json``; names what is wrong.
    """
    return work.write(work.folder / REPORT, report_html(bench, work.folder))


def report_html(bench: Mapping[str, Any], folder: Union[str, Path]) -> str:
    """Makes the page: without scripts, and with all its pictures in it.

    Args:
        bench (Mapping): ``bench.json``.
        folder (str | Path): Where it stands: pictures are named from there.

    Returns:
        str: HTML.

    Raises:
        ValueError: When it is no ``bench.json``; names what is wrong.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    check_bench(bench)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters['signed'] = signed
    environment.filters['per_cent'] = _per_cent
    page = _Page(bench, Path(folder))
    template = environment.get_template(_TEMPLATE)
    html = template.render(bench=bench, page=page, version=__version__)
    return visible(html.lstrip())


class _Page:
    """What the template shows of a bench, beside its own values."""

    def __init__(self, bench: Mapping[str, Any], folder: Path) -> None:
        self._bench = bench
        self._folder = folder
        self._by_name = {each['name']: each for each in bench['treatments']}
        last = max(
            (r['rung'] for r in bench['runs'] if r['on'] == 'evaluate'), default=0
        )
        self._runs: Dict[str, List[Mapping[str, Any]]] = {}
        for run in bench['runs']:
            if run['on'] == 'evaluate' and run['rung'] == last:
                self._runs.setdefault(run['treatment'], []).append(run)
        self.means = [MIOU, RARE] if bench['data']['rare'] else [MIOU]
        self.axis = axis_over(
            [
                0.0,
                *(
                    value
                    for found in bench['comparisons']
                    if found['against'] == BASELINE and found['metric'] in self.means
                    for value in (found['difference'], found['low'], found['high'])
                    if value is not None
                ),
            ]
        )
        #: Those that came to the end, the one to use first, then by what they gain.
        self.finalists = sorted(self._runs, key=self._rank)

    def _rank(self, name: str) -> Any:
        gains = [self.difference(name, BASELINE, mean) for mean in self.means]
        found = [each['difference'] or 0.0 for each in gains if each]
        is_named = name == self._bench['verdict']['treatment']
        return not is_named, -float(np.mean(found)) if found else 0.0

    @property
    def facts(self) -> List[str]:
        """Returns the line below the title, in parts."""
        bench = self._bench
        photos, seeds = bench['data']['photos'], len(self._runs.get(BASELINE, ()))
        proxy = bench['proxy']
        return [
            f'{len(bench["data"]["classes"])} classes',
            f'{photos["train"]} photos to train on',
            f'{photos["choose"]} chose',
            f'{photos["evaluate"]} evaluated',
            f'{len(self._by_name)} treatments',
            f'{seeds} seed{"" if seeds == 1 else "s"} at the end',
            f'{bench["minutes"]:.0f} min on {bench["device"]}',
            *([f'{proxy["name"]} in place of your network'] if proxy['used'] else []),
        ]

    @property
    def next(self) -> str:
        """Returns the command to go on with; '' where nothing is named."""
        return next_command(self._bench, self._folder)

    def title(self, name: str) -> str:
        """Returns the title of a treatment."""
        return self._by_name[name]['title']

    def difference(self, name: str, against: str, metric: str) -> Optional[Mapping]:
        """Returns a comparison; None where there is none."""
        for found in self._bench['comparisons']:
            asked = (found['treatment'], found['against'], found['metric'])
            if asked == (name, against, metric):
                return found if found['difference'] is not None else None
        return None

    def against_others(self, name: str) -> List[str]:
        """Lists who else a treatment is compared with, each pair at one of them."""
        pairs = {(c['treatment'], c['against']) for c in self._bench['comparisons']}
        place = self.finalists.index(name)
        return [
            other
            for number, other in enumerate(self.finalists)
            if other != BASELINE and (name, other) in pairs
            if number < place or (other, name) not in pairs
        ]

    def place(self, value: float) -> str:
        """Returns where a difference stands on the axis, in per cent of its width."""
        return f'{100 * self.axis.share(value):.2f}%'

    def iou(self, name: str, metric: str) -> Optional[float]:
        """Returns the mean over the seeds; None where classes are absent."""
        rare = self._bench['data']['rare']
        found = []
        for run in self._runs[name]:
            ious = run['per_class_iou']
            if metric == MIOU:
                found.append(run['mIoU'])
            else:
                each = [ious.get(n) for n in (rare if metric == RARE else [metric])]
                each = [value for value in each if value is not None]
                found += [float(np.mean(each))] if each else []
        return float(np.mean(found)) if found else None

    def minutes(self, name: str) -> float:
        """Returns what a run takes, with its generated pairs."""
        return run_seconds(self._bench, name) / 60

    def chip(self, name: str) -> str:
        """Says in a few words what the verdict makes of a treatment."""
        verdict = self._bench['verdict']
        if name == BASELINE:
            return 'baseline'
        if name == verdict['treatment']:
            return 'use this'
        return 'cannot be told apart' if name in verdict['tied'] else ''

    @property
    def left(self) -> List[str]:
        """Says which treatments did not come to the end, and why."""
        texts = []
        for found in self._bench['treatments']:
            if found['name'] in self._runs:
                continue
            if found['failed']:
                texts.append(f'{found["title"]} failed: {found["failed"]}')
            elif found['left_after'] is not None:
                texts.append(
                    f'{found["title"]}: left after round {found["left_after"]}'
                )
        return texts

    @property
    def classes(self) -> List[Dict[str, Any]]:
        """Returns the rare classes, each with what is known of it."""
        facts = {each['name']: each for each in self._bench['diagnosis']['classes']}
        open_ones = {e['name']: e for e in self._bench['verdict']['open_classes']}
        return [
            dict(name=name, facts=facts.get(name), open=open_ones.get(name))
            for name in self._bench['data']['rare']
        ]

    @property
    def photos(self) -> Dict[str, List[Dict[str, Any]]]:
        """Returns the photos with their pictures, the worst first."""
        groups: Dict[str, List[Dict[str, Any]]] = {'harmed': [], 'helped': []}
        for found in sorted(self._bench['photos'], key=lambda e: e['difference']):
            pictures = {
                label: picture_in_page(self._folder, found[key], _PHOTO_WIDTH, True)
                for key, label in (
                    ('photo', 'photo'),
                    ('truth', 'truth'),
                    ('before', self.title(found['against'])),
                    ('after', self.title(found['treatment'])),
                )
            }
            kind = 'harmed' if found['difference'] < 0 else 'helped'
            groups[kind].append(dict(found, pictures=pictures))
        return groups

    @property
    def pairs(self) -> List[Dict[str, Any]]:
        """Returns the treatments that train on generated pairs, with pictures."""
        return [
            dict(
                title=self.title(found['treatment']),
                image=picture_in_page(
                    self._folder, found['picture'], _SHEET_WIDTH, True
                ),
            )
            for found in self._bench['pairs']
        ]

    def findings(self, is_headroom: bool) -> List[Dict[str, Any]]:
        """Returns findings with their pictures: those of headroom, or all others."""
        return [
            dict(
                found,
                image=found['picture']
                and picture_in_page(
                    self._folder, found['picture'], _CHART_WIDTH, is_photo=False
                ),
            )
            for found in self._bench['diagnosis']['findings']
            if (found['kind'] in _HEADROOM) == is_headroom
        ]

    @property
    def curves(self) -> List[CurveChart]:
        """Returns the learning curves of those that came to the end."""
        rare = self._bench['data']['rare']
        wanted = {'mIoU': None, **({'mean of the rare classes': rare} if rare else {})}
        charts = (
            curve_chart(
                title,
                {name: mean_curves(self._runs[name], of) for name in self.finalists},
            )
            for title, of in wanted.items()
        )
        return [chart for chart in charts if chart]

    def series(self, name: str) -> int:
        """Returns the number of a treatment's colour."""
        return self.finalists.index(name) % 7


def _per_cent(share: Optional[float]) -> str:
    """Writes a share (0..1) with two digits that count."""
    if share is None:
        return 'none'
    value = 100 * share
    return f'{value:.0f} %' if value >= 10 else f'{value:.2g} %'
