"""Windows of photos compared by features of EfficientNet-Lite0: FID, KID, distance.

Inception-v3 and VGG, by which such figures are usually computed, would have to be
downloaded; the weights of EfficientNet-Lite0 come in a package. So the figures are not
those of papers: they compare windows with windows of the same photos.
"""

import math
from typing import Iterator, List, Optional, Sequence

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mmseg_ganaug.models.efficientnet_lite import WEIGHTS_PACKAGE, EfficientNetFeatures

#: What stands behind the names of the figures.
NETWORK = 'EfficientNet-Lite0'
#: Side of a window in pixels.
SIDE = 64
_TOGETHER = 32


def cut_window(
    photo: np.ndarray, mask: np.ndarray, surroundings: float = 1.5
) -> np.ndarray:
    """Cuts a square window around the middle of a mask.

    Args:
        photo: uint8 BGR [H, W, 3]; both sides are at least 64 pixels.
        mask: Bool [H, W], not empty.
        surroundings: Side of the window relative to the longer side of the mask's box;
            a window is never smaller than 64 x 64 pixels, and never larger than the
            photo. Larger ones are reduced to that size.

    Returns:
        uint8 [64, 64, 4], the photo and the mask (0 or 255).
    """
    rows, columns = np.nonzero(mask)
    spans = [(int(at.min()), int(at.max()) + 1) for at in (rows, columns)]
    longest = max(end - start for start, end in spans)
    side = min(max(SIDE, math.ceil(surroundings * longest)), *mask.shape)
    box = []
    for (start, end), have in zip(spans, mask.shape):
        first = int(np.clip((start + end - side) // 2, 0, have - side))
        box.append(slice(first, first + side))
    window = np.dstack([photo, mask * np.uint8(255)])[tuple(box)]
    if side > SIDE:
        window = cv2.resize(window, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return window


class Perception:
    """Looks at windows through a frozen EfficientNet-Lite0 trained on ImageNet.

    Args:
        checkpoint: See :class:`~mmseg_ganaug.models.EfficientNetLite`.
        device: Torch device.

    Raises:
        CheckpointError: When the weights cannot be had; says what to do.
    """

    def __init__(
        self, checkpoint: str = WEIGHTS_PACKAGE, device: Optional[str] = None
    ) -> None:
        self._device = device or ('cuda:0' if torch.cuda.is_available() else 'cpu')
        self._network = EfficientNetFeatures(checkpoint).to(self._device)

    @torch.inference_mode()
    def _looks(self, windows: np.ndarray) -> Iterator[Sequence[Tensor]]:
        """Yields the features of the windows (uint8 [N, h, w, 3 or more]), by parts."""
        for start in range(0, len(windows), _TOGETHER):
            photos = windows[start : start + _TOGETHER, ..., 2::-1]
            tensor = torch.from_numpy(photos.transpose(0, 3, 1, 2) / np.float32(127.5))
            yield self._network(tensor.to(self._device) - 1)

    def features(self, windows: np.ndarray) -> np.ndarray:
        """Computes the mean features at stride 16, for FID and KID.

        Args:
            windows: uint8 BGR [N, h, w, 3 or more].

        Returns:
            float64 [N, 112].
        """
        means = [look[-1].mean(dim=(2, 3)).cpu() for look in self._looks(windows)]
        return torch.cat(means).double().numpy()

    def distances(
        self, one: np.ndarray, two: np.ndarray, masks: np.ndarray
    ) -> np.ndarray:
        """Computes the perceptual distance of pairs of windows.

        As LPIPS (Zhang et al., CVPR 2018) without learned weights: the squared
        difference of features normalised over their channels, averaged over the
        pixels of a mask and the strides 2, 4, 8 and 16.

        Args:
            one: uint8 BGR [N, h, w, 3 or more].
            two: The same of the others.
            masks: uint8 or bool [N, h, w], what counts of the windows.

        Returns:
            float64 [N], 0 (equal) to 4.
        """
        found: List[Tensor] = []
        place = 0
        for looks in zip(self._looks(one), self._looks(two)):
            count = len(looks[0][0])
            mask = torch.from_numpy(masks[place : place + count, None] > 0).float()
            total = torch.zeros(count, dtype=torch.float64)
            for pair in zip(*looks):
                first, second = (functional.normalize(stage.cpu()) for stage in pair)
                weight = functional.interpolate(mask, first.shape[2:], mode='area')
                apart = (first - second).square().sum(dim=1, keepdim=True)
                seen = (apart * weight).sum(dim=(1, 2, 3)) / weight.sum(dim=(1, 2, 3))
                total += seen.double() / len(looks[0])
            found.append(total)
            place += count
        return torch.cat(found).numpy()


def frechet_distance(one: np.ndarray, two: np.ndarray) -> float:
    """Computes the Fréchet distance of two sets of features (Heusel et al., 2017).

    It falls with the number of features: only sets of one size are compared.

    Args:
        one: float64 [N, D].
        two: float64 [M, D].

    Returns:
        The distance; NaN where a set has fewer than two members.
    """
    if min(len(one), len(two)) < 2:
        return math.nan
    covariances = [np.cov(features, rowvar=False) for features in (one, two)]
    roots = np.linalg.eigvals(covariances[0] @ covariances[1]).real
    shared = np.sqrt(np.maximum(roots, 0)).sum()
    apart = np.square(one.mean(axis=0) - two.mean(axis=0)).sum()
    return float(apart + sum(np.trace(c) for c in covariances) - 2 * shared)


def kernel_distance(one: np.ndarray, two: np.ndarray) -> float:
    """Computes the kernel distance (KID) of two sets of features, without bias.

    Source: Binkowski et al., "Demystifying MMD GANs", ICLR 2018: the squared maximum
    mean discrepancy of the kernel (x y / D + 1) ** 3. Of sets of one distribution it
    is 0 in the mean, so it may fall below 0.

    Args:
        one: float64 [N, D].
        two: float64 [M, D].

    Returns:
        The distance; NaN where a set has fewer than two members.
    """
    if min(len(one), len(two)) < 2:
        return math.nan

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a @ b.T / a.shape[1] + 1) ** 3

    within = 0.0
    for features in (one, two):
        own, count = kernel(features, features), len(features)
        within += (own.sum() - np.trace(own)) / (count * (count - 1))
    return float(within - 2 * kernel(one, two).mean())
