"""The command line: ``ganaug COMMAND``, and the tools, which are doors to it.

A command is a module of this folder: its docstring describes it, ``add_arguments``
fills its parser, ``check`` (where it is there) refuses what does not go together, and
``run`` does the work. What takes long to import is imported by ``run`` alone, so that
help and wrong arguments are answered at once.
"""

import argparse
import os
import shlex
import sys
import warnings
from contextlib import nullcontext
from importlib import import_module
from types import ModuleType
from typing import Any, List, Optional, Sequence

from mmseg_ganaug.commands.interrupts import ends_when_interrupted
from mmseg_ganaug.tool_errors import errors_as_messages
from mmseg_ganaug.version import __version__

#: What ``ganaug --help`` says of each.
COMMANDS = {
    'bench': 'find out what helps the rare classes of your data',
    'apply': 'write a config that has a treatment of rare classes',
    'distribution': 'show how often each class occurs, and class weights',
    'synthesize': 'generate the samples of a config',
    'export-plan': 'write recombined label maps, to be painted elsewhere',
    'import-photos': 'take photos that were painted elsewhere',
    'browse': 'show the samples that training sees',
    'browse-recomposed': 'show how label maps are recombined',
    'compare': 'train methods with several seeds each and compare them',
    'prepare': 'make configs of a folder of photos and one of masks',
    'train': 'train a segmenter, a generator or a harmonizer',
    'test': 'evaluate a segmenter or a generator',
    'fidelity': 'measure how well a generator paints each class',
    'toy-streets': 'make the data set ToyStreets',
    'doctor': 'find out what is wrong with this environment',
    'release-checkpoint': 'make of a checkpoint what can be given to others',
    'convert-pix2pixhd': 'convert official pix2pixHD weights',
    'convert-dataset': 'lay out CamVid, IDD-Lite or CMP facades for the configs',
    'cityscapes-to-camvid': 'give Cityscapes photos the classes of CamVid',
}
#: What users cannot do anything about: libraries on themselves.
_NOISE = '.*(deprecate|pkg_resources|will be removed|suggest using)'


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of a description, and states the defaults that say something."""

    def _get_help_string(self, action: argparse.Action) -> Optional[str]:
        text, default = action.help, action.default
        none = default is None or default is argparse.SUPPRESS
        says_nothing = none or isinstance(default, bool)
        if not text or says_nothing or 'default' in text or not action.option_strings:
            return text
        return f'{text} (default: %(default)s)'


def module_of(name: str) -> ModuleType:
    """Imports the module of a command, and nothing that takes long.

    Args:
        name (str): Of :data:`COMMANDS`.
    """
    return import_module(f'{__name__}.{name.replace("-", "_")}')


def parser_of(name: str, prog: Optional[str] = None) -> argparse.ArgumentParser:
    """Makes the parser of a command.

    Args:
        name (str): Of :data:`COMMANDS`.
        prog (str, optional): How it was called. Defaults to 'ganaug NAME'.
    """
    module = module_of(name)
    parser = argparse.ArgumentParser(
        prog=prog or f'ganaug {name}',
        description=module.__doc__,
        formatter_class=Formatter,
        allow_abbrev=False,
    )
    module.add_arguments(parser)
    return parser


def run_command(name: str, argv: Sequence[str], prog: Optional[str] = None) -> None:
    """Parses the command line of a command, and runs it.

    Args:
        name (str): Of :data:`COMMANDS`.
        argv (Sequence[str]): Its arguments.
        prog (str, optional): How it was called. Defaults to 'ganaug NAME'.

    Raises:
        SystemExit: When it does not end well: 2 for wrong arguments and for files of
            the user that are in the way, 130 when it was interrupted, else 1.
    """
    module, parser = module_of(name), parser_of(name, prog)
    mixed = getattr(module, 'INTERMIXED', False)
    parse = parser.parse_intermixed_args if mixed else parser.parse_args
    args = parse(argv)
    _check_homes(parser, args)
    if hasattr(module, 'check'):
        module.check(parser, args)
    if not sys.warnoptions:
        for kind in (DeprecationWarning, FutureWarning, PendingDeprecationWarning):
            warnings.simplefilter('ignore', kind)
        warnings.filterwarnings('ignore', _NOISE)
    # Jupyter's own, which other environments than its lack.
    if os.environ.get('MPLBACKEND', '').startswith('module://'):
        del os.environ['MPLBACKEND']
    go_on_with = getattr(module, 'again', list)(argv)
    again = shlex.join([*parser.prog.split(), *go_on_with])
    go_on = getattr(module, 'GO_ON', 'Again, it goes on from here:')
    # What goes wrong in a training is seen in a traceback.
    errors: Any = nullcontext() if hasattr(module, 'TRACES') else errors_as_messages()
    with errors, ends_when_interrupted(f'{go_on}\n  {again}'):
        code = module.run(args)
    if code:
        raise SystemExit(code)


def _check_homes(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuses ~, which shells leave as it is behind '=': a folder would be named so."""
    for name, value in vars(args).items():
        text = str(value) if isinstance(value, (str, os.PathLike)) else ''
        if text == '~' or text.startswith(f'~{os.sep}'):
            parser.error(
                f'{name}: {text} is no path, as the shell has not replaced the ~: '
                f'give {os.path.expanduser(text)}'
            )


def main(argv: Optional[List[str]] = None) -> None:
    """Runs ``ganaug``.

    Args:
        argv (list[str], optional): Its arguments. Defaults to those of the process.
    """
    argv = sys.argv[1:] if argv is None else argv
    if argv and argv[0] in COMMANDS:
        run_command(argv[0], argv[1:])
        return
    parser = argparse.ArgumentParser(
        prog='ganaug',
        description='Rare classes of MMSegmentation data sets: what is wrong, what '
        'helps, and samples that hold more of them.',
        epilog='`ganaug COMMAND --help` describes a command.',
        formatter_class=Formatter,
    )
    parser.add_argument('--version', action='version', version=__version__)
    commands = parser.add_subparsers(metavar='COMMAND', required=True)
    for name, text in COMMANDS.items():
        commands.add_parser(name, help=text)
    parser.parse_args(argv)


def tool(name: str) -> None:
    """Runs a command for the file of ``tools/`` that is its door.

    Args:
        name (str): Of :data:`COMMANDS`.
    """
    run_command(name, sys.argv[1:], f'python {sys.argv[0]}')
