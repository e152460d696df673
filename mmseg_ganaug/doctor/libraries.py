"""Checks the compiled libraries, the GPU and the rest of the machine.

Those of libraries and GPU run one after the other in a process apart from the doctor's,
a new one where it dies; see :mod:`mmseg_ganaug.doctor.__main__`.
"""

import ctypes
import os
import platform
import shutil
import tempfile
from functools import partial
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import Iterator, Optional, Tuple

from mmseg_ganaug import dependencies
from mmseg_ganaug.doctor.check import OK, PROBLEM, WARNING, Check, attempt

# Of the indices of PyTorch, https://download.pytorch.org/whl/cuXYZ.
_CUDA_INDICES = ((11, 8), (12, 1), (12, 4), (12, 6), (12, 8), (13, 0))
_GIB = 2**30
_LEAST_DISK, _ENOUGH_DISK = 0.5 * _GIB, 5 * _GIB
_ENOUGH_SHARED = _GIB
_CPU_INFO = Path('/proc/cpuinfo')
_SHARED_MEMORY = Path('/dev/shm')


def check_torch() -> Check:
    """Imports torch and passes it an array of NumPy."""
    import numpy as np
    import torch

    if torch.from_numpy(np.arange(3)).sum().item() != 3:
        raise RuntimeError('torch computes a wrong result from a NumPy array')
    built = torch.version.cuda
    built = f'CUDA {built}' if built else torch.version.hip or 'the CPU only'
    message = f'{torch.__version__}, built for {built}, takes arrays of NumPy'
    return Check('torch', OK, message)


def check_torchvision() -> Check:
    """Calls an operator of torchvision, which fails beside another torch."""
    import torch
    import torchvision

    torchvision.ops.nms(torch.tensor([[0.0, 0, 1, 1]]), torch.ones(1), 0.5)
    return Check('torchvision', OK, f'{torchvision.__version__}, operators run')


def check_mmcv() -> Check:
    """Checks whether mmcv has compiled operators, and whether they load."""
    mmcv = find_spec('mmcv')
    if mmcv is None:
        raise ModuleNotFoundError("No module named 'mmcv'", name='mmcv')
    # Not by import: compat puts a stand-in where there are none.
    if PathFinder.find_spec('mmcv._ext', mmcv.submodule_search_locations) is None:
        return Check(
            'mmcv', OK, 'without compiled operators: nothing here calls one of them'
        )
    import torch  # noqa: F401  (the operators are linked to it)

    try:
        import_module('mmcv._ext')
    except ImportError as error:
        installed = ' '.join(each for each, _ in dependencies.installed('mmcv'))
        return Check(
            'mmcv',
            PROBLEM,
            'its compiled operators were built for another torch '
            f'({str(error).splitlines()[0]})',
            f'pip uninstall -y {installed} && {dependencies.install_command("mmcv")}',
        )
    return Check('mmcv', OK, 'with compiled operators, which load')


def check_gpu() -> Check:
    """Computes on each GPU, or says why torch sees none."""
    import torch

    driver = _driver_cuda()
    if not torch.cuda.is_available():
        return _explain_no_gpu(torch, driver)
    found = []
    for index in range(torch.cuda.device_count()):
        device = f'cuda:{index}'
        capability = torch.cuda.get_device_capability(index)
        name = torch.cuda.get_device_name(index)
        try:
            torch.ones(8, 8, device=device).matmul(torch.ones(8, device=device)).cpu()
        except RuntimeError as error:
            return Check(
                'gpu',
                PROBLEM,
                f'{name} (sm_{capability[0]}{capability[1]}) does not compute with '
                f'torch {torch.__version__}: {str(error).splitlines()[0]}',
                'install a torch that was built for it, see '
                'https://pytorch.org/get-started/locally',
            )
        free, total = torch.cuda.mem_get_info(index)
        found.append(
            f'{name}, {free / 2**30:.1f} of {total / 2**30:.1f} GiB free, bfloat16: '
            + ('yes' if capability >= (8, 0) else 'no')
        )
    message = '; '.join(found)
    if driver:
        message += f'; driver for CUDA {driver[0]}.{driver[1]}'
    return Check('gpu', OK, f'{message}, torch built for {torch.version.cuda}')


def _driver_cuda() -> Optional[Tuple[int, int]]:
    """Finds the newest CUDA that the driver runs; None without a driver."""
    try:
        library = ctypes.CDLL('nvcuda.dll' if os.name == 'nt' else 'libcuda.so.1')
        version = ctypes.c_int()
        if library.cuDriverGetVersion(ctypes.byref(version)):
            return None
    except (OSError, AttributeError):
        return None
    return version.value // 1000, version.value % 1000 // 10


def _explain_no_gpu(torch, driver: Optional[Tuple[int, int]]) -> Check:
    if driver is None:
        return Check(
            'gpu',
            WARNING,
            'no NVIDIA driver: everything runs on the CPU, which is enough for the '
            'demonstration, but slow for photos of real size',
            'none needed for small work; in a container: docker run --gpus all',
        )
    able = f'the driver runs CUDA up to {driver[0]}.{driver[1]}'
    if os.environ.get('CUDA_VISIBLE_DEVICES', '0') in ('', '-1'):
        return Check(
            'gpu',
            WARNING,
            f'{able}, but CUDA_VISIBLE_DEVICES hides the GPUs',
            'unset CUDA_VISIBLE_DEVICES',
        )
    built = torch.version.cuda
    if built is None:
        version = torch.__version__.partition('+')[0]
        return Check(
            'gpu',
            WARNING,
            f'{able}, but this torch was built for the CPU only',
            f'pip install --force-reinstall torch=={version} torchvision'
            f'{_index_of(driver)}',
        )
    if int(built.split('.')[0]) > driver[0]:
        return Check(
            'gpu',
            PROBLEM,
            f'{able}, but torch was built for {built}',
            f'update the driver, or: pip install --force-reinstall torch torchvision'
            f'{_index_of(driver)}',
        )
    return Check(
        'gpu',
        PROBLEM,
        f'{able}, torch was built for {built}, but finds no GPU',
        'nvidia-smi (does it list a GPU? if not, fix the driver or restart)',
    )


def _index_of(driver: Tuple[int, int]) -> str:
    able = [index for index in _CUDA_INDICES if index <= driver]
    if not able:
        return ''
    major, minor = able[-1]
    return f' --index-url https://download.pytorch.org/whl/cu{major}{minor}'


def check_machine(cache_dir: Optional[str]) -> Iterator[Check]:
    """Looks at the processor, the disk and the shared memory.

    Args:
        cache_dir (str, optional): Folder for generated samples, if not in the working
            folder.

    Yields:
        Check: One for each.
    """
    yield attempt('cpu', _check_cpu)
    folders = {
        'working folder': Path.cwd(),
        'weights from the net': Path(_torch_home()),
    }
    if cache_dir:
        folders['cache_dir'] = Path(cache_dir).absolute()
    for name, folder in folders.items():
        yield attempt(name, partial(_check_folder, name, folder))
    yield attempt('shared memory', _check_shared_memory)


def _torch_home() -> str:
    cache = os.environ.get('XDG_CACHE_HOME', '~/.cache')
    return os.path.expanduser(os.environ.get('TORCH_HOME', f'{cache}/torch'))


def _check_cpu() -> Check:
    usable = getattr(os, 'sched_getaffinity', None)
    cores = len(usable(0)) if usable else os.cpu_count()
    message = f'{cores} core{"s" * (cores != 1)}, {platform.machine()}'
    if _CPU_INFO.is_file():
        words = set(_CPU_INFO.read_text().split())
        known = [f for f in ('avx512_bf16', 'amx_bf16', 'bf16') if f in words]
        message += f', bfloat16: {", ".join(known) or "slow"}'
    return Check('cpu', OK, message)


def _check_folder(name: str, folder: Path) -> Check:
    # What does not exist yet is made in the nearest folder that does.
    there = next(each for each in (folder, *folder.parents) if each.is_dir())
    free = shutil.disk_usage(there).free
    message = f'{free / _GIB:.1f} GiB free in {folder}'
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        return Check(
            name,
            PROBLEM,
            f'{message}, but nothing can be written there ({error.strerror})',
            f'chown or chmod {there}, or work in another folder',
        )
    if free >= _ENOUGH_DISK:
        return Check(name, OK, message)
    return Check(
        name,
        WARNING if free >= _LEAST_DISK else PROBLEM,
        f'{message}: checkpoints and generated samples may not fit',
        'free some, or give cache_dir and --work-dir on another disk',
    )


def _check_shared_memory() -> Check:
    name = 'shared memory'
    if not _SHARED_MEMORY.is_dir():
        return Check(name, OK, f'no {_SHARED_MEMORY} on this system')
    usage = shutil.disk_usage(_SHARED_MEMORY)
    message = f'{usage.free / _GIB:.2f} GiB free in {_SHARED_MEMORY}'
    if usage.free >= _ENOUGH_SHARED:
        return Check(name, OK, message)
    return Check(
        name,
        WARNING,
        f'{message}: workers of data loaders pass their batches through it',
        'docker run --shm-size=8g (or --ipc=host), or num_workers=0 and '
        'persistent_workers=False in the data loaders',
    )
