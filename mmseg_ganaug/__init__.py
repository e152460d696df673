"""Balances the label distribution of a segmentation data set with a GAN.

Importing the package registers its names in MMEngine's registries and applies
:mod:`mmseg_ganaug.compat`; torch, MMSegmentation and MMagic are imported when a
registered class is first asked for.
"""

import sys
from pathlib import Path

from mmseg_ganaug.version import __version__

try:
    from mmseg_ganaug import compat

    compat.apply()

    from mmseg_ganaug import registry  # after the versions were checked
except Exception:
    # `ganaug doctor` and `python -m mmseg_ganaug.doctor` import the package first, and
    # the doctor has to start where the package cannot. Python keeps '-m' as the first
    # argument until it has found the module; the subpackages check the versions again.
    if sys.argv[:1] != ['-m'] and Path(sys.argv[0]).stem != 'ganaug':
        raise

__all__ = ['__version__', 'compat', 'registry']
