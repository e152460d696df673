"""Pixel counts of each evaluated photo, of which the figures of a run are made."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Union

import numpy as np

from mmseg_ganaug.evaluation.run_result import RunResult

_COLUMNS_OF_CLASS = ('intersection', 'union', 'label')
# Figures are stated with two decimals.
_ROUNDED = 0.011


def counts_file(folder: Union[str, Path], method: str, seed: int) -> Path:
    """Returns the file with the counts of a run, in the folder of its protocol."""
    return Path(folder) / f'{method}-seed{seed}.csv'


def counts_content(counts: np.ndarray) -> str:
    """Returns the file for counts: text, so that it can be kept beside the results.

    Args:
        counts (np.ndarray): [photos, classes, 3] whole numbers, 0 or more: pixels of
            the intersection of prediction and label, of their union, of the label.

    Returns:
        str: A row a photo, three columns a class.
    """
    photos, classes, _ = counts.shape
    header = ','.join(
        f'{of}_{index}' for index in range(classes) for of in _COLUMNS_OF_CLASS
    )
    content = io.StringIO()
    rows = counts.reshape(photos, -1)
    np.savetxt(content, rows, '%d', ',', header=header, comments='')
    return content.getvalue()


def read_counts(path: Union[str, Path]) -> np.ndarray:
    """Reads what :func:`counts_content` gave.

    Args:
        path (str | Path): The CSV file.

    Returns:
        np.ndarray: int64, [photos, classes, 3].

    Raises:
        FileNotFoundError: When there is no such file.
        ValueError: When it is damaged, or holds something else; names it.
    """
    try:
        text = Path(path).read_text(encoding='utf-8')
        header, *lines = text.splitlines()
        rows = np.array([line.split(',') for line in lines]).astype(np.int64)
        counts = rows.reshape(len(lines), -1, len(_COLUMNS_OF_CLASS))
        # A row that was cut off may still have all its columns.
        if not lines or counts_content(counts) != text:
            raise ValueError(f'it begins with {header[:40]!r}')
    except FileNotFoundError:
        raise
    except (OSError, ValueError, OverflowError) as error:
        raise ValueError(f'{path} holds no counts of photos: {error}') from error
    return counts


def class_ious(counts: np.ndarray) -> np.ndarray:
    """Computes the IoU of each class in per cent, NaN where its union is empty.

    Args:
        counts (np.ndarray): [..., classes, 2 or 3], summed over the photos:
            intersection, union.

    Returns:
        np.ndarray: float64, [..., classes].
    """
    union = counts[..., 1].astype(float)
    return 100 * np.divide(
        counts[..., 0], union, out=np.full(union.shape, np.nan), where=union > 0
    )


def with_counts(run: RunResult, folder: Union[str, Path]) -> RunResult:
    """Returns a run together with the counts of its photos.

    Args:
        run (RunResult): The run.
        folder (str | Path): That of its protocol.

    Returns:
        RunResult: As it is where there are no counts, they are damaged, or they do not
        give its figures: they are of another run then.
    """
    try:
        counts = read_counts(counts_file(folder, run.method, run.seed))
    except (FileNotFoundError, ValueError):
        return run
    ious = class_ious(counts.sum(axis=0))
    stated = np.array(list(run.per_class_iou.values()))
    fits = ious.shape == stated.shape and np.allclose(
        ious, stated, rtol=0, atol=_ROUNDED, equal_nan=True
    )
    return replace(run, counts=counts) if fits else run
