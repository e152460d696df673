"""Intervals by drawing photos and seeds again: what would other photos have shown?"""

import math
import warnings
from typing import Tuple

import numpy as np

from mmseg_ganaug.evaluation.photo_counts import class_ious

CONFIDENCE = 0.95
DRAWS = 2000
#: Half an interval of an IoU cannot be wider, in points: it lies between 0 and 100.
WIDEST = 50.0
_SEED = 0
# Draws that are weighed at once: bounds the memory with many photos.
_BLOCK = 100


def resampled_ious(counts: np.ndarray) -> np.ndarray:
    """Computes the IoU of each class on photos drawn with replacement.

    Two calls with as many photos draw the same ones, so that what they return can be
    compared draw by draw.

    Args:
        counts (np.ndarray): int64, [seeds, photos, classes, 3], see
            :mod:`~mmseg_ganaug.evaluation.photo_counts`.

    Returns:
        np.ndarray: float64, [draws, seeds, classes], in per cent; NaN where the class
        is absent from the photos drawn.
    """
    seeds, photos, classes, _ = counts.shape
    # What a photo adds to intersections and unions, a row each.
    added = counts[..., :2].transpose(1, 0, 2, 3).reshape(photos, -1).astype(float)
    rng = np.random.default_rng(_SEED)
    even = np.full(photos, 1 / photos)
    sums = [
        rng.multinomial(photos, even, _BLOCK) @ added for _ in range(0, DRAWS, _BLOCK)
    ]
    return class_ious(np.concatenate(sums).reshape(DRAWS, seeds, classes, 2))


def interval(drawn: np.ndarray, whole: np.ndarray) -> Tuple[float, float]:
    """Returns the 95 % interval of a mean over seeds, drawing these again, too.

    A few seeds drawn again differ less than seeds do: with n of them by the factor
    sqrt((n - 1) / n), and the tails are those of Student's t. What a draw of seeds
    changes is widened by both. It is taken from what they give on all photos: on drawn
    ones they differ by the chance of photos once more.

    Args:
        drawn (np.ndarray): [draws, seeds], such as the difference of two methods for
            each seed on each draw of photos; NaN is left out.
        whole (np.ndarray): [seeds], the same on all photos.

    Returns:
        tuple[float, float]: Its ends; NaN with fewer than two seeds.
    """
    draws, seeds = drawn.shape
    if seeds < 2:
        return math.nan, math.nan
    picked = np.random.default_rng(_SEED).integers(seeds, size=(draws, seeds))
    moved = whole[picked].mean(axis=1) - whole.mean()
    with warnings.catch_warnings():
        # A rare class can be absent from all of a draw.
        warnings.simplefilter('ignore', RuntimeWarning)
        values = np.nanmean(drawn, axis=1) + _widening(seeds) * moved
        low, high = np.nanquantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def _widening(seeds: int) -> float:
    from scipy.stats import norm, t

    quantile = (1 + CONFIDENCE) / 2
    tails = t.ppf(quantile, seeds - 1) / norm.ppf(quantile)
    return float(tails) * math.sqrt(seeds / (seeds - 1))
