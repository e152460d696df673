"""Windows compared by features of a frozen network."""

import numpy as np
import pytest
import torch

from mmseg_ganaug.evaluation.perception import (
    Perception,
    cut_window,
    frechet_distance,
    kernel_distance,
)
from mmseg_ganaug.models.efficientnet_lite import EfficientNetLite


@pytest.fixture
def perception(tmp_path):
    torch.manual_seed(0)
    network = EfficientNetLite(out_indices=(0, 1, 2, 3))
    torch.save(network.timm_model.state_dict(), tmp_path / 'weights.pth')
    return Perception(str(tmp_path / 'weights.pth'), 'cpu')


def test_a_window_lies_around_the_mask_and_in_the_photo():
    photo = np.random.default_rng(0).integers(0, 255, (80, 200, 3), np.uint8)
    mask = np.zeros((80, 200), bool)
    mask[70:80, 10:20] = True
    window = cut_window(photo, mask)
    assert window.shape == (64, 64, 4)
    assert np.array_equal(window[..., :3], photo[16:80, :64])
    assert (window[..., 3] > 0).sum() == mask.sum()
    mask[:, 60:130] = True
    # Larger than the photo is high: all of its height, reduced.
    wide = cut_window(photo, mask)
    assert wide.shape == (64, 64, 4)
    # Without surroundings, it is never reduced.
    assert np.array_equal(cut_window(photo, mask, 0)[..., :3], photo[8:72, 38:102])


def test_features_do_not_depend_on_what_comes_with_them(perception):
    windows = np.random.default_rng(0).integers(0, 255, (40, 64, 64, 4), np.uint8)
    together = perception.features(windows)
    assert together.shape == (40, 112)
    np.testing.assert_allclose(together[35:], perception.features(windows[35:]))


def test_the_distance_counts_what_the_mask_covers(perception):
    rng = np.random.default_rng(0)
    one = rng.integers(0, 255, (3, 64, 64, 3), np.uint8)
    two = one.copy()
    two[1, :32] = rng.integers(0, 255, (32, 64, 3), np.uint8)
    top = np.zeros((3, 64, 64), bool)
    top[:, :16] = True
    changed = perception.distances(one, two, top)
    assert changed[0] == changed[2] == 0
    assert changed[1] > 3 * perception.distances(one, two, top[:, ::-1])[1] > 0


def test_fid_of_gaussians_is_the_known_one():
    rng = np.random.default_rng(0)
    one = rng.normal(0, 1, (20000, 3))
    two = rng.normal(2, 3, (20000, 3))
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-6)
    # Means 2 apart in each of 3 dimensions, spreads 1 and 3.
    assert frechet_distance(one, two) == pytest.approx(3 * (2**2 + 2**2), rel=0.05)
    assert np.isnan(frechet_distance(one[:1], two))


def test_kid_is_zero_in_the_mean_and_grows_with_the_shift():
    rng = np.random.default_rng(0)
    same = [
        kernel_distance(rng.normal(size=(30, 8)), rng.normal(size=(30, 8)))
        for _ in range(200)
    ]
    assert abs(np.mean(same)) < 3 * np.std(same) / 200**0.5
    near, far = (
        kernel_distance(rng.normal(size=(300, 8)), rng.normal(shift, 1, (300, 8)))
        for shift in (0.5, 1.0)
    )
    assert 0.1 < near < far
    assert np.isnan(kernel_distance(np.zeros((1, 8)), np.zeros((4, 8))))
