"""The results in the repository, which a checkout adds to."""

from pathlib import Path

import pytest

from mmseg_ganaug.ownership import WorkFolder

ROOT = Path(__file__).resolve().parents[2]
TABLES = sorted(ROOT.glob('*/results/*/protocol.json'))


@pytest.mark.parametrize('table', TABLES, ids=lambda path: path.parent.name)
def test_a_comparison_may_go_on_with_them(table):
    folder = WorkFolder(table.parents[1], 'results of a comparison', '--out')
    runs = table.parent.with_suffix('.jsonl')
    for path in (table, table.with_name('results.md'), runs):
        assert folder.is_ours(path), path
