"""What a check says, and what becomes of one that fails."""

import traceback
from dataclasses import dataclass
from typing import Callable, TypeVar, Union

from mmseg_ganaug import dependencies

OK, WARNING, PROBLEM = 'ok', 'warning', 'problem'
#: The remedy of a failure that says no more.
UNKNOWN = (
    'mend what is told above; if that is all well, report what --json gives as detail'
)


Found = TypeVar('Found')


@dataclass(frozen=True)
class Check:
    """What a check found.

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
    """What a check says that raised, with the remedy; call it where it was caught."""
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
    return message, UNKNOWN
