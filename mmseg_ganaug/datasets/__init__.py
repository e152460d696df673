"""Data sets: generated pairs, training data of the generator, street scenes."""

from mmseg_ganaug import compat

compat.prepare_segmentation()

from mmseg_ganaug.datasets.camvid import CamVidDataset  # noqa: E402
from mmseg_ganaug.datasets.class_sampling import (  # noqa: E402
    ClassPresenceDataset,
    RareClassSamplingDataset,
)
from mmseg_ganaug.datasets.class_weighted_loss import (  # noqa: E402
    ClassWeightedCrossEntropyLoss,
)
from mmseg_ganaug.datasets.gan_recompose import GANRecomposeDataset  # noqa: E402
from mmseg_ganaug.datasets.label_source import DatasetLabelSource  # noqa: E402
from mmseg_ganaug.datasets.label_to_image import LabelToImageDataset  # noqa: E402
from mmseg_ganaug.datasets.samplers import (  # noqa: E402
    InfiniteRatioSampler,
    RatioSampler,
    generated_mask,
    generated_parts,
)
from mmseg_ganaug.datasets.source_dataset import build_source  # noqa: E402
from mmseg_ganaug.datasets.statistics import collect_statistics  # noqa: E402
from mmseg_ganaug.datasets.toy_streets import ToyStreetsDataset  # noqa: E402

__all__ = [
    'CamVidDataset',
    'ClassPresenceDataset',
    'ClassWeightedCrossEntropyLoss',
    'DatasetLabelSource',
    'GANRecomposeDataset',
    'InfiniteRatioSampler',
    'LabelToImageDataset',
    'RareClassSamplingDataset',
    'RatioSampler',
    'ToyStreetsDataset',
    'build_source',
    'collect_statistics',
    'generated_mask',
    'generated_parts',
]
