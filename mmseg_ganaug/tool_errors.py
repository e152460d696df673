"""Ends a command-line tool with a message where something is wrong."""

import sys
from contextlib import contextmanager
from typing import Iterator, Tuple, Type

from mmseg_ganaug.in_the_way import InTheWayError


@contextmanager
def errors_as_messages(*others: Type[Exception]) -> Iterator[None]:
    """Ends a tool with the message of an error in the place of a traceback.

    The exit code is 2 where files of the user are in the way and nothing was
    begun, 130 where the user interrupts it, else 1.

    Args:
        *others (type[Exception]): Errors that explain themselves to users, beside
            ``OSError``, ``ValueError`` and ``ImportError``.

    Raises:
        SystemExit: In the place of these errors.
    """
    clear: Tuple[Type[Exception], ...] = (OSError, ValueError, ImportError, *others)
    try:
        yield
    except InTheWayError as error:
        print(f'\n{error}', file=sys.stderr)
        raise SystemExit(2) from error
    except clear as error:
        raise SystemExit(f'\nerror: {error}') from error
    except KeyboardInterrupt:
        print('\nInterrupted. Run it again to go on from here.', file=sys.stderr)
        raise SystemExit(130) from None
