"""The split of a data set into samples to train on and samples to judge on."""

from pathlib import Path
from typing import List, Sequence, Set, Tuple

import numpy as np

Split = Tuple[List[str], List[str]]


def draw_split(names: Sequence[str], val_share: float, seed: int) -> Split:
    """Splits samples at random; the same seed gives the same split.

    Args:
        names (Sequence[str]): Of the samples, three or more.
        val_share (float): Share to judge on, above 0 and below 1; one sample at least,
            and two are left to train on.
        seed (int): Of the draw.

    Returns:
        tuple[list[str], list[str]]: Names to train on and to judge on, in order.
    """
    count = len(names)
    num_val = min(max(round(val_share * count), 1), count - 2)
    order = np.random.default_rng(seed).permutation(count)
    val = {names[index] for index in order[:num_val]}
    return [name for name in names if name not in val], sorted(val)


def read_split(paths: Sequence[Path], known: Sequence[Set[str]]) -> Split:
    """Reads the two lists of a split, one name a line.

    Args:
        paths (Sequence[Path]): The files: to train on, to judge on.
        known (Sequence[set[str]]): Names that each may list. Where both may list the
            same, no name may stand in both.

    Returns:
        tuple[list[str], list[str]]: Both parts; they need not hold all names.

    Raises:
        ValueError: When a list is missing, empty or no text, or a name is unknown or in
            both. Names file and name.
    """
    remedy = f'correct it, or move {paths[0]} and {paths[1]} away for a new split'
    lists = []
    for path, names in zip(paths, known):
        listed = _read_names(path, remedy)
        wrong = sorted(set(listed) - names)
        if wrong:
            raise ValueError(
                f'{path} lists {wrong[0]!r}, which is no photo here: {remedy}'
            )
        if not listed:
            raise ValueError(f'{path} lists no photo: {remedy}')
        lists.append(list(dict.fromkeys(listed)))
    both = sorted(set(lists[0]) & set(lists[1]))
    if both and known[0] == known[1]:
        raise ValueError(f'{paths[1]} lists {both[0]!r}, as {paths[0]} does: {remedy}')
    return lists[0], lists[1]


def _read_names(path: Path, remedy: str) -> List[str]:
    try:
        text = path.read_text(encoding='utf-8-sig')
    except FileNotFoundError as error:
        raise ValueError(f'{path} is missing: {remedy}') from error
    except UnicodeDecodeError as error:
        raise ValueError(
            f'{path} is no UTF-8 text ({error.reason}, byte {error.start}): {remedy}'
        ) from error
    # Not splitlines: names may hold what it takes for the end of a line.
    return [line.strip() for line in text.split('\n') if line.strip()]
