"""Label maps to photos: the generator, the loop that runs it, and the store."""

from mmseg_ganaug.synthesis.callable_generator import CallableGenerator
from mmseg_ganaug.synthesis.compositing import Compositing, build_compositing
from mmseg_ganaug.synthesis.diffusion import DiffusersInpaint
from mmseg_ganaug.synthesis.filters import (
    IgnoredClassesFilter,
    IgnoredShareFilter,
    LossFilter,
    SampleFilter,
    filter_table,
)
from mmseg_ganaug.synthesis.generator import Generator, PaintContext
from mmseg_ganaug.synthesis.harmonized_pixels import HarmonizedPixels
from mmseg_ganaug.synthesis.mmagic_generator import MMagicGenerator
from mmseg_ganaug.synthesis.painted_folder import PaintedFolder, TooFewPhotosError
from mmseg_ganaug.synthesis.painting_choice import paintable_classes
from mmseg_ganaug.synthesis.real_pixels import BlurredPixels, RealPixels
from mmseg_ganaug.synthesis.sample_maker import Sample, SampleMaker
from mmseg_ganaug.synthesis.store import SampleStore, fingerprint_of
from mmseg_ganaug.synthesis.store_folder import (
    StoreInUseError,
    find_stores,
    remove_store,
)
from mmseg_ganaug.synthesis.synthesize import synthesize

__all__ = [
    'BlurredPixels',
    'CallableGenerator',
    'Compositing',
    'DiffusersInpaint',
    'Generator',
    'HarmonizedPixels',
    'IgnoredClassesFilter',
    'IgnoredShareFilter',
    'LossFilter',
    'MMagicGenerator',
    'PaintContext',
    'PaintedFolder',
    'RealPixels',
    'Sample',
    'SampleFilter',
    'SampleMaker',
    'SampleStore',
    'StoreInUseError',
    'TooFewPhotosError',
    'build_compositing',
    'filter_table',
    'find_stores',
    'fingerprint_of',
    'paintable_classes',
    'remove_store',
    'synthesize',
]
