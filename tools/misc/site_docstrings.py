"""Makes Markdown of the few marks of reStructuredText that docstrings here have.

An extension of griffe, with which `make docs` reads them.
"""

import re
from typing import Any

import griffe

#: Such as :class:`~package.Name`, of which the last name is shown after a tilde.
_ROLE = re.compile(r':\w+:`(?:~[\w.]*?(\w+)|([^`~]+))`')
_BLOCK = re.compile(r'::$', re.MULTILINE)


class PlainMarkdown(griffe.Extension):
    """Rewrites docstrings when they are loaded."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rewrites the docstring of a class or function."""
        if obj.docstring:
            text = _ROLE.sub(r'`\1\2`', obj.docstring.value)
            obj.docstring.value = _BLOCK.sub(':', text)
