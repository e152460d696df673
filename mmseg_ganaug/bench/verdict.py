"""The verdict of a bench: what to use, in plain words, and what stays open.

A treatment *beats* another where the interval of its mIoU or of its rare mean lies
above zero, and that of neither below (:mod:`~mmseg_ganaug.bench.comparisons`). Of the
treatments that beat plain, the *lead* gains most in the mean of both figures. Those of
them that it does not beat are tied, and the simplest of these is named.
"""

import math
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence, Tuple, Union

import numpy as np

from mmseg_ganaug.bench.comparisons import (
    LEARNED,
    MIOU,
    Comparisons,
    OpenClass,
    evaluated_runs,
    json_number,
)
from mmseg_ganaug.evaluation.differences import Difference
from mmseg_ganaug.evaluation.results import BASELINE
from mmseg_ganaug.shown_text import signed

# Kinds of findings that say why nothing can learn a class.
_UNLEARNABLE = ('labels-off-photos', 'class-missing-in-train')
# Those that say why nothing helped, the plainest first.
_EXPLAIN = (*_UNLEARNABLE, 'objects-below-a-cell', 'no-headroom', 'headroom-unknown')


def reach_verdict(
    bench: Mapping[str, Any], folder: Union[str, Path]
) -> Tuple[List[Dict[str, Any]], Dict[str, Any]]:
    """Compares the treatments that came to the end, and says what to use.

    Args:
        bench (Mapping): ``bench.json``, in which 'comparisons', 'photos' and 'verdict'
            may still be missing.
        folder (str | Path): Where it stands: paths in it are relative to that.

    Returns:
        tuple[list[dict], dict]: Its 'comparisons' and its 'verdict'.

    Raises:
        FileNotFoundError: When counts of photos are missing.
        ValueError: When 'plain' was not evaluated, or runs not on the same photos.
    """
    found = Comparisons(bench, folder)
    return found.to_json(), _Verdict(bench, found).to_json()


class _Verdict:
    """Puts comparisons into words."""

    def __init__(self, bench: Mapping[str, Any], found: Comparisons) -> None:
        self._bench = bench
        self._found = found
        self._open = found.open_classes()

    def to_json(self) -> Dict[str, Any]:
        """Returns 'verdict' of ``bench.json``."""
        found, lead = self._found, self._found.lead
        tied: List[str] = []
        if lead is None:
            kind, treatment = 'nothing', None
            sentence, more = self._nothing()
        else:
            tied = [t for t in found.winners if t == lead or not found.beats(lead, t)]
            tied.sort(key=lambda t: (found.simplicity[t], -found.score(t)))
            treatment = tied[0]
            kind = 'use' if treatment == lead else 'tied'
            sentence, more = self._use(treatment, lead, tied)
        return dict(
            kind=kind,
            treatment=treatment,
            tied=tied if len(tied) > 1 else [],
            sentence=sentence,
            more=[*more, *self._trades(), *_open_texts(self._open), *self._limits()],
            open_classes=[
                dict(
                    name=each.name,
                    objects=each.objects,
                    photos=each.photos,
                    interval=json_number(each.interval),
                )
                for each in self._open
            ],
        )

    def _use(
        self, treatment: str, lead: str, tied: Sequence[str]
    ) -> Tuple[str, List[str]]:
        more = []
        sentence = f'Use {treatment}: {self._gain(treatment)}, against plain.'
        if len(tied) > 1:
            rank = 'simpler' if len(tied) == 2 else 'simplest'
            others = _listed(tied[1:])
            sentence += f' It cannot be told apart from {others}, and is the {rank}.'
        if treatment != lead:
            more = [
                f'{lead} differs from it by {self._gain(lead, treatment)}'
                f'{self._cost(lead, treatment)}.'
            ]
        beaten = [each for each in self._found.winners if each not in tied]
        if beaten:
            verb = 'gains' if len(beaten) == 1 else 'gain'
            more.append(f'{_listed(beaten)} {verb} less, beyond chance.')
        return sentence, more

    def _nothing(self) -> Tuple[str, List[str]]:
        found = self._found
        if not found.treatments:
            return 'No treatment came to the end beside plain: nothing is compared.', []
        best = max(found.treatments, key=found.score)
        if math.isnan(found.score(best)):
            return (
                'Too few photos evaluate: no class is in two of them or more, so that '
                'nothing can be compared.'
            ), []
        if found.runs.num_seeds < 2:
            return (
                'One seed cannot tell a gain from chance: give more --minutes, so that '
                f'there are three. The best here, {best}, has {self._gain(best)}.'
            ), []
        sentence = (
            f'Nothing here beats plain beyond chance; the best, {best}, has '
            f'{self._gain(best)}.'
        )
        rare = [found.open_class(name) for name in self._bench['data']['rare']]
        known = [each for each in rare if not math.isnan(each.interval)]
        if known and not any(each.learned for each in known):
            unlearnable = {
                name
                for each in self._bench['diagnosis']['findings']
                if each['kind'] in _UNLEARNABLE
                for name in each['classes']
            }
            if not unlearnable.issuperset(each.name for each in rare):
                sentence = (
                    'Too short to tell: no treatment learns a rare class in '
                    f'{self._bench["race"][-1]["iterations"]} iterations. Give more '
                    '--minutes or --iters, or train with a network that learns them '
                    '(--proxy).'
                )
            return sentence, self._explanations()
        interval = found.differences[best, BASELINE, found.means[-1]]
        if math.isnan(interval.margin):
            why = 'Too few photos hold the rare classes for an interval.'
        else:
            why = f'The interval is ±{interval.margin:.1f} because {self._why(best)}.'
        return f'{sentence} {why}', self._explanations()

    def _why(self, best: str) -> str:
        """Says what makes the interval wide: seeds, or the class with few objects."""
        runs = self._found.runs
        if runs.photo_share((best, BASELINE, self._found.means[-1])) < 0.5:
            return (
                f'the {runs.num_seeds} seeds differ that much: more of them, or longer '
                'trainings, would narrow it more than labels'
            )
        total = self._bench['data']['photos']['evaluate']
        sizes = [self._found.open_class(n) for n in self._bench['data']['rare']]
        sizes = [each for each in sizes if not math.isnan(each.interval)]
        widest = max(sizes, key=lambda each: each.interval, default=None)
        if widest is None:
            return f'{total} photos evaluate: more of them would narrow it'
        objects = '' if widest.objects is None else f' ({widest.objects} objects)'
        return (
            f'only {widest.photos} of the {total} photos that evaluate show '
            f'{widest.name}{objects}: three times as many more would about halve it'
        )

    def _gain(self, treatment: str, other: str = BASELINE) -> str:
        """Says what a treatment gains: what is sure, first."""
        means, found = self._found.means, self._found.differences
        pairs = [(mean, found[treatment, other, mean]) for mean in means]
        pairs.sort(key=lambda pair: (not pair[1].is_sure, pair[0] == MIOU))
        texts = [
            _with_interval(each, 'mIoU' if mean == MIOU else 'for the rare classes')
            for mean, each in pairs
            if not math.isnan(each.mean)
        ]
        return ' and '.join(texts)

    def _trades(self) -> List[str]:
        """Names what gains in one figure and loses in the other, beyond chance."""
        texts = []
        for treatment in self._found.treatments:
            pairs = [(treatment, BASELINE, mean) for mean in self._found.means]
            found = [self._found.differences[pair] for pair in pairs]
            if any(d.low > 0 for d in found) and any(d.high < 0 for d in found):
                texts.append(
                    f'{treatment} gains and loses at once: {self._gain(treatment)}.'
                )
        return texts

    def _cost(self, lead: str, other: str) -> str:
        ours, theirs = (run_seconds(self._bench, name) for name in (lead, other))
        if not theirs or 0.8 < ours / theirs < 1.25:
            return ''
        return f'; a run of it takes {ours / theirs:.1f} times as long'

    def _explanations(self) -> List[str]:
        found = self._bench['diagnosis']['findings']
        said = [each for each in found if each['kind'] in _EXPLAIN]
        said.sort(key=lambda each: _EXPLAIN.index(each['kind']))
        return [each['text'] for each in said]

    def _limits(self) -> List[str]:
        """Says what the verdict holds for."""
        texts = []
        rising = [
            name
            for name, found in self._bench['flat'].items()
            if name in self._found.runs.methods and not found['flat']
        ]
        if rising:
            texts.append(
                f'Still rising at the end: {_listed(rising)}. Longer trainings may '
                'change the order.'
            )
        if BASELINE in rising:
            gained = self._bench['flat'][BASELINE]['doubled_difference']
            texts.append(
                f'Twice the length gave plain {signed(gained)} mIoU: what others gain '
                'on it is in part that they learn classes earlier, and may shrink in '
                'longer trainings.'
            )
        proxy = self._bench['proxy']
        if proxy['used']:
            texts.append(f'Measured with {proxy["name"]} in place of your network.')
        return texts


def run_seconds(bench: Mapping[str, Any], treatment: str) -> float:
    """Returns what a run of a treatment takes, with its generated pairs, in seconds.

    Args:
        bench (Mapping): ``bench.json``.
        treatment (str): The mean of its runs that were evaluated; 0 of none.
    """
    found = [
        sum(run['seconds'].get(part) or 0 for part in ('train', 'synthesize'))
        for run in evaluated_runs(bench)
        if run['treatment'] == treatment
    ]
    return float(np.mean(found)) if found else 0.0


def _open_texts(classes: Sequence[OpenClass]) -> List[str]:
    unlearned = [found.name for found in classes if not found.learned]
    texts = []
    if unlearned:
        texts.append(
            f'No treatment learns {_listed(unlearned)}: the IoU stays below '
            f'{LEARNED:.0f} %.'
        )
    for found in classes:
        if found.learned and math.isnan(found.interval):
            texts.append(
                f'Nothing is known of {found.name}: {found.photos or "none"} of the '
                'photos that evaluate holds it.'
            )
        elif found.learned:
            texts.append(
                f'{found.name} stays open: {_amount(found)} leave '
                f'±{found.interval:.0f} points of its IoU to chance, whatever is '
                'trained.'
            )
            if found.objects:
                texts[-1] += f' {3 * found.objects} more labels would halve that.'
    return texts


def _amount(found: OpenClass) -> str:
    photos = f'{found.photos} photos that evaluate'
    if found.objects is None:
        return f'{photos} with {found.name}'
    return f'{found.objects} objects of {found.name} in {photos}'


def _with_interval(found: Difference, unit: str) -> str:
    text = f'{signed(found.mean)} {unit}'
    if math.isnan(found.margin):
        return text
    return f'{text} ({signed(found.low)} to {signed(found.high)})'


def _listed(names: Sequence[str]) -> str:
    *others, last = names
    return f'{", ".join(others)} and {last}' if others else last
