"""Learning curves are joined from what each start of a training left."""

import json

import pytest

from mmseg_ganaug.evaluation import RunResult
from mmseg_ganaug.evaluation.curves import curve_of, mean_curve, read_curve


def write(folder, name, *lines):
    path = folder / name / 'vis_data' / 'scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text('\n'.join(line if isinstance(line, str) else json.dumps(line)
                              for line in lines))  # fmt: skip


def validation(step, miou, **ious):
    classes = {f'IoU.{name}': value for name, value in ious.items()}
    return {'aAcc': 80.0, 'mIoU': miou, **classes, 'time': 0.1, 'step': step}


def run(curve, seed=0, **extra):
    extra = extra if curve is None else dict(extra, curve=curve)
    return RunResult('plain', seed, 50.0, 80.0, {'road': 50.0}, 'toy', extra)


def test_curves_are_joined_after_a_resume_and_the_later_start_counts(tmp_path):
    loss = {'lr': 0.1, 'loss': 2.0, 'iter': 50, 'step': 50}
    write(
        tmp_path,
        '20260101_100000',
        loss,
        validation(100, 10.0, road=20.0, pole=float('nan')),
        validation(200, 11.0, road=22.0, pole=0.0),
    )
    write(
        tmp_path,
        '20260101_120000',
        validation(200, 12.0, road=24.0, pole=1.0),
        validation(300, 13.0, road=26.0, pole=2.0),
        '{"mIoU": 99.0, "st',
    )
    # A test of the weights is no validation.
    write(tmp_path / 'test' / '20260101-130000', 'now', validation(300, 77.0))
    found = read_curve(tmp_path)
    assert found == [
        [100, 10.0, {'road': 20.0, 'pole': None}],
        [200, 12.0, {'road': 24.0, 'pole': 1.0}],
        [300, 13.0, {'road': 26.0, 'pole': 2.0}],
    ]
    # Can be kept in a line of JSON.
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_one_validation_is_no_curve(tmp_path):
    assert read_curve(tmp_path) == []
    write(tmp_path, '20260101_100000', validation(100, 10.0))
    assert read_curve(tmp_path) == []


def test_the_mean_is_over_what_all_seeds_have():
    runs = [
        run([[100, 10.0, {}], [200, 20.0, {}], [250, 1.0, {}]]),
        run([[100, 12.0, {}], [200, 26.0, {}]], seed=1),
        run(None, seed=2),
    ]
    assert mean_curve(runs) == {100: 11.0, 200: 23.0}
    assert mean_curve([run(None)]) == {}


def test_a_run_of_before_has_no_curve_and_a_wrong_one_is_named():
    assert curve_of(run(None, seconds={})) == {}
    for wrong in (3, [1], [[1, 'a', {}]]):
        with pytest.raises(ValueError, match=r'the curve of plain \(seed 4\)'):
            curve_of(run(wrong, seed=4))
