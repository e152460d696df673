"""Distortion in batches on the device does what MMSeg's does photo by photo."""

import cv2
import numpy as np
import pytest
import torch

from mmseg_ganaug.synthesis.photometric_distortion import (
    PhotometricDistortion,
    _change_colour,
)

STILL = dict(
    brightness_delta=0, contrast_range=(1, 1), saturation_range=(1, 1), hue_delta=0
)


@pytest.fixture
def photos():
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (64, 3, 8, 10), generator=generator, dtype=torch.uint8)


def test_nothing_changes_with_neutral_ranges(photos):
    assert torch.equal(PhotometricDistortion(**STILL)(photos), photos)


@pytest.mark.parametrize(('factor', 'steps'), [(1.5, 0), (0.5, 0), (1, 18), (1.2, -9)])
def test_colours_change_as_opencv_changes_them(photos, factor, steps):
    changed = _change_colour(
        photos.float(),
        torch.full((64, 1, 1, 1), factor),
        torch.full((64, 1, 1, 1), steps / 180),
    )
    for photo, found in zip(photos, changed):
        hsv = cv2.cvtColor(photo.permute(1, 2, 0).numpy(), cv2.COLOR_RGB2HSV)
        hsv = hsv.astype(np.float32)
        hsv[..., 1] = np.clip(hsv[..., 1] * factor, 0, 255)
        hsv[..., 0] = (hsv[..., 0] + steps) % 180
        wanted = cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB).astype(
            np.float32
        )
        # OpenCV rounds hue to two degrees and saturation to 1/255.
        difference = np.abs(found.permute(1, 2, 0).numpy() - wanted)
        assert difference.max() <= 7
        assert difference.mean() < 2


@pytest.mark.parametrize('grey', [0, 128, 255])
def test_grey_stays_grey(grey):
    photos = torch.full((16, 3, 4, 4), grey, dtype=torch.uint8)
    changed = PhotometricDistortion()(photos)
    assert torch.equal(changed[:, 0], changed[:, 1])
    assert torch.equal(changed[:, 0], changed[:, 2])


def test_each_photo_changes_on_its_own_and_half_of_them_by_a_step(photos):
    torch.manual_seed(0)
    options = dict(STILL, brightness_delta=32)
    grey = torch.full((400, 3, 2, 2), 100, dtype=torch.uint8)
    changed = PhotometricDistortion(**options)(grey)[:, 0, 0, 0].int() - 100
    assert 0.4 < (changed != 0).float().mean() < 0.6
    assert changed.min() < -25 and changed.max() > 25
    assert changed.abs().max() <= 32
    torch.manual_seed(0)
    again = PhotometricDistortion(**options)(grey)[:, 0, 0, 0].int() - 100
    assert torch.equal(changed, again)


def test_contrast_comes_before_or_after_the_colours():
    # A colour that is clipped by contrast first and not by contrast last.
    photos = torch.tensor([200, 100, 50], dtype=torch.uint8).view(1, 3, 1, 1)
    photos = photos.repeat(200, 1, 1, 1)
    torch.manual_seed(0)
    options = dict(contrast_range=(2, 2), saturation_range=(0.5, 0.5))
    changed = PhotometricDistortion(**dict(STILL, **options))(photos).flatten(1)
    found = {tuple(photo) for photo in changed.tolist()}
    wanted = [
        (200, 100, 50),
        (255, 200, 100),  # contrast alone
        (200, 150, 125),  # saturation alone
        (255, 228, 178),  # contrast, then saturation
        (255, 255, 250),  # saturation, then contrast
    ]
    assert len(found) == len(wanted)
    for colour in wanted:
        assert np.abs(np.array(list(found)) - colour).max(axis=1).min() <= 1
