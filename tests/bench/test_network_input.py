import numpy as np
import pytest
from mmengine.config import Config
from planted_data import BIRD, MODEL, SIZE, make_data

from mmseg_ganaug.bench.network_input import (
    ASSUMED_STRIDE,
    PipelineViews,
    output_stride,
    train_crop,
)
from mmseg_ganaug.datasets.source_dataset import build_source


@pytest.fixture
def view(tmp_path):
    """Draws a view by transforms in place of those between loading and packing."""
    cfg = make_data(tmp_path, counts=(1, 1))

    def drawn(*transforms, seed=0, labels=None):
        dataset = cfg.train_dataloader.dataset
        load, pack = dataset.pipeline[:2], dataset.pipeline[-1:]
        dataset = dict(dataset, pipeline=[*load, *transforms, *pack])
        labels = np.zeros(SIZE, np.uint8) if labels is None else labels
        return PipelineViews(build_source(dataset)).draw(0, labels, seed)

    return drawn


def test_a_plain_pipeline_shows_all_as_it_is(view):
    assert view() == (0, 0, 96, 128, pytest.approx(1), (96, 128))


def test_scale_and_crop_are_read_off(view):
    found = view(
        dict(type='Resize', scale=(256, 192), keep_ratio=True),
        dict(type='RandomCrop', crop_size=(64, 80)),
    )
    assert found.scale == pytest.approx(2, rel=0.02)
    assert found.shape == (64, 80)
    assert found.bottom - found.top == pytest.approx(32, abs=1)
    assert found.right - found.left == pytest.approx(40, abs=1)


@pytest.mark.parametrize(
    'transform',
    [
        dict(type='RandomFlip', prob=1.0),
        dict(type='RandomRotate', prob=1.0, degree=(20, 20)),
        dict(type='RandomRotFlip', rotate_prob=1.0, flip_prob=0.0, degree=(90, 90)),
        dict(type='Pad', size=(160, 160)),
        dict(type='CenterCrop', crop_size=(64, 64)),
        dict(type='PhotoMetricDistortion'),
    ],
    ids=lambda transform: transform['type'],
)
def test_flips_rotations_borders_and_colours_keep_the_scale(view, transform):
    found = view(transform)
    assert found.scale == pytest.approx(1, rel=0.02)
    # What was filled in is no part of the photo.
    assert 0 <= found.top < found.bottom <= 96
    assert 0 <= found.left < found.right <= 128


def test_crops_that_look_at_the_labels_are_followed(view):
    labels = np.zeros(SIZE, np.uint8)
    labels[80:90, 100:110] = BIRD
    crop = dict(type='mmseg_ganaug.RandomClassCrop', crop_size=(24, 24), prob=1.0)
    views = [view(crop, seed=seed, labels=labels) for seed in range(16)]
    aimed = [v.bottom > 80 and v.right > 100 for v in views]
    # Both classes are aimed at as often, though one has a hundredth of the pixels.
    assert 4 <= sum(aimed) <= 14
    assert train_crop(views) == (24, 24)
    assert train_crop([]) is None


def test_draws_depend_on_the_seed_alone_and_leave_the_generators(view):
    crop = dict(type='RandomCrop', crop_size=(24, 24))
    np.random.seed(5)  # noqa: NPY002
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    assert view(crop, seed=3) == view(crop, seed=3) != view(crop, seed=4)
    assert np.array_equal(state, np.random.get_state()[1])  # noqa: NPY002


def test_the_stride_is_that_of_what_the_head_gives():
    assert output_stride(Config(dict(model=MODEL))).pixels == 8
    # A loss that reads data when it is built is not built.
    head = dict(MODEL['decode_head'], loss_decode=dict(type='NoSuchLoss'))
    assert output_stride(Config(dict(model=dict(MODEL, decode_head=head)))).pixels == 8
    strided = dict(MODEL, backbone=dict(MODEL['backbone'], dilations=(1, 1, 1, 1)))
    strided['backbone']['strides'] = (1, 2, 2, 2)
    assert output_stride(Config(dict(model=strided))).pixels == 32
    cascade = dict(
        MODEL,
        type='CascadeEncoderDecoder',
        num_stages=2,
        decode_head=[
            dict(MODEL['decode_head']),
            dict(
                type='OCRHead',
                in_channels=64,
                channels=8,
                ocr_channels=8,
                num_classes=4,
            ),
        ],
    )
    assert output_stride(Config(dict(model=cascade))).pixels == 8


def test_the_stride_is_found_for_photos_of_any_bands():
    backbone = dict(MODEL['backbone'], in_channels=5)
    norm = dict(type='SegDataPreProcessor', mean=[0.0] * 5, std=[1.0] * 5)
    model = dict(MODEL, backbone=backbone, data_preprocessor=norm)
    found = output_stride(Config(dict(model=model)))
    assert (found.pixels, found.assumed) == (8, False)


def test_a_network_that_cannot_be_built_has_a_stride_that_is_called_assumed():
    found = output_stride(Config(dict(model=dict(type='NoSuchNetwork'))))
    assert found.pixels == ASSUMED_STRIDE and found.assumed
    assert 'assumed' in found.known_from and 'NoSuchNetwork' in found.known_from
