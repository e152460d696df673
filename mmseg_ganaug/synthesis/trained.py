"""Finds the weights of a trained network, its device and its number format."""

import os
from typing import Any, Mapping, Optional

import torch
from mmengine.config import Config
from mmengine.runner import find_latest_checkpoint

from mmseg_ganaug.config_search import type_name
from mmseg_ganaug.option_checks import check_choice

LOOKS = ('usual', 'drawn', 'kept', 'interpolated')
PRECISIONS = ('auto', 'fp32', 'bf16', 'fp16')


def find_checkpoint(
    stated: str, config_name: Optional[str], kind: str = 'generator'
) -> str:
    """Finds the weights of a network.

    Args:
        stated (str): A checkpoint, or a work dir, of which the latest one is taken.
        config_name (str): Config that it is trained with, for the message.
        kind (str): What it is, for the message. Defaults to 'generator'.

    Returns:
        str: Path of a file.

    Raises:
        FileNotFoundError: When there is no such file; says how to get one.
    """
    training = f'Train it with\n    ganaug train {config_name}'
    if os.path.isfile(stated):
        return stated
    if not os.path.isdir(stated):
        raise FileNotFoundError(
            f'{kind} checkpoint {stated} does not exist. {training}\nor set checkpoint '
            'to one that you have'
        )
    # The name counts: a work dir that was moved still holds the old path.
    latest = os.path.basename(find_latest_checkpoint(stated) or '')
    path = os.path.join(stated, latest)
    if os.path.isfile(path):
        return path
    lacks = 'has no file last_checkpoint, which training writes beside a checkpoint'
    if latest:
        lacks = f'has a file last_checkpoint that names {latest}, which is not there'
    names = [name for name in os.listdir(stated) if name.endswith('.pth')]
    # By the numbers in them.
    found = ', '.join(sorted(names, key=lambda name: (len(name), name)))
    raise FileNotFoundError(
        f'the work dir {stated} of the {kind} {lacks}. '
        + (f'Set checkpoint to one of its files: {found}' if found else training)
    )


def check_model(config: Config, config_name: Optional[str]) -> None:
    """Checks that a config is of a generator, of which a segmenter's is none.

    Args:
        config (Config): A whole config.
        config_name (str): Its name, for the message.

    Raises:
        ValueError: When it does not say which classes a generator paints.
    """
    for path in ('model', 'model.label_encoder.num_classes'):
        found: Any = config
        for key in path.split('.'):
            found = found.get(key) if hasattr(found, 'get') else None
        if found is None:
            kind = type_name(config.get('model') or {})
            raise ValueError(
                f'MMagicGenerator: config={config_name!r} has no {path}'
                + (f', but a model of the type {kind}' if path != 'model' else '')
                + ': name the config that the generator was trained with, such as one '
                'of configs/pix2pixhd'
            )


def check_looks(looks: str, model: Mapping[str, Any], config_name: str) -> None:
    """Checks that a generator can paint objects in looks that are asked for.

    Args:
        looks (str): See :class:`MMagicGenerator`.
        model (Mapping[str, Any]): Config of its model.
        config_name (str): Of its config, for messages.

    Raises:
        ValueError: When it cannot; says what it lacks.
    """
    check_choice('MMagicGenerator', 'looks', looks, LOOKS)
    if looks == 'usual' or model.get('encoder'):
        return
    if looks != 'drawn':
        raise ValueError(
            f'MMagicGenerator: looks={looks!r} reads them off photos by an encoder, '
            f"but {config_name} has no model.encoder: set 'drawn', or train one with it"
        )
    if not model.get('noise_channels'):
        raise ValueError(
            f'MMagicGenerator: looks={looks!r} is for a generator with several looks, '
            f'but {config_name} has neither model.encoder nor model.noise_channels: '
            'train one with them, or leave looks out'
        )


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


def check_precision(precision: str) -> None:
    """Checks the name of a precision.

    Args:
        precision (str): One of ``PRECISIONS``.

    Raises:
        ValueError: When it is another.
    """
    check_choice('generator', 'precision', precision, PRECISIONS)


def resolve_precision(precision: str, device: str) -> torch.dtype:
    """Chooses the number format for a device.

    Args:
        precision (str): 'auto' takes bfloat16 where the device computes in it, which
            is faster there (benchmarks/synthesis.py), and float32 elsewhere.
        device (str): Torch device.

    Returns:
        torch.dtype: Of the weights and of what the layers hand on.

    Raises:
        ValueError: When the precision is unknown, or the device does not compute in it.
    """
    check_precision(precision)
    on_gpu = device.startswith('cuda')
    if precision == 'auto':
        precision = 'bf16' if _has_bfloat16(device) else 'fp32'
    elif precision == 'fp16' and not on_gpu:
        raise ValueError(
            f"precision='fp16' needs a GPU, but the device is {device!r}: set "
            "precision='auto'"
        )
    elif precision == 'bf16' and on_gpu and not _has_bfloat16(device):
        raise ValueError(
            f"precision='bf16' needs a GPU of compute capability 8.0, {device!r} has "
            f"{torch.cuda.get_device_capability(device)}: set precision='auto'"
        )
    return {'fp32': torch.float32, 'bf16': torch.bfloat16, 'fp16': torch.float16}[
        precision
    ]


def _has_bfloat16(device: str) -> bool:
    if device.startswith('cuda'):
        return torch.cuda.get_device_capability(device) >= (8, 0)
    # Older versions of torch do not say; theirs is the careful answer.
    probes = ('_is_avx512_bf16_supported', '_is_amx_tile_supported')
    return device.startswith('cpu') and any(
        getattr(torch.cpu, probe, bool)() for probe in probes
    )
