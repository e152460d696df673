"""A function of the user's own paints."""

import hashlib
import importlib
import inspect
import json
from typing import Any, Callable, List, Mapping, Optional, Tuple

import numpy as np

from mmseg_ganaug.class_option_checks import check_ignore_index, check_num_classes
from mmseg_ganaug.files import file_digest
from mmseg_ganaug.option_checks import (
    check_bool,
    check_mapping,
    check_size,
    check_text,
    check_whole,
)
from mmseg_ganaug.registry import GENERATORS
from mmseg_ganaug.synthesis.generator import Generator, PaintContext


@GENERATORS.register_module()
class CallableGenerator(Generator):
    """Has a function paint, which is named by the text ``'module:function'``.

    It is called as ``function(labels, **options)``, with ``instances=`` and
    ``context=`` where these are used, and returns photos, see :meth:`Generator.paint`.
    Its module is imported when the generator is checked. The fingerprint is that of the
    module's file and of the options: what else photos depend on, such as weights that
    the function reads, belongs into an option (``version=2``, say).

    Args:
        function (str): Such as ``'my_project.paint:paint'``.
        options (Mapping): Further arguments of the function, JSON values. Defaults to
            none.
        scale (tuple[int, int], optional): Width and height in pixels that it wants
            maps in. Defaults to None: any.
        num_classes (int, optional): Number of its classes. Defaults to None: any.
        ignore_index (int): Label value that it takes for no class. Defaults to 255.
        uses_instances (bool): Whether it wants ``instances``. Defaults to False.
        uses_context (bool): Whether it wants a ``context``. Defaults to False.
        needs_whole_map (bool): Whether a window painted alone looks otherwise than in
            the whole photo. Defaults to True.
        stride (int): The sides of windows are multiples of it. Defaults to 1.

    Raises:
        ValueError: When an option is of the wrong type or outside its range.
    """

    def __init__(
        self,
        function: str,
        options: Optional[Mapping] = None,
        scale: Optional[Tuple[int, int]] = None,
        num_classes: Optional[int] = None,
        ignore_index: int = 255,
        uses_instances: bool = False,
        uses_context: bool = False,
        needs_whole_map: bool = True,
        stride: int = 1,
    ) -> None:
        self._name = check_text(self, 'function', function)
        module, _, name = function.partition(':')
        if not module or not name.isidentifier():
            raise ValueError(
                f'CallableGenerator: function={function!r}: must be the path of a '
                "module and the name of a function, such as 'my_project.paint:paint'"
            )
        self._options = check_mapping(self, 'options', options or {})
        try:
            json.dumps(self._options)
        except TypeError as error:
            raise ValueError(
                f'CallableGenerator: options={self._options!r}: must be JSON values '
                f'({error})'
            ) from error
        if scale is not None:
            self.scale = check_size(self, 'scale', scale, order='(width, height)')
        if num_classes is not None:
            self.num_classes = check_num_classes(self, 'num_classes', num_classes)
        self.ignore_index = check_ignore_index(self, 'ignore_index', ignore_index)
        self.uses_instances = check_bool(self, 'uses_instances', uses_instances)
        self.uses_context = check_bool(self, 'uses_context', uses_context)
        self.needs_whole_map = check_bool(self, 'needs_whole_map', needs_whole_map)
        self.stride = check_whole(self, 'stride', stride, 1)

    @property
    def title(self) -> str:
        """How messages call it."""
        return f'the generator {self._name}'

    def check(self, num_classes: int, has_instances: bool) -> None:
        """Checks that the function is there, and fits the data set.

        Raises:
            ImportError: When the module cannot be imported; says why.
            ValueError: When it has no such function, or does not fit the data set.
        """
        super().check(num_classes, has_instances)
        self._function()

    def fingerprint(self) -> str:
        """Computes a digest of the module's file and of the options."""
        function = self._function()
        # One that another module only hands on is defined elsewhere.
        files: List[str] = []
        for part in (importlib.import_module(self._name.split(':')[0]), function):
            try:
                files.append(inspect.getsourcefile(part) or '')
            except TypeError:  # An object that is called, or compiled code.
                continue
        sources = [file_digest(path) for path in dict.fromkeys(files) if path]
        parts = [self._name, self._options, sources]
        digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
        return f'{self._name} {digest}'

    def paint(
        self,
        labels: np.ndarray,
        instances: Optional[np.ndarray] = None,
        context: Optional[PaintContext] = None,
    ) -> np.ndarray:
        """Calls the function; see :class:`Generator`."""
        given = dict(self._options)
        if self.uses_instances:
            given['instances'] = instances
        if self.uses_context:
            given['context'] = context
        return self._function()(labels, **given)

    def _function(self) -> Callable[..., Any]:
        module, _, name = self._name.partition(':')
        try:
            found = getattr(importlib.import_module(module), name, None)
        except Exception as error:
            raise ImportError(
                f'function={self._name!r} of CallableGenerator: {module} cannot be '
                f'imported ({type(error).__name__}: {error}): run from the folder that '
                'holds it, or add that to PYTHONPATH'
            ) from error
        if not callable(found):
            raise ValueError(
                f'function={self._name!r} of CallableGenerator: '
                f'{importlib.import_module(module).__file__} has no function {name}'
            )
        return found
