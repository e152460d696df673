"""Compiled libraries, GPUs and the rest of the machine."""

import sys
from collections import namedtuple
from types import SimpleNamespace

import pytest

from mmseg_ganaug.doctor import libraries
from mmseg_ganaug.doctor.check import OK, PROBLEM, WARNING, attempt


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
def test_gpu_is_named_and_why_torch_sees_none(
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
def test_little_room_on_disk_is_named(monkeypatch, tmp_path, free, status):
    usage = namedtuple('usage', 'total used free')(0, 0, free * 2**30)
    monkeypatch.setattr(libraries.shutil, 'disk_usage', lambda folder: usage)
    check = libraries._check_folder('cache_dir', tmp_path / 'not' / 'yet')
    assert check.status == status
    assert f'{free:.1f} GiB free in {tmp_path}' in check.message
    assert bool(check.remedy) == (status != OK)


def test_folder_that_cannot_be_written_is_a_problem(monkeypatch, tmp_path):
    def refuse(dir):
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr(libraries.tempfile, 'TemporaryFile', refuse)
    check = libraries._check_folder('working folder', tmp_path)
    assert check.status == PROBLEM
    assert 'nothing can be written there (Permission denied)' in check.message


def test_shared_memory_of_a_container_is_a_warning(monkeypatch, tmp_path):
    usage = namedtuple('usage', 'total used free')(64 << 20, 0, 64 << 20)
    monkeypatch.setattr(libraries, '_SHARED_MEMORY', tmp_path)
    monkeypatch.setattr(libraries.shutil, 'disk_usage', lambda folder: usage)
    check = libraries._check_shared_memory()
    assert check.status == WARNING
    assert 'docker run --shm-size' in check.remedy
