"""What the machine offers: processor, room on disk, shared memory."""

import os
import platform
import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import Iterator, Optional

from mmseg_ganaug.doctor.check import OK, PROBLEM, WARNING, Check, attempt

_GIB = 2**30
_LEAST_DISK, _ENOUGH_DISK = 0.5 * _GIB, 5 * _GIB
_ENOUGH_SHARED = _GIB
_CPU_INFO = Path('/proc/cpuinfo')
_SHARED_MEMORY = Path('/dev/shm')


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
