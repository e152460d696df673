import numpy as np
import pytest
from planted_data import NAMES, make_data

from mmseg_ganaug.bench.finding import Pictures
from mmseg_ganaug.bench.headroom import measure_headroom, take_share
from mmseg_ganaug.datasets import build_source
from mmseg_ganaug.evaluation import RunResult
from mmseg_ganaug.evaluation.photo_counts import class_ious


def run_of(ious, photos=None, spread=0.05, seed=0):
    """A run with these IoUs (0..1); over photos where there are some."""
    counts = None
    if photos:
        rng = np.random.default_rng(seed)
        label = rng.integers(500, 1500, (photos, len(NAMES)))
        # The same photos are hard for each network of a seed.
        hard = np.random.default_rng(7 + seed).normal(0, spread, label.shape)
        same = label * np.clip(np.array(ious) + hard, 0, 1)
        counts = np.stack([same, label, label], axis=2).astype(np.int64)
        ious = class_ious(counts.sum(axis=0)) / 100
    percent = {n: 100 * float(v) for n, v in zip(NAMES, ious)}
    mean = float(np.nanmean(list(percent.values())))
    return RunResult('plain', 0, mean, 80.0, percent, 'toy', counts=counts)


def runs(values, **kwargs):
    """Trains in no time: rare classes reach one value a share."""
    by_share = dict(zip((0.25, 0.5, 1.0), values))
    return lambda share: run_of([0.8, 0.7, by_share[share], by_share[share]], **kwargs)


def test_a_rise_is_found_and_speaks_for_more(tmp_path):
    found = measure_headroom(runs([0.1, 0.2, 0.3], photos=80), 100, ['bird', 'cup'])
    assert found.rises and found.low > 10 and found.gain == pytest.approx(20, abs=1)
    assert found.photos == [25, 50, 100]
    assert found.rare == pytest.approx([10, 20, 30], abs=1.5)
    (finding,) = found.findings(Pictures(tmp_path / 'figures'))
    assert finding.kind == 'headroom' and not finding.speaks_against
    assert (tmp_path / finding.picture).is_file()


def test_no_rise_speaks_against_sampling_and_pairs_not_against_weights():
    found = measure_headroom(runs([0.2, 0.2, 0.201], photos=80), 100, ['bird', 'cup'])
    assert not found.rises and 0 < found.low < found.high < 0.5
    (finding,) = found.findings(Pictures())
    assert finding.kind == 'no-headroom'
    assert 'generated pair' in finding.text
    assert 'recon' in finding.speaks_against
    assert 'class-weights-sqrt' not in finding.speaks_against


def test_where_no_rare_class_is_learned_nothing_is_concluded():
    found = measure_headroom(runs([0.0, 0.0, 0.0], photos=80, spread=0), 40, ['bird'])
    assert found.rises is None and 'train longer' in found.text
    (finding,) = found.findings(Pictures())
    assert finding.kind == 'headroom-unknown' and not finding.speaks_against
    assert 'generated pair' not in finding.text


@pytest.mark.parametrize('means', [(0.091, 0.003, 0.012), (0.3, 0.2, 0.1)])
def test_of_a_fall_nothing_is_concluded(means):
    found = measure_headroom(runs(means, photos=80), 100, ['bird'])
    assert found.rises is None and 'train longer' in found.text
    is_learned = means[-1] >= 0.05
    assert ('luck' in found.text) == is_learned
    assert ('learns hardly anything of the rare' in found.text) != is_learned
    (finding,) = found.findings(Pictures())
    assert finding.kind == 'headroom-unknown' and not finding.speaks_against


def test_a_class_that_no_photo_shows_is_no_fall_where_it_is_predicted():
    def train(share):
        cup = 0.0 if share == 1 else np.nan
        return run_of([0.8, 0.7, 0.2 + share / 5, cup])

    found = measure_headroom(train, 100, ['bird', 'cup'])
    assert found.rises and found.rare == pytest.approx([25, 30, 40])


def test_without_rare_classes_no_word_is_of_them():
    found = measure_headroom(lambda _: run_of([0.02] * 4, photos=80), 100, [])
    assert found.rises is None and 'learns hardly anything,' in found.text
    assert 'rare' not in found.text


def test_few_photos_cannot_tell_and_that_is_written():
    shares = dict(zip((0.25, 0.5, 1.0), range(3)))

    def train(share):
        ious = [0.8, 0.7, 0.2, 0.22]
        return run_of(ious, photos=4, spread=0.3, seed=shares[share])

    found = measure_headroom(train, 40, ['bird', 'cup'])
    assert not found.rises and found.low < 0 < found.high
    assert 'coarse' in found.text and 'generated pair' not in found.text


def test_without_counts_a_point_is_a_rise():
    assert measure_headroom(runs([0.1, 0.1, 0.12]), 40, ['bird']).rises
    found = measure_headroom(runs([0.1, 0.1, 0.105]), 40, ['bird'])
    assert not found.rises and found.low is None


def test_without_rare_classes_or_where_one_is_absent_it_is_miou():
    found = measure_headroom(runs([0.1, 0.2, 0.3]), 40, [])
    assert found.rare is None and 'mIoU' in found.text
    assert found.gain == pytest.approx(10)
    absent = measure_headroom(runs([np.nan, 0.2, 0.3]), 40, ['bird'])
    assert absent.rare is None


def test_too_few_photos_are_refused():
    with pytest.raises(ValueError, match='7 training photos'):
        measure_headroom(runs([0.1, 0.2, 0.3]), 7, [])


def test_shares_are_nested_and_leave_the_config(tmp_path):
    cfg = make_data(tmp_path, counts=(16, 1))
    picked = {}
    for share in (0.25, 0.5, 1.0):
        taken = take_share(cfg, share)
        source = build_source(taken.train_dataloader.dataset)
        picked[share] = {source.locate(i)[1]['img_path'] for i in range(len(source))}
    assert [len(picked[s]) for s in (0.25, 0.5, 1.0)] == [4, 8, 16]
    assert picked[0.25] < picked[0.5] < picked[1.0]
    assert 'indices' not in cfg.train_dataloader.dataset
    assert picked[0.5] != set(sorted(picked[1.0])[:8])


@pytest.mark.parametrize(
    ('indices', 'allowed'),
    [(6, set(range(6))), (-6, set(range(10, 16))), (-99, set(range(16)))],
)
def test_shares_are_of_the_photos_that_the_config_shows(tmp_path, indices, allowed):
    cfg = make_data(tmp_path, counts=(16, 1))
    cfg.train_dataloader.dataset.indices = indices
    taken = take_share(cfg, 0.5).train_dataloader.dataset.indices
    assert len(taken) == len(allowed) // 2
    assert set(taken) <= allowed


def test_shares_of_wrapped_data_sets_and_of_a_part(tmp_path):
    cfg = make_data(tmp_path, counts=(16, 8))
    train, val = cfg.train_dataloader.dataset, cfg.val_dataloader.dataset
    train.indices = list(range(8))
    joined = dict(type='ConcatDataset', datasets=[train, val])
    cfg.train_dataloader.dataset = dict(type='RepeatDataset', times=3, dataset=joined)
    half = take_share(cfg, 0.5).train_dataloader.dataset.dataset.datasets
    assert [len(part.indices) for part in half] == [4, 4]
    assert max(half[0].indices) < 8
    assert len(build_source(half[1])) == 4
