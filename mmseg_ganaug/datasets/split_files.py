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


def read_split(paths: Sequence[Path], known: Set[str]) -> Split:
    """Reads the two lists of a split, one name a line.

    Args:
        paths (Sequence[Path]): The files: to train on, to judge on.
        known (set[str]): Names that there are.

    Returns:
        tuple[list[str], list[str]]: Both parts; they need not hold all names.

    Raises:
        ValueError: When a list is empty, or a name is unknown or in both. Names file
            and name.
    """
    remedy = f'correct it, or remove {paths[0]} and {paths[1]} for a new split'
    lists = []
    for path in paths:
        names = [line.strip() for line in path.read_text().splitlines() if line.strip()]
        wrong = sorted(set(names) - known)
        if wrong:
            raise ValueError(
                f'{path} lists {wrong[0]}, which is no photo here: {remedy}'
            )
        if not names:
            raise ValueError(f'{path} lists no photo: {remedy}')
        lists.append(list(dict.fromkeys(names)))
    both = sorted(set(lists[0]) & set(lists[1]))
    if both:
        raise ValueError(f'{paths[1]} lists {both[0]}, as {paths[0]} does: {remedy}')
    return lists[0], lists[1]
