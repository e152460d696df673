import numpy as np
import torch
from torch import nn

from mmseg_ganaug.models.pix2pixhd.region_code import (
    KeptLooks,
    Pix2PixHDEncoder,
    ReadFeatures,
    RegionCode,
    number_regions,
    read_features,
    region_mean,
)


def test_clusters_are_found_and_the_largest_comes_first():
    code = RegionCode(num_classes=2, num_features=1, num_clusters=2)
    features = np.array([[0.9], [-0.5], [-0.51], [-0.49], [0.3], [0.3]])
    labels = np.array([0, 0, 0, 0, 1, 255])
    code.fit(labels, features)
    torch.testing.assert_close(
        code.clusters[..., 0], torch.tensor([[-0.5, 0.9], [0.3, 0.3], [0.3, 0.3]])
    )
    drawn = code.draw(torch.tensor([0, 1, 255]))
    torch.testing.assert_close(drawn[:, 0], torch.tensor([-0.5, 0.3, 0.3]))


def test_regions_are_classes_where_there_are_no_instances():
    labels = torch.tensor([[[[0, 0, 7]]], [[[7, 7, 7]]]], dtype=torch.uint8)
    numbers, region_labels = number_regions(labels)
    assert region_labels.tolist() == [0, 7, 7]
    assert numbers.flatten().tolist() == [0, 0, 1, 2, 2, 2]
    features = torch.arange(6.0).view(2, 1, 1, 3)
    assert region_mean(features, numbers, 3).tolist() == [[0.5], [2.0], [4.0]]
    shown = torch.tensor([[[[False, True, False]]], [[[True, False, True]]]])
    found = region_mean(features, numbers, 3, shown)
    assert found.tolist() == [[1.0], [0.0], [4.0]]


def test_features_are_read_off_what_photos_show():
    encoder = Pix2PixHDEncoder(base_channels=2, num_downsamples=1)
    encoder.model = nn.Identity()
    photos = torch.tensor([255, 0, 51], dtype=torch.uint8).view(1, 3, 1, 1)
    photos = photos.expand(1, 3, 4, 6).clone()
    shown = torch.ones(1, 1, 4, 6, dtype=torch.bool)
    shown[..., 1:] = False
    photos[..., 1:] = 99
    numbers = torch.zeros(1, 1, 4, 6, dtype=torch.long)
    numbers[..., 3:] = 1
    read = read_features(encoder, KeptLooks(photos, shown, 0.5), numbers, 2)
    assert read.known.tolist() == [True, False]
    assert read.share == 0.5
    torch.testing.assert_close(read.features[0], torch.tensor([1.0, -1.0, -0.6]))


def test_known_regions_keep_a_share_of_the_features_that_were_read():
    code = RegionCode(num_classes=2, num_features=1, noise_channels=2, num_clusters=1)
    code.clusters[:] = torch.tensor([0.0, 1.0, 0.5]).view(3, 1, 1)
    labels, known = torch.tensor([0, 1, 1, 9]), torch.tensor([True, True, False, True])
    features = torch.tensor([[0.8], [-1.0], [-1.0], [-0.5]])
    for share, wanted in (
        (1.0, [0.8, -1.0, 1.0, -0.5]),
        (0.5, [0.4, 0.0, 1.0, 0.0]),
        (0.0, [0.0, 1.0, 1.0, 0.5]),
    ):
        read = ReadFeatures(features, known, share)
        drawn = code.draw(labels, np.random.default_rng(0), read)
        torch.testing.assert_close(drawn[:, 0], torch.tensor(wanted))
        # Noise is what it is without.
        plain = code.draw(labels, np.random.default_rng(0))
        torch.testing.assert_close(drawn[:, 1:], plain[:, 1:])
