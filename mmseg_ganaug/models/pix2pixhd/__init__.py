"""pix2pixHD as models of MMagic: label maps in, photos out."""

from mmseg_ganaug import compat

compat.prepare_synthesis()

from mmseg_ganaug.models.pix2pixhd.discriminators import (  # noqa: E402
    Pix2PixHDMultiscaleDiscriminator,
    Pix2PixHDSegmentationDiscriminator,
)
from mmseg_ganaug.models.pix2pixhd.generators import (  # noqa: E402
    Pix2PixHDGlobalGenerator,
    Pix2PixHDLocalEnhancer,
)
from mmseg_ganaug.models.pix2pixhd.label_encoder import LabelEncoder  # noqa: E402
from mmseg_ganaug.models.pix2pixhd.pix2pixhd import Pix2PixHD  # noqa: E402
from mmseg_ganaug.models.pix2pixhd.region_code import (  # noqa: E402
    KeptLooks,
    Pix2PixHDEncoder,
)

__all__ = [
    'KeptLooks',
    'LabelEncoder',
    'Pix2PixHD',
    'Pix2PixHDEncoder',
    'Pix2PixHDGlobalGenerator',
    'Pix2PixHDLocalEnhancer',
    'Pix2PixHDMultiscaleDiscriminator',
    'Pix2PixHDSegmentationDiscriminator',
]
