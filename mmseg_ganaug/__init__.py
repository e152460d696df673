"""Balances the label distribution of a segmentation data set with a GAN.

Importing the package registers its names in MMEngine's registries and applies
:mod:`mmseg_ganaug.compat`; torch, MMSegmentation and MMagic are imported when a
registered class is first asked for.
"""

from mmseg_ganaug import compat
from mmseg_ganaug.version import __version__

compat.apply()

from mmseg_ganaug import registry  # noqa: E402  (after the versions were checked)

__all__ = ['__version__', 'compat', 'registry']
