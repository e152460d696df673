"""A network that learns to tell windows that were made from real ones."""

import numpy as np
import pytest

from mmseg_ganaug.evaluation.detection import detect


def windows(count, seed):
    """Noise with a mask in its middle: uint8 [count, 32, 32, 4]."""
    made = np.random.default_rng(seed).integers(0, 255, (count, 32, 32, 4), np.uint8)
    made[..., 3] = 0
    made[:, 12:20, 12:20, 3] = 255
    return made


@pytest.fixture(scope='module')
def pairs():
    """Real windows, and such with a flat object."""
    found = []
    for seed in (0, 1):
        real = windows(80, seed)
        flat = real.copy()
        flat[:, 12:20, 12:20, :3] = 128
        found.append((flat, real))
    return found


def test_what_looks_otherwise_is_detected(pairs):
    right = detect(*pairs, iterations=40)
    assert right.shape == (2, 80) and right.dtype == bool
    assert right.mean() > 0.9


def test_masks_alone_give_nothing_away_where_they_are_equal(pairs):
    right = detect(*pairs, iterations=40, blind=True)
    # The same answer to each window: one kind is right, the other wrong.
    assert right.mean() == 0.5


def test_the_seed_decides(pairs):
    results = [detect(*pairs, seed, iterations=3) for seed in (0, 0, 1)]
    assert np.array_equal(results[0], results[1])
