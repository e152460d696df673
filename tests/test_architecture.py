"""The rooms of the package import only to their left (docs/how_it_works.md)."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / 'mmseg_ganaug'
#: What each room may import of the others.
MAY_IMPORT = {
    'recompose': set(),
    'models': {'recompose'},
    'synthesis': {'recompose', 'models'},
    'datasets': {'recompose', 'models', 'synthesis'},
    'engine': {'recompose', 'models', 'synthesis', 'datasets', 'visualization'},
    'evaluation': {'recompose', 'models', 'synthesis', 'datasets', 'visualization'},
    'visualization': {'recompose', 'evaluation'},
}


def imports_of(path):
    """Modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f'{path}: imports are absolute here'
            yield node.module


def rooms_imported_by(room):
    return {
        (parts[1], path.name)
        for path in (PACKAGE / room).rglob('*.py')
        for parts in (name.split('.') for name in imports_of(path))
        if parts[0] == 'mmseg_ganaug' and len(parts) > 1 and parts[1] in MAY_IMPORT
        if parts[1] != room
    }


@pytest.mark.parametrize('room', MAY_IMPORT)
def test_a_room_imports_only_to_its_left(room):
    wrong = {
        (other, name)
        for other, name in rooms_imported_by(room)
        if other not in MAY_IMPORT[room]
    }
    assert not wrong


def test_recombination_needs_numpy_only():
    foreign = {
        name.split('.')[0]
        for path in (PACKAGE / 'recompose').rglob('*.py')
        for name in imports_of(path)
    } & {'torch', 'mmengine', 'mmcv', 'mmseg', 'mmagic', 'PIL'}
    assert not foreign


def test_every_package_folder_is_a_known_room():
    folders = {path.parent.name for path in PACKAGE.glob('*/__init__.py')}
    assert folders == {*MAY_IMPORT, 'doctor'}


@pytest.mark.parametrize(
    'path', sorted(PACKAGE.rglob('*.py')), ids=lambda path: path.name
)
def test_files_are_short(path):
    assert len(path.read_text(encoding='utf-8').splitlines()) <= 400
