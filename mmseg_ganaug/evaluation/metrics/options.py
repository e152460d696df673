"""Checks of the options that all metrics have."""

from typing import Optional

from mmseg_ganaug.option_checks import Owner, check_choice, check_text


def check_metric(owner: Owner, collect_device: str, prefix: Optional[str]) -> None:
    """Checks the options of MMEngine's ``BaseMetric``.

    Args:
        owner (str | object): The metric.
        collect_device (str): Where results of several processes are collected.
        prefix (str, optional): Prefix of the names of the numbers.

    Raises:
        ValueError: When one is of the wrong type, or unknown.
    """
    check_choice(owner, 'collect_device', collect_device, ('cpu', 'gpu'))
    if prefix is not None:
        check_text(owner, 'prefix', prefix)
