"""What a photo of a label map is free in: a code for each object."""

from typing import Optional

import numpy as np
import torch
from scipy.cluster.vq import kmeans2
from torch import Tensor, nn

from mmseg_ganaug.class_option_checks import check_num_classes
from mmseg_ganaug.option_checks import check_whole


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

    def draw(self, labels: Tensor, rng: Optional[np.random.Generator] = None) -> Tensor:
        """Draws codes to paint with.

        Args:
            labels (Tensor): Label value of each region, int64 [R].
            rng (np.random.Generator, optional): Without one, every region gets the
                largest cluster of its class, and no noise.

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
            codes.append(self.clusters[rows, picked.to(labels.device)])
        if self.noise_channels:
            shape = (len(labels), self.noise_channels)
            noise = np.zeros(shape) if rng is None else rng.standard_normal(shape)
            codes.append(torch.from_numpy(noise).float().to(labels.device))
        return torch.cat(codes, dim=1)

    def training_code(
        self, labels: Tensor, features: Optional[Tensor], rng: np.random.Generator
    ) -> Tensor:
        """Codes to train with: the photo's own features, and fresh noise.

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
