"""The parts of compatibility_matrix.py that need no network."""

import runpy
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / 'tools/misc/compatibility_matrix.py'


@pytest.fixture(scope='module')
def tool():
    return runpy.run_path(str(TOOL))


def names(text):
    """Distributions of a requirement file."""
    lines = [line for line in text.splitlines() if line and line[0] != '#']
    return [line.partition('<')[0].partition('>')[0] for line in lines]


def test_stock_environment_takes_the_requirements_as_they_stand(tool):
    runtime, separate = tool['requirements'](forks=False)
    assert {'mmengine', 'mmsegmentation', 'pytest'} <= set(names(runtime))
    assert names(separate)[:2] == ['mmcv-lite', 'mmagic']


def test_forks_take_the_place_of_the_stock_libraries_in_any_version(tool):
    runtime, separate = tool['requirements'](forks=True)
    lines = runtime.splitlines()
    assert {'onedl-mmengine', 'onedl-mmsegmentation'} <= set(lines)
    assert not {'mmengine', 'mmsegmentation'} & set(names(runtime))
    assert 'onedl-mmcv' in separate.splitlines()
    assert names(separate)[1] == 'mmagic'


def test_tests_are_counted_by_their_outcome(tool, tmp_path):
    report = tmp_path / 'junit.xml'
    report.write_text(
        '<testsuites><testsuite>'
        '<testcase classname="a" name="good"/>'
        '<testcase classname="a" name="bad"><failure/></testcase>'
        '<testcase classname="a" name="worse"><error/></testcase>'
        '<testcase classname="a" name="absent"><skipped/></testcase>'
        '</testsuite></testsuites>'
    )
    counted = tool['count'](report)
    assert counted == dict(
        passed=1, failed=2, skipped=1, failures=['a::bad', 'a::worse']
    )
    assert tool['count'](tmp_path / 'none.xml')['failed'] == 1


def test_table_tells_forks_and_mmcv_lite_from_the_stock_libraries(tool):
    counts = dict(passed=3, failed=0, skipped=1)
    forks = {'python': '3.12.1', 'torch': '2.15.0', 'onedl-mmcv': '2.3.6'}
    results = {
        'py312-forks': dict(counts, versions=forks),
        'py39': dict(counts, versions={'python': '3.9.18', 'mmcv-lite': '2.1.0'}),
        'broken': dict(passed=0, failed=1, skipped=0),
    }
    rows = tool['table'](results).splitlines()
    assert 'onedl-2.3.6' in rows[2]
    assert '| 2.15.0 |' in rows[2]
    assert '2.1.0-lite' in rows[3]
    assert rows[4].startswith('| broken | ')
    assert len({row.count('|') for row in rows}) == 1
