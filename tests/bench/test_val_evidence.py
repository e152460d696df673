import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope
from mmseg.evaluation import IoUMetric
from mmseg.registry import DATASETS, MODELS
from planted_data import IGNORED, MODEL, NAMES, make_data

from mmseg_ganaug.bench.val_evidence import (
    PHOTO_SPREAD,
    expected_margins,
    measured_margins,
    predict_val,
)
from mmseg_ganaug.checkpoints import CheckpointError


def test_the_estimate_is_that_of_drawing_such_photos_again():
    rng = np.random.default_rng(0)
    pixels = rng.integers(100, 2000, 60)
    ends = []
    for _ in range(200):
        ious = np.clip(rng.normal(0.5, PHOTO_SPREAD, 60), 0, 1)
        counts = np.stack([pixels * ious, pixels, pixels], axis=1)[:, None]
        ends.append(measured_margins(counts.astype(np.int64))[0])
    estimated = expected_margins(pixels[:, None])[0]
    assert estimated == pytest.approx(np.mean(ends), rel=0.1)


def test_a_large_photo_counts_for_many_and_a_class_that_lacks_has_no_interval():
    even, uneven = np.full(16, 100), np.array([10000, *[1] * 15])
    margins = expected_margins(np.stack([even, uneven, np.zeros(16, int)], axis=1))
    assert margins[0] == pytest.approx(9.8, abs=0.1)
    assert margins[1] == pytest.approx(39.2, abs=0.2)  # as of one photo
    assert np.isnan(margins[2])
    counts = np.zeros((5, 2, 3), np.int64)
    counts[:, 0] = [50, 100, 80]
    counts[2, 1] = [0, 30, 0]  # predicted, but not there
    margins = measured_margins(counts)
    assert margins[0] == 0 and np.isnan(margins[1])


def test_of_a_class_in_one_photo_drawing_it_again_says_nothing():
    counts = np.full((20, 2, 3), 100, np.int64)
    counts[..., 0] = 60
    counts[1:, 1] = 0
    assert measured_margins(counts)[1] == pytest.approx(39.2, abs=0.2)


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmseg'):
        model = MODELS.build(MODEL)
    torch.nn.init.normal_(model.decode_head.conv_seg.weight)
    torch.save(model.state_dict(), tmp_path / 'weights.pth')
    return tmp_path / 'weights.pth'


# 0 is the number of a class, too.
@pytest.mark.parametrize('ignored', [IGNORED, 0])
def test_counts_are_those_of_mmsegs_metric(tmp_path, weights, ignored):
    def border(labels, *_):
        labels[:3] = IGNORED

    cfg = make_data(tmp_path, relabel=border, counts=(1, 3))
    found = predict_val(cfg, weights, len(NAMES), ignore_index=ignored)
    assert found.counts.shape == (3, 4, 3)
    if ignored == IGNORED:
        assert found.confusion.sum() == 3 * 93 * 128
    assert len(found.confusion.any(axis=0).nonzero()[0]) > 1
    with DefaultScope.overwrite_default_scope('mmseg'):
        model = MODELS.build(cfg.model).eval()
        val = DATASETS.build(cfg.val_dataloader.dataset)
    model.load_state_dict(torch.load(weights, weights_only=True))
    with torch.no_grad():
        for index, counts in enumerate(found.counts):
            (sample,) = model.test_step(pseudo_collate([val[index]]))
            label = sample.gt_sem_seg.data[0]
            label[label == IGNORED] = ignored
            areas = IoUMetric.intersect_and_union(
                sample.pred_sem_seg.data[0], label, 4, ignored
            )
            same, union, _, label = (area.numpy() for area in areas)
            assert np.array_equal(counts, np.stack([same, union, label], axis=1))


def test_weights_of_another_network_are_refused(tmp_path, weights):
    cfg = make_data(tmp_path, counts=(1, 1))
    cfg.model.decode_head.channels = 16
    with pytest.raises(CheckpointError, match=r'weights\.pth'):
        predict_val(cfg, weights, len(NAMES))


def test_a_data_preprocessor_beside_the_model_belongs_to_it(tmp_path, weights):
    cfg = make_data(tmp_path, counts=(1, 2))
    wanted = predict_val(cfg, weights, len(NAMES))
    cfg.data_preprocessor = cfg.model.pop('data_preprocessor')
    found = predict_val(cfg, weights, len(NAMES))
    np.testing.assert_array_equal(found.counts, wanted.counts)
