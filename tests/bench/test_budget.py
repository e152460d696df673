"""A race fits its budget, and one that cannot is refused with what would do."""

import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmengine.config import Config

from mmseg_ganaug.bench import budget
from mmseg_ganaug.bench.budget import (
    TRIAL_ITERATIONS,
    Costs,
    longest,
    measure_costs,
    plan_rungs,
    seconds_of,
)
from mmseg_ganaug.experiments.runner import ToolError
from mmseg_ganaug.ownership import WorkFolder

PHOTOS = {'choose': 40, 'evaluate': 40}


def test_each_rung_has_half_of_the_treatments_for_twice_the_iterations():
    rungs = plan_rungs(9, 800, [0, 1, 2], 3)
    assert [rung.iterations for rung in rungs] == [200, 400, 800]
    assert [rung.keep for rung in rungs] == [5, 3, 3]
    assert [rung.seeds for rung in rungs] == [(3,), (3,), (0, 1, 2)]


def test_a_photo_costs_its_share_of_a_batch(tmp_path, monkeypatch):
    lines = [dict(loss=1.0, time=0.5), dict(loss=1.0, time=0.25), dict(mIoU=9, time=2)]
    scalars = tmp_path / '1' / 'vis_data' / 'scalars.json'
    scalars.parent.mkdir(parents=True)
    scalars.write_text(''.join(f'{json.dumps(line)}\n' for line in lines))
    cfg = Config(dict(val_dataloader=dict(batch_size=8)))
    training = SimpleNamespace(work_dir=tmp_path, cfg=cfg)
    seconds = TRIAL_ITERATIONS * 0.25 + 40 * 0.25 + 3
    monkeypatch.setattr(budget, '_seconds_of_training', lambda *_, **__: seconds)
    found = measure_costs([training], 40, WorkFolder(tmp_path, 'bench'))
    assert found == Costs(start=3.0, iteration=0.25, photo=0.25)


def test_a_trial_that_fails_says_why(tmp_path, monkeypatch):
    def fails(*args, **options):
        raise ToolError('bands do not fit')

    cfg = Config(dict(val_dataloader={}))
    training = SimpleNamespace(work_dir=tmp_path, cfg=cfg)
    monkeypatch.setattr(budget, '_seconds_of_training', fails)
    with pytest.raises(ToolError, match='bands do not fit'):
        measure_costs([training], 40, WorkFolder(tmp_path, 'bench'))


@pytest.mark.parametrize('count', [1, 2, 3])
def test_few_treatments_are_trained_for_half_the_length_too(count):
    rungs = plan_rungs(count, 800, [3, 4, 5], 6)
    assert [rung.iterations for rung in rungs] == [400, 800]
    assert [rung.keep for rung in rungs] == [count, count]


def test_seconds_are_those_of_all_trainings_side_by_side():
    # 3 of 100 iterations on shares of the photos, with a validation and a test; 4 of
    # 100 iterations; then 3 x 3 of 200 with 4 validations and a test.
    rungs = plan_rungs(4, 200, [0, 1, 2], 3)
    costs = Costs(start=10, iteration=1, photo=0.5)
    first, last = 10 + 100 + 20, 10 + 200 + 4 * 20 + 10 + 20
    share = first + 10 + 20
    one = 3 * share + 4 * first + 9 * last
    assert seconds_of(rungs, 4, costs, PHOTOS, 1) == one
    two = 2 * share + 2 * first + 5 * last
    assert seconds_of(rungs, 4, costs, PHOTOS, 2) == two


@given(
    st.integers(1, 12),
    st.floats(0.01, 2),
    st.floats(0, 20),
    st.integers(1, 4),
    st.floats(300, 36_000),
)
def test_the_longest_race_that_fits_is_found(count, iteration, start, jobs, seconds):
    costs = Costs(start, iteration, 0.02)

    def whole(iterations):
        rungs = plan_rungs(count, iterations, [0, 1, 2], 3)
        return seconds_of(rungs, count, costs, PHOTOS, jobs)

    try:
        found = longest(seconds, count, costs, PHOTOS, jobs)
    except ValueError as error:
        assert 'minutes or more to --minutes' in str(error)
        assert whole(100) > 0.87 * seconds
    else:
        assert found >= 100 and found % 20 == 0
        assert whole(found) <= 0.93 * seconds
        # Rungs have whole iterations, so that it does not grow quite evenly.
        assert whole(found + 60) > 0.91 * seconds
