"""Reads weights without running code from a file, and loads them strictly.

Checkpoints of MMEngine hold the log of the run beside the weights: ``HistoryBuffer``
objects, which name their own methods, and NumPy arrays and scalars. Exactly those are
allowed beside what ``torch.load(weights_only=True)`` allows by itself.
"""

import pickle
import tarfile
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, Mapping, Union

import torch
from torch import Tensor, nn

# What files of torch.save begin with: zip files, and pickles before torch 1.6.
_MAGIC = (b'PK', b'\x80')
_LFS_POINTER = b'version https://git-lfs'


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be read or does not fit the network."""


def read_state_dict(path: Union[str, Path]) -> Dict[str, Tensor]:
    """Reads the tensors of a checkpoint without running code from it.

    Args:
        path (str | Path): A plain state dict, as the official code of pix2pixHD saves
            it, or a checkpoint of MMEngine's runner.

    Returns:
        dict[str, Tensor]: Parameter name -> tensor, on the CPU.

    Raises:
        CheckpointError: When the file is missing, truncated, or holds something else.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(
            f'there is no checkpoint {path}: train the generator (ganaug train with '
            'a config of configs/pix2pixhd) or correct the path'
        )
    _refuse_text(path)
    try:
        content = load_checkpoint(path)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f'{path} holds more than weights, and is not loaded for safety '
            f'({_first_line(error)}): save its state_dict() alone and load that'
        ) from error
    except (RuntimeError, EOFError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise CheckpointError(
            f'{path} is no PyTorch checkpoint, or was cut off while it was written or '
            f'copied ({_first_line(error)}): copy or train it again'
        ) from error
    if isinstance(content, Mapping) and isinstance(content.get('state_dict'), Mapping):
        content = content['state_dict']
    if not isinstance(content, Mapping) or not all(
        isinstance(value, Tensor) for value in content.values()
    ):
        raise CheckpointError(
            f'{path} holds no state dict (parameter name -> tensor): save '
            'model.state_dict(), or use a checkpoint of the training runner'
        )
    return dict(content)


def _refuse_text(path: Path) -> None:
    """Refuses what cannot be a checkpoint, before it is taken for a suspicious one."""
    with path.open('rb') as file:
        start = file.read(len(_LFS_POINTER))
    if start == _LFS_POINTER:
        raise CheckpointError(
            f'{path} is a pointer of Git LFS, not the checkpoint itself: fetch it by '
            'git lfs pull, or download the file'
        )
    # An empty file is one that was cut off.
    if start and not start.startswith(_MAGIC) and not tarfile.is_tarfile(path):
        raise CheckpointError(
            f'{path} is no PyTorch checkpoint: it begins with {start[:16]!r}. Correct '
            'the path, or download the file again'
        )


def load_strictly(
    network: nn.Module, state: Mapping[str, Tensor], origin: Union[str, Path]
) -> None:
    """Loads a state dict into a network, or reports everything that does not fit.

    Args:
        network (nn.Module): Where to load it.
        state (Mapping[str, Tensor]): Parameter name -> tensor.
        origin (str | Path): Where the state comes from, for the message.

    Raises:
        CheckpointError: Names missing and unexpected keys and differing shapes; the
            network is untouched then.
    """
    own = network.state_dict()
    state = _without_norm_statistics(network, state)
    problems = []
    for what, keys in (
        ('missing', [key for key in own if key not in state]),
        ('unexpected', [key for key in state if key not in own]),
    ):
        if keys:
            problems.append(f'{len(keys)} {what}: {_some(keys)}')
    shapes = [
        f'{key} is {tuple(state[key].shape)}, the network has {tuple(value.shape)}'
        for key, value in own.items()
        if key in state and state[key].shape != value.shape
    ]
    if shapes:
        problems.append(f'{len(shapes)} of another shape: {_some(shapes)}')
    if problems:
        raise CheckpointError(
            f'{origin} does not fit {type(network).__name__}:\n  '
            + '\n  '.join(problems)
            + f'\n{_diagnosis(own, state)}'
        )
    network.load_state_dict(state)


def _without_norm_statistics(
    network: nn.Module, state: Mapping[str, Tensor]
) -> Dict[str, Tensor]:
    """Leaves out what PyTorch before 0.4 saved for instance norms that use none."""
    norms = {
        name
        for name, module in network.named_modules()
        if isinstance(module, nn.InstanceNorm2d) and not module.track_running_stats
    }
    return {k: v for k, v in state.items() if k.rpartition('.')[0] not in norms}


def read_generator_state(path: Union[str, Path], domain: str = 'photo') -> dict:
    """Reads the state dict of a generator.

    Args:
        path (str | Path): An official state dict (``latest_net_G.pth``), or a
            checkpoint of MMEngine's runner, where averaged weights (MMagic's
            ``ExponentialMovingAverageHook``) come before the last ones.
        domain (str): Which of its generators is wanted.

    Returns:
        dict[str, Tensor]: Parameter name, as the generator has it -> tensor.

    Raises:
        CheckpointError: See :func:`read_state_dict`.
    """
    state = read_state_dict(path)
    for prefix in (f'generators_ema.{domain}.', f'generators.{domain}.'):
        own = {k[len(prefix) :]: v for k, v in state.items() if k.startswith(prefix)}
        if own:
            return own
    return state


def load_generator_weights(
    model: nn.Module, path: Union[str, Path], needs_clusters: bool = True
) -> None:
    """Loads the weights that paint: those of the generator, and of an encoder.

    Args:
        model (nn.Module): A :class:`Pix2PixHD`.
        path (str | Path): A checkpoint of its training, or an official state dict of
            the generator (``latest_net_G.pth``).
        needs_clusters (bool): Whether features of objects are drawn, for a model with
            an encoder. Defaults to True.

    Raises:
        CheckpointError: When the file cannot be read or does not fit; see
            :func:`read_state_dict` and :func:`load_strictly`. When features are to be
            drawn, but the file has no clusters of them.
    """
    from mmengine.model import is_model_wrapper

    networks = model.generators
    if is_model_wrapper(networks):
        networks = networks.module
    for domain, generator in networks.items():
        load_strictly(generator, read_generator_state(path, domain), path)
    if model.encoder is not None:
        _load_encoder(model, path, needs_clusters)


def _load_encoder(
    model: nn.Module, path: Union[str, Path], needs_clusters: bool
) -> None:
    """Loads what a generator with features of objects paints from."""
    state = read_state_dict(path)
    if needs_clusters and not state.get('region_code.clusters', torch.zeros(1)).any():
        raise CheckpointError(
            f'{path} has no clusters of features, from which a generator with an '
            'encoder paints: train it with custom_hooks=[dict(type='
            "'FeatureClusterHook')] and take the checkpoint at its end, or read the "
            "features off the photos by looks='kept'"
        )
    for name in ('encoder', 'region_code'):
        prefix = f'{name}.'
        own = {k[len(prefix) :]: v for k, v in state.items() if k.startswith(prefix)}
        load_strictly(model.get_module(getattr(model, name)), own, path)


def _diagnosis(own: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> str:
    """Returns the usual cause of a misfit."""
    shared = [key for key in own if key in state]
    if not shared:
        return 'No parameter name matches: this is the checkpoint of another network.'
    first = next((k for k in own if k in state and own[k].dim() == 4), shared[0])
    if own[first].dim() == state[first].dim() == 4:
        have, want = state[first].shape, own[first].shape
        if have[1] != want[1] and have[0] == want[0]:
            return (
                f'The checkpoint reads {have[1]} input channels, the model {want[1]}: '
                'it was trained for another number of classes, or with or without '
                'the ignore or instance-edge channel. Use the config it was trained '
                'with.'
            )
        if have[0] != want[0]:
            return (
                f'The checkpoint has base_channels={have[0]}, the model {want[0]}: use '
                'the config it was trained with.'
            )
    return (
        'The number of downsamplings, blocks or enhancers differs, or the file is '
        'incomplete: use the config it was trained with.'
    )


def _some(items) -> str:
    shown = ', '.join(str(item) for item in items[:3])
    return shown if len(items) <= 3 else f'{shown}, ...'


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


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

    if not _torch_allows_by_name():
        return
    dtypes = {type(np.dtype(kind)) for kind in ('f8', 'f4', 'i8', 'i4', 'u1', '?')}
    torch.serialization.add_safe_globals(
        [(value, name) for name, value in _types_of_a_log().items()] + list(dtypes)
    )


def _torch_allows_by_name() -> bool:
    return tuple(int(part) for part in torch.__version__.split('.')[:2]) >= (2, 6)


def _types_of_a_log() -> Dict[str, Any]:
    """Maps a type's name in the file to the type that replaces it."""
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
    """Replaces ``getattr``; a checkpoint may look up the statistics of a log."""
    from mmengine.logging import HistoryBuffer

    if owner is not HistoryBuffer or name not in ('min', 'max', 'current', 'mean'):
        raise pickle.UnpicklingError(
            f'the checkpoint looks up {name!r} of {owner!r}, which is not allowed'
        )
    return getattr(owner, name)


def _array_bytes(text: str, encoding: str) -> bytes:
    """Decodes the bytes of an array as the second protocol of pickle holds them."""
    if encoding != 'latin1':
        raise pickle.UnpicklingError(
            f'the checkpoint encodes its arrays by {encoding!r}, which is not allowed'
        )
    return text.encode(encoding)


def _load_restricted(path: Union[str, Path], allowed: Mapping[str, Any]) -> Any:
    """Does what ``weights_only=True`` does from torch 2.6 on, with an unpickler."""
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
