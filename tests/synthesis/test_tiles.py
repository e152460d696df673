import pytest
import torch
from torch import nn

from mmseg_ganaug.synthesis.tiles import check_tiles, run_in_tiles, shrink_to_fit


@pytest.mark.parametrize('overlap', [0, 5, 8])
@pytest.mark.parametrize('size', [(16, 16), (16, 40), (44, 28), (8, 100)])
def test_tiles_of_a_pointwise_network_join_to_the_whole(size, overlap):
    inputs = torch.randn(2, 3, *size)
    calls = []

    def network(part):
        calls.append(part.shape)
        return part.tanh()

    found = run_in_tiles(network, inputs, (20, 16), overlap, 4)
    torch.testing.assert_close(found, inputs.tanh())
    assert all(height <= 16 and width <= 20 for _, _, height, width in calls)


def test_tiles_begin_at_multiples_of_the_stride():
    # A network that sees where in the grid of its stride a pixel lies.
    pool = nn.Sequential(nn.MaxPool2d(4), nn.Upsample(scale_factor=4))
    inputs = torch.randn(1, 1, 36, 52)
    found = run_in_tiles(pool, inputs, (16, 16), 6, 4)
    torch.testing.assert_close(found, pool(inputs))


def test_seams_fade_over_the_overlap():
    # Each tile paints its own number: neighbours must meet in small steps.
    numbers = iter([0.0, 1.0, 2.0])

    def network(part):
        return torch.full_like(part, next(numbers))

    row = run_in_tiles(network, torch.zeros(1, 1, 8, 24), (12, 8), 6, 2)[0, 0, 0]
    assert row[0] == 0 and row[-1] == 2
    assert (row.diff() >= 0).all()
    assert row.diff().max() < 0.3


def test_codes_are_cut_into_tiles_too():
    codes = torch.arange(64, dtype=torch.int32).view(1, 1, 8, 8)
    found = run_in_tiles(lambda part: part.double(), codes, (4, 4), 0, 4)
    assert torch.equal(found, codes.float())


@pytest.mark.parametrize(
    ('tile', 'overlap', 'message'),
    [
        ((512, 8), 0, r'tile=\(512, 8\): both sides must be multiples of 16'),
        ((40, 64), 0, r'tile=\(40, 64\): both sides must be multiples of 16'),
        ((64, 32), 32, r'overlap=32 .* at most 16'),
        ((64, 32), -1, r'overlap=-1: .* >= 0'),
    ],
)
def test_tiles_that_cannot_work_are_an_error(tile, overlap, message):
    with pytest.raises(ValueError, match=message):
        check_tiles(tile, overlap, stride=16)


def test_tiles_that_work_are_accepted():
    check_tiles((64, 32), 16, stride=16)
    check_tiles(None, 64, stride=16)


@pytest.mark.parametrize(
    ('size', 'small'), [((100, 200), (48, 96)), ((300, 60), (64, 12)), ((8, 8), (8, 8))]
)
def test_shrunk_map_fits_and_keeps_its_shares(size, small):
    inputs = (torch.arange(size[0])[:, None] < size[0] / 4).expand(1, 1, *size).int()
    found = shrink_to_fit(inputs, (96, 64), 4)
    assert found.shape[-2:] == small and found.dtype == torch.int32
    assert abs(found.float().mean() - 0.25) < 0.05
