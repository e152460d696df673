"""Prompts for painters that read text: what a label map shows."""

import re
from typing import List, Optional, Sequence

import numpy as np

#: What a prompt is made of by default.
TEMPLATE = 'a photo of {classes}'
_PLACE = '{classes}'
# Of the pixels, from which on a class is named.
_SMALLEST = 0.0005


def check_template(template: str) -> str:
    """Returns the template of a prompt.

    Args:
        template (str): A text in which ``{classes}`` stands for the classes.

    Raises:
        ValueError: When nothing stands for them.
    """
    if _PLACE not in template:
        raise ValueError(
            f'template={template!r}: must hold {_PLACE}, as in {TEMPLATE!r}'
        )
    return template


def prompt_of(
    labels: np.ndarray,
    instances: Optional[np.ndarray],
    class_names: Sequence[str],
    template: str = TEMPLATE,
) -> str:
    """Tells what a label map shows, the largest class first.

    Args:
        labels (np.ndarray): uint8 ``[H, W]``.
        instances (np.ndarray, optional): Whole numbers ``[H, W]``, 0 = none; a class
            of several instances is named with their number.
        class_names (Sequence[str]): C names.
        template (str): See :func:`check_template`.

    Returns:
        str: Such as 'a photo of road, sky, 2 riders, pole'.
    """
    counts = np.bincount(labels.ravel(), minlength=256)[: len(class_names)]
    shown: List[str] = []
    for class_id in np.argsort(-counts, kind='stable'):
        if counts[class_id] < max(1, _SMALLEST * labels.size):
            break
        name, number = class_names[class_id], 0
        if instances is not None:
            number = len(set(np.unique(instances[labels == class_id])) - {0})
        shown.append(f'{number} {_plural(name)}' if number > 1 else name)
    return template.replace(_PLACE, ', '.join(shown))


def _plural(name: str) -> str:
    if re.search(r'[^aeiou]y$', name):
        return f'{name[:-1]}ies'
    return f'{name}es' if re.search(r'(s|x|z|ch|sh)$', name) else f'{name}s'
