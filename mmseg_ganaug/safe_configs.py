"""Configs that are read without running YAML, and written so that they read back.

MMEngine reads YAML with a loader that obeys ``!!python/object/apply``, and replaces
``{{ ... }}`` in the text of every config by environment variables and file names: in a
class name, too.
"""

import ast
import io
import keyword
import math
import re
import tokenize
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import (
    Any,
    Callable,
    Dict,
    Iterator,
    List,
    Mapping,
    Optional,
    Sequence,
    Set,
    Union,
)

import yaml
from mmengine.config import Config
from mmengine.fileio.handlers import YamlHandler, file_handlers
from mmengine.logging import MessageHub

from mmseg_ganaug.files import write_atomically

_YAML = ('.yaml', '.yml')
_WIDTH = 88
_PLAIN = (str, bytes, int, float, complex, bool, type(None))
_handlers_lock = Lock()


def read_config(path: Union[str, Path]) -> Config:
    """Reads a config as MMEngine does, but YAML, also below it, with a safe loader.

    Args:
        path (str | Path): Ends with '.py', '.json', '.yaml' or '.yml'.

    Returns:
        Config: The config.

    Raises:
        FileNotFoundError: When it, or a config that it builds on, is missing.
        ValueError: When it cannot be read, or YAML in it has a tag that only an unsafe
            loader obeys, such as ``!!python/object/apply``; names file and line.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'{path} does not exist: give the path of a config')
    if path.suffix not in ('.py', '.json', *_YAML):
        raise ValueError(
            f'{path} is not a config file: the name must end with .py, .json, .yaml '
            'or .yml'
        )
    try:
        _check_yaml(path, set())
        with _safe_yaml():
            return Config.fromfile(path)
    except (FileNotFoundError, _UnsafeTagError):
        raise
    except RecursionError as error:
        raise ValueError(
            f'{path} cannot be read: a value in it holds itself. In a config with '
            'read_base, NAME.update(...) merges into the dict of the base: copy what '
            'you take from there, as in real = dict(train_dataloader.dataset), and '
            'assign, as in train_dataloader.dataset = dict(...)'
        ) from error
    except Exception as error:  # The code of a config can raise anything.
        name = '' if isinstance(error, ValueError) else f'{type(error).__name__}: '
        raise ValueError(f'{path} cannot be read: {name}{error}') from error


def base_paths(path: Union[str, Path]) -> List[Path]:
    """Finds the configs that a config builds on, as far as its text states them.

    Args:
        path (str | Path): Config file.

    Returns:
        list[Path]: Of its ``_base_``; empty for one that computes them, and for pure
        Python configs, which have ``read_base``.
    """
    path = Path(path)
    stated = _bases(path, path.read_text(encoding='utf-8'))
    return [Path(Config._get_cfg_path(base, str(path))[0]) for base in stated]


def write_config(
    config: Union[Config, str],
    path: Union[str, Path],
    write: Callable[[Path, str], Path] = write_atomically,
) -> Path:
    """Writes a config so that MMEngine reads the same values back.

    Args:
        config (Config | str): The config, or its text in Python.
        path (str | Path): Where it goes; ends with '.py'.
        write (callable): Writes a text to a path, such as ``WorkFolder.write``.
            Defaults to :func:`write_atomically`.

    Returns:
        Path: The path.

    Raises:
        ValueError: When a value cannot be written in a config; names it.
    """
    text = config if isinstance(config, str) else config_text(config)
    return write(Path(path), _without_templates(text))


def config_text(
    config: Union[Config, Mapping[str, Any]], first: Sequence[str] = ()
) -> str:
    """Returns the values of a config as Python, with sorted keys.

    Two configs have the same values exactly where their texts are the same.

    Args:
        config (Config | Mapping): The config, or its values by name.
        first (Sequence[str]): Keys that stand before the others, such as 'type'.
            Defaults to none.

    Returns:
        str: The text; ``{{`` in it is still a template for MMEngine.

    Raises:
        ValueError: When a value cannot be written in a config; names it.
    """
    values = config.to_dict() if isinstance(config, Config) else config
    lines = []
    for name in sorted(values):
        if not _is_argument(name) or name.startswith('__'):
            raise ValueError(f'{name!r} cannot be the name of a value in a config')
        lines.append(f'{name} = {_source(values[name], name, 0, first)}\n')
    return ''.join(lines)


def read_values(path: Union[str, Path]) -> Dict[str, Any]:
    """Reads a config of values alone, such as MMEngine leaves in a work dir.

    Nothing in it is run, and no template in it is replaced.

    Args:
        path (str | Path): The file.

    Returns:
        dict[str, Any]: Its values by name.

    Raises:
        FileNotFoundError: When there is no such file.
        ValueError: When it is not Python, or holds more than values; names the file.
    """
    try:
        return values_of(Path(path).read_text(encoding='utf-8'))
    except ValueError as error:
        raise ValueError(f'{path} holds more than values: {error}') from error


def values_of(text: str) -> Dict[str, Any]:
    """Reads the text of a config of values alone, such as ``Config.pretty_text``.

    Args:
        text (str): Python. Nothing in it is run.

    Returns:
        dict[str, Any]: Its values by name.

    Raises:
        ValueError: When it is not Python, or holds more than values.
    """
    try:
        values = {}
        for node in ast.parse(text).body:
            if not isinstance(node, ast.Assign):
                raise ValueError(
                    f'line {node.lineno} does not assign a value to a name'
                )
            values[_name(node.targets[0])] = _value(node.value)
        return values
    except (SyntaxError, TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def runner_values() -> Dict[str, Any]:
    """Reads the config of MMEngine's runner, for what it builds.

    Returns:
        dict[str, Any]: Its values by name; empty where there is no runner, or its
        config cannot be read.
    """
    text = MessageHub.get_current_instance().get_info('cfg')
    try:
        return values_of(text or '')
    except ValueError:
        return {}


class _UnsafeTagError(ValueError):
    pass


def _check_yaml(path: Path, seen: Set[Path]) -> None:
    """Names the line of a tag; what cannot be read here is left to MMEngine."""
    path = path.resolve()
    if path in seen or not path.is_file():
        return
    seen.add(path)
    text = path.read_text(encoding='utf-8')
    if path.suffix in _YAML:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            tag = getattr(event, 'tag', None)
            if tag not in (None, '!') and tag not in yaml.SafeLoader.yaml_constructors:
                raise _UnsafeTagError(
                    f'{path}, line {event.start_mark.line + 1}: the tag {tag} is '
                    'refused, since it can run code. Write plain values: a list for '
                    'a tuple, and for all else a config in Python'
                )
    for base in _bases(path, text):
        if '::' not in base:  # Otherwise it belongs to an installed package.
            _check_yaml(path.parent / base, seen)


def _bases(path: Path, text: str) -> List[str]:
    found: Any = None
    if path.suffix == '.py':
        for node in ast.parse(text).body:
            if isinstance(node, ast.Assign) and '_base_' in map(_name, node.targets):
                try:
                    found = ast.literal_eval(node.value)
                except ValueError:  # Computed: the loader is a safe one all the same.
                    return []
    else:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        for key, value in root.value if isinstance(root, yaml.MappingNode) else ():
            if key.value == '_base_':
                items = value.value if isinstance(value.value, list) else [value]
                found = [item.value for item in items]
    found = found if isinstance(found, (list, tuple)) else [found]
    return [base for base in found if isinstance(base, str)]


class _SafeYamlHandler(YamlHandler):
    def load_from_fileobj(self, file, **kwargs):
        return yaml.load(file, Loader=yaml.SafeLoader)


@contextmanager
def _safe_yaml() -> Iterator[None]:
    """Gives MMEngine a safe loader: no argument of its own does."""
    with _handlers_lock:
        before = {name: file_handlers[name] for name in ('yaml', 'yml')}
        file_handlers.update(dict.fromkeys(before, _SafeYamlHandler()))
        try:
            yield
        finally:
            file_handlers.update(before)


def _is_argument(name: Any) -> bool:
    return isinstance(name, str) and name.isidentifier() and not keyword.iskeyword(name)


def _source(value: Any, name: str, indent: int, first: Sequence[str] = ()) -> str:
    """Writes a value as Python, over several lines where one is too long."""
    if isinstance(value, dict):
        if all(map(_is_argument, value)):
            opening, closing = 'dict(', ')'
            starts = {key: f'{key}=' for key in value}
        else:
            opening, closing = '{', '}'
            starts = {key: f'{_source(key, name, 0)}: ' for key in value}
        items = [
            starts[key] + _source(value[key], f'{name}.{key}', indent + 4, first)
            for key in sorted(value, key=lambda key: (key not in first, str(key)))
        ]
    elif type(value) in (list, tuple):
        opening, closing = ('[', ']') if isinstance(value, list) else ('(', ')')
        items = [_source(item, name, indent + 4, first) for item in value]
    elif type(value) is float and not math.isfinite(value):
        return f"float('{value}')"
    elif type(value) in _PLAIN:
        return repr(value)
    elif isinstance(value, type):
        return repr(f'{value.__module__}.{value.__qualname__}')
    else:
        raise ValueError(
            f'{name} is {value!r}, a {type(value).__name__}, which cannot be written '
            'in a config: use numbers, texts, lists and dicts'
        )
    comma = ',' if isinstance(value, tuple) and len(items) == 1 else ''
    line = f'{opening}{", ".join(items)}{comma}{closing}'
    if '\n' not in line and indent + len(name) + len(line) < _WIDTH:
        return line
    inside = ''.join(f'{" " * (indent + 4)}{item},\n' for item in items)
    return f'{opening}\n{inside}{" " * indent}{closing}'


def _without_templates(text: str) -> str:
    """Rewrites texts and comments in Python so that MMEngine replaces nothing."""
    lines = io.StringIO(text).readlines()
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    for token in reversed(tokens):
        if '{{' not in token.string:
            continue
        written = _inert(token)
        if written is None:
            continue
        (first, begin), (last, end) = token.start, token.end
        rest = lines[last - 1][end:]
        lines[first - 1 : last] = [lines[first - 1][:begin] + written + rest]
    return ''.join(lines)


def _inert(token: tokenize.TokenInfo) -> Optional[str]:
    if token.type == tokenize.COMMENT:
        return re.sub(r'(?<=\{)\{', ' {', token.string)
    if token.type != tokenize.STRING:
        return None
    prefix = re.match(r'\w*', token.string)[0].lower()  # type: ignore[index]
    if 'f' in prefix:  # There, two braces stand for one.
        return None
    string = repr(ast.literal_eval(token.string)) if 'r' in prefix else token.string
    return re.sub(r'(?<=\{)\{', r'\\x7b', string)


def _name(target: ast.AST) -> str:
    return target.id if isinstance(target, ast.Name) else ast.unparse(target)


def _value(node: ast.AST) -> Any:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        names = [part.arg for part in node.keywords]
        if node.func.id == 'dict' and len(node.args) < 2 and None not in names:
            values = {str(part.arg): _value(part.value) for part in node.keywords}
            return {**(_value(node.args[0]) if node.args else {}), **values}
        if node.func.id == 'float' and len(node.args) == 1:
            return float(_value(node.args[0]))
    if isinstance(node, ast.Dict) and None not in node.keys:
        return {_value(k): _value(v) for k, v in zip(node.keys, node.values) if k}
    if isinstance(node, (ast.List, ast.Tuple)):
        items = [_value(item) for item in node.elts]
        return items if isinstance(node, ast.List) else tuple(items)
    if isinstance(node, ast.Name) and node.id in ('inf', 'nan'):
        return float(node.id)
    return ast.literal_eval(node)
