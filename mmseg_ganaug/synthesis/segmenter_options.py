"""The options of a segmenter that looks at photos."""

from typing import Any, Dict, Optional

import torch

from mmseg_ganaug.option_checks import (
    Owner,
    check_mapping,
    check_path,
    check_text,
    refuse,
)


def check_segmenter(owner: Owner, segmenter: Any) -> Dict[str, Any]:
    """Returns the arguments of a ``FrozenSegmenter``, if they are some.

    Args:
        owner (str | object): Whose option it is.
        segmenter (dict): ``config``, ``checkpoint`` and, optionally, ``device``.

    Raises:
        ValueError: When one is missing, unknown, or of the wrong type.
    """
    files = ('config', 'checkpoint')
    options = check_mapping(
        owner, 'segmenter', segmenter, needed=files, known=(*files, 'device')
    )
    for name in files:
        check_path(owner, f'segmenter.{name}', options[name])
    check_device(owner, 'segmenter.device', options.get('device'))
    return options


def check_device(owner: Owner, name: str, device: Any) -> Optional[str]:
    """Returns a device, if torch knows such; whether it is there is not looked at.

    Args:
        owner (str | object): Whose option it is.
        name (str): The option.
        device (str, optional): A device such as 'cpu' or 'cuda:0'; None = to be chosen.

    Raises:
        ValueError: When torch knows none of that name.
    """
    if device is None:
        return None
    try:
        torch.device(check_text(owner, name, device))
    except RuntimeError:
        raise refuse(owner, name, device, "a device, as 'cpu' or 'cuda:0'") from None
    return device
