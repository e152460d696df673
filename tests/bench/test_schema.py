"""The check of bench.json, and that its document names all of it."""

import copy
import json
import re
from pathlib import Path

import pytest
from planted_data import BIRD, make_data, without
from simulated_bench import whole_bench

from mmseg_ganaug.bench.bench_report import report_html
from mmseg_ganaug.bench.diagnosis import diagnose
from mmseg_ganaug.bench.schema import SHAPE, Map, Maybe, OneOf, check_bench

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope='module')
def bench(tmp_path_factory):
    folder = tmp_path_factory.mktemp('bench')
    return whole_bench(folder, {'plain': 0, 'real-pixels': 1.5}, photos=20)


def test_a_bench_passes(bench):
    check_bench(bench)
    check_bench({**bench, 'of_a_later_version': [1, 2]})


@pytest.mark.parametrize(
    'place, value, message',
    [
        (['minutes'], float('nan'), 'minutes is nan, but must be a finite number'),
        (['minutes'], True, 'minutes is True'),
        (['seed'], 1.5, 'seed is 1.5, but must be a whole number'),
        (['title'], None, 'title is None, but must be a text'),
        (['proxy', 'used'], 'no', "proxy.used is 'no', but must be true or false"),
        (['runs', 0, 'mIoU'], '50', r'runs\[0\]\.mIoU is .50., but'),
        (['runs', 1, 'on'], 'test', 'but must be choose or evaluate'),
        (['runs', 0, 'per_class_iou', 'car'], 'x', r"per_class_iou\['car'\] is 'x'"),
        (['photos'], {}, 'photos is {}, but must be a list'),
        (['versions'], [], r'versions is \[\], but must be an object'),
        (['verdict', 'treatment'], 'nobody', r"verdict names \['nobody'\]"),
        (['runs', 0, 'treatment'], 'nobody', r"runs names \['nobody'\]"),
        (['data', 'rare'], ['unicorn'], "data.rare names 'unicorn'"),
        (['schema'], 2, 'schema 2, but 1 is what this version'),
    ],
)
def test_what_is_wrong_is_named(bench, place, value, message):
    wrong = copy.deepcopy(bench)
    parent = wrong
    for key in place[:-1]:
        parent = parent[key]
    parent[place[-1]] = value
    with pytest.raises(ValueError, match=message):
        check_bench(wrong)


def test_what_is_missing_is_named(bench):
    wrong = copy.deepcopy(bench)
    del wrong['runs'][0]['command'], wrong['data']
    with pytest.raises(ValueError, match='data is missing'):
        check_bench(wrong)
    wrong['data'] = bench['data']
    with pytest.raises(ValueError, match=r'runs\[0\]\.command is missing'):
        check_bench(wrong)
    for other in (None, [], 'text', {}):
        with pytest.raises(ValueError, match='has schema None'):
            check_bench(other)


def test_a_diagnosis_is_as_stated_and_shown(bench, tmp_path):
    figures = tmp_path / 'work' / 'figures'

    def edit(labels, split, index, rng):
        if split == 'train':
            without(labels, BIRD)

    data = make_data(tmp_path, edit, counts=(24, 2))
    found = diagnose(data, tmp_path / 'cache', figures=figures)
    values = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert values['findings']
    whole = dict(bench, diagnosis=values, photos=[], pairs=[])
    check_bench(whole)
    html = report_html(whole, tmp_path / 'work')
    assert html.count('<img') == sum(bool(f['picture']) for f in values['findings'])
    assert ' is missing' not in html


def keys_of(shape):
    if isinstance(shape, (Maybe, Map)):
        yield from keys_of(shape.shape)
    elif isinstance(shape, list):
        yield from keys_of(shape[0])
    elif isinstance(shape, dict):
        for key, inner in shape.items():
            yield key
            yield from keys_of(inner)
    elif isinstance(shape, OneOf):
        yield from shape.texts


def test_the_document_names_every_key():
    text = (ROOT / 'docs' / 'bench_json.md').read_text(encoding='utf-8')
    named = set(re.findall(r'`([\w-]+)`', text))
    assert set(keys_of(SHAPE)) <= named
