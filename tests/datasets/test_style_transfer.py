"""Style transfer between training photos."""

import numpy as np
import pytest
from mmseg.registry import TRANSFORMS
from small_maps import write_png

from mmseg_ganaug.datasets.label_files import MissingFileError

STYLE = (230, 60, 10)  # blue, as OpenCV and MMSeg order the channels


@pytest.fixture
def build(source, tmp_path):
    """All photos of the source are blue."""
    for path in (tmp_path / 'img').glob('*.png'):
        write_png(path, np.full((24, 32, 3), STYLE, np.uint8))

    def built(**options):
        return TRANSFORMS.build(
            dict(type='mmseg_ganaug.StyleTransfer', source=source, **options)
        )

    return built


def sample(colour=(20, 200, 20)):
    rng = np.random.default_rng(0)
    img = np.clip(rng.normal(colour, 10, (24, 32, 3)), 0, 255).astype(np.uint8)
    return dict(img=img, gt_seg_map=np.arange(24 * 32).reshape(24, 32) % 3)


@pytest.mark.parametrize('name', ['FDA', 'PixelDistributionAdaptation'])
def test_a_photo_takes_the_look_of_another_and_labels_stay(build, name):
    before = sample()
    after = build(prob=1.0, transforms=[dict(type=name)])(sample())
    assert after['img'].shape == before['img'].shape
    assert after['img'].dtype == np.uint8
    means = before['img'].mean(axis=(0, 1)), after['img'].mean(axis=(0, 1))
    steps = means[1] - means[0]
    assert steps[0] > 20 and steps[1] < -20, steps  # towards blue, away from green
    assert steps[2] < 1, steps  # a style read as RGB would be red
    np.testing.assert_array_equal(after['gt_seg_map'], before['gt_seg_map'])


def test_a_share_of_the_photos_stays(build):
    transform = build(prob=0.5)
    before = sample()
    changed = [
        not np.array_equal(transform(sample())['img'], before['img']) for _ in range(60)
    ]
    assert 15 < sum(changed) < 45
    assert not any(
        not np.array_equal(build(prob=0.0)(sample())['img'], before['img'])
        for _ in range(3)
    )


def test_a_source_without_photos_is_named(source, tmp_path):
    empty = dict(source, data_root=str(tmp_path / 'nowhere'))
    with pytest.raises(MissingFileError, match='nowhere'):
        TRANSFORMS.build(dict(type='mmseg_ganaug.StyleTransfer', source=empty))
