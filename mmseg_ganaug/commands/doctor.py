"""The doctor, which ``python -m mmseg_ganaug.doctor`` starts in any environment."""

from mmseg_ganaug.doctor.__main__ import __doc__ as description
from mmseg_ganaug.doctor.__main__ import add_arguments, run

__doc__ = description
__all__ = ['add_arguments', 'run']
