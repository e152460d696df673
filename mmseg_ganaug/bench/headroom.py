"""Headroom: do more real photos help at all?"""

import copy
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional, Sequence

import numpy as np
from mmengine.config import Config

from mmseg_ganaug.bench.finding import PAIRS, SAMPLING, Finding, Pictures
from mmseg_ganaug.config_search import find_real
from mmseg_ganaug.datasets.source_dataset import build_source
from mmseg_ganaug.evaluation import RunResult
from mmseg_ganaug.evaluation.bootstrap import CONFIDENCE, resampled_ious
from mmseg_ganaug.evaluation.run_result import absent_classes
from mmseg_ganaug.shown_text import signed
from mmseg_ganaug.visualization import headroom_chart

#: The shares of the photos that are trained on, each within the next.
SHARES = (0.25, 0.5, 1.0)
# In points: what another seed of a short training changes, which no interval over
# photos shows.
_LEAST_GAIN = 1.0
# Half an interval, in points, that could hide a gain worth having.
_COARSE = 3.0
_FEWEST = 8
# In per cent: below, the rare classes are only being discovered, and luck decides when.
_LEARNED = 5.0


@dataclass(frozen=True)
class Headroom:
    """What the same short training reaches on a quarter, half and all of the photos.

    Attributes:
        photos: Numbers of training photos.
        mIoU: In per cent, for each.
        rare: Mean IoU over the rare classes that the photos show, in per cent, for
            each; None where there is none.
        gain: Of all photos over a quarter of them in points: of the rare mean or,
            without rare classes, of mIoU.
        low: Lower end of its 95 % interval over photos; None where the runs have no
            counts of photos.
        high: Its upper end.
        rises: Whether that is a point or more, and more than chance; None where nothing
            was learned, or it falls, so that it cannot be said.
        text: Says so, with the figures.
    """

    photos: List[int]
    mIoU: List[float]
    rare: Optional[List[float]]
    gain: float
    low: Optional[float]
    high: Optional[float]
    rises: Optional[bool]
    text: str

    def to_json(self) -> Dict[str, Any]:
        """Returns the values as JSON values."""
        return dict(vars(self))

    def findings(self, pictures: Pictures) -> List[Finding]:
        """Returns 'headroom', 'no-headroom' or 'headroom-unknown'."""
        series = {'mIoU': self.mIoU}
        if self.rare is not None:
            series['mean over the rare classes'] = self.rare
        draw = pictures.draw(
            'headroom', lambda path: headroom_chart(self.photos, series, path)
        )
        if self.rises:
            return [Finding('headroom', (), self.text, picture=draw)]
        if self.rises is None:
            return [Finding('headroom-unknown', (), self.text, picture=draw)]
        return [Finding('no-headroom', (), self.text, (), _MORE_DATA, draw)]


# Treatments that stand in for more photos; weights and losses do not.
_MORE_DATA = (*SAMPLING, *PAIRS)


def measure_headroom(
    train: Callable[[float], RunResult], num_photos: int, rare: Sequence[str]
) -> Headroom:
    """Trains on a quarter, half and all of the photos, and compares.

    Where the rare mean does not rise with real photos, no sampling, recombination or
    generated pair will raise it: a longer training, a larger network, a higher
    resolution or better labels may.

    Args:
        train (callable): Trains for the same number of iterations on a share (0..1) of
            the photos, see :func:`take_share`, and tests on the same validation photos.
            With ``counts`` in the results, the interval is over these.
        num_photos (int): All training photos.
        rare (Sequence[str]): Names of the rare classes; may be empty.

    Raises:
        ValueError: When there are too few photos to take a quarter of.
    """
    if num_photos < _FEWEST:
        raise ValueError(
            f'{num_photos} training photos are too few to compare a quarter of them '
            f'with all: headroom needs {_FEWEST}'
        )
    runs = [train(share) for share in SHARES]
    absent = absent_classes(runs)
    known = [name for name in rare if name not in absent]
    figure: Any = known or 'mIoU'
    reached = [run.iou(figure) for run in runs]
    gain = reached[-1] - reached[0]
    ends = _interval(runs[-1], runs[0], figure)
    rises: Optional[bool] = gain >= _LEAST_GAIN and (ends is None or ends[0] > 0)
    is_learned = reached[-1] >= _LEARNED
    # All photos hold what a quarter holds: less of them is no finding, but luck.
    if not is_learned or (ends and ends[1] < -_LEAST_GAIN):
        rises = None
    photos = [count_of(share, num_photos) for share in SHARES]
    name = 'mIoU' if figure == 'mIoU' else 'the mean over the rare classes'
    values = ', '.join(f'{value:.1f}' for value in reached)
    shown = f' ({signed(ends[0])} to {signed(ends[1])})' if ends else ''
    text = (
        f'On {photos[0]}, {photos[1]} and {photos[2]} photos, {name} is {values} %: '
        f'{signed(gain)}{shown} from a quarter to all. '
    )
    if not is_learned:
        what = '' if figure == 'mIoU' else ' of the rare classes'
        text += (
            f'So short a training learns hardly anything{what}, and says nothing of '
            'more photos: train longer.'
        )
    elif rises is None:
        text += (
            'All photos hold what a quarter holds, so that such a fall is the luck of '
            'a short training, and says nothing of more photos: train longer.'
        )
    elif rises:
        text += 'More real photos help, so that what stands in for them may.'
    elif ends and (ends[1] - ends[0]) / 2 >= _COARSE:
        text += (
            'More real photos do not help beyond chance, but this is a coarse measure: '
            'a longer training or more validation photos would tell.'
        )
    else:
        text += (
            'Where real photos do not raise it, no sampling, recombination or '
            'generated pair will: train longer, or take a larger network, a higher '
            'resolution or better labels.'
        )
    low, high = ends or (None, None)
    return Headroom(
        photos=photos,
        mIoU=[run.mIoU for run in runs],
        rare=reached if known else None,
        gain=gain,
        low=low,
        high=high,
        rises=rises,
        text=text,
    )


def take_share(cfg: Config, share: float, seed: int = 0) -> Config:
    """Returns the config of a training on a share of the photos.

    Each real data set of ``train_dataloader.dataset`` is given ``indices``; a smaller
    share is part of a larger one.

    Args:
        cfg (Config): Of the training; not changed.
        share (float): Above 0, at most 1.
        seed (int): Of the draw.
    """
    taken = copy.deepcopy(cfg)
    if share == 1:
        return taken
    for dataset in find_real(taken.train_dataloader.dataset):
        asked = dataset.get('indices')
        total = len(build_source({**dataset, 'indices': None}))
        allowed = np.arange(total)
        if isinstance(asked, int):  # the first ones or, below 0, the last
            allowed = allowed[:asked] if asked >= 0 else allowed[asked:]
        elif asked is not None:
            allowed = np.array(asked)
        order = np.random.default_rng(seed).permutation(allowed)
        dataset['indices'] = sorted(order[: count_of(share, len(order))].tolist())
    return taken


def count_of(share: float, total: int) -> int:
    """Returns how many photos a share of them is, one at least."""
    return max(1, round(share * total))


def _interval(run: RunResult, other: RunResult, figure: Any) -> Optional[List[float]]:
    """Returns the 95 % interval of a difference over photos; None without counts."""
    if run.counts is None or other.counts is None:
        return None
    names = list(run.per_class_iou)
    columns = [names.index(n) for n in (names if figure == 'mIoU' else figure)]
    drawn = [
        np.nanmean(resampled_ious(r.counts[None])[:, 0, columns], axis=1)
        for r in (run, other)
        if r.counts is not None
    ]
    ends = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    return np.nanquantile(drawn[0] - drawn[1], ends).tolist()
