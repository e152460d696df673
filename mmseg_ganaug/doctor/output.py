"""What the doctor prints."""

import json
import os
import textwrap
from dataclasses import asdict
from typing import Dict, Iterable, List, TextIO

from mmseg_ganaug.doctor.check import OK, PROBLEM, UNKNOWN, WARNING, Check
from mmseg_ganaug.version import __version__

_COLOURS = {OK: '32', WARNING: '33', PROBLEM: '31'}
_WIDTH = 100
_INDENT = ' ' * 11


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
        lines += ['To mend the problems, in this order:']
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
    told = {heading: list(checks) for heading, checks in sections.items()}
    found = [check for checks in told.values() for check in checks]
    statuses = [check.status for check in found]
    worst = next(each for each in (PROBLEM, WARNING, OK) if each in [*statuses, OK])
    report = dict(
        version=__version__,
        status=worst,
        checks=[
            dict(section=heading, **asdict(check))
            for heading, checks in told.items()
            for check in checks
        ],
    )
    print(json.dumps(report, indent=1), file=file)
    return found
