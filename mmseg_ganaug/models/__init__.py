"""pix2pixHD as models of MMagic: label maps in, photos out."""

from mmseg_ganaug import compat

compat.prepare_synthesis()

from mmseg_ganaug.models.checkpoint import load_generator_weights  # noqa: E402
from mmseg_ganaug.models.class_weighted_loss import (  # noqa: E402
    ClassWeightedCrossEntropyLoss,
)
from mmseg_ganaug.models.discriminator import (  # noqa: E402
    Pix2PixHDMultiscaleDiscriminator,
)
from mmseg_ganaug.models.efficientnet_lite import EfficientNetLite  # noqa: E402
from mmseg_ganaug.models.feature_encoder import Pix2PixHDEncoder  # noqa: E402
from mmseg_ganaug.models.global_generator import (  # noqa: E402
    Pix2PixHDGlobalGenerator,
)
from mmseg_ganaug.models.label_encoder import LabelEncoder  # noqa: E402
from mmseg_ganaug.models.local_enhancer import Pix2PixHDLocalEnhancer  # noqa: E402
from mmseg_ganaug.models.pix2pixhd import Pix2PixHD  # noqa: E402
from mmseg_ganaug.models.seg_data_preprocessor import (  # noqa: E402
    GANSegDataPreProcessor,
)
from mmseg_ganaug.models.segmentation_discriminator import (  # noqa: E402
    Pix2PixHDSegmentationDiscriminator,
)

__all__ = [
    'ClassWeightedCrossEntropyLoss',
    'EfficientNetLite',
    'GANSegDataPreProcessor',
    'LabelEncoder',
    'Pix2PixHD',
    'Pix2PixHDEncoder',
    'Pix2PixHDGlobalGenerator',
    'Pix2PixHDLocalEnhancer',
    'Pix2PixHDMultiscaleDiscriminator',
    'Pix2PixHDSegmentationDiscriminator',
    'load_generator_weights',
]
