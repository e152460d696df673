"""Codes of regions, by which one label map has several photos."""

from typing import NamedTuple, Optional, Tuple

import numpy as np
import torch
from mmagic.registry import MODELS as MMAGIC_MODELS
from mmengine.model import BaseModule, is_model_wrapper
from scipy.cluster.vq import kmeans2
from torch import Tensor, nn

from mmseg_ganaug.class_option_checks import check_num_classes
from mmseg_ganaug.models.pix2pixhd.generators import (
    INIT_CFG,
    check_layers,
    global_network,
)
from mmseg_ganaug.models.pix2pixhd.label_encoder import pad_to_stride
from mmseg_ganaug.option_checks import check_whole
from mmseg_ganaug.registry import MODELS


def number_regions(
    label_maps: Tensor, instance_maps: Optional[Tensor] = None
) -> Tuple[Tensor, Tensor]:
    """Numbers the regions of a batch: what has one class and one instance id.

    Args:
        label_maps (Tensor): uint8 [B, 1, H, W].
        instance_maps (Tensor, optional): int32 [B, 1, H, W]; without, each class of
            each sample is one region.

    Returns:
        tuple[Tensor, Tensor]: The number of each pixel's region, int64 [B, 1, H, W],
        and the label value of each region, int64 [R].
    """
    keys = label_maps.long()
    if instance_maps is not None:
        keys = keys + 256 * instance_maps.long()
    # Ids and labels together stay below 2**40; the sample goes on top of them.
    samples = torch.arange(len(keys), device=keys.device).view(-1, 1, 1, 1)
    keys, numbers = (keys + samples * 2**40).unique(return_inverse=True)
    return numbers, keys % 256


class KeptLooks(NamedTuple):
    """Photos that objects keep the looks of.

    Attributes:
        photos: uint8 [B, 3, H, W], RGB.
        shown: Bool [B, 1, H, W], where they show what the label maps say.
        share: How much of these looks is kept, 0..1; the rest is drawn.
    """

    photos: Tensor
    shown: Tensor
    share: float = 1.0


class ReadFeatures(NamedTuple):
    """Features of regions as they were read off photos.

    Attributes:
        features: Float [R, F].
        known: Bool [R], whether a photo shows the region.
        share: How much of these features a region keeps, 0..1; the rest is drawn.
    """

    features: Tensor
    known: Tensor
    share: float = 1.0


def region_mean(
    features: Tensor, numbers: Tensor, num_regions: int, shown: Optional[Tensor] = None
) -> Tensor:
    """Computes the mean of the features of each region.

    Args:
        features (Tensor): [B, C, H, W].
        numbers (Tensor): int64 [B, 1, H, W] from :func:`number_regions`.
        num_regions (int): R.
        shown (Tensor, optional): Bool [B, 1, H, W], which pixels count.

    Returns:
        Tensor: [R, C]; 0 for a region without a pixel that counts.
    """
    # In half precision the sum over a large region would overflow.
    flat = features.float().movedim(1, -1).flatten(0, 2)
    index = numbers.flatten()
    if shown is not None:
        flat, index = flat[shown.flatten()], index[shown.flatten()]
    total = flat.new_zeros(num_regions, flat.shape[1]).index_add(0, index, flat)
    count = torch.bincount(index, minlength=num_regions)
    return total / count.clamp(min=1).unsqueeze(1)


def spread_over_regions(values: Tensor, numbers: Tensor) -> Tensor:
    """Gives every pixel the value of its region: [R, C] -> [B, C, H, W]."""
    return values[numbers.squeeze(1)].movedim(-1, 1)


@MMAGIC_MODELS.register_module()
@MODELS.register_module()
class Pix2PixHDEncoder(BaseModule):
    """Computes a few features of each object of a photo.

    Source: Wang et al., CVPR 2018. The parameters carry the names of official
    checkpoints; with the defaults there are 788,803.

    Args:
        in_channels (int): Channels of the photo.
        out_channels (int): Number of features.
        base_channels (int): Channels of the first convolution.
        num_downsamples (int): Number of halvings of the size.
        init_cfg (dict, optional): MMEngine's initialisation.
    """

    def __init__(
        self,
        in_channels: int = 3,
        out_channels: int = 3,
        base_channels: int = 16,
        num_downsamples: int = 4,
        init_cfg: Optional[dict] = INIT_CFG,
    ) -> None:
        super().__init__(init_cfg)
        check_layers(
            self,
            in_channels=in_channels,
            out_channels=out_channels,
            base_channels=base_channels,
            num_downsamples=num_downsamples,
        )
        self.out_channels = out_channels
        self.stride = 2**num_downsamples
        self.model = global_network(
            in_channels, out_channels, base_channels, num_downsamples, num_blocks=0
        )

    def forward(
        self,
        photos: Tensor,
        numbers: Tensor,
        num_regions: int,
        shown: Optional[Tensor] = None,
    ) -> Tensor:
        """Encodes the regions of a batch.

        Args:
            photos (Tensor): [B, 3, H, W] in [-1, 1], H and W multiples of ``stride``.
            numbers (Tensor): int64 [B, 1, H, W] from :func:`number_regions`.
            num_regions (int): R.
            shown (Tensor, optional): Bool [B, 1, H, W], which pixels count.

        Returns:
            Tensor: Features [R, out_channels] in [-1, 1], each the mean over its
            region.
        """
        return region_mean(self.model(photos), numbers, num_regions, shown)


def encode_regions(
    encoder: nn.Module,
    photos: Tensor,
    numbers: Tensor,
    num_regions: int,
    shown: Optional[Tensor] = None,
) -> Tensor:
    """Reads the features of regions off photos of any size.

    Args:
        encoder (nn.Module): A :class:`Pix2PixHDEncoder`, or a wrapper around one.
        photos (Tensor): [B, 3, H, W] in [-1, 1].
        numbers (Tensor): int64 [B, 1, H, W] from :func:`number_regions`.
        num_regions (int): R.
        shown (Tensor, optional): Bool [B, 1, H, W], which pixels count.

    Returns:
        Tensor: float [R, F].
    """
    stride = (encoder.module if is_model_wrapper(encoder) else encoder).stride
    maps = [pad_to_stride(tensor, stride) for tensor in (photos, numbers)]
    if shown is not None:
        shown = pad_to_stride(shown, stride)
    return encoder(*maps, num_regions, shown)


def read_features(
    encoder: nn.Module, looks: KeptLooks, numbers: Tensor, num_regions: int
) -> ReadFeatures:
    """Reads what regions keep of the looks of photos.

    Args:
        encoder (nn.Module): See :func:`encode_regions`.
        looks (KeptLooks): The photos.
        numbers (Tensor): int64 [B, 1, H, W] from :func:`number_regions`.
        num_regions (int): R.

    Returns:
        ReadFeatures: Of the R regions.
    """
    shown = looks.shown.to(numbers.device)
    photos = looks.photos.to(numbers.device).float().div(127.5).sub(1) * shown
    known = torch.bincount(numbers[shown], minlength=num_regions) > 0
    features = encode_regions(encoder, photos, numbers, num_regions, shown)
    return ReadFeatures(features, known, looks.share)


class RegionCode(nn.Module):
    """Codes of regions: features as an encoder reads them off photos, and noise.

    Source: Wang et al., CVPR 2018, for the features and their clusters; the noise is
    our own addition. Both are given per region, because instance norm would remove
    what is the same all over the map.

    Args:
        num_classes (int): Number of classes, C.
        num_features (int): Features of the encoder, F; 0 without one.
        noise_channels (int): Channels of noise, N.
        num_clusters (int): Clusters of features for each class, K.
    """

    def __init__(
        self,
        num_classes: int,
        num_features: int = 0,
        noise_channels: int = 0,
        num_clusters: int = 10,
    ) -> None:
        super().__init__()
        self.num_classes = check_num_classes(self, 'num_classes', num_classes)
        self.num_features = num_features
        self.noise_channels = check_whole(self, 'noise_channels', noise_channels)
        num_clusters = check_whole(self, 'num_clusters', num_clusters, 1)
        self.out_channels = num_features + noise_channels
        if num_features:
            # Ignored pixels, the last row, have features too.
            shape = (num_classes + 1, num_clusters, num_features)
            self.register_buffer('clusters', torch.zeros(shape))

    def fit(self, labels: np.ndarray, features: np.ndarray) -> None:
        """Clusters the features of each class; the largest cluster comes first.

        Args:
            labels (np.ndarray): Label value of each region [R]; values >= C count as
                ignored.
            features (np.ndarray): Their features [R, F].
        """
        labels = np.minimum(labels, self.num_classes)
        for label in np.unique(labels):
            own = features[labels == label].astype(np.float64)
            number = min(self.clusters.shape[1], len(own))
            centres, members = kmeans2(own, number, minit='++', seed=0)
            sizes = np.bincount(members, minlength=number)
            filled = centres[np.argsort(-sizes)[: np.count_nonzero(sizes)]]
            # Fewer regions than clusters: some centres serve twice.
            rows = filled[np.arange(self.clusters.shape[1]) % len(filled)]
            self.clusters[label] = torch.from_numpy(rows).to(self.clusters)

    def draw(
        self,
        labels: Tensor,
        rng: Optional[np.random.Generator] = None,
        read: Optional[ReadFeatures] = None,
    ) -> Tensor:
        """Draws codes to paint with.

        Args:
            labels (Tensor): Label value of each region, int64 [R].
            rng (np.random.Generator, optional): Without one, every region gets the
                largest cluster of its class, and no noise.
            read (ReadFeatures, optional): Features that the known regions keep.

        Returns:
            Tensor: float32 [R, F + N].
        """
        codes = []
        if self.num_features:
            number = self.clusters.shape[1]
            picked = labels * 0
            if rng is not None:
                picked = torch.from_numpy(rng.integers(number, size=len(labels)))
            rows = labels.clamp(max=self.num_classes)
            features = self.clusters[rows, picked.to(labels.device)]
            if read is not None:
                mixed = torch.lerp(features, read.features, read.share)
                features = torch.where(read.known.unsqueeze(1), mixed, features)
            codes.append(features)
        if self.noise_channels:
            shape = (len(labels), self.noise_channels)
            noise = np.zeros(shape) if rng is None else rng.standard_normal(shape)
            codes.append(torch.from_numpy(noise).float().to(labels.device))
        return torch.cat(codes, dim=1)

    def training_code(
        self, labels: Tensor, features: Optional[Tensor], rng: np.random.Generator
    ) -> Tensor:
        """Makes codes to train with: the photo's own features, and new noise.

        Args:
            labels (Tensor): Label value of each region, int64 [R].
            features (Tensor, optional): [R, F] of the encoder, if there is one.
            rng (np.random.Generator): Draws the noise.

        Returns:
            Tensor: float32 [R, F + N].
        """
        codes = [] if features is None else [features.float()]
        if self.noise_channels:
            noise = rng.standard_normal((len(labels), self.noise_channels))
            codes.append(torch.from_numpy(noise).float().to(labels.device))
        return torch.cat(codes, dim=1)
