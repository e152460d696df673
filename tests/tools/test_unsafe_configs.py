"""No tool, and nothing that takes a config, obeys a tag of YAML that runs code."""

import ast
import re
import runpy
import sys
from pathlib import Path

import pytest

from mmseg_ganaug.synthesis import MMagicGenerator
from mmseg_ganaug.synthesis.segmenter import FrozenSegmenter

ROOT = Path(__file__).resolve().parents[2]
# Each place of a config on a command line: {} is the config, 'x' any other file.
COMMANDS = {
    'train.py': ['{}'],
    'test.py': ['{} x'],
    'synthesize.py': ['{}'],
    'compare_methods.py': ['{}'],
    'analysis_tools/browse_dataset.py': ['{}'],
    'analysis_tools/browse_recomposed.py': ['{}'],
    'analysis_tools/label_distribution.py': ['{}'],
    'analysis_tools/generator_fidelity.py': ['{} x {} x'],
    'misc/draw_overview.py': ['{}'],
    'model_converters/pix2pixhd_to_mmagic.py': ['{} x y'],
}


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
@pytest.mark.parametrize('tool', COMMANDS)
def test_a_tool_refuses_it(tool, is_base, unsafe, tmp_path, monkeypatch):
    config = below(unsafe) if is_base else unsafe
    monkeypatch.chdir(tmp_path)
    for command in COMMANDS[tool]:
        arguments = command.format(config, config).split()
        monkeypatch.setattr(sys, 'argv', [tool, *arguments])
        with pytest.raises((SystemExit, ValueError)) as caught:
            runpy.run_path(str(ROOT / 'tools' / tool), run_name='__main__')
        assert f'{unsafe}, line 5: the tag' in str(caught.value)


def test_every_tool_that_takes_a_config_is_tried():
    takes_config = re.compile(r"add_argument\(\s*'(\w*config|matrix)'")
    tools = {
        str(path.relative_to(ROOT / 'tools'))
        for path in ROOT.glob('tools/**/*.py')
        if takes_config.search(path.read_text(encoding='utf-8'))
    }
    assert tools == set(COMMANDS)


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
