"""Parts of segmenters, the harmonizer and, where MMagic is installed, pix2pixHD."""

from mmseg_ganaug import compat

compat.prepare_segmentation()

from mmseg_ganaug.models.efficientnet_lite import EfficientNetLite  # noqa: E402
from mmseg_ganaug.models.focal_loss import SoftmaxFocalLoss  # noqa: E402
from mmseg_ganaug.models.harmonizer import Harmonizer  # noqa: E402

__all__ = ['EfficientNetLite', 'Harmonizer', 'SoftmaxFocalLoss']

if compat.has_synthesis():
    from mmseg_ganaug.models.pix2pixhd import (
        LabelEncoder,
        Pix2PixHD,
        Pix2PixHDEncoder,
        Pix2PixHDGlobalGenerator,
        Pix2PixHDLocalEnhancer,
        Pix2PixHDMultiscaleDiscriminator,
        Pix2PixHDSegmentationDiscriminator,
    )

    __all__ += [
        'LabelEncoder',
        'Pix2PixHD',
        'Pix2PixHDEncoder',
        'Pix2PixHDGlobalGenerator',
        'Pix2PixHDLocalEnhancer',
        'Pix2PixHDMultiscaleDiscriminator',
        'Pix2PixHDSegmentationDiscriminator',
    ]
