"""Style transfer between training photos."""

import numpy as np
import pytest
from mmseg.registry import TRANSFORMS

from mmseg_ganaug.datasets.label_files import MissingFileError


@pytest.fixture
def build(source):
    """The photos of the source are grey or blue, by their number."""

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
    assert not np.array_equal(after['img'], before['img'])
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
