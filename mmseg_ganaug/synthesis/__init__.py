"""Label maps to photos: the generator, the loop that runs it, and the store."""

from mmseg_ganaug.synthesis.generator import MMagicGenerator
from mmseg_ganaug.synthesis.store import SampleStore, fingerprint_of
from mmseg_ganaug.synthesis.synthesize import synthesize

__all__ = ['MMagicGenerator', 'SampleStore', 'fingerprint_of', 'synthesize']
