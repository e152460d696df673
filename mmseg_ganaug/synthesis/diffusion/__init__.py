"""Painting by diffusion models, through diffusers."""

from mmseg_ganaug.synthesis.diffusion.inpaint import DiffusersInpaint

__all__ = ['DiffusersInpaint']
