import json
import math
from concurrent.futures import ThreadPoolExecutor

import pytest

from mmseg_ganaug.evaluation import RunResult, load_results
from mmseg_ganaug.evaluation.run_result import add_run, load_runs

CLASSES = ['road', 'traffic sign', 'rider']


def _run(method='plain', seed=0, ious=(90.0, 30.0, math.nan), **changes):
    values = dict(
        method=method,
        seed=seed,
        mIoU=sum(v for v in ious if not math.isnan(v)) / 2,
        aAcc=80.0,
        per_class_iou=dict(zip(CLASSES, ious)),
        protocol='toy',
    )
    return RunResult(**{**values, **changes})


def test_a_result_survives_its_file_with_absent_classes_as_null(tmp_path):
    result = _run(extra={'device': 'cpu', 'times': {'train': 12.5}})
    path = add_run(tmp_path / 'new' / 'toy.jsonl', result)

    (line,) = path.read_text().splitlines()
    written = json.loads(line)
    assert written['per_class_iou'] == {'road': 90, 'traffic sign': 30, 'rider': None}
    assert (written['protocol'], written['times']) == ('toy', {'train': 12.5})
    (loaded,) = load_runs(path)
    assert math.isnan(loaded.per_class_iou['rider'])
    assert loaded.to_json() == result.to_json()
    assert loaded.extra == result.extra
    assert load_results(path)[0].to_json() == result.to_json()


def test_runs_are_sorted_and_a_later_one_takes_the_place_of_the_earlier(tmp_path):
    path = tmp_path / 'toy.jsonl'
    for method, seed, miou in [
        *(('b', 10, 1.0), ('b', 2, 2.0), ('a', 3, 3.0), ('b', 10, 4.0)),
    ]:
        add_run(path, _run(method=method, seed=seed, mIoU=miou))
    found = [(run.method, run.seed, run.mIoU) for run in load_runs(path)]
    assert found == [('a', 3, 3.0), ('b', 2, 2.0), ('b', 10, 4.0)]


def test_processes_that_add_at_once_lose_no_run(tmp_path):
    path = tmp_path / 'toy.jsonl'
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda seed: add_run(path, _run(seed=seed)), range(24)))
    assert [run.seed for run in load_runs(path)] == list(range(24))


@pytest.mark.parametrize(
    ('change', 'what'),
    [
        ({'mIoU': 'high'}, "mIoU is 'high'"),
        ({'mIoU': None}, 'mIoU is None'),
        ({'aAcc': 101.0}, r'aAcc is 101\.0'),
        ({'seed': 1.5}, r'seed is 1\.5'),
        ({'seed': True}, 'seed is True'),
        ({'method': ''}, "method is ''"),
        ({'protocol': 3}, 'protocol is 3'),
        ({'per_class_iou': {}}, 'per_class_iou'),
        ({'per_class_iou': {'road': -1}}, "IoU of class 'road' is -1"),
        ({'per_class_iou': [1, 2]}, 'per_class_iou'),
    ],
)
def test_a_wrong_value_names_the_file_and_the_value(tmp_path, change, what):
    path = tmp_path / 'toy.jsonl'
    lines = [_run().to_json(), {**_run().to_json(), **change}]
    path.write_text('\n'.join(map(json.dumps, lines)))
    with pytest.raises(ValueError, match=rf'toy\.jsonl, line 2, is not .*{what}'):
        load_runs(path)


@pytest.mark.parametrize('text', ['{"mIoU": ', '[1]', '{"mIoU": 3}', '\0\xff'])
def test_a_file_that_is_no_result_is_named(tmp_path, text):
    path = tmp_path / 'other.jsonl'
    path.write_bytes(text.encode('latin-1'))
    message = r'other\.jsonl, line 1, is not the result of a run'
    with pytest.raises(ValueError, match=message):
        load_runs(path)


def test_extra_may_not_hide_a_key():
    with pytest.raises(ValueError, match='seed'):
        _run(extra={'seed': 3})


def test_metrics_without_class_ious_say_which_metric_to_use():
    with pytest.raises(ValueError, match='ClassIoUMetric'):
        RunResult.from_metrics(
            {'mIoU': 1.0, 'aAcc': 2.0}, CLASSES, method='plain', seed=0, protocol='toy'
        )
