"""The doctor as it is started, and the processes that it runs checks in.

Environments are made of folders with nothing but metadata, laid before the libraries
that are there; what hangs or dies is played by small programs.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmseg_ganaug.doctor import __main__ as doctor
from mmseg_ganaug.doctor.check import OK, PROBLEM

ROOT = Path(__file__).resolve().parents[2]


def run_in(folder, *command, **installed):
    """Runs Python with distributions laid before those that are there."""
    for name, version in installed.items():
        info = folder / f'{name}-{version}.dist-info'
        info.mkdir(exist_ok=True)
        name = name.replace('_', '-')
        (info / 'METADATA').write_text(
            f'Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n'
        )
    path = os.pathsep.join([str(folder), str(ROOT)])
    return subprocess.run(
        [sys.executable, '-W', 'ignore', *command],
        env=dict(os.environ, PYTHONPATH=path),
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=240,
    )


@pytest.mark.slow
def test_doctor_runs_where_the_package_cannot_be_imported(tmp_path):
    result = run_in(tmp_path, '-c', 'import mmseg_ganaug', mmcv_lite='2.2.0')
    assert 'mmcv-lite 2.2.0 does not fit' in result.stderr
    assert 'pip install mmcv-lite==2.1.0' in result.stderr
    assert 'All about this environment: ganaug doctor' in result.stderr
    result = run_in(tmp_path, '-m', 'mmseg_ganaug.doctor', '--json', '--no-self-test')
    assert result.returncode == 1, result.stderr
    report = json.loads(result.stdout)
    assert report['status'] == PROBLEM
    checks = {(each['section'], each['name']): each for each in report['checks']}
    assert checks['Versions', 'mmcv']['remedy'] == 'pip install mmcv-lite==2.1.0'
    assert checks['Versions', 'mmengine']['status'] == OK
    assert checks['Compiled libraries', 'torch']['status'] == OK
    assert not any(section == 'Self-test' for section, _ in checks)


@pytest.mark.parametrize('missing', ['mmengine', 'packaging', 'torch', 'numpy'])
def test_doctor_starts_without_a_library(tmp_path, missing):
    (tmp_path / f'{missing}.py').write_text(
        f'raise ModuleNotFoundError("No module named {missing!r}", name={missing!r})'
    )
    result = run_in(tmp_path, '-m', 'mmseg_ganaug.doctor', '--help')
    assert result.returncode == 0, result.stderr


def test_tool_hands_its_options_and_its_exit_code_on(tmp_path):
    tool = ROOT / 'tools/misc/doctor.py'
    for option, code in (('--help', 0), ('--no-such-option', 2)):
        command = [sys.executable, tool, option]
        result = subprocess.run(command, capture_output=True, cwd=ROOT, timeout=120)
        assert result.returncode == code


def test_error_of_another_program_run_by_its_module_is_not_kept_back(tmp_path):
    # Its first argument is '-m' only until its module is found.
    (tmp_path / 'users_tool.py').write_text('import mmseg_ganaug')
    result = run_in(tmp_path, '-m', 'users_tool', mmcv_lite='2.2.0')
    assert result.returncode == 1
    assert 'mmcv-lite 2.2.0 does not fit' in result.stderr


PROGRAM = """
import json, os, sys, time
for name in sys.argv[1:]:
    if name == 'dies':
        print('Illegal instruction in libfoo.so', file=sys.stderr)
        os.abort()
    if name == 'exits':
        os._exit(3)
    if name == 'hangs':
        time.sleep(600)
    print(json.dumps([dict(name=name, status='ok', message='fine')]), flush=True)
"""


def test_check_that_kills_its_process_does_not_keep_the_others_from_running():
    command = (sys.executable, '-c', PROGRAM)
    checks = list(doctor.run_steps(['first', 'dies', 'exits', 'last'], 60, command))
    assert [check.status for check in checks] == [OK, PROBLEM, PROBLEM, OK]
    assert 'killed by SIGABRT: Illegal instruction in libfoo.so' in checks[1].message
    assert 'exit code 3' in checks[2].message
    assert checks[1].remedy


def test_check_that_hangs_is_ended():
    command = (sys.executable, '-c', PROGRAM)
    first, second = doctor.run_steps(['hangs', 'hangs'], 1, command)
    assert (first.status, second.status) == (PROBLEM, PROBLEM)
    assert 'not done after 1 s' in first.message
