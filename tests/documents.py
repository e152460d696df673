"""Reads Markdown, command lines and config dicts; what takes long is not imported."""

import argparse
import ast
import re
import shlex
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from mmseg_ganaug import commands as commands_of_package

ROOT = Path(__file__).resolve().parent.parent
LIBRARIES = ('mmengine', 'mmcv', 'mmseg', 'mmagic')
_FENCE = re.compile(r'^ *```(\w*)\n(.*?)^ *```$', re.MULTILINE | re.DOTALL)
_LINK = re.compile(r'\[[^\]]*\]\(([^)\s]+)\)')
_SPAN = re.compile(r'(?<!`)`([^`\n]+)`(?!`)')


class Block(NamedTuple):
    document: str
    line: int
    language: str
    text: str

    def __str__(self):
        return f'{self.document}:{self.line}'


class Document:
    """A Markdown file.

    Attributes:
        blocks: The fenced blocks.
        prose: The text between them.
    """

    def __init__(self, path):
        self.path = path
        self.name = str(path.relative_to(ROOT))
        text = path.read_text(encoding='utf-8')
        self.blocks = [
            Block(self.name, 1 + text[: m.start()].count('\n'), m[1], m[2])
            for m in _FENCE.finditer(text)
        ]
        self.prose = _FENCE.sub('', text)

    @property
    def links(self):
        targets = _LINK.findall(_SPAN.sub('code', self.prose))
        return [t for t in targets if not re.match(r'[a-z]+:', t)]

    @property
    def spans(self):
        return _SPAN.findall(self.prose)

    @property
    def anchors(self):
        headings = re.findall(r'^#+ (.*)$', self.prose, re.MULTILINE)
        plain = [re.sub(r'\[([^\]]*)\]\([^)]*\)', r'\1', text) for text in headings]
        # As GitHub makes them.
        return [re.sub(r'[^\w\- ]', '', t.lower()).replace(' ', '-') for t in plain]


def is_placeholder(word):
    """Whether a word of a command stands for something of the reader's."""
    return bool(re.search(r'(?<![\w.])[A-Z][A-Z_]{2,}\b|your', word))


def commands(text):
    """Splits shell lines into commands, each a list of words.

    Assignments before a command are left out, and so are comments.
    """
    found = []
    for line in text.replace('\\\n', ' ').splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars='&|;')
        lexer.whitespace_split = True
        command = []
        for word in [*lexer, ';']:
            if set(word) <= set('&|;'):
                found.append(command)
                command = []
            elif command or not re.match(r'[A-Z_]+=', word):
                command.append(word)
    return [command for command in found if command]


class _StrictParser(argparse.ArgumentParser):
    def error(self, message):
        raise AssertionError(message)


@cache
def parser_of_command(name):
    """The parser of ``ganaug NAME``, which raises where it would end the process."""
    parser = commands_of_package.parser_of(name)
    parser.__class__ = _StrictParser
    return parser


@cache
def parser_of(path):
    """Rebuilds the command line parser of a tool from its ``add_argument`` calls."""
    text = path.read_text(encoding='utf-8')
    if door := re.search(r"^ +tool\('(.*)'\)$", text, re.MULTILINE):
        return parser_of_command(door[1])
    tree = ast.parse(text)
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, 'attr', '') == 'add_argument'
    ]
    if not calls:
        # It parses within the package.
        modules = [n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
        ours = [m for m in modules if m and m.startswith('mmseg_ganaug')]
        paths = [module_path(module) for module in ours]
        return next(filter(None, (p and p != path and parser_of(p) for p in paths)), 0)
    parser = _StrictParser(prog=path.name, allow_abbrev=False)
    for call in sorted(calls, key=lambda call: call.lineno):
        options = {k.arg: _literal(k.value) for k in call.keywords if k.arg != 'help'}
        types = {'int': int, 'float': float}
        for keyword in call.keywords:
            if keyword.arg == 'type':
                options['type'] = types.get(getattr(keyword.value, 'id', ''))
        known = {key: value for key, value in options.items() if value is not None}
        parser.add_argument(*map(ast.literal_eval, call.args), **known)
    return parser


def module_path(name):
    """The file that ``python -m name`` runs, or an import reads."""
    base = ROOT / name.replace('.', '/')
    for path in (base / '__main__.py', base / '__init__.py', base.with_suffix('.py')):
        if path.is_file():
            return path
    return None


def _literal(node):
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None  # such as a class; the parser does without


def parse_python(text):
    """Parses a block, in which ``...`` may stand for what is left out."""
    text = re.sub(r',\s*\.\.\.(?=\s*,?\s*[\])])', '', text)
    try:
        return ast.parse(text)
    except SyntaxError:
        return ast.parse(f'dict({text})')


def typed_dicts(tree):
    """Yields the type and the other keys of each ``dict(type='X', ...)``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, 'id', '') == 'dict':
            keys = {k.arg: k.value for k in node.keywords if k.arg}
            kind = keys.pop('type', None)
            if isinstance(kind, ast.Constant) and isinstance(kind.value, str):
                yield kind.value.split('.')[-1], sorted(set(keys) - {'_delete_'})


@cache
def _class_files():
    """Class name -> the files of this package and of the libraries that define it."""
    folders = [ROOT / 'mmseg_ganaug']
    # find_spec of a top-level package imports nothing.
    folders += [Path(find_spec(name).origin).parent for name in LIBRARIES]
    files = {}
    for folder in folders:
        for path in folder.rglob('*.py'):
            text = path.read_text(encoding='utf-8')
            for name in re.findall(r'^class (\w+)', text, re.MULTILINE):
                files.setdefault(name, []).append(path)
    return files


@cache
def _tree(path):
    return ast.parse(path.read_text(encoding='utf-8'))


@cache
def accepted_arguments(name, ours_only=False):
    """What classes of that name can be built with.

    Returns:
        set[str] | None: Argument names, '*' among them where any will do; None where
        there is no such class.
    """
    paths = _class_files().get(name, [])
    if ours_only:
        paths = [path for path in paths if ROOT / 'mmseg_ganaug' in path.parents]
    if not paths:
        return None
    accepted = set()
    for path in paths:
        for node in _tree(path).body:
            if isinstance(node, ast.ClassDef) and node.name == name:
                accepted |= _arguments(node)
    return accepted


def _arguments(node):
    makers = [n for n in node.body if getattr(n, 'name', '') == '__init__']
    if makers:
        own = makers[0].args
        accepted = {a.arg for a in [*own.args, *own.kwonlyargs]} - {'self'}
        if own.kwarg is None:
            return accepted
    else:
        fields = [n for n in node.body if isinstance(n, ast.AnnAssign)]
        accepted = {getattr(n.target, 'id', '') for n in fields}
    for base in node.bases:
        name = getattr(base, 'attr', getattr(base, 'id', ''))
        if name != node.name:
            accepted |= accepted_arguments(name) or {'*'}
    return accepted


@cache
def string_literals():
    """All strings in the code of package and tools; a NUL stands for what is filled in.

    Docstrings are left out.
    """
    found = []
    for folder in ('mmseg_ganaug', 'tools'):
        for path in sorted((ROOT / folder).rglob('*.py')):
            tree = _tree(path)
            documents = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
            for node in ast.walk(tree):
                if isinstance(node, ast.JoinedStr):
                    parts = [getattr(part, 'value', '') for part in node.values]
                    found.append(
                        ''.join(p if isinstance(p, str) else '\0' for p in parts)
                    )
                elif isinstance(node, ast.Constant) and id(node) not in documents:
                    found.append(str(node.value))
    return found
