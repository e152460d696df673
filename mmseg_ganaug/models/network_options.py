"""Checks of the sizes of networks."""

from typing import Any

from mmseg_ganaug.option_checks import Owner, check_whole

# Far more than any of the networks has, and what a slip of the keyboard exceeds.
_MOST_CHANNELS = 2**14
_DEEPEST = 10


def check_channels(owner: Owner, **channels: Any) -> None:
    """Checks numbers of channels.

    Args:
        owner (str | object): Whose they are.
        **channels (int): By the names of the options.

    Raises:
        ValueError: When one is no whole number 1..16384.
    """
    for name, value in channels.items():
        check_whole(owner, name, value, 1, _MOST_CHANNELS)


def check_depths(owner: Owner, **depths: Any) -> None:
    """Checks how often a network halves the size, or doubles its channels.

    Args:
        owner (str | object): Whose they are.
        **depths (int): By the names of the options.

    Raises:
        ValueError: When one is no whole number 1..10.
    """
    for name, value in depths.items():
        check_whole(owner, name, value, 1, _DEEPEST)
