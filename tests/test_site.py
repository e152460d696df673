"""The site has every page, and its list of options is that of the registries."""

import ast
import importlib
import inspect
import re

import pytest
import yaml
from documents import ROOT

from mmseg_ganaug import registry

API = (ROOT / 'docs/api.md').read_text(encoding='utf-8')
LISTED = re.findall(r'^### (\w+)\n\n::: (\S+)$', API, re.MULTILINE)
PATHS = dict(LISTED)
REGISTRIES = [
    value for value in vars(registry).values() if isinstance(value, registry.Registry)
]
#: What other options the classes of a registry have by name, and no config states.
BASES = {'Recomposer'}


@pytest.fixture(scope='module')
def registered():
    """The module and name of every class of ours that a config can name."""
    from mmengine.registry import DefaultScope

    found = {}
    for children in REGISTRIES:
        with DefaultScope.overwrite_default_scope('mmseg_ganaug'):
            children.import_from_location()
        for name, made in children.module_dict.items():
            # Other tests register some of their own.
            if made.__module__.startswith('mmseg_ganaug.'):
                found[name] = f'{made.__module__}.{made.__qualname__}'
    return found


@pytest.fixture(scope='module')
def package():
    griffe = pytest.importorskip('griffe', reason='griffelib is not installed')
    return griffe.load(
        'mmseg_ganaug', search_paths=[str(ROOT)], docstring_parser='google'
    )


def value_of(text):
    """A default as the page shows it, or its text where it is no plain value."""
    try:
        return ast.literal_eval(str(text))
    except ValueError:
        return str(text)


def documented(shown):
    """Options that the docstring of a class describes."""
    sections = shown.docstring.parsed if shown.docstring else []
    return {
        parameter.name.lstrip('*')
        for section in sections
        if section.kind.value == 'parameters'
        for parameter in section.value
    }


def test_the_page_lists_every_registered_class_once(registered):
    assert len(LISTED) == len(PATHS)
    assert {n: path for n, path in PATHS.items() if n not in BASES} == registered


@pytest.mark.parametrize('name', sorted(PATHS))
def test_the_page_shows_the_signature_that_the_class_has(package, name):
    module, _, attribute = PATHS[name].rpartition('.')
    made = getattr(importlib.import_module(module), attribute)
    shown = package[PATHS[name].split('.', 1)[1]]
    signature = list(inspect.signature(made).parameters.values())
    options = [p for p in shown.parameters if p.name != 'self']
    assert [p.name.lstrip('*') for p in options] == [p.name for p in signature]
    for option, parameter in zip(options, signature):
        if parameter.kind is parameter.VAR_KEYWORD:
            continue
        if option.default is None:
            assert parameter.default is parameter.empty, option.name
        elif not isinstance(value_of(option.default), str):
            assert value_of(option.default) == parameter.default, option.name


@pytest.mark.parametrize('name', sorted(PATHS))
def test_every_option_is_described_on_the_page(package, name):
    module, _, attribute = PATHS[name].rpartition('.')
    made = getattr(importlib.import_module(module), attribute)
    known = set()
    for above in made.__mro__:
        if above.__name__ in PATHS:
            known |= documented(package[PATHS[above.__name__].split('.', 1)[1]])
    options = {
        p.name
        for p in inspect.signature(made).parameters.values()
        if p.kind is not p.VAR_KEYWORD
    }
    assert options <= known


def test_the_site_has_every_page():
    text = (ROOT / 'mkdocs.yml').read_text(encoding='utf-8')
    nav = yaml.safe_load(text[text.index('\nnav:') :])['nav']
    listed = set(re.findall(r"'([^']+\.md)'", str(nav)))
    pages = {f'docs/{path.name}' for path in (ROOT / 'docs').glob('*.md')}
    assert pages <= listed
    # The gallery is drawn when the site is built.
    assert {p for p in listed if not (ROOT / p).is_file()} == {'docs/gallery.md'}
