"""Packaging; configs and tools travel in the wheel under ``mmseg_ganaug/.mim``."""

import re
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


def read_requirements(*names):
    lines = []
    for name in names:
        lines += (ROOT / 'requirements' / f'{name}.txt').read_text().splitlines()
    return [line for line in lines if line and not line.startswith('#')]


def repository():
    """Reads the address of the sources, '' where CITATION.cff names none."""
    found = re.search(
        r'^repository-code: *(\S+)', (ROOT / 'CITATION.cff').read_text(), re.MULTILINE
    )
    return found[1].rstrip('/') if found else ''


def long_description(readme, home):
    """Makes relative links absolute; without an address only their text is left."""

    def absolute(match):
        image, text, target = match.groups()
        if re.match(r'[a-z]+:|#', target):
            return match[0]
        if not home:
            return '' if image else text
        place = 'raw' if image else 'blob'
        return f'{image}[{text}]({home}/{place}/v{read_version()}/{target})'

    return re.sub(r'(!?)\[([^\]]*)\]\(([^)\s]+)\)', absolute, readme)


def project_urls(home):
    urls = {'Paper': 'https://arxiv.org/abs/1811.00174'}
    if home:
        tree = f'{home}/blob/v{read_version()}'
        urls['Source'] = home
        urls['Documentation'] = f'{tree}/docs/README.md'
        urls['Changelog'] = f'{tree}/CHANGELOG.md'
    return urls


setup(
    name=PACKAGE,
    version=read_version(),
    description='GAN-based recomposition of label maps for MMSegmentation',
    long_description=long_description(
        (ROOT / 'README.md').read_text(encoding='utf-8'), repository()
    ),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    license_files=['LICENSE'],
    author='The mmseg_ganaug contributors',
    url=repository() or None,
    project_urls=project_urls(repository()),
    keywords=[
        'semantic segmentation',
        'data augmentation',
        'class imbalance',
        'GAN',
        'pix2pixHD',
        'MMSegmentation',
        'OpenMMLab',
    ],
    classifiers=[
        'Development Status :: 4 - Beta',
        'Environment :: Console',
        'Intended Audience :: Developers',
        'Intended Audience :: Science/Research',
        'Operating System :: POSIX :: Linux',
        'Programming Language :: Python :: 3',
        *(f'Programming Language :: Python :: 3.{minor}' for minor in range(9, 14)),
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
        'Topic :: Scientific/Engineering :: Image Processing',
        'Typing :: Typed',
    ],
    packages=find_packages(include=(PACKAGE, f'{PACKAGE}.*')),
    package_data={PACKAGE: ['py.typed', 'visualization/*.j2', 'bench/*.j2']},
    python_requires='>=3.9',
    install_requires=read_requirements('runtime'),
    extras_require={
        'lite': read_requirements('lite'),
        'diffusion': read_requirements('diffusion'),
        'gan': read_requirements('diffusion', 'gan'),
        'dev': read_requirements('dev'),
    },
    entry_points={'console_scripts': ['ganaug = mmseg_ganaug.commands:main']},
    cmdclass={'build_py': BuildWithMim},
    zip_safe=False,
)
