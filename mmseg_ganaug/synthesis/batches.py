"""Batches: of one size, and no larger than the memory holds."""

import math
from typing import Any, Callable, Dict, List, Optional, Sequence

import numpy as np
import torch
from mmengine.logging import print_log

# How the libraries below torch say it where torch has no exception of its own.
_MESSAGES = (
    "can't allocate memory",
    'not enough memory',
    'CUDA error: out of memory',
    'CUDNN_STATUS_ALLOC_FAILED',
    'CUBLAS_STATUS_ALLOC_FAILED',
)


def by_shape(arrays: Sequence[Any]) -> List[List[int]]:
    """Groups arrays or tensors that can be stacked.

    Args:
        arrays (Sequence): Arrays of any shapes.

    Returns:
        list[list[int]]: Indices of those of each shape; shapes in order of appearance.
    """
    groups: Dict[Any, List[int]] = {}
    for index, array in enumerate(arrays):
        groups.setdefault(array.shape, []).append(index)
    return list(groups.values())


class BatchHalving:
    """Halves a batch as long as it does not fit into memory.

    The number of pixels that did fit is remembered for the batches that follow.

    Args:
        remedy (str): What else to do when not even one item fits; ends the message.
    """

    def __init__(self, remedy: str) -> None:
        self._remedy = remedy
        self._limit: Optional[int] = None

    def run(
        self, work: Callable[..., np.ndarray], *batches: Optional[np.ndarray]
    ) -> np.ndarray:
        """Carries out the work.

        Args:
            work (callable): Takes parts of the batches, gives an array ``[B, ...]``.
            batches (np.ndarray | None): ``[B, ...]`` of one length; None is handed on.

        Returns:
            np.ndarray: The results of all parts, joined.

        Raises:
            MemoryError: When not even one item fits.
        """
        count = len(batches[0])
        pixels = math.prod(batches[0].shape[1:])
        done, results = 0, []
        while done < count:
            size = count - done
            if self._limit is not None:
                size = min(size, max(1, self._limit // pixels))
            parts = [None if b is None else b[done : done + size] for b in batches]
            failure = None
            try:
                results.append(work(*parts))
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                failure = str(error).splitlines()[0] if str(error) else 'MemoryError'
            if failure is None:
                done += size
                continue
            # The exception is gone by now, and with it what its frames held.
            _free_cached_memory()
            if size == 1:
                raise MemoryError(
                    f'one label map of {" x ".join(map(str, batches[0].shape[1:]))} '
                    f'does not fit into memory ({failure}): {self._remedy}'
                )
            self._limit = size // 2 * pixels
            print_log(
                f'{size} label maps at a time do not fit into memory; going on with '
                f'{size // 2}',
                logger='current',
            )
        return results[0] if len(results) == 1 else np.concatenate(results)


def is_out_of_memory(error: BaseException) -> bool:
    """Returns whether an error says that memory, of the GPU or not, ran out.

    Args:
        error (BaseException): Any error.
    """
    return isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)) or any(
        message in str(error) for message in _MESSAGES
    )


def _free_cached_memory() -> None:
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
