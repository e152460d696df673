"""Label files read in a distributed run. Ranks import this file, so not conftest.py."""

import json

import pytest
from mmengine.registry import DefaultScope
from ranks import run_ranks

from mmseg_ganaug.datasets import DatasetLabelSource, collect_statistics
from mmseg_ganaug.datasets.source_dataset import build_source


def collect(rank, folder, config):
    try:
        with DefaultScope.overwrite_default_scope('mmseg'):
            source = DatasetLabelSource(build_source(config))
            statistics = collect_statistics(source, folder / 'cache')
        told = statistics.pixels.sum(axis=0).tolist()
    except Exception as error:
        told = f'{type(error).__name__}: {error}'
    (folder / f'{rank}.json').write_text(json.dumps(told))


@pytest.mark.parametrize('spoilt', [False, True])
def test_all_ranks_get_the_statistics_or_the_error(source, tmp_path, spoilt):
    path = tmp_path / 'ann' / '5.png'
    if spoilt:
        path.write_bytes(b'')
    assert run_ranks(collect, 2, tmp_path, tmp_path, source) == [0, 0]
    results = [json.loads((tmp_path / f'{rank}.json').read_text()) for rank in range(2)]
    if spoilt:
        assert results[0].startswith(f'ValueError: {path} cannot be read')
        assert results[1].startswith('RuntimeError') and str(path) in results[1]
    else:
        assert results[0] == results[1] and sum(results[0]) == 8 * 24 * 31
