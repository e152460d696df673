"""No tool, and nothing that takes a config, obeys a tag of YAML that runs code."""

import ast
import re
import runpy
import sys
from pathlib import Path

import pytest

from mmseg_ganaug import commands
from mmseg_ganaug.commands import main
from mmseg_ganaug.synthesis import MMagicGenerator
from mmseg_ganaug.synthesis.segmenter import FrozenSegmenter

ROOT = Path(__file__).resolve().parents[2]
# Each place of a config on a command line: {} is the config, 'x' any other file.
COMMANDS = {
    'apply': '{} --treatment=ohem',
    'browse': '{}',
    'browse-recomposed': '{}',
    'compare': '{}',
    'convert-pix2pixhd': '{} x y',
    'distribution': '{}',
    'export-plan': '{} x',
    'fidelity': '{} x {} x',
    'import-photos': '{} x',
    'release-checkpoint': '{} x y --licence=x',
    'synthesize': '{}',
    'test': '{} x',
    'train': '{}',
}
# These read it in processes of their own.
ELSEWHERE = {'bench', 'doctor'}


@pytest.fixture
def unsafe(tmp_path):
    """A config that would make a folder, which is not made."""
    path = tmp_path / 'unsafe.yaml'
    path.write_text(
        'train_dataloader:\n  dataset:\n    type: A\nmodel:\n'
        f'  type: !!python/object/apply:os.mkdir ["{tmp_path}/ran"]\n'
    )
    yield path
    assert not (tmp_path / 'ran').exists()


def below(unsafe):
    """The same through a config in Python."""
    path = unsafe.with_name('child.py')
    path.write_text("_base_ = './unsafe.yaml'\n")
    return path


@pytest.mark.parametrize('is_base', [False, True])
@pytest.mark.parametrize('name', COMMANDS)
def test_a_command_refuses_it(name, is_base, unsafe, tmp_path, monkeypatch):
    config = below(unsafe) if is_base else unsafe
    monkeypatch.chdir(tmp_path)
    with pytest.raises((SystemExit, ValueError)) as caught:
        main([name, *COMMANDS[name].format(config, config).split()])
    assert f'{unsafe}, line 5: the tag' in str(caught.value)


def test_a_tool_beside_the_commands_refuses_it(unsafe, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['draw_overview.py', str(unsafe)])
    with pytest.raises((SystemExit, ValueError), match='line 5: the tag'):
        runpy.run_path(str(ROOT / 'tools/misc/draw_overview.py'), run_name='__main__')


def test_every_command_that_takes_a_config_is_tried():
    takes_config = {
        name
        for name in commands.COMMANDS
        for action in commands.parser_of(name)._actions
        if re.fullmatch('.*config|matrix', action.dest) and not action.option_strings
    }
    assert takes_config == set(COMMANDS) | ELSEWHERE


def test_what_a_config_names_is_refused(unsafe):
    for build in (
        lambda: MMagicGenerator(str(unsafe), str(unsafe.parent)),
        lambda: FrozenSegmenter(str(unsafe), str(unsafe)),
    ):
        with pytest.raises(ValueError, match='line 5: the tag'):
            build()


def test_only_one_function_lets_mmengine_read_a_config():
    readers = {
        path.name
        for folder in ('mmseg_ganaug', 'tools')
        for path in (ROOT / folder).rglob('*.py')
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8')))
        if isinstance(node, ast.Attribute) and node.attr in ('fromfile', 'fromstring')
        if ast.unparse(node.value) == 'Config'
    }
    assert readers == {'safe_configs.py'}
