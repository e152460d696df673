"""Finds the weights and the device of a trained network."""

import os
from typing import Optional

import torch
from mmengine.runner import find_latest_checkpoint


def find_checkpoint(stated: str, config_name: Optional[str]) -> str:
    """Finds the weights of a network.

    Args:
        stated (str): A checkpoint, or a work dir, of which the latest one is taken.
        config_name (str): Config that it is trained with, for the message.

    Returns:
        str: Path of a file.

    Raises:
        FileNotFoundError: When there is no such file; says how to get one.
    """
    path = stated
    if os.path.isdir(path):
        latest = find_latest_checkpoint(path)
        # The name counts: a work dir that was moved still holds the old path.
        path = os.path.join(path, os.path.basename(latest or ''))
    if not os.path.isfile(path):
        raise FileNotFoundError(
            f'generator checkpoint {stated} does not exist. Train it with\n    python '
            f'ganaug train {config_name}\nor set generator.checkpoint to a '
            'checkpoint that you have'
        )
    return path


def find_device(stated: Optional[str]) -> str:
    """Finds the device that a network runs on.

    Args:
        stated (str, optional): Torch device; None = the first GPU where there is one,
            else the CPU.

    Raises:
        RuntimeError: When no GPU is there although one was asked for.
    """
    device = stated or ('cuda:0' if torch.cuda.is_available() else 'cpu')
    number = torch.cuda.device_count()
    if device.startswith('cuda') and (torch.device(device).index or 0) >= number:
        raise RuntimeError(
            f'device {device!r} was asked for, but torch {torch.__version__} sees '
            f'{number or "no"} GPU{"s" * (number > 1)}: repair the driver, or set '
            "device='cpu'"
        )
    return device
