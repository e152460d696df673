"""Packaging; configs and tools travel in the wheel under ``mmseg_ganaug/.mim``."""

import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
PACKAGE = 'mmseg_ganaug'
MIM_PARTS = ('configs', 'tools', 'model-index.yml')


class BuildWithMim(build_py):
    """Adds what OpenMIM looks for; an editable install finds it in the checkout."""

    def run(self):
        super().run()
        if self.editable_mode:
            return
        mim = Path(self.build_lib) / PACKAGE / '.mim'
        shutil.rmtree(mim, ignore_errors=True)
        for name in MIM_PARTS:
            source, target = ROOT / name, mim / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                ignore = shutil.ignore_patterns('__pycache__', '*.pyc')
                shutil.copytree(source, target, ignore=ignore)
            else:
                shutil.copy2(source, target)


def read_version():
    scope = {}
    exec((ROOT / PACKAGE / 'version.py').read_text(), scope)
    return scope['__version__']


def read_requirements(name):
    lines = (ROOT / 'requirements' / f'{name}.txt').read_text().splitlines()
    return [line for line in lines if line and not line.startswith('#')]


setup(
    name=PACKAGE,
    version=read_version(),
    description='GAN-based recomposition of label maps for MMSegmentation',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    packages=find_packages(include=(PACKAGE, f'{PACKAGE}.*')),
    package_data={PACKAGE: ['py.typed', 'visualization/*.j2', 'bench/*.j2']},
    python_requires='>=3.9',
    install_requires=read_requirements('runtime'),
    extras_require={
        'gan': read_requirements('gan'),
        'tests': read_requirements('tests'),
    },
    entry_points={'console_scripts': ['ganaug = mmseg_ganaug.commands:main']},
    cmdclass={'build_py': BuildWithMim},
    zip_safe=False,
)
