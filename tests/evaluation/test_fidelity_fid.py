"""FID with a stand-in for Inception that gives the mean colour of an image."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mmseg_ganaug.evaluation.metrics import GeneratorFIDMetric


class MeanColour(nn.Module):
    def forward(self, image: Tensor, return_features: bool = True) -> Tensor:
        return image.float().mean(dim=[2, 3])


@pytest.fixture
def inception_path(tmp_path):
    torch.jit.script(MeanColour()).save(str(tmp_path / 'inception.pt'))
    return tmp_path / 'inception.pt'


def process(metric, fake, real):
    """Photos are RGB, as arrays [3, H, W]."""
    samples = [dict(fake_photo=torch.from_numpy(p).flip(0).float()) for p in fake]
    metric.process({'inputs': {'img_photo': map(torch.from_numpy, real)}}, samples)


def photos(seed, shift=0):
    rng = np.random.default_rng(seed)
    colours = (
        rng.integers(0, 150, (40, 3, 1, 1)) + np.array([shift, 0, 0])[:, None, None]
    )
    return np.broadcast_to(colours, (40, 3, 4, 6)).astype(np.uint8)


def test_the_same_photos_have_no_distance(inception_path):
    metric = GeneratorFIDMetric(inception_path)
    process(metric, photos(0), photos(0))
    assert metric.evaluate(40)['FID'] == pytest.approx(0, abs=1e-3)


def test_a_shift_of_one_colour_is_its_square(inception_path):
    # The covariance stays; the red means differ by 50.
    metric = GeneratorFIDMetric(inception_path)
    process(metric, photos(0, shift=50), photos(0))
    assert metric.evaluate(40)['FID'] == pytest.approx(2500, rel=1e-4)


def test_missing_weights_say_where_to_get_them(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'none\.pt.*https://.*inception_path'):
        GeneratorFIDMetric(tmp_path / 'none.pt')


def test_one_photo_is_no_distribution(inception_path):
    metric = GeneratorFIDMetric(inception_path, device='cpu')
    process(metric, photos(0)[:1], photos(0)[:1])
    with pytest.raises(ValueError, match='1 photo'):
        metric.evaluate(1)
