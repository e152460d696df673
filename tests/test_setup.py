"""What setup.py makes of the README and of the requirements."""

import re
import runpy
from itertools import chain
from pathlib import Path

import pytest
import setuptools

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope='module')
def packaging():
    """What setup.py defines, and under ``given`` what it hands to setuptools."""
    given = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setuptools, 'setup', lambda **options: given.update(options))
        return dict(runpy.run_path(str(ROOT / 'setup.py')), given=given)


def names(requirements):
    return {re.split(r'[<>=!~ ]', line)[0].lower() for line in requirements}


@pytest.mark.parametrize('home', ['', 'https://example.org/us/it'])
def test_no_link_of_the_long_description_is_relative(packaging, home):
    readme = (ROOT / 'README.md').read_text(encoding='utf-8')
    text = packaging['long_description'](readme, home)
    targets = re.findall(r'\[[^\]]*\]\(([^)\s]+)\)', text)
    assert len(targets) > 2
    assert all(re.match(r'https?://|#', target) for target in targets)
    assert 'ganaug bench' in text
    shown = any(target.startswith(f'{home}/blob/v') for target in targets)
    assert shown == bool(home)


def test_addresses_are_absolute_and_follow_the_repository(packaging):
    urls = packaging['project_urls']
    assert set(urls('')) == {'Paper'}
    found = urls('https://example.org/us/it')
    assert {'Source', 'Documentation', 'Changelog'} < set(found)
    assert all(url.startswith('https://') for url in found.values())


def test_nothing_asks_for_a_second_build_of_what_is_there(packaging):
    given = packaging['given']
    base, extras = names(given['install_requires']), given['extras_require']
    # pip would lay their files over those of mmcv, and of MMEngine's opencv-python.
    assert not {'mmcv', 'mmcv-lite'} & base
    assert names(extras['lite']) == {'mmcv-lite'}
    everything = base.union(*(names(lines) for lines in extras.values()))
    assert not any(name.startswith('opencv') for name in everything)
    asking = {'mmagic', 'controlnet-aux', 'albumentations', 'qudida'}
    assert not asking & everything
    separate = (ROOT / 'requirements' / 'mminstall.txt').read_text()
    assert asking == names(re.findall(r'(?m)^[a-z].*$', separate))


def test_the_extras_build_on_each_other(packaging):
    extras = packaging['given']['extras_require']
    assert set(extras) == {'lite', 'diffusion', 'gan', 'dev'}
    assert names(extras['diffusion']) < names(extras['gan'])
    assert all(re.search('[<>=]', line) for line in extras['diffusion'])


def test_the_locked_set_is_within_the_ranges(packaging):
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    locked = {}
    for line in (ROOT / 'requirements' / 'lock.txt').read_text().splitlines():
        if line and not line.startswith('#'):
            name, _, version = line.partition(';')[0].strip().partition('==')
            locked[canonicalize_name(name)] = version
    given = packaging['given']
    lists = [given['install_requires'], *given['extras_require'].values()]
    for requirement in map(Requirement, chain(*lists)):
        version = locked[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement
