import numpy as np
import pytest
import torch

from mmseg_ganaug.models import LabelEncoder
from mmseg_ganaug.models.pix2pixhd.label_encoder import (
    LabelWarp,
    id_edges,
    pad_to_stride,
)


def maps(rows):
    return torch.tensor(rows, dtype=torch.uint8)[None, None]


def test_classes_and_ignored_pixels_become_one_hot():
    encoder = LabelEncoder(num_classes=3, ignore_index=255)
    encoded = encoder(maps([[0, 2], [255, 1]]))
    assert encoded.dtype == torch.float32
    assert encoded.shape == (1, 4, 2, 2) == (1, encoder.out_channels, 2, 2)
    assert encoded[0].argmax(0).tolist() == [[0, 2], [3, 1]]
    assert encoded.sum(1).unique().tolist() == [1.0]


def test_ignore_index_may_follow_the_classes():
    encoder = LabelEncoder(num_classes=11, ignore_index=11)
    encoded = encoder(maps([[11, 10]]))
    assert encoded.shape[1] == 12
    assert encoded[0].argmax(0).tolist() == [[11, 10]]


def test_without_a_channel_ignored_pixels_are_zero():
    encoder = LabelEncoder(num_classes=2, ignore_index=255, ignore_channel=False)
    encoded = encoder(maps([[255, 1]]))
    assert encoded[0, :, 0].tolist() == [[0.0, 0.0], [0.0, 1.0]]


def test_edges_are_marked_on_both_sides_and_not_across_corners():
    ids = torch.zeros(1, 1, 4, 5, dtype=torch.int32)
    ids[0, 0, 1, 2] = 33001
    assert id_edges(ids)[0, 0].int().tolist() == [
        [0, 0, 1, 0, 0],
        [0, 1, 1, 1, 0],
        [0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0],
    ]


def test_edges_tell_instances_apart_beyond_16_bits():
    # 33000 and 33000 - 65536 are the same number in 16 bits.
    ids = torch.tensor([[[[33000, 33000 - 65536]]]], dtype=torch.int32)
    encoder = LabelEncoder(num_classes=1, edges=True)
    assert encoder(maps([[0, 0]]), ids)[0, -1].tolist() == [[1.0, 1.0]]


def test_edge_channel_comes_last():
    encoder = LabelEncoder(num_classes=2, edges=True)
    ids = torch.tensor([[[[1, 1, 2]]]], dtype=torch.int32)
    encoded = encoder(maps([[0, 1, 255]]), ids)
    assert encoded.shape[1] == encoder.out_channels == 4
    assert encoded[0, 3].tolist() == [[0.0, 1.0, 1.0]]
    assert encoded[0, :3].argmax(0).tolist() == [[0, 1, 2]]


@pytest.mark.parametrize('ignore_channel', [True, False])
def test_wrong_value_is_named(ignore_channel):
    encoder = LabelEncoder(3, ignore_index=255, ignore_channel=ignore_channel)
    with pytest.raises(ValueError, match=r'\[3, 7\].*3 classes.*ignore_index=255'):
        encoder(maps([[0, 7], [3, 255]]))


def test_value_255_is_wrong_where_it_is_not_the_ignore_index():
    with pytest.raises(ValueError, match='255'):
        LabelEncoder(num_classes=11, ignore_index=11)(maps([[255]]))


def test_label_maps_of_another_type_are_refused():
    with pytest.raises(TypeError, match='int64'):
        LabelEncoder(num_classes=2)(torch.zeros(1, 1, 2, 2, dtype=torch.int64))


def test_missing_or_misshapen_instance_maps_are_refused():
    encoder = LabelEncoder(num_classes=2, edges=True)
    with pytest.raises(ValueError, match='edges=True'):
        encoder(maps([[0, 1]]))
    with pytest.raises(ValueError, match='instance maps are'):
        encoder(maps([[0, 1]]), torch.zeros(1, 1, 2, 2, dtype=torch.int32))


def test_padding_repeats_the_last_row_and_column():
    padded = pad_to_stride(maps([[1, 2, 3]]), 4)
    assert padded[0, 0].tolist() == [[1, 2, 3, 3, 3, 3, 3, 3]] * 8
    assert pad_to_stride(maps([[1] * 9] * 9), 4).shape[-2:] == (12, 12)
    whole = maps([[1, 2, 3, 4]] * 4)
    assert pad_to_stride(whole, 2) is whole


def test_class_edges_join_those_of_the_instances():
    labels = maps([[0, 0, 1, 1, 1, 1]])
    ids = torch.tensor([[[[0, 0, 0, 0, 5, 5]]]], dtype=torch.int32)
    plain = LabelEncoder(num_classes=2, edges=True)
    joined = LabelEncoder(num_classes=2, edges=True, class_edges=True)
    assert plain(labels, ids)[0, -1].tolist() == [[0, 0, 0, 1, 1, 0]]
    assert joined(labels, ids)[0, -1].tolist() == [[0, 1, 1, 1, 1, 0]]


def test_16_bit_instance_maps_are_refused():
    ids = torch.zeros(1, 1, 1, 2, dtype=torch.int16)
    with pytest.raises(TypeError, match='int16'):
        LabelEncoder(num_classes=2, edges=True)(maps([[0, 1]]), ids)


def test_classes_can_drive_the_channels_of_other_ids():
    encoder = LabelEncoder(
        num_classes=2,
        ignore_channel=False,
        label_ids=(7, 11),
        num_label_ids=35,
        ignore_label_id=0,
        edges=True,
    )
    assert encoder.out_channels == 36
    ids = torch.zeros(1, 1, 1, 3, dtype=torch.int32)
    encoded = encoder(maps([[0, 1, 255]]), ids)
    assert encoded[0].argmax(0).tolist() == [[7, 11, 0]]
    assert encoded.sum(1).tolist() == [[[1.0, 1.0, 1.0]]]


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        (dict(label_ids=(7, 11)), 'num_label_ids=None'),
        (dict(label_ids=(7,), num_label_ids=35), '1 channels'),
        (dict(label_ids=(7, 35), num_label_ids=35), r'0\.\.34'),
        (dict(label_ids=(7, 8), num_label_ids=35, ignore_label_id=0), 'ignore_channel'),
        (dict(class_edges=True), 'edges=True'),
    ],
)
def test_label_ids_that_do_not_fit_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        LabelEncoder(num_classes=2, **wrong)


def rng():
    return np.random.default_rng(0)


def test_warp_moves_shapes_of_all_maps_alike_and_invents_no_values():
    torch.manual_seed(0)
    labels = torch.randint(0, 3, (4, 1, 32, 48)).to(torch.uint8)
    ids = labels.to(torch.int32) + 33000
    warped, warped_ids, nothing = LabelWarp(prob=1.0, max_shift=0.1)(
        labels, ids, None, rng=rng()
    )
    assert nothing is None
    assert warped.dtype == torch.uint8 and warped_ids.dtype == torch.int32
    assert (warped != labels).any()
    assert (warped.to(torch.int32) + 33000 == warped_ids).all()


def test_warp_moves_no_pixel_farther_than_asked():
    torch.manual_seed(0)
    columns = torch.arange(100).view(1, 1, 1, -1).repeat(8, 1, 60, 1)
    (warped,) = LabelWarp(prob=1.0, max_shift=0.05)(columns, rng=rng())
    shift = (warped - columns).abs()
    assert 0 < shift.max() <= 5


def test_warp_leaves_the_other_samples_alone():
    torch.manual_seed(0)
    labels = torch.randint(0, 200, (64, 1, 16, 16)).to(torch.uint8)
    (warped,) = LabelWarp(prob=0.25, max_shift=0.2)(labels, rng=rng())
    changed = (warped != labels).flatten(1).any(1)
    assert 4 < changed.sum() < 30
    assert torch.equal(LabelWarp(prob=0.0)(labels, rng=rng())[0], labels)
