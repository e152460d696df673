"""Patches of libraries, each for the versions that need it.

Everything here does nothing where the installed library needs no help.
"""

import importlib.abc
import importlib.machinery
import sys
from functools import lru_cache
from types import ModuleType
from typing import Callable

from mmseg_ganaug.dependencies import (
    FORK_PREFIX,
    SEGMENTATION,
    SYNTHESIS,
    check_versions,
    find_problems,
    installed,
)


class _MissingOps(ModuleType):
    """Stands in for the compiled ``mmcv._ext`` that mmcv-lite does not ship.

    mmseg 1.2.2 and MMagic import ``mmcv.ops`` when they are imported, which only
    looks the operators up. Calling one is an error.
    """

    def __getattr__(self, name: str):
        if name.startswith('__'):
            raise AttributeError(name)

        def operator(*args, **kwargs):
            raise RuntimeError(
                f'the compiled operator {name!r} of mmcv was called, but mmcv-lite '
                'is installed, which has none: install a full mmcv '
                '(pip uninstall mmcv-lite && mim install "mmcv>=2.0.0,<2.2.0")'
            )

        operator.__name__ = name
        return operator


class _MissingOpsFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the stand-in; asked last, so a real ``mmcv._ext`` always wins."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname != 'mmcv._ext':
            return None
        return importlib.machinery.ModuleSpec(fullname, self)

    def create_module(self, spec):
        return _MissingOps(spec.name)

    def exec_module(self, module):
        pass


def _stand_in_for_mmcv_ops() -> None:
    if not any(isinstance(finder, _MissingOpsFinder) for finder in sys.meta_path):
        sys.meta_path.append(_MissingOpsFinder())


def _alias_numpy_bool8() -> None:
    import numpy as np

    # numpy 2 dropped the name, MMagic 1.2.0 uses it at import.
    if 'bool8' not in np.__dict__ and int(np.__version__.split('.')[0]) >= 2:
        np.bool8 = np.bool_  # type: ignore[attr-defined]


class _MMagicFinder(importlib.abc.MetaPathFinder):
    """Lets MMagic be imported beside the mmcv of the maintained forks.

    MMagic 1.2.0 refuses every mmcv from 2.2 on, by the number alone. The forks number
    theirs 2.3 and have all that MMagic uses.
    """

    def find_spec(self, fullname, path=None, target=None):
        if fullname != 'mmagic':
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module
            spec.loader.exec_module = lambda module: _beside_known_mmcv(run, module)
        return spec


def _beside_known_mmcv(run: Callable[[ModuleType], None], module: ModuleType) -> None:
    import mmcv

    number, mmcv.__version__ = mmcv.__version__, '2.1.0'
    try:
        run(module)
    finally:
        mmcv.__version__ = number


def _only_fork_provides(name: str) -> bool:
    found = installed(name)
    return bool(found) and all(d.startswith(FORK_PREFIX) for d, _ in found)


def _accept_forks() -> None:
    if _only_fork_provides('mmcv') and not any(
        isinstance(finder, _MMagicFinder) for finder in sys.meta_path
    ):
        sys.meta_path.insert(0, _MMagicFinder())
    if _only_fork_provides('mmseg'):
        from mmengine.config.utils import MODULE2PACKAGE

        # `_base_ = 'mmseg::...'` asks for the distribution, and the fork of MMEngine
        # knows only the name of the stock one.
        MODULE2PACKAGE['mmseg'] = FORK_PREFIX + 'mmsegmentation'


def _find_own_configs() -> None:
    """Lets a ``_base_`` name a config of this package as 'mmseg_ganaug::X'."""
    from mmengine.config import Config

    from mmseg_ganaug.config_search import find_in_package

    find = Config._get_cfg_path
    # For each such name MMEngine reads all metafiles of the package.
    find_once = lru_cache(maxsize=None)(find)
    if getattr(find, 'finds_own', False):
        return

    def find_config(cfg_path: str, filename: str) -> tuple:
        scope, _, own = cfg_path.partition('::')
        if scope != 'mmseg_ganaug' or not own:
            return find_once(cfg_path, '') if own else find(cfg_path, filename)
        found = find_in_package(f'configs/{own}')
        if found is None:
            raise FileNotFoundError(
                f'{cfg_path} in {filename}: mmseg_ganaug has no config {own}'
            )
        # Without a scope: what it names is registered in several.
        return str(found), None

    find_config.finds_own = True  # type: ignore[attr-defined]
    Config._get_cfg_path = staticmethod(find_config)


def _allow_checkpoint_types() -> None:
    # Only here, as it imports torch.
    from mmseg_ganaug.checkpoints import allow_checkpoint_types

    allow_checkpoint_types()


class _CheckpointFinder(importlib.abc.MetaPathFinder):
    """Allows the types of checkpoints once MMEngine can load them.

    ``mmseg.apis.init_model`` loads without a class of this package being asked for.
    """

    def find_spec(self, fullname, path=None, target=None):
        if fullname != 'mmengine.runner.checkpoint':
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module
            spec.loader.exec_module = lambda module: _with_types(run, module)
        return spec


def _with_types(run: Callable[[ModuleType], None], module: ModuleType) -> None:
    run(module)
    _allow_checkpoint_types()


def apply() -> None:
    """Checks the versions and installs what is needed before MMSeg is imported."""
    check_versions(['mmengine'])
    check_versions(SEGMENTATION, missing_ok=True)
    _stand_in_for_mmcv_ops()
    _alias_numpy_bool8()
    _accept_forks()
    _find_own_configs()
    if 'torch' in sys.modules:
        _allow_checkpoint_types()
    elif not any(isinstance(finder, _CheckpointFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _CheckpointFinder())


def prepare_segmentation() -> None:
    """Prepares the import of MMSeg; has to be called before it.

    Raises:
        IncompatibleVersionError: When MMSeg, MMEngine or mmcv is missing or does not
            fit.
    """
    check_versions(SEGMENTATION)
    _allow_checkpoint_types()


def has_synthesis() -> bool:
    """Returns whether MMagic and what it imports at once are there, and fit."""
    return not find_problems(SYNTHESIS)


def prepare_synthesis() -> None:
    """Prepares the import of MMagic; has to be called before it.

    Raises:
        IncompatibleVersionError: When MMagic or a library it imports at once is
            missing or does not fit.
    """
    check_versions(SEGMENTATION + SYNTHESIS)
    _allow_checkpoint_types()
