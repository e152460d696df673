"""The one place that knows library versions.

Everything here does nothing where the installed library needs no help.
"""

import importlib.abc
import importlib.machinery
import sys
from importlib import metadata
from types import ModuleType
from typing import Dict, List, Sequence, Tuple

from packaging.specifiers import SpecifierSet

# Import name -> the distributions that may provide it, the versions known to work
# with the code of this package, and the command that installs one of them.
_REQUIRED: Dict[str, Tuple[Sequence[str], str, str]] = {
    'mmengine': (
        ('mmengine', 'mmengine-lite', 'onedl-mmengine'),
        '>=0.10.0,<1.0',
        'mmengine==0.10.7',
    ),
    'mmcv': (
        ('mmcv', 'mmcv-lite', 'onedl-mmcv'),
        '>=2.0.0,<2.2.0',
        'mmcv-lite==2.1.0',
    ),
    'mmseg': (
        ('mmsegmentation', 'onedl-mmsegmentation'),
        '>=1.2.0,<2.0',
        'mmsegmentation==1.2.2',
    ),
    'mmagic': (('mmagic',), '>=1.2.0,<2.0', '--no-deps mmagic==1.2.0'),
    'diffusers': (('diffusers',), '>=0.28.0,<0.29.0', 'diffusers==0.28.2'),
    'transformers': (
        ('transformers',),
        '>=4.40,<5.0',
        'transformers==4.44.2 huggingface_hub==0.25.2',
    ),
    'huggingface_hub': (
        ('huggingface_hub',),
        '>=0.23,<0.26',
        'huggingface_hub==0.25.2',
    ),
}
# The maintained forks number their releases themselves.
_FORK_PREFIX = 'onedl-'
_SEGMENTATION = ('mmengine', 'mmcv', 'mmseg')
_SYNTHESIS = ('mmagic', 'diffusers', 'transformers', 'huggingface_hub')


class IncompatibleVersionError(ImportError):
    """A library that is missing, or of a version known not to work."""


def version_problems(names: Sequence[str], missing_ok: bool = False) -> List[str]:
    """Says what is wrong with the installed libraries.

    Args:
        names (Sequence[str]): Import names, keys of the table above.
        missing_ok (bool): Whether a library may be absent. Defaults to False.

    Returns:
        list[str]: One line per library that is missing or does not fit, with the
        version found and the command that mends it; empty when all is well.
    """
    problems = []
    for name in names:
        distributions, wanted, remedy = _REQUIRED[name]
        found = None
        for distribution in distributions:
            try:
                found = (distribution, metadata.version(distribution))
                break
            except metadata.PackageNotFoundError:
                continue
        if found is None:
            if not missing_ok:
                problems.append(f'{name} is not installed: pip install {remedy}')
        elif not found[0].startswith(_FORK_PREFIX) and not SpecifierSet(
            wanted, prereleases=True
        ).contains(found[1]):
            problems.append(
                f'{found[0]} {found[1]} does not fit ({wanted} is needed): '
                f'pip install {remedy}'
            )
    return problems


def check_versions(names: Sequence[str], missing_ok: bool = False) -> None:
    """Raises where an installed library is known not to work.

    Args:
        names (Sequence[str]): Import names to look at.
        missing_ok (bool): Whether a library may be absent. Defaults to False.

    Raises:
        IncompatibleVersionError: Names each version found and the command that
            mends it.
    """
    problems = version_problems(names, missing_ok)
    if problems:
        raise IncompatibleVersionError(
            'mmseg_ganaug cannot run on the installed libraries:\n  '
            + '\n  '.join(problems)
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
        np.bool8 = np.bool_


def _history_method(owner: type, name: str):
    """What a checkpoint may look up by ``getattr``: the statistics of a log."""
    from mmengine.logging import HistoryBuffer

    if owner is not HistoryBuffer or name not in ('min', 'max', 'current', 'mean'):
        raise ValueError(f'a checkpoint may not look up {name!r} of {owner!r}')
    return getattr(owner, name)


def allow_checkpoint_types() -> None:
    """Lets ``torch.load(weights_only=True)`` read MMEngine's own checkpoints.

    They hold ``HistoryBuffer`` objects, which name their own methods, and NumPy arrays
    and scalars beside the weights. Exactly those are allowed; the check itself stays
    on.
    """
    import numpy as np
    import torch
    from mmengine.logging import HistoryBuffer

    if not hasattr(torch.serialization, 'add_safe_globals'):  # torch < 2.4
        return
    core = np._core if int(np.__version__.split('.')[0]) >= 2 else np.core
    # The same functions under the names that either major version of numpy pickles.
    aliases = [
        (function, f'{package}.multiarray.{function.__name__}')
        for function in (core.multiarray._reconstruct, core.multiarray.scalar)
        for package in ('numpy.core', 'numpy._core')
    ]
    aliases.append((_history_method, 'builtins.getattr'))
    if tuple(int(part) for part in torch.__version__.split('.')[:2]) < (2, 6):
        # No aliases yet, and MMEngine's own loading does not check yet.
        aliases = [function for function, _ in aliases[:-1:2]]
    dtypes = {type(np.dtype(kind)) for kind in ('f8', 'f4', 'i8', 'i4', 'u1', '?')}
    torch.serialization.add_safe_globals(
        [HistoryBuffer, np.ndarray, np.dtype, *aliases, *dtypes]
    )


def apply() -> None:
    """Checks the versions and installs what is needed before MMSeg is imported."""
    check_versions(_SEGMENTATION, missing_ok=True)
    _stand_in_for_mmcv_ops()
    _alias_numpy_bool8()
    if 'torch' in sys.modules:
        allow_checkpoint_types()


def prepare_segmentation() -> None:
    """To be called before MMSeg is imported.

    Raises:
        IncompatibleVersionError: When MMSeg, MMEngine or mmcv is missing or does not
            fit.
    """
    check_versions(_SEGMENTATION)
    allow_checkpoint_types()


def prepare_synthesis() -> None:
    """To be called before MMagic is imported.

    Raises:
        IncompatibleVersionError: When MMagic or a library it imports at once is
            missing or does not fit.
    """
    check_versions(_SEGMENTATION + _SYNTHESIS)
    allow_checkpoint_types()
