"""Registers the ways of recombining, which know neither MMEngine nor MMSeg."""

from mmseg_ganaug.recompose import AddMulti, AddSingle, Recon
from mmseg_ganaug.registry import RECOMPOSERS

for recomposer in (AddSingle, AddMulti, Recon):
    RECOMPOSERS.register_module(module=recomposer)
