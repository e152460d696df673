"""The rooms of the package import only those below them (docs/how_it_works.md)."""

import ast
from pathlib import Path

import pytest

from mmseg_ganaug import registry

PACKAGE = Path(__file__).resolve().parents[1] / 'mmseg_ganaug'
#: From the bottom up; a room may import those that stand for it here.
MAY_IMPORT = {
    'recompose': set(),
    'visualization': set(),
    'toy_streets': set(),
    'models': {'recompose'},
    'synthesis': {'recompose', 'models'},
    'datasets': {'recompose', 'models', 'synthesis', 'toy_streets'},
    'evaluation': {'recompose', 'models', 'synthesis', 'datasets', 'visualization'},
    'engine': {'recompose', 'models', 'synthesis', 'datasets', 'visualization'},
    'own_data': {'datasets', 'visualization'},
    'experiments': {
        *('recompose', 'models', 'synthesis', 'datasets', 'evaluation', 'engine'),
        *('visualization', 'own_data', 'toy_streets'),
    },
    'bench': {
        *('recompose', 'models', 'synthesis', 'datasets', 'evaluation', 'engine'),
        *('visualization', 'own_data', 'toy_streets', 'experiments'),
    },
    'commands': {
        *('recompose', 'models', 'synthesis', 'datasets', 'evaluation', 'engine'),
        *('visualization', 'own_data', 'toy_streets', 'experiments', 'bench', 'doctor'),
    },
    # It has to start where nothing else does: the rest is tried in a process.
    'doctor': {
        *('recompose', 'models', 'synthesis', 'datasets', 'evaluation', 'engine'),
        *('visualization', 'toy_streets'),
    },
}
MODULES = sorted({p.stem for p in PACKAGE.glob('*.py')} - {'__init__', '__main__'})
#: What top-level modules may import of each other; of rooms they import none.
MODULES_MAY_IMPORT = {
    'checkpoints': set(),
    'class_option_checks': {'option_checks'},
    'compat': {'checkpoints', 'config_search', 'dependencies'},
    'config_overrides': {'config_search', 'safe_configs'},
    'config_search': set(),
    'file_locks': {'files'},
    'in_the_way': set(),
    'option_checks': set(),
    'ownership': {'file_locks', 'files', 'in_the_way', 'version'},
    'progress_hook': {'progress'},
    'registry': {'compat'},
    'safe_configs': {'files'},
    'tool_errors': {'in_the_way'},
}


def imports_of(path):
    """Modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f'{path}: imports are absolute here'
            yield node.module
            yield from (f'{node.module}.{alias.name}' for alias in node.names)


def own_parts_imported_by(path):
    """Rooms and top-level modules that a file imports."""
    known = {*MAY_IMPORT, *MODULES}
    return {
        parts[1]
        for parts in (name.split('.') for name in imports_of(path))
        if parts[0] == 'mmseg_ganaug' and len(parts) > 1 and parts[1] in known
    }


def rooms_built_from_by(path):
    """Yields, for each class that a file builds by name, the rooms that may hold it."""
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ('build', 'get')
            and isinstance(node.func.value, ast.Name)
        ):
            found = getattr(registry, node.func.value.id, None)
            if isinstance(found, registry.Registry):
                yield {place.split('.')[1] for place in found._locations}


@pytest.mark.parametrize('room', MAY_IMPORT)
def test_a_room_imports_only_those_below_it(room):
    wrong = {
        (other, path.name)
        for path in (PACKAGE / room).rglob('*.py')
        for other in own_parts_imported_by(path) & set(MAY_IMPORT)
        if other != room and other not in MAY_IMPORT[room]
    }
    assert not wrong


@pytest.mark.parametrize('room', MAY_IMPORT)
def test_a_room_builds_by_name_only_what_is_below_it(room):
    wrong = [
        (path.name, rooms)
        for path in (PACKAGE / room).rglob('*.py')
        for rooms in rooms_built_from_by(path)
        if not rooms & {room, *MAY_IMPORT[room]}
    ]
    assert not wrong


@pytest.mark.parametrize('module', MODULES)
def test_a_top_level_module_imports_no_room(module):
    imported = own_parts_imported_by(PACKAGE / f'{module}.py')
    assert imported <= MODULES_MAY_IMPORT.get(module, set())


def test_recombination_needs_numpy_only():
    foreign = {
        name.split('.')[0]
        for path in (PACKAGE / 'recompose').rglob('*.py')
        for name in imports_of(path)
    } & {'torch', 'mmengine', 'mmcv', 'mmseg', 'mmagic', 'PIL'}
    assert not foreign


def test_every_package_folder_is_a_known_room():
    folders = {path.parent.name for path in PACKAGE.glob('*/__init__.py')}
    assert folders == set(MAY_IMPORT)


@pytest.mark.parametrize(
    'path', sorted(PACKAGE.rglob('*.py')), ids=lambda path: path.name
)
def test_files_are_short(path):
    assert len(path.read_text(encoding='utf-8').splitlines()) <= 400
