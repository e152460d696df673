"""Checkpoints of MMEngine read without running code from them.

They hold the log of the run beside the weights: ``HistoryBuffer`` objects, which name
their own methods, and NumPy arrays and scalars. Exactly those are allowed beside what
``torch.load(weights_only=True)`` allows by itself.
"""

import pickle
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, Mapping, Union


def load_checkpoint(path: Union[str, Path]) -> Any:
    """Reads a checkpoint of PyTorch or MMEngine.

    Args:
        path (str | Path): What ``torch.save`` or MMEngine's runner wrote.

    Returns:
        Any: What was saved, on the CPU.

    Raises:
        pickle.UnpicklingError: When it holds more than tensors, plain values and the
            log of a run.
        RuntimeError: When it is cut off or no checkpoint; also ``EOFError``,
            ``ValueError`` and ``OSError``.
    """
    import torch

    if _torch_allows_by_name():
        allow_checkpoint_types()
    elif zipfile.is_zipfile(path):  # not the format of before torch 1.6
        return _load_restricted(path, _types_of_a_log())
    return torch.load(str(path), map_location='cpu', weights_only=True)


def allow_checkpoint_types() -> None:
    """Lets ``torch.load(weights_only=True)`` read MMEngine's own checkpoints.

    MMEngine's loading, too, checks by default from torch 2.6 on. Before it, there is
    nothing to do.
    """
    import numpy as np
    import torch

    if not _torch_allows_by_name():
        return
    dtypes = {type(np.dtype(kind)) for kind in ('f8', 'f4', 'i8', 'i4', 'u1', '?')}
    torch.serialization.add_safe_globals(
        [(value, name) for name, value in _types_of_a_log().items()] + list(dtypes)
    )


def _torch_allows_by_name() -> bool:
    import torch

    return tuple(int(part) for part in torch.__version__.split('.')[:2]) >= (2, 6)


def _types_of_a_log() -> Dict[str, Any]:
    """Name in the file -> what stands for it."""
    import numpy as np
    from mmengine.logging import HistoryBuffer

    is_2 = int(np.__version__.split('.')[0]) >= 2
    core = np._core if is_2 else np.core  # type: ignore[attr-defined]
    return {
        'mmengine.logging.history_buffer.HistoryBuffer': HistoryBuffer,
        'builtins.getattr': _history_method,
        'numpy.ndarray': np.ndarray,
        'numpy.dtype': np.dtype,
        '_codecs.encode': _array_bytes,
        # The same functions under the names that either major version of numpy writes.
        **{
            f'{package}.multiarray.{function.__name__}': function
            for function in (core.multiarray._reconstruct, core.multiarray.scalar)
            for package in ('numpy.core', 'numpy._core')
        },
    }


def _history_method(owner: type, name: str):
    """What a checkpoint may look up by ``getattr``: the statistics of a log."""
    from mmengine.logging import HistoryBuffer

    if owner is not HistoryBuffer or name not in ('min', 'max', 'current', 'mean'):
        raise pickle.UnpicklingError(
            f'a checkpoint may not look up {name!r} of {owner!r}'
        )
    return getattr(owner, name)


def _array_bytes(text: str, encoding: str) -> bytes:
    """How the second protocol of pickle holds the bytes of an array."""
    if encoding != 'latin1':
        raise pickle.UnpicklingError(
            f'a checkpoint may not encode its arrays by {encoding!r}'
        )
    return text.encode(encoding)


def _load_restricted(path: Union[str, Path], allowed: Mapping[str, Any]) -> Any:
    """Does what ``weights_only=True`` does from torch 2.6 on, with an unpickler."""
    import torch
    from torch._weights_only_unpickler import _get_allowed_globals

    names = {**_get_allowed_globals(), **allowed}

    class Unpickler(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            module = {'__builtin__': 'builtins'}.get(module, module)
            if f'{module}.{name}' not in names:
                raise pickle.UnpicklingError(
                    f'{module}.{name} is not among the types that may be read'
                )
            return names[f'{module}.{name}']

    return torch.load(
        str(path),
        map_location='cpu',
        weights_only=False,  # the unpickler checks
        pickle_module=SimpleNamespace(__name__=__name__, Unpickler=Unpickler),
    )
