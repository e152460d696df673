"""Checks which versions are installed, and whether they fit; imports none."""

import platform
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Iterator, List, Tuple

from mmseg_ganaug import dependencies
from mmseg_ganaug.doctor.check import OK, PROBLEM, WARNING, Check, attempt, failed
from mmseg_ganaug.version import __version__

_OWN = 'mmseg_ganaug'
_INSTALL_OWN = 'pip install --no-deps --no-build-isolation -e . (in that folder)'
# In the folder of the sources; the metadata of an installed package hold the same.
_REQUIREMENTS = Path(__file__).resolve().parents[2] / 'requirements'
_OWN_REQUIREMENTS = _REQUIREMENTS / 'runtime.txt'
_GAN_REQUIREMENTS = (_REQUIREMENTS / 'diffusion.txt', _REQUIREMENTS / 'gan.txt')
_OF_PAINTERS = (*dependencies.SYNTHESIS, *dependencies.OF_MMAGIC)
# Of these a second library needs a version, by its own metadata.
_PAIRS = {
    'torchvision': ('torch',),
    'transformers': ('huggingface-hub', 'tokenizers'),
    'cv2': ('numpy',),
    'scipy': ('numpy',),
    'pandas': ('numpy',),
}


def check_installed() -> Iterator[Check]:
    """Looks at Python, at each library, and at which of them go together.

    Yields:
        Check: One for each library of :data:`mmseg_ganaug.dependencies.LIBRARIES`, one
        for all others that the package needs, and one for each clash.
    """
    if not dependencies.installed('packaging'):
        yield Check(
            'packaging',
            PROBLEM,
            'packaging is not installed: no versions can be compared without it',
            dependencies.install_command('packaging'),
        )
        return
    yield attempt('python', _check_python)
    yield attempt(_OWN, _check_own)
    for name in dependencies.LIBRARIES:
        yield attempt(name, partial(_check_library, name))
    yield attempt('other libraries', _check_others)
    yield from _clashes()


def _check_python() -> Check:
    version = platform.python_version()
    if dependencies.fits(version, dependencies.PYTHON):
        return Check('python', OK, f'{version}, {platform.platform()}')
    return Check(
        'python',
        PROBLEM,
        f'{version} does not fit ({dependencies.PYTHON} is needed)',
        'make an environment with Python 3.11, such as: python3.11 -m venv .venv',
    )


def _check_own() -> Check:
    try:
        metadata.version(_OWN)
    except metadata.PackageNotFoundError:
        return Check(
            _OWN,
            WARNING,
            f'{__version__} runs from its folder, but is not installed',
            _INSTALL_OWN,
        )
    return Check(_OWN, OK, __version__)


def _check_library(name: str) -> Check:
    found = dependencies.installed(name)
    problem = dependencies.find_problem(name)
    several = ' and '.join(' '.join(one) for one in found)
    if problem is None:
        return Check(name, OK, several)
    message, remedy = problem
    if name in _OF_PAINTERS and not dependencies.installed('mmagic'):
        if name == 'mmagic':
            message += ': painters (pix2pixHD) need it, all else works without'
            return Check(name, WARNING, message, remedy)
        if name in dependencies.OF_MMAGIC or not dependencies.installed('diffusers'):
            return Check(name, OK, f'{several or message}: only painters need it')
        return Check(name, WARNING, f'{message}, and DiffusersInpaint needs it', remedy)
    if name in dependencies.OPTIONAL:
        message += ', and some configs need it'
        return Check(name, WARNING, message, remedy)
    return Check(name, PROBLEM, message, remedy)


def _requirement_lines(distribution: str) -> List[str]:
    """Reads what a distribution says that it needs; none where that is not known."""
    try:
        lines = metadata.requires(distribution) or []
    except metadata.PackageNotFoundError:
        lines = []
    if not lines and distribution == _OWN:
        gan = _GAN_REQUIREMENTS if dependencies.installed('mmagic') else ()
        for path in filter(Path.is_file, (_OWN_REQUIREMENTS, *gan)):
            written = path.read_text(encoding='utf-8').splitlines()
            lines += [line for line in written if line and not line.startswith('#')]
    return lines


def _requirements(distribution: str):
    """Returns what a distribution says that it needs here, by normal name."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    lines = _requirement_lines(distribution)
    with_gan = distribution == _OWN and dependencies.installed('mmagic')
    extras = ('', 'gan') if with_gan else ('',)
    needed = {}
    for requirement in map(Requirement, lines):
        marker = requirement.marker
        if not marker or any(marker.evaluate({'extra': extra}) for extra in extras):
            needed[canonicalize_name(requirement.name)] = requirement
    return needed


def _check_others() -> Check:
    covered = {
        distribution.lower().replace('_', '-')
        for library in dependencies.LIBRARIES.values()
        for distribution in library.distributions
    }
    needed = _requirements(_OWN)
    if not needed:
        return Check(
            'other libraries',
            WARNING,
            f'not checked: the requirements of {_OWN} are known only where it is '
            'installed',
            _INSTALL_OWN,
        )
    wrong, remedies, count = [], [], 0
    for name, requirement in needed.items():
        if name in covered:
            continue
        count += 1
        found = dependencies.installed(requirement.name)
        if not found:
            wrong.append(f'{name} is not installed')
        elif not dependencies.fits(found[0][1], str(requirement.specifier)):
            wrong.append(f'{name} {found[0][1]} ({requirement.specifier} is needed)')
        else:
            continue
        remedies.append(f'"{requirement.name}{requirement.specifier}"')
    if not wrong:
        return Check('other libraries', OK, f'{count} more are installed and fit')
    return Check(
        'other libraries',
        PROBLEM,
        '; '.join(wrong),
        f'pip install {" ".join(remedies)}',
    )


def _clashes() -> Iterator[Check]:
    for finder in (_numpy_2, _unmet, _overwritten):
        try:
            yield from finder()
        except Exception as error:
            yield failed('which go together', error)


def _numpy_2() -> Iterator[Check]:
    for problem in dependencies.numpy_2_problems():
        yield Check('numpy', PROBLEM, *problem)


def _unmet() -> Iterator[Check]:
    for name, others in _PAIRS.items():
        for asking in dependencies.installed(name):
            needed = _requirements(asking[0])
            for other in others:
                found = dependencies.installed(other)
                if other not in needed or not found:
                    continue
                wanted = str(needed[other].specifier)
                if not dependencies.fits(found[0][1], wanted):
                    yield _unmet_check(asking, found[0], wanted)


def _unmet_check(asks: Tuple[str, str], found: Tuple[str, str], wanted: str) -> Check:
    message = (
        f'{asks[0]} {asks[1]} needs {found[0]} {wanted}, but {found[1]} is installed'
    )
    if asks[0] != 'torchvision':
        return Check(asks[0], WARNING, message, f'pip install "{found[0]}{wanted}"')
    # They are released together, fifteen minor versions apart.
    minor = int(found[1].split('.')[1])
    remedy = f'pip install "torchvision==0.{minor + 15}.*"'
    return Check(asks[0], PROBLEM, message, remedy)


def _overwritten() -> Iterator[Check]:
    for name in dependencies.LIBRARIES:
        found = dependencies.installed(name)
        # Two builds of one version of OpenCV do no harm.
        if len({version for _, version in found} if name == 'cv2' else found) > 1:
            several = ' and '.join(' '.join(one) for one in found)
            yield Check(
                name,
                WARNING,
                f'{several} overwrite each other: which files are left depends on the '
                'order of installation',
                f'pip uninstall -y {" ".join(each for each, _ in found)} && '
                + dependencies.install_command(name),
            )
