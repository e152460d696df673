"""Holds what checks found, and prints it."""

import json
import os
import textwrap
import traceback
from dataclasses import asdict, dataclass
from typing import Callable, Dict, Iterable, List, TextIO, TypeVar, Union

from mmseg_ganaug import dependencies
from mmseg_ganaug.version import __version__

OK, WARNING, PROBLEM = 'ok', 'warning', 'problem'
#: Remedy of a failure without one of its own.
UNKNOWN = 'fix the problems above; if there are none, report the output of --json'
_WITHOUT_SCREEN = (
    'pip uninstall -y opencv-python && pip install "opencv-python-headless<4.12"'
)
_COLOURS = {OK: '32', WARNING: '33', PROBLEM: '31'}
_WIDTH = 100
_INDENT = ' ' * 11

Found = TypeVar('Found')


@dataclass(frozen=True)
class Check:
    """Holds what a check found.

    Args:
        name (str): What was looked at.
        status (str): ``OK``, ``WARNING`` or ``PROBLEM``.
        message (str): One line.
        remedy (str): Commands or advice, one a line. Defaults to none.
        detail (str): Traceback of what failed. Defaults to none.
    """

    name: str
    status: str
    message: str
    remedy: str = ''
    detail: str = ''


def attempt(name: str, step: Callable[[], Found]) -> Union[Found, Check]:
    """Runs a check; whatever it raises is its result.

    Args:
        name (str): What is looked at.
        step (Callable): Returns the check, or several.

    Returns:
        Check | list[Check]: What the step returned, or a problem with its remedy.
    """
    try:
        return step()
    except (Exception, SystemExit) as error:
        return failed(name, error)


def failed(name: str, error: BaseException) -> Check:
    """Makes a check of an error, with the remedy; call it where it was caught."""
    message, remedy = _explain(error)
    return Check(name, PROBLEM, message, remedy, traceback.format_exc())


def _explain(error: BaseException):
    if isinstance(error, dependencies.IncompatibleVersionError):
        messages, remedies = zip(*error.problems)
        return '; '.join(messages), '\n'.join(dict.fromkeys(remedies))
    if isinstance(error, ModuleNotFoundError) and error.name:
        library = error.name.partition('.')[0]
        return str(error), dependencies.install_command(library)
    lines = str(error).strip().splitlines()
    message = f'{type(error).__name__}: {lines[0] if lines else "no message"}'
    # Servers and containers lack what OpenCV needs to open windows.
    no_screen = isinstance(error, ImportError) and 'libGL' in message
    return message, _WITHOUT_SCREEN if no_screen else UNKNOWN


def print_checks(sections: Dict[str, Iterable[Check]], file: TextIO) -> List[Check]:
    """Prints a line for each check as soon as it is there, and a summary.

    Args:
        sections (dict): Checks by heading.
        file (TextIO): Where to; coloured where it is a terminal.

    Returns:
        list[Check]: All of them.
    """
    coloured = file.isatty() and 'NO_COLOR' not in os.environ
    found: List[Check] = []
    for heading, checks in sections.items():
        print(f'{heading}', file=file, flush=True)
        for check in checks:
            print(_line(check, coloured), file=file, flush=True)
            found.append(check)
        print(file=file)
    print(_summary(found), file=file)
    return found


def _line(check: Check, coloured: bool) -> str:
    status = f'{check.status:8}'
    if coloured:
        status = f'\033[{_COLOURS[check.status]}m{status}\033[0m'
    lines = textwrap.wrap(
        f'{check.name}: {check.message}',
        _WIDTH - len(_INDENT),
        break_long_words=False,
        break_on_hyphens=False,
    )
    # A command stays on one line, to be copied.
    lines += [f'-> {line}' for line in check.remedy.splitlines()]
    return f'  {status} ' + f'\n{_INDENT}'.join(lines)


def _summary(checks: List[Check]) -> str:
    count = dict.fromkeys(_COLOURS, 0)
    for check in checks:
        count[check.status] += 1
    lines = [
        ', '.join(
            f'{number} {status}' + ('s' if status != OK and number != 1 else '')
            for status, number in count.items()
        )
    ]
    remedies = dict.fromkeys(
        line
        for check in checks
        if check.status == PROBLEM
        for line in check.remedy.splitlines()
    )
    if len(remedies) > 1:
        remedies.pop(UNKNOWN, None)
    if remedies:
        lines += ['To fix the problems, in this order:']
        lines += [f'  {remedy}' for remedy in remedies]
    return '\n'.join(lines)


def print_json(sections: Dict[str, Iterable[Check]], file: TextIO) -> List[Check]:
    """Prints the same for programs.

    Args:
        sections (dict): Checks by heading.
        file (TextIO): Where to.

    Returns:
        list[Check]: All of them.
    """
    by_section = {heading: list(checks) for heading, checks in sections.items()}
    found = [check for checks in by_section.values() for check in checks]
    statuses = [check.status for check in found]
    worst = next(each for each in (PROBLEM, WARNING, OK) if each in [*statuses, OK])
    report = dict(
        version=__version__,
        status=worst,
        checks=[
            dict(section=heading, **asdict(check))
            for heading, checks in by_section.items()
            for check in checks
        ],
    )
    print(json.dumps(report, indent=1), file=file)
    return found
